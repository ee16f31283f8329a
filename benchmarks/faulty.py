"""The classic server with one fault, to see that the generator sees it.

``python faulty.py PORT KIND``: one listener gets the line with the sequence number 10 of every
talker not at all (``lose``), twice (``double``), after the next one (``swap``), with another letter
(``alter``), or its own speaker gets it too (``echo``).
"""

from __future__ import annotations

import socket
import sys

from benchmarks.classic import ClassicServer, serve

CHOSEN = b" 0000000a"


class FaultyServer(ClassicServer):
    """What is wrong is ``kind``; everything else is as it should be."""

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
        """Who gets it wrong: the speaker when it is an echo, else the first of the others."""
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
