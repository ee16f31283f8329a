"""``haproxy:`` endpoints: the PROXY header is read before anybody answers.

Twisted's own wrapper stays between the transport and the protocol, which therefore hears the
proxy's address when it begins, and of no half-close.  Here the transport is handed on as soon as
the header has been read: from then on it is like any other, with the address of who is behind the
proxy.  TLS comes after the header, as proxies send it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from twisted.internet import tcp
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from granja.reactor.clockwork import Timer
from granja.reactor.proxy_header import Header, Malformed, read_header

#: Seconds that a proxy may take to send the header: two of its packets may get lost.
PATIENCE: Final = 5.0

#: Connections of others than proxies that may wait to be told so; they get no further.
MOST_STRANGERS: Final = 64

#: Whether the header of who connects from there is believed.
Believes = Callable[[IAddress], bool]
#: Takes who it was, and what was wrong.
Complain = Callable[[IAddress, str], None]


def expect_header(
    port: IListeningPort, clock: IReactorTime, believes: Believes, complain: Complain
) -> None:
    """Have everybody who comes in at ``port`` send a PROXY header first.

    :raises TypeError: when what listens there is not Twisted's own port.
    """
    if not isinstance(port, tcp.Port):
        raise TypeError("no PROXY header can be read there")
    answers = cast(IProtocolFactory, port.factory)
    port.factory = HeaderFirst(answers, clock, believes, complain)


_STRANGER: Final = "it is none of the proxies"


class HeaderFirst(Factory):
    """:param factory: what answers when the header has been read."""

    noisy = False

    def __init__(
        self,
        factory: IProtocolFactory,
        clock: IReactorTime,
        believes: Believes,
        complain: Complain,
    ) -> None:
        self.factory = factory
        self.clock = clock
        self.believes = believes
        self.complain = complain
        self.waiting: set[AwaitHeader] = set()
        self.strangers: set[AwaitHeader] = set()

    def buildProtocol(self, addr: IAddress | None) -> AwaitHeader:  # noqa: N802
        return AwaitHeader(self)

    def doStop(self) -> None:  # noqa: N802
        """The port is closed: whoever has sent no header yet comes too late."""
        for one in list(self.waiting):
            one.leave()
        self.factory.doStop()


class AwaitHeader(Protocol):
    """One connection, until its header has been read."""

    transport: tcp.Server

    def __init__(self, door: HeaderFirst) -> None:
        self._door = door
        self._received = b""
        self._timer = Timer(door.clock, self._too_late)

    def connectionMade(self) -> None:  # noqa: N802
        door = self._door
        door.waiting.add(self)
        self._timer.start(PATIENCE)
        if not door.believes(self.transport.getPeer()):
            if len(door.strangers) >= MOST_STRANGERS:
                door.complain(self.transport.getPeer(), _STRANGER)
                self.leave()
            else:
                door.strangers.add(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self not in self._door.waiting:
            return  # It was refused, and goes on talking.
        self._received += data
        try:
            if self in self._door.strangers:
                raise Malformed(_STRANGER)
            header = read_header(self._received)
        except Malformed as error:
            self._refuse(str(error))
            return
        if header is not None:
            self._let_in(header)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        """Who has sent nothing at all only looked whether there is somebody."""
        if self._received and self in self._door.waiting:
            self._door.complain(self.transport.getPeer(), "its PROXY header does not end")
        self._stop_waiting()

    def leave(self) -> None:
        """Close at once."""
        self._stop_waiting()
        self.transport.abortConnection()

    def _let_in(self, header: Header) -> None:
        self._stop_waiting()
        transport: Any = self.transport
        source = header.source
        if source is not None:
            transport.getPeer = lambda: source
            transport.proxied = True
        protocol = self._door.factory.buildProtocol(transport.getPeer())
        if protocol is None:
            transport.loseConnection()
            return
        transport.protocol = protocol
        protocol.makeConnection(transport)
        if header.rest and transport.connected:
            protocol.dataReceived(header.rest)

    def _too_late(self) -> None:
        self._refuse(f"it sent no PROXY header within {PATIENCE:g} s")

    def _refuse(self, why: str) -> None:
        self._stop_waiting()
        self._door.complain(self.transport.getPeer(), why)
        self.transport.loseConnection()

    def _stop_waiting(self) -> None:
        self._door.waiting.discard(self)
        self._door.strangers.discard(self)
        self._timer.stop()
