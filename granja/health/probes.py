"""Probes: whether the server is alive, and whether it is ready.  Both really try it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import (
    SSL4ClientEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
)
from twisted.internet.interfaces import IListeningPort, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from granja.clockwork.timer import Timer
from granja.reactor.descriptors import answers_at

#: Seconds that a connection has to get the question.
PATIENCE: Final = 2.0
#: Seconds between two test writes, while the last write was not stored.
RETRY: Final = 5.0


class Asked(Protocol):
    """A connection of our own.  ``answered`` fires with whether somebody was there."""

    def __init__(self) -> None:
        self.answered: Deferred[bool] = Deferred()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """The first bytes are the question, or say that the farm is full: the server is awake."""
        self._fire(True)

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self._fire(False)

    def _fire(self, alive: bool) -> None:
        if not self.answered.called:
            self.answered.callback(alive)
            if self.transport is not None:
                self.transport.abortConnection()  # type: ignore[attr-defined]


class Quiet(Factory):
    """Makes one connection, and logs nothing about it."""

    noisy = False

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def buildProtocol(self, addr: object) -> Asked:  # noqa: N802
        return self._asked


class Liveness:
    """Whether a new connection gets the question: a server that does not answer is not alive.

    :param ports: where the farm listens.  We try the first one that we can connect to.
    """

    def __init__(self, reactor: Any, ports: Sequence[IListeningPort]) -> None:
        self._reactor = reactor
        self._ports = ports

    def look(self) -> Deferred[bool]:
        """Fires with the answer within :data:`PATIENCE` seconds."""
        door = next(filter(None, map(self._door, self._ports)), None)
        if door is None:
            return succeed(True)  # We can try no door.  It is enough that this code runs.
        asked = Asked()
        connecting = door.connect(Quiet(asked))
        connecting.addCallbacks(lambda _: None, lambda _: asked._fire(False))
        asked.answered.addTimeout(PATIENCE, self._reactor, lambda *_: False)
        return asked.answered.addBoth(self._done, connecting, asked)

    def _done(self, alive: bool, connecting: Deferred[Any], asked: Asked) -> bool:
        connecting.cancel()
        if asked.transport is not None:
            asked.transport.abortConnection()  # type: ignore[attr-defined]
        return alive

    def _door(self, port: IListeningPort) -> IStreamClientEndpoint | None:
        if isinstance(port, unix.Port):
            path = port.getHost().name
            return UNIXClientEndpoint(self._reactor, path)
        if not isinstance(port, tcp.Port):
            return None
        host = port.getHost()
        address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.host, host.host)
        if isinstance(answers_at(port), TLSMemoryBIOFactory):
            anybody = CertificateOptions(verify=False)
            return SSL4ClientEndpoint(self._reactor, address, host.port, anybody)
        kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        return kind(self._reactor, address, host.port)


class Readiness:
    """Whether trades can be stored.

    :param why_not: tells what is in the way, in a few words; None when nothing is.
    :param write: stores something without consequence, to see whether that works again.
    """

    def __init__(
        self,
        clock: Any,
        why_not: Callable[[], str | None],
        write: Callable[[], Deferred[Any]],
    ) -> None:
        self._why_not = why_not
        self._write = write
        self._timer = Timer(clock, self._try)

    def look(self) -> str | None:
        """What is in the way; None when the server is ready."""
        found = self._why_not()
        if found is not None:
            self._timer.start(RETRY)
        return found

    def _try(self) -> None:
        if self._why_not() is not None:
            self._write().addBoth(lambda _: self.look())

    def start(self) -> None:
        """Do nothing: it starts by itself, when somebody finds the server not ready."""

    def stop(self) -> None:
        self._timer.stop()
