"""What an operator asks of a ledger, or of a server that runs: audit, trace, backup, admin.

It works on any ledger and imports no server.
"""
