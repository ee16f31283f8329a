"""The bytes of one connection to lines and messages, and back; no sockets, no reactor.

Words of this room:

- A *segment* is what one read of a connection gives.
- A *line* is what a farmer types; a *message* is what the server says.
- A *carrier* turns messages into the bytes of one kind of connection.
- *Talk* is a line for everybody: it is no command.
- A connection is *held* while the server reads nothing from it, and *muted* while the server also
  obeys none of the lines that it has read.
"""
