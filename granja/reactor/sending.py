"""Wires: how bytes leave, by the kind of transport.

Both kinds send as much as goes out now, say how much that was, and call ``ready`` of the listener
when more would go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from twisted.internet import tcp
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.logger import Logger
from zope.interface import implementer

from granja.reactor.half_close import HalfClosingTLS
from granja.reactor.sockets import account_of, unacknowledged

#: Bytes that can be sent without being copied.
Readable = bytes | memoryview
#: Returns how many bytes were sent.
Send = Callable[[Readable], int]


class Waiter(Protocol):
    """Who has more to send."""

    def ready(self) -> None:
        """The transport takes bytes again."""

    def broken(self) -> None:
        """The transport is of no use any more."""


class Wire(Protocol):
    """``limit``: how many bytes a :meth:`send` should have, give or take one message."""

    limit: int
    #: Whether :meth:`lose` needs nothing of the peer.
    closes_alone: bool

    def send(self, data: Readable) -> int:
        """Send now what can be sent of ``data``; return how many bytes that was.

        :raises OSError: when it is nothing.
        """

    def send_all(self, buffers: list[Readable]) -> int:
        """The same for several, in order; nothing is no error here."""

    def wait(self, head: Callable[[], bytes]) -> None:
        """After a write that took less than all: call ``ready`` when more can be taken.

        :param head: gives the next few bytes, up to the end of a message, to a transport that
            tells of its readiness only after it had something to do.
        """

    def rest(self) -> None:
        """Nothing is waited for any more."""

    def lose(self) -> None:
        """Close the connection in good order."""

    def is_cut(self) -> bool:
        """Whether the peer is known to be gone, which nothing tells while nothing is read."""

    def acknowledged(self) -> int | None:
        """How many bytes the peer's system has taken in all; None where nobody knows."""

    def unacknowledged(self) -> int:
        """How many bytes of what was sent it has not taken, or had not when it was lost."""


def wire(transport: Any, shared: bool, listener: Waiter) -> AnyWire:
    """The wire for ``transport``.

    :param shared: whether others write to it too.
    """
    if isinstance(transport, tcp.Connection) and not transport.TLS and not shared:
        return DirectWire(transport, listener)
    below = getattr(transport, "transport", None) if shared else transport
    if isinstance(below, tcp.Connection) and not below.TLS:
        return SharedWire(transport, below, below.getHandle().send, listener)
    if isinstance(below, HalfClosingTLS) and isinstance(below.transport, tcp.Connection):
        return SharedWire(transport, below.transport, below.send, listener)
    return TransportWire(transport, listener)


def below_all(transport: Any) -> tcp.Connection | None:
    """What a WebSocket, or TLS, or one over the other is spoken over."""
    below = transport
    while not isinstance(below, tcp.Connection) and below is not None:
        below = getattr(below, "transport", None)
    return below


def _acknowledged(transport: tcp.Connection) -> int | None:
    account = account_of(transport)
    return None if account is None else account.acknowledged


def _has_lost_its_peer(transport: tcp.Connection) -> bool:
    try:
        transport.getHandle().getpeername()
    except (OSError, AttributeError):
        return True  # After a reset the socket has no peer any more.
    return False


@implementer(IPullProducer)
class DirectWire:
    """Plain TCP: a non-blocking send on the transport's own socket while the transport is idle.

    One send costs half of ``transport.write``, which asks the reactor twice (to tell when the
    socket is writable, and to stop telling).  What the socket does not take waits with us; the
    transport gets the rest of one line, and asks for more as soon as that is gone.  Nobody else
    writes to it, so when nothing waits with us the transport is idle; looking made a round of
    writing to a crowd 5 % longer.
    """

    __slots__ = ("_listener", "_waiting", "send", "transport")

    #: Views of shared blocks, so nothing is copied.
    limit = 1 << 20
    closes_alone = True

    def __init__(self, transport: tcp.Connection, listener: Waiter) -> None:
        transport.setTcpNoDelay(True)
        self.transport = transport
        self.send = transport.getHandle().send
        self._listener = listener
        self._waiting = False

    def send_all(self, buffers: list[Readable]) -> int:
        if self.transport.disconnected:
            return sum(
                map(len, buffers)
            )  # It has no socket any more, and its listener will hear of it.
        try:
            if len(buffers) == 1:
                return self.send(buffers[0])
            return self.transport.getHandle().sendmsg(buffers)
        except OSError:
            return 0

    def wait(self, head: Callable[[], bytes]) -> None:
        self.transport.write(head())
        if not self._waiting:
            # Not streaming: those hear of an empty buffer only if it was over 64 KB.
            self.transport.registerProducer(self, False)
            self._waiting = True

    def rest(self) -> None:
        if self._waiting:
            self._waiting = False
            self.transport.unregisterProducer()

    def lose(self) -> None:
        self.transport.loseConnection()

    def is_cut(self) -> bool:
        return _has_lost_its_peer(self.transport)

    def acknowledged(self) -> int | None:
        return _acknowledged(self.transport)

    def unacknowledged(self) -> int:
        return unacknowledged(self.transport)

    def resumeProducing(self) -> None:  # noqa: N802
        # The first call comes from within registerProducer and means nothing.
        if self._waiting:
            self._listener.ready()

    def stopProducing(self) -> None:  # noqa: N802
        self._waiting = False


@implementer(IPushProducer)
class TransportWire:
    """Doubles in tests, and whatever else there may be: the transport's own way.

    While the transport asks to pause, nothing is given to it, so what it keeps is bounded by its
    own buffer's size and one write.
    """

    __slots__ = ("_broken", "_listener", "_paused", "_registered", "transport")

    log: ClassVar[Logger] = Logger()
    limit = 1 << 14
    #: TLS waits for the peer's close_notify, and before that for its handshake.
    closes_alone = False

    def __init__(self, transport: Any, listener: Waiter) -> None:
        self.transport = transport
        self._broken = self._paused = False
        self._registered = True
        self._listener = listener
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
        try:
            transport.registerProducer(self, True)
        except RuntimeError:
            # twisted.web's channel stays registered after an upgrade to WebSocket; it would stop
            # reading for as long as we are slow to be read.
            transport.unregisterProducer()
            transport.registerProducer(self, True)

    def send(self, data: Readable) -> int:
        size = len(data)
        if self._broken or self.transport.disconnecting:
            return size
        if self._paused:
            return 0
        try:
            self.transport.write(bytes(data))
        except Exception:
            # One transport's trouble must not stop the flush for the others.
            self.log.failure("A transport failed to write")
            self._broken = True
            self._listener.broken()
        return size

    def send_all(self, buffers: list[Readable]) -> int:
        return self.send(b"".join(buffers))

    def wait(self, head: Callable[[], bytes]) -> None:
        """The transport resumes by itself; if it never paused, it takes more now."""
        if not self._paused:
            self._listener.ready()

    def rest(self) -> None:
        """The producer stays, to be paused again."""

    def is_cut(self) -> bool:
        below = below_all(self.transport)
        return below is not None and _has_lost_its_peer(below)

    def acknowledged(self) -> int | None:
        below = below_all(self.transport)
        return None if below is None else _acknowledged(below)

    def unacknowledged(self) -> int:
        below = below_all(self.transport)
        return 0 if below is None else unacknowledged(below)

    def lose(self) -> None:
        # TLS does not close as long as there is a producer.
        if self._registered:
            self._registered = False
            self.transport.unregisterProducer()
        self.transport.loseConnection()

    def pauseProducing(self) -> None:  # noqa: N802
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        self._paused = False
        self._listener.ready()

    def stopProducing(self) -> None:  # noqa: N802
        self._registered = False


class SharedWire(TransportWire):
    """A WebSocket, TLS, or both: a send on the socket itself while the transport below is idle.

    Others write to that transport too: pongs, closing frames, TLS's own records.  While it has
    something of anybody the transport's own way is taken, and it gets the rest of what the socket
    does not take: so all leave in the order in which they came.  One send instead of a write saves
    two calls of epoll, and a timer with TLS.

    :param below: the TCP transport.
    :param send: says how many bytes it took; with TLS, all or none.

    Whether the transport is idle Twisted says nowhere: ``twisted.internet.abstract.FileDescriptor``
    keeps what waits in ``dataBuffer``, from ``offset`` on, and in ``_tempDataBuffer``.
    """

    __slots__ = ("_below", "_send")

    limit = 1 << 16

    def __init__(self, transport: Any, below: tcp.Connection, send: Send, listener: Waiter) -> None:
        super().__init__(transport, listener)
        below.setTcpNoDelay(True)
        self._below: Any = below
        self._send = send

    def send(self, data: Readable) -> int:
        below = self._below
        if (
            self._paused
            or self._broken
            or self.transport.disconnecting
            or below._tempDataBuffer
            or below.offset != len(below.dataBuffer)
            or below.disconnected
        ):
            return super().send(data)
        try:
            sent = self._send(data)
        except OSError:
            sent = 0  # The transport finds out what it is, and says so in its own way.
        if sent != len(data):
            super().send(data[sent:])
        return len(data)


AnyWire = DirectWire | TransportWire
