"""Granja's ways with Twisted: reading, sending, turns of obeying, TLS that closes by halves.

Words of this room:

- A *descriptor* is the number by which the system knows an open file or socket.
- A *wire* is how bytes leave by one kind of transport.
- The *turn* of a connection is the short time in which the server works for it.
- To *seal* is to make TLS records of bytes; to *open* is the reverse.
"""
