"""Several nodes as one farm: what is said, who is here, and what one node asks of another.

Words of this room:

- A *node* is one server of a farm.  Its number is the *writer* of its lease.
- A *tick* is a message to all other nodes: everything that happened here since the last tick.
- An *entry* is one thing in a tick.
- A *neighbour* is another node, as this node knows it.
- A *census* is the people of one node, with a checksum.
- To *bury* a node is to tell the others that it has ended.
- To *adopt* a farmer is to let them linger here after their node has ended.
"""
