"""The terminal client: another way in, which knows the wire and nothing of the market.

Words of this room:

- The *person* sits at the terminal.  A *conversation* is theirs, over one or more connections.
- A *pass* brings the person back after a lost connection.
- The *surroundings* are what the client knows about the granja.
- A *draft* is a line that is half typed.
"""

from granja.client.start import main

__all__ = ["main"]
