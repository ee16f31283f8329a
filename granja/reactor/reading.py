"""The intake reads from all connections that have sent something, in one go.

A reactor calls each ready connection by itself, in a logging context of its own.  That costs more
than the reading.  To the reactor the intake is only one reader.  Behind it is an epoll set with
every connection, because an epoll set can itself be polled (epoll(7)).  This makes whispers cheaper
(docs/performance/choices.md).
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, Final, cast

from twisted.internet import main, tcp
from twisted.internet.interfaces import (
    IHalfCloseableDescriptor,
    IListeningPort,
    IReactorFDSet,
    IReadDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from granja.reactor.sockets import remember_unacknowledged

#: Connections that we ask for between two looks at the clock.  The others come first next time.
#: With a larger number, one busy client can make everybody wait (docs/performance/choices.md).
MOST_AT_ONCE: Final = 16
#: Events that an epoll set always reports: the connection was reset, or is closed in both
#: directions.
ENDED: Final = select.EPOLLERR | select.EPOLLHUP
#: Seconds of reading.  Then everything else has its turn, even if more connections are ready.
TURN: Final = 0.001


@implementer(IReadDescriptor)
class Intake:
    """The reactor that connections at its ports see.

    The intake does only the reading.  It leaves everything else to the real reactor.

    :param reactor: the real one.
    :param time: measures durations, in seconds.
    :param complain: takes a line for the log; a stranger may be the cause of it.
    """

    def __init__(
        self, reactor: Any, time: Callable[[], float], complain: Callable[[str], None]
    ) -> None:
        self._reactor = reactor
        self._time = time
        self._complain = complain
        self._readers: dict[int, Any] = {}
        self._resting: set[int] = set()
        self._epoll = select.epoll()
        self.fileno = self._epoll.fileno
        self.addWriter, self.removeWriter = reactor.addWriter, reactor.removeWriter
        reactor.addReader(self)

    def serve(self, port: IListeningPort) -> None:
        """Accept and read connections at ``port``, if it is a TCP port.

        The intake also reads the port itself: a client who leaves makes room before the next comes.
        """
        if isinstance(port, tcp.Port):
            port.stopReading()
            port.reactor = cast(IReactorFDSet, self)
            port.startReading()

    def close(self) -> None:
        """Leave the reactor.  No connection may be left."""
        self._reactor.removeReader(self)
        self._epoll.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def connections(self) -> list[Any]:
        """All connections, paused or not, and the ports."""
        return list(self._readers.values())

    # -- as the connections see it ---------------------------------------------------------------

    def addReader(self, reader: Any) -> None:  # noqa: N802
        descriptor = reader.fileno()
        if self._readers.get(descriptor) is not reader:
            self._epoll.register(descriptor, select.EPOLLIN)
            self._readers[descriptor] = reader
        elif descriptor in self._resting:
            self._epoll.modify(descriptor, select.EPOLLIN)
        self._resting.discard(descriptor)

    def removeReader(self, reader: Any) -> None:  # noqa: N802
        """Stop reading.  Of a connection that only pauses we still hear that it was reset."""
        descriptor = reader.fileno()
        if self._readers.get(descriptor) is not reader:
            return
        if getattr(reader, "disconnected", True):
            del self._readers[descriptor]
            self._resting.discard(descriptor)
            self._epoll.unregister(descriptor)
        elif descriptor not in self._resting:
            self._resting.add(descriptor)
            self._epoll.modify(descriptor, 0)

    # -- as the reactor sees it ------------------------------------------------------------------

    def logPrefix(self) -> str:  # noqa: N802
        return "intake"

    def doRead(self) -> None:  # noqa: N802
        enough = self._time() + TURN
        while self._read_some() == MOST_AT_ONCE and self._time() < enough:
            pass

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802
        """Close the epoll set: the reactor has ended."""
        self._epoll.close()

    def _read_some(self) -> int:
        readers, ready = self._readers, self._epoll.poll(0, MOST_AT_ONCE)
        for descriptor, event in ready:
            reader = readers.get(descriptor)
            if reader is None or not event & (ENDED if descriptor in self._resting else ~0):
                continue  # The reader before it has just closed or paused it.
            try:
                why = self._read(descriptor, reader, event)
            except Exception as error:
                self._complain(f"{reader} failed: {error!a}")
                why = error
            if why:
                self._end(reader, why)
        return len(ready)

    def _read(self, descriptor: int, reader: Any, event: int) -> Exception | None:
        if descriptor in self._resting:
            return main.CONNECTION_LOST
        if event & select.EPOLLIN:
            return cast(Exception | None, reader.doRead())
        return main.CONNECTION_DONE

    def _end(self, reader: Any, why: Exception) -> None:
        """End a connection that gives nothing more to read.

        A failure here ends only this connection.  An exception that leaves this method would reach
        the reactor, and the reactor would drop the intake with all connections.
        """
        self.removeReader(reader)
        descriptor = reader.fileno()
        try:
            self._tell_the_end(reader, why)
        except Exception as error:
            self._complain(f"{reader} could not end: {error!a}")
            self._close_socket(descriptor, reader)

    def _close_socket(self, descriptor: int, reader: Any) -> None:
        self.removeWriter(reader)
        if self._readers.get(descriptor) is reader:
            del self._readers[descriptor]
            self._resting.discard(descriptor)
        handle = getattr(reader, "socket", None)
        if handle is not None:
            handle.close()

    def _tell_the_end(self, reader: Any, why: Exception) -> None:
        """Do what Twisted's own reactors do at the end of a connection."""
        if why is main.CONNECTION_DONE and IHalfCloseableDescriptor.providedBy(reader):
            reader.readConnectionLost(Failure(why))
        else:
            self.removeWriter(reader)
            remember_unacknowledged(reader)
            reader.connectionLost(Failure(why))
