"""A WebSocket as one more wire of the same conversation (RFC 6455).

Incoming text messages are lines: they go, as bytes, into a :class:`FarmerProtocol` made by the
same factory as for TCP, so all limits are the same limits in the same code.  A message is handed
on piece by piece as it arrives and never gathered, so a huge one takes no memory: the protocol
refuses the line as it refuses it on TCP.  Outgoing bytes are frames already (the board encodes
the talk once for all listeners, see ``carriers``) and pass through.

``wsproto`` reads the frames.  Twisted's own ``twisted.web.websocket`` reads them with it too, but
gathers whole messages of any size before it delivers one, and chooses no sub-protocol.
"""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING, Protocol

from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IDelayedCall,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason
from zope.interface import implementer

from granja.web.backpressure import Gauge

if TYPE_CHECKING:
    from granja.protocol import FarmerProtocol

#: Seconds between two looks at whether the peer is there: one look that finds silence sends a
#: ping, the next one closes.  So a dead peer is closed 20 to 30 seconds after its last sign.
KEEPALIVE = 10.0
#: Seconds that the peer has to answer our Close.
CLOSING_PATIENCE = 3.0
#: Seconds that are left to a peer that has said Close, to hear the answers to what it said.
LAST_WORDS = 30.0
#: Characters of one message beyond which there is no honest mistake any more.
HUGE = 1 << 20

#: A message is one line (PROTOCOL §1): line ends within it are spaces.
_ONE_LINE = {ord("\n"): " ", ord("\r"): " "}


class Wire(Protocol):
    """The transport below: TCP or TLS."""

    def write(self, data: bytes) -> None: ...
    def loseConnection(self) -> None: ...  # noqa: N802
    def abortConnection(self) -> None: ...  # noqa: N802
    def pauseProducing(self) -> None: ...  # noqa: N802
    def resumeProducing(self) -> None: ...  # noqa: N802
    def getPeer(self) -> IAddress: ...  # noqa: N802
    def getHost(self) -> IAddress: ...  # noqa: N802
    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None: ...  # noqa: N802
    def unregisterProducer(self) -> None: ...  # noqa: N802


@implementer(ITransport, IConsumer, IPushProducer)
class WebSocketTransport:
    """What a :class:`FarmerProtocol` has for a transport: closing it says Close first."""

    def __init__(self, connection: WebSocketConnection, wire: Wire) -> None:
        self._connection = connection
        self._wire = wire
        self.gauge = Gauge()
        self.reading = True
        self.disconnecting = False

    def write(self, data: bytes) -> None:
        """``data``: whole frames.  After our Close nothing may follow."""
        if not self.disconnecting:
            self._wire.write(data)

    def writeSequence(self, data: list[bytes]) -> None:  # type: ignore[override]  # noqa: N802
        self.write(b"".join(data))

    def loseConnection(self) -> None:  # noqa: N802
        self._connection.close(CloseReason.NORMAL_CLOSURE)

    def abortConnection(self) -> None:  # noqa: N802
        self._wire.abortConnection()

    def getPeer(self) -> IAddress:  # noqa: N802
        return self._wire.getPeer()

    def getHost(self) -> IAddress:  # noqa: N802
        return self._wire.getHost()

    # -- reading ---------------------------------------------------------------------------------

    def pauseProducing(self) -> None:  # noqa: N802
        self.reading = False
        self._wire.pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802
        self.reading = True
        self._wire.resumeProducing()

    def stopProducing(self) -> None:  # noqa: N802
        self.loseConnection()

    # -- writing ---------------------------------------------------------------------------------

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:  # type: ignore[override]  # noqa: N802
        self.gauge.producer = producer
        self._wire.registerProducer(self.gauge, streaming)

    def unregisterProducer(self) -> None:  # noqa: N802
        self.gauge.producer = None
        self._wire.unregisterProducer()


@implementer(IProtocol)
class WebSocketConnection(TwistedProtocol):
    """From frames to lines and back, from the handshake to the end.

    :param farmer: the conversation; its ``carrier`` must be a WebSocket one.
    :param clock: for the keepalive.
    :param keepalive: seconds of silence before a ping, and again before the peer counts as dead.
    """

    transport: Wire  # type: ignore[assignment]
    adapter: WebSocketTransport

    def __init__(
        self, farmer: FarmerProtocol, clock: IReactorTime, keepalive: float = KEEPALIVE
    ) -> None:
        self._farmer = farmer
        self._clock = clock
        self._keepalive = keepalive
        self._frames = Connection(ConnectionType.SERVER)
        self._lines: list[bytes] = []
        self._size = 0
        self._heard = True
        self._pinged = False
        self._pong: bytes | None = None
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:  # noqa: N802
        self.adapter = WebSocketTransport(self, self.transport)
        self.adapter.gauge.emptied = self._send_pong
        self._wait(self._keepalive, self._check)
        self._farmer.makeConnection(self.adapter)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self._stop_waiting()
        self._farmer.connectionLost(reason)

    # -- hearing ---------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self._heard = True
        if self._frames.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED):
            return  # RFC 6455 §5.5.1: nothing comes after a Close.
        self._frames.receive_data(data)
        for event in self._frames.events():
            self._take(event)
        self._hand_on()
        self._send_pong()

    def _hand_on(self) -> None:
        """Give what was gathered of one segment to the farmer at once, which is cheaper."""
        if self._lines:
            lines, self._lines = b"".join(self._lines), []
            if not self.adapter.disconnecting:
                self._farmer.dataReceived(lines)

    @singledispatchmethod
    def _take(self, event: Event) -> None:
        """Take one event of the frames; those that are not named below need nothing."""

    @_take.register
    def _text(self, event: TextMessage) -> None:
        self._size += len(event.data)
        if self._size > HUGE:
            self.close(CloseReason.MESSAGE_TOO_BIG)
            return
        text = event.data.removesuffix("\n") if event.message_finished else event.data
        line = text.translate(_ONE_LINE).encode()
        if event.message_finished:
            self._size = 0
            line += b"\n"
        self._lines.append(line)

    @_take.register
    def _binary(self, event: BytesMessage) -> None:
        self.close(CloseReason.UNSUPPORTED_DATA)

    @_take.register
    def _ping(self, event: Ping) -> None:
        # RFC 6455 §5.5.3: answering only the latest is enough.
        self._pong = bytes(event.payload)

    @_take.register
    def _peer_closes(self, event: CloseConnection) -> None:
        if self._frames.state is ConnectionState.CLOSED:  # The answer to our own Close.
            self.transport.loseConnection()
        elif self._frames.state is ConnectionState.REMOTE_CLOSING:
            self._hand_on()
            self._wait(LAST_WORDS, self.transport.abortConnection)
            self._farmer.readConnectionLost()
        else:  # Not a Close but bytes that are no frames; ``code`` says what is wrong.
            self.close(CloseReason(event.code))

    # -- closing ---------------------------------------------------------------------------------

    def close(self, code: CloseReason) -> None:
        """Say Close and wait, not for ever, until the peer says it too."""
        if self.adapter.disconnecting:
            return
        answers = self._frames.state is ConnectionState.REMOTE_CLOSING
        self.adapter.write(self._frames.send(CloseConnection(code)))
        self.adapter.disconnecting = True
        if answers or code is not CloseReason.NORMAL_CLOSURE:
            self.transport.loseConnection()
            return
        # Closing now would reset the connection if there is something unread, and the peer's
        # system would throw away our last words.
        self._wait(CLOSING_PATIENCE, self.transport.abortConnection)
        self.adapter.resumeProducing()

    # -- is the peer alive? ----------------------------------------------------------------------

    def _wait(self, seconds: float, then: object) -> None:
        self._stop_waiting()
        self._timer = self._clock.callLater(seconds, then)  # type: ignore[arg-type]

    def _stop_waiting(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _check(self) -> None:
        """After some silence ask; after more of it, the peer is gone.

        While we do not read, or they do not, silence means nothing: that is the board's matter.
        """
        watching = self.adapter.reading and not self.adapter.gauge.full
        if watching and self._pinged and not self._heard:
            self.transport.abortConnection()
            return
        self._pinged = watching and not self._heard
        if self._pinged:
            self.adapter.write(self._frames.send(Ping()))
        self._heard = False
        self._wait(self._keepalive, self._check)

    def _send_pong(self) -> None:
        """Answer the latest ping, unless the peer does not read: that would heap up."""
        if self._pong is None or self.adapter.gauge.full or self.adapter.disconnecting:
            return
        pong, self._pong = self._pong, None
        if self._frames.state is ConnectionState.OPEN:
            self.adapter.write(self._frames.send(Pong(pong)))
