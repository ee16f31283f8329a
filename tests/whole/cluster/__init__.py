"""Break a whole farm of three nodes, again and again, while people talk and trade; believe nothing.

``python -m tests.whole.cluster --faults 300``

There are a primary and its synchronous standby, one nats-server, and three ``twistd granja``.
Every link from a node to the database and to the bus goes through a wire.  The test can cut it,
stall it, or make it lose one direction.  Farmers, registered ones and visitors, talk with numbered
lines, whisper, offer and swap at all nodes.  A schedule from a seed kills nodes and the primary,
stops processes, and breaks links.  After each round of faults the test mends everything, and then
checks:

* the audit of the ledger passes: the chain holds, and declared copies are held or have left;
* every trade and ring that anybody heard of is on record, once; no refused one is;
* ``:u`` is the same at all nodes, and lists the people who are here, in the same order;
* each node is at the last entry, and its market is the one that the audit finds;
* at each node, one talker's lines came in order, none twice; missing lines were told as missed, to
  the line, unless their node had died.
"""
