"""Break a whole farm of three nodes, again and again, while people talk and trade; believe nothing.

``python -m tests.whole.cluster --faults 300``

A primary and its synchronous standby, one nats-server, three ``twistd granja``; every link from a
node to the database and to the bus goes through a wire that can be cut, stalled, or lose what goes
one way.  Farmers, registered ones and visitors, talk with numbered lines, whisper, offer and swap
at all nodes.  A schedule that a seed gives kills nodes and the primary, stops processes, breaks
links.  After each round of faults everything is mended, and then:

* the audit of the ledger passes: the chain holds, and what was declared is what is held or left;
* every trade and ring that anybody was told of is on record, once; none that was refused is;
* ``:u`` is the same at all nodes, and says who is here, in the same order;
* each node is at the last entry, and its market is the one that the audit finds;
* at each node, lines of one talker were heard in order, none twice; and what was not heard was
  told as missed, to the line, unless its node had died.
"""
