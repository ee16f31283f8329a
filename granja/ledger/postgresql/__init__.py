"""A ledger that several nodes share: ``postgresql://…``.  Needs ``granja[cluster]``.

Words of this room:

- A *node* is one server of a farm.  The *writer* is the number of its present lease.
- A *lease* is a node's right to write, for some seconds at a time.  Another node may end it when
  its time is over: then the first node is *fenced*.
- The *turn* is the lock on the head: its holder appends next.
- The *way* is the connection of the writing thread, with its number at the database and the turn.
- A *holder* is a row of the table of names.
- A database is *away* while we cannot reach it.
- The *writer*, *desk*, *keeper* and *watchdog* are a node's threads.
"""
