"""The intake: reads from all connections that have something, in one go.

A reactor calls each reader that is ready by itself, in a logging context of its own, which costs
as much as the reading.  The intake is one reader among the reactor's; behind it is an epoll set
of its own with every connection, as an epoll set can itself be polled (epoll(7)).
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, ClassVar, Final

from twisted.internet import main, tcp
from twisted.internet.interfaces import (
    IHalfCloseableDescriptor,
    IListeningPort,
    IReadDescriptor,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

#: Connections that are asked for at a time; those that were not read come first the next time.
MOST_AT_ONCE: Final = 64
#: Seconds after which whatever else is due has its turn, however many would still be read.
TURN: Final = 0.001


@implementer(IReadDescriptor)
class Intake:
    """To the connections that come in at its ports, it is the reactor.

    Everything but reading is left to the real one, whichever that is.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, reactor: Any, time: Callable[[], float]) -> None:
        self._reactor = reactor
        self._time = time
        self._readers: dict[int, Any] = {}
        self._epoll = select.epoll()
        self.fileno = self._epoll.fileno
        self.addWriter, self.removeWriter = reactor.addWriter, reactor.removeWriter
        reactor.addReader(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def logPrefix(self) -> str:  # noqa: N802
        return "intake"

    def addReader(self, reader: Any) -> None:  # noqa: N802
        descriptor = reader.fileno()
        if descriptor not in self._readers:
            self._epoll.register(descriptor, select.EPOLLIN)
            self._readers[descriptor] = reader

    def removeReader(self, reader: Any) -> None:  # noqa: N802
        descriptor = reader.fileno()
        if self._readers.get(descriptor) is reader:
            del self._readers[descriptor]
            self._epoll.unregister(descriptor)
        else:
            self._reactor.removeReader(reader)

    def doRead(self) -> None:  # noqa: N802
        enough = self._time() + TURN
        while self._read_some() == MOST_AT_ONCE and self._time() < enough:
            """There are more."""

    def _read_some(self) -> int:
        readers, ready = self._readers, self._epoll.poll(0, MOST_AT_ONCE)
        for descriptor, event in ready:
            reader = readers.get(descriptor)
            if reader is None:
                continue  # Another one has closed or paused it just now.
            try:
                why = reader.doRead() if event & select.EPOLLIN else main.CONNECTION_DONE
            except Exception as error:
                self.log.failure("{reader} failed", reader=reader)
                why = error
            if why:
                self._end(reader, why)
        return len(ready)

    def _end(self, reader: Any, why: Exception) -> None:
        self.removeReader(reader)
        failure = Failure(why)
        if why is main.CONNECTION_DONE and IHalfCloseableDescriptor.providedBy(reader):
            reader.readConnectionLost(failure)
        else:
            self.removeWriter(reader)
            reader.connectionLost(failure)

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802
        """The reactor ends."""
        self._epoll.close()


def gather(port: IListeningPort, intake: Intake) -> None:
    if isinstance(port, tcp.Port):
        port.reactor = intake
