"""What an operator asks of a ledger: audit, trace, backup.

It works on any ledger and imports no server.
"""
