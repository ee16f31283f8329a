"""The bytes of one connection to lines and messages, and back; no sockets, no reactor."""
