"""What commands do with artifacts, and who hears of it; knows people, not connections.

Words of this room:

- An *offer* is for one person; a *swap* is for anybody.  Both stand until they end.
- A *ring* is a circle of swaps that settle together.
- A farmer's *door* is closed while they take no new offers.
- *Frozen* means that a moderator has stopped all trading.
- A *hint* tells somebody that they could close a ring.
"""
