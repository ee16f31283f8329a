"""PROTOCOL.md as code: ids, catalog, errors, messages, commands, answers; all Spanish that a server says is here."""
