"""The classic server with one fault, to see whether the generator notices it.

``python faulty.py PORT KIND``.  The fault is in the line with sequence number 10 of each talker,
for one listener.  The listener does not get it (``lose``), gets it twice (``double``), gets it
after the next line (``swap``), or gets it with a wrong letter (``alter``).  With ``echo`` the line
goes also to its own speaker.
"""

from __future__ import annotations

import socket
import sys

from benchmarks.classic import ClassicServer, serve

CHOSEN = b" 0000000a"


class FaultyServer(ClassicServer):
    """Has one fault, ``kind``.  All else is as in the classic server."""

    def __init__(self, kind: str) -> None:
        super().__init__(announce=True)
        self.kind = kind
        self.held: dict[bytes, bytes] = {}

    def tell_others(self, name: bytes, line: bytes) -> None:
        victim = self.victim_of(name)
        with self.lock:
            for other, connection in self.clients.items():
                if other == victim and CHOSEN in line:
                    self.wrong(connection, name, line)
                elif other != name:
                    self.send(connection, line)
                if other == victim and CHOSEN not in line:
                    self.send(connection, self.held.pop(name, b""))

    def victim_of(self, name: bytes) -> bytes | None:
        """Who gets the faulty line: with ``echo`` the speaker, else the first of the others."""
        if self.kind == "echo":
            return name
        return next((other for other in self.clients if other != name), None)

    def wrong(self, connection: socket.socket, name: bytes, line: bytes) -> None:
        if self.kind == "swap":
            self.held[name] = line
        elif self.kind == "double":
            self.send(connection, line + line)
        elif self.kind == "alter":
            self.send(connection, line.replace(b"granja", b"granza"))
        elif self.kind == "echo":
            self.send(connection, line)


if __name__ == "__main__":
    serve(FaultyServer(sys.argv[2]), int(sys.argv[1]))
