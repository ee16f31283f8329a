"""``haproxy:`` endpoints: the server reads the PROXY header before any protocol begins.

Twisted's own wrapper stays between transport and protocol.  So the protocol first hears the proxy's
address, and it never hears of a half-close.  Here the wrapper leaves as soon as it has read the
header.  From then on the transport is like any other, and has the address of the client behind the
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

from granja.clockwork.timer import Timer
from granja.reactor.proxy_header import Header, Malformed, read_header

#: Seconds that a proxy has for the header: enough even if two of its packets are lost.
PATIENCE: Final = 5.0

#: Connections that are no proxies and wait to hear so.  We close one more at once.
MOST_STRANGERS: Final = 64

#: Whether we believe the header of a connection from this address.
Believes = Callable[[IAddress], bool]
#: Takes the address of a connection, and what was wrong with it.
Complain = Callable[[IAddress, str], None]


def expect_header(
    port: IListeningPort, clock: IReactorTime, believes: Believes, complain: Complain
) -> None:
    """Make everybody who comes in at ``port`` send a PROXY header first.

    :raises TypeError: when ``port`` is not one of Twisted's own TCP ports.
    """
    if not isinstance(port, tcp.Port):
        raise TypeError("no PROXY header can be read there")
    answers = cast(IProtocolFactory, port.factory)
    port.factory = HeaderFirst(answers, clock, believes, complain)


_STRANGER: Final = "it is none of the proxies"


class HeaderFirst(Factory):
    """:param factory: builds the protocol when the header has been read."""

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
        """The port closes.  We close every connection that has sent no whole header yet."""
        for one in list(self.waiting):
            one.leave()
        self.factory.doStop()


class AwaitHeader(Protocol):
    """One connection, until we have read its header."""

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
            return  # We refused this connection, and it still sends.
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
        """Complain about a header without an end.  A client that sent nothing is only a check."""
        if self._received and self in self._door.waiting:
            self._door.complain(self.transport.getPeer(), "its PROXY header does not end")
        self._stop_waiting()

    def leave(self) -> None:
        """Close the connection at once."""
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
