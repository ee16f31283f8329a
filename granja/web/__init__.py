"""The web page, and the WebSocket that carries the same conversation as TCP.

Words of this room:

- A *frame* is a unit of WebSocket: a message, a piece of one, or a *control* frame.
- A *greeting* is the request with which a browser asks for a WebSocket.
- An *origin* is where a page comes from; a *host* is the name that a browser asks for.
- A connection is *behind* while some frames that have come wait for their turn.
- A connection is *full* while its transport has more to write than the peer reads.
"""
