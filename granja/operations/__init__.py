"""What an operator asks of a ledger, or of a server that runs: audit, trace, backup, admin.

It works on any ledger and imports no server.

Words of this room:

- An *audit* replays a whole ledger and believes nothing.
- A *trace* is the way of an artifact, or of a farmer, through a ledger.
- An *archive* is a closed file with old entries; a ledger *goes on from* it.
"""
