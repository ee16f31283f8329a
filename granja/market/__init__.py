"""The rules of trading; knows no sockets, disks or clocks.

Words of this room:

- A *fact* is something that happened.  The market decides it, and the ledger keeps it.
- An *offer* is from a *maker* to one *taker*; a *swap* is from a maker to anybody.
- An offer is *pending*, and a swap *stands*, until it ends.
- A *void* offer or swap ends because something that it needs is gone.
- A *ring* is a circle of swaps that *settle* together.
- A *spare* is an artifact that a farmer has twice or more.
- A *wish* is what a farmer seeks and gives.
- A *slot* is a position of a bit in a column.
- *News* is what a farmer who is away has not heard.
"""
