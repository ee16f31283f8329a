"""The web page, and the WebSocket that carries the same conversation as TCP."""
