"""PROTOCOL.md as code: ids, catalog, errors, messages, commands, answers.

All Spanish that a server says is here.
"""
