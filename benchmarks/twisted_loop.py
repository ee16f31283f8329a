"""The plain Twisted chat server: one ``LineReceiver`` a client, and a loop of ``sendLine``.

``python twisted_loop.py PORT [quiet]``.  The wire format is that of ``native/fanout.c``.
"""

from __future__ import annotations

import sys

from twisted.internet.epollreactor import install
from twisted.internet.interfaces import IAddress, ITCPTransport
from twisted.internet.protocol import ServerFactory
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure


class LoopProtocol(LineReceiver):
    """One client.  Its first line is its name; the others are talk or a whisper."""

    def __init__(self, room: LoopFactory) -> None:
        self.room = room
        self.name = b""

    def connectionMade(self) -> None:  # noqa: N802
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        if not self.name:
            self.arrive(line)
        elif line.startswith(b":p "):
            _, to, text = line.split(b" ", 2)
            self.room.clients[to].send(self.name + b" te susurra: " + text)
        else:
            self.room.tell_others(self, self.name + b": " + line)

    def send(self, line: bytes) -> None:
        self.sendLine(line)  # type: ignore[no-untyped-call]

    def arrive(self, name: bytes) -> None:
        self.name = name
        self.send(b"ok")
        if self.room.announce:
            self.room.tell_others(self, b"+" + name)
        self.room.clients[name] = self

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self.room.clients.pop(self.name, None)


class LoopFactory(ServerFactory):
    """Holds the clients by name."""

    def __init__(self, announce: bool) -> None:
        self.announce = announce
        self.clients: dict[bytes, LoopProtocol] = {}

    def buildProtocol(self, addr: IAddress | None) -> LoopProtocol:  # noqa: N802
        return LoopProtocol(self)

    def tell_others(self, speaker: LoopProtocol, line: bytes) -> None:
        for client in self.clients.values():
            if client is not speaker:
                client.sendLine(line)  # type: ignore[no-untyped-call]


def main(port: int, announce: bool) -> None:
    install()
    from twisted.internet import reactor

    reactor.listenTCP(port, LoopFactory(announce), backlog=1024, interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), announce="quiet" not in sys.argv[2:])
