"""How the farm is, for machines that watch it; reads what the rooms count, and changes nothing.

Words of this room:

- A server is *alive* if it answers a connection, and *ready* if trades can be stored.
- A *stall* is a time in which the reactor could do nothing else.
- A *supervisor* is a program, such as systemd, that starts the server and restarts it.
"""
