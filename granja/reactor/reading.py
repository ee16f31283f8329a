"""The intake: reads from all connections that have sent something, in one go.

A reactor calls each reader that is ready by itself and in a logging context of its own, which
costs more than the reading.  The intake is one reader to the reactor, whichever that is; behind it
is an epoll set of its own with every connection, since an epoll set can itself be polled
(epoll(7)).  A fifth of the time of a whisper is saved by that.
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

#: Connections that are asked for at a time, between two looks at the clock; the others come first
#: the next time.  With 64, who makes much work kept everybody waiting for seconds.
MOST_AT_ONCE: Final = 16
#: What an epoll set tells of a connection whether it is asked or not: it was reset, or both of its
#: directions are closed.
ENDED: Final = select.EPOLLERR | select.EPOLLHUP
#: Seconds after which whatever else is due has its turn, however many would still be read.
TURN: Final = 0.001


@implementer(IReadDescriptor)
class Intake:
    """To the connections that come in at its ports, it is their reactor.

    Everything but reading is left to the real one.

    :param reactor: the real one.
    :param time: measures how long things take, in seconds.
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
        """Let connections in at ``port``, and read from them, if it is a TCP port.

        The port itself too, so that who has left makes room before somebody else comes in.
        """
        if isinstance(port, tcp.Port):
            port.stopReading()
            port.reactor = cast(IReactorFDSet, self)
            port.startReading()

    def close(self) -> None:
        """Leave the reactor; no connection may be left."""
        self._reactor.removeReader(self)
        self._epoll.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def connections(self) -> list[Any]:
        """Whoever is connected, read from or not, and the ports."""
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
        """From a connection that only pauses, one thing is still heard: that it was reset."""
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
        """The reactor has ended."""
        self._epoll.close()

    def _read_some(self) -> int:
        readers, ready = self._readers, self._epoll.poll(0, MOST_AT_ONCE)
        for descriptor, event in ready:
            reader = readers.get(descriptor)
            if reader is None or not event & (ENDED if descriptor in self._resting else ~0):
                continue  # Another one has closed or paused it just now.
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
        """Nothing more can be read.  Whatever fails now ends this connection, and nobody else's.

        An exception that left this method would reach the reactor, which would drop the intake
        with everybody behind it.
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
        """The same as every reactor of Twisted does then."""
        if why is main.CONNECTION_DONE and IHalfCloseableDescriptor.providedBy(reader):
            reader.readConnectionLost(Failure(why))
        else:
            self.removeWriter(reader)
            remember_unacknowledged(reader)
            reader.connectionLost(Failure(why))
