"""Wires: how bytes leave, by the kind of transport.

Each wire sends as many bytes as the transport takes now and returns their number.  It calls
``ready`` of the listener when the transport takes more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from OpenSSL.SSL import Error
from twisted.internet import tcp
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.logger import Logger
from zope.interface import implementer

from granja.reactor.half_close import HalfClosingTLS
from granja.reactor.records import MOST
from granja.reactor.sockets import account_of, unacknowledged

#: Bytes that we can send without a copy.
Readable = bytes | memoryview
#: Returns how many bytes were sent.
Send = Callable[[Readable], int]


class Waiter(Protocol):
    """The one who has more to send."""

    def ready(self) -> None:
        """The transport takes bytes again."""

    def broken(self) -> None:
        """The transport cannot be used any more."""


class Wire(Protocol):
    """``limit``: how many bytes a :meth:`send` should have, plus or minus one message."""

    limit: int
    #: Whether :meth:`lose` works without the peer.
    closes_alone: bool

    def send(self, data: Readable) -> int:
        """Send as much of ``data`` as goes now.

        :return: how many bytes were sent.
        :raises OSError: when no byte was sent.
        """

    def send_all(self, buffers: list[Readable]) -> int:
        """Send several buffers in order.  Here it is no error when no byte goes."""

    def wait(self, head: Callable[[], bytes]) -> None:
        """Call ``ready`` when the transport takes more.  Use this after a write that took less.

        :param head: gives the next few bytes, up to the end of a message.  Some transports report
            that they are ready only after they had something to send.
        """

    def rest(self) -> None:
        """Stop waiting: nothing more is to be sent."""

    def lose(self) -> None:
        """Close the connection properly."""

    def is_cut(self) -> bool:
        """Whether we know that the peer is gone.  While nobody reads, nothing else reports this."""

    def acknowledged(self) -> int | None:
        """How many bytes the peer's system has taken in all; None if nobody knows."""

    def unacknowledged(self) -> int:
        """How many sent bytes the peer's system has not taken (or had not, when it was lost)."""


def wire(transport: Any, shared: bool, listener: Waiter) -> AnyWire:
    """The wire for ``transport``.

    :param shared: whether others also write to it.
    """
    if isinstance(transport, tcp.Connection) and not transport.TLS and not shared:
        return DirectWire(transport, listener)
    below = getattr(transport, "transport", None) if shared else transport
    if isinstance(below, tcp.Connection) and not below.TLS:
        return SharedWire(transport, below, below.getHandle().send, listener)
    if isinstance(below, HalfClosingTLS) and isinstance(below.transport, tcp.Connection):
        return SecureWire(transport, below, below.transport, listener)
    return TransportWire(transport, listener)


def below_all(transport: Any) -> tcp.Connection | None:
    """The TCP connection below a WebSocket, below TLS, or below both; None if there is none."""
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
        return True  # After a reset the socket has no peer.
    return False


@implementer(IPullProducer)
class DirectWire:
    """Plain TCP: a non-blocking send on the transport's own socket while the transport is idle.

    A send is cheaper than ``transport.write``, which asks the reactor twice: to tell when the
    socket is writable, and to stop telling.  The listener keeps what the socket does not take.  The
    transport gets only the rest of one line, and asks for more when that is gone.  Nobody else
    writes to this transport: when nothing waits, it is idle, and no check is needed.
    """

    __slots__ = ("_listener", "_waiting", "send", "transport")

    #: Large, because the data are views of shared blocks and nobody copies them.
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
            return sum(map(len, buffers))  # The socket is gone.  The listener will hear of it.
        try:
            if len(buffers) == 1:
                return self.send(buffers[0])
            return self.transport.getHandle().sendmsg(buffers)
        except OSError:
            return 0

    def wait(self, head: Callable[[], bytes]) -> None:
        self.transport.write(head())
        if not self._waiting:
            # Not streaming: a streaming producer hears of an empty buffer only above 64 KB.
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
        # The first call comes from registerProducer itself and means nothing.
        if self._waiting:
            self._listener.ready()

    def stopProducing(self) -> None:  # noqa: N802
        self._waiting = False


@implementer(IPushProducer)
class TransportWire:
    """Any other transport, such as the doubles in tests: it uses the transport's own ``write``.

    While the transport asks to pause, the wire gives it nothing.  So the transport keeps at most
    its own buffer's size and one write.
    """

    __slots__ = ("_broken", "_listener", "_paused", "_registered", "transport")

    log: ClassVar[Logger] = Logger()
    limit = 1 << 14
    #: TLS waits for the peer's close_notify, and earlier for the handshake.
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
            # twisted.web's channel stays registered after an upgrade to WebSocket.  It would stop
            # reading while the peer reads slowly.
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
            # A failure of one transport must not stop the flush for the others.
            self.log.failure("A transport failed to write")
            self._broken = True
            self._listener.broken()
        return size

    def send_all(self, buffers: list[Readable]) -> int:
        return self.send(b"".join(buffers))

    def wait(self, head: Callable[[], bytes]) -> None:
        """Wait for the transport to resume.  If it never paused, it takes more now."""
        if not self._paused:
            self._listener.ready()

    def rest(self) -> None:
        """Do nothing: the producer stays, because the transport may pause again."""

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
        # TLS does not close while there is a producer.
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
    """A WebSocket: a send on the socket itself while the transport below is idle.

    Others write to that transport too: pongs, closing frames.  While bytes wait
    there, this wire uses the transport's own ``write``.  The transport also gets what the socket
    does not take.  So all bytes leave in the order in which they came.  A send instead of a write
    saves two calls of epoll.

    Twisted has no way to ask whether a transport is idle.  Its ``FileDescriptor``
    (``twisted.internet.abstract``) keeps the bytes that wait in ``dataBuffer``, and in
    ``_tempDataBuffer``.  Both are empty again when the socket has taken everything.

    :param below: the TCP transport.
    :param send: returns how many bytes it took.
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
            or below.dataBuffer
            or below.disconnected
        ):
            return super().send(data)
        try:
            sent = self._send(data)
        except OSError:
            sent = 0  # The transport will find the error and report it in its own way.
        if sent != len(data):
            super().send(data[sent:])
        return len(data)


class SecureWire(TransportWire):
    """TLS, or a WebSocket by TLS: the same as :class:`SharedWire`, with records between.

    :param tls: makes the records.
    :param below: the TCP transport.
    """

    __slots__ = ("_below", "_records", "_send", "_tls", "_web")

    limit = 1 << 16

    def __init__(
        self, transport: Any, tls: HalfClosingTLS, below: tcp.Connection, listener: Waiter
    ) -> None:
        super().__init__(transport, listener)
        below.setTcpNoDelay(True)
        self._below: Any = below
        self._tls = tls
        self._records = tls.records
        #: The WebSocket, if there is one.  TLS itself is not ready while it closes.
        self._web: Any = None if transport is tls else transport
        self._send: Send = below.getHandle().send

    def send(self, data: Readable) -> int:
        below, web, size = self._below, self._web, len(data)
        if (
            below._tempDataBuffer
            or below.dataBuffer
            or not self._records.ready
            or (web is not None and web.disconnecting)
            or size > MOST
        ):
            return super().send(data)
        try:
            sealed = self._records.seal(data)
        except Error:
            self._tls.broken()
            return size
        if not sealed:
            return super().send(data)
        try:
            sent = self._send(sealed)
        except OSError:
            sent = 0  # The transport will find the error and report it in its own way.
        if sent != len(sealed):
            below.write(bytes(sealed[sent:]))
        return size


AnyWire = DirectWire | TransportWire
