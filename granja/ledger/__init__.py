"""Ledgers: where facts become durable.

Words of this room:

- An *entry* is a fact in a ledger, with its number, its time and its hash.
- The *chain* is all entries in order.  Each hash covers the hash of the entry before it.
- The *head* is the last entry of a chain.
- A *snapshot* is a state of the market that a ledger keeps beside the chain.
- *Beside the chain* are things that a ledger keeps and may forget: passes, homes, and others.
- The *lane* decides, records, applies and tells, in one order for the whole farm.
- A *verifier* is what a ledger keeps instead of a password.
- A *halted* ledger stores nothing more until the server starts again.
"""

from granja.ledger.url import open_archive, open_ledger

__all__ = ["open_archive", "open_ledger"]
