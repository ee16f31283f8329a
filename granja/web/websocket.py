"""A WebSocket carries the same conversation as TCP (RFC 6455).

Incoming text messages are lines.  They go, as bytes, into a :class:`FarmerProtocol` from the same
factory as for TCP, so all limits are the same code.  A message goes on piece by piece as it
arrives, so a huge one takes no memory: the protocol refuses the line as it does on TCP.  Outgoing
bytes are frames already (the board encodes the talk once for all listeners, see
``granja.wire.encodings``) and pass through.

A frame of six bytes is as much work as one of a hundred.  So we count frames: after some, others
have their turn, and we read nothing in the meantime.

Twisted's own ``twisted.web.websocket`` collects a whole message of any size before it delivers it,
and cannot choose a sub-protocol.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IProtocol, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from granja.clockwork.timer import Timer
from granja.web import frames
from granja.web.frame_queue import TURN, FrameQueue
from granja.web.frames import CloseReason
from granja.web.pulse import Pulse
from granja.web.transport import WebSocketTransport, Wire
from granja.wire.encodings import Carrier


class Conversation(Protocol):
    """A :class:`granja.protocol.FarmerProtocol`, as far as a WebSocket needs it."""

    carrier: Carrier

    def makeConnection(self, transport: WebSocketTransport) -> object: ...  # noqa: N802
    def dataReceived(self, data: bytes) -> None: ...  # noqa: N802
    def readConnectionLost(self) -> None: ...  # noqa: N802
    def acknowledged(self) -> int | None: ...
    def connectionLost(self, reason: Failure | None = None) -> None: ...  # noqa: N802


#: Seconds between two looks for the peer.  A look that finds silence sends a ping.
KEEPALIVE = 10.0
#: After this many silent looks the peer counts as dead.  We close 70 to 80 seconds after its last
#: sign (PROTOCOL §6 allows 90).  A slow reader reads the ping only after the talk before it.
MOST_SILENCE = 7
#: Seconds that the peer has to answer our Close.
CLOSING_PATIENCE = 3.0
#: Seconds that a peer has after its own Close to hear the answers to what it said.  The farm goes
#: on for 60 (PROTOCOL §6) and then says Close itself.
LAST_WORDS = 65.0
#: A message with more characters is no honest mistake.
HUGE = 1 << 20

#: Pings, pongs and pieces of messages between two looks.  Lines have their rate.  Without this
#: limit, frames that are no lines would cost us much work for few bytes.
MOST_OTHERS = 1000

#: Lines that we take at a time: as many as come in one read.
MOST_AT_ONCE = 1024
#: A frame that is not taken together with others costs as much as so many that are, or more.
ONE_BY_ONE = 4

#: A message is one line (PROTOCOL §1), so line ends in it become spaces.
_ONE_LINE = {ord("\n"): " ", ord("\r"): " "}


#: After these codes we wait for the peer's Close.  The other codes are for peers that break rules.
_POLITE = (CloseReason.NORMAL_CLOSURE, CloseReason.TRY_AGAIN_LATER)


@implementer(IProtocol)
class WebSocketConnection:
    """Makes lines of frames and frames of lines, from the handshake to the end.

    :param farmer: the conversation; its ``carrier`` must be a WebSocket one.
    :param clock: for the waits at the end.
    :param queue: connections with too many frames for one turn wait there for the next one.
    :param peer: the client's address behind proxies; None if there are no proxies.
    :param proxied: whether there are proxies.
    :param pulse: looks whether the peer is there.
    """

    __slots__ = (
        *("_acknowledged", "_clock", "_deaf", "_farmer", "_frames", "_heard", "_heard_close"),
        *("_lines", "_others", "_owed", "_peer", "_pinged", "_proxied", "_pulse", "_queue"),
        *("_said_close", "_silent", "_size", "_timer", "adapter", "transport"),
    )
    transport: Wire
    adapter: WebSocketTransport

    def __init__(
        self,
        farmer: Conversation,
        clock: IReactorTime,
        queue: FrameQueue,
        peer: IAddress | None,
        proxied: bool,
        pulse: Pulse,
    ) -> None:
        self._farmer = farmer
        self._clock = clock
        self._queue = queue
        self._peer = peer
        self._proxied = proxied
        self._pulse = pulse
        self._frames = frames.FrameReader()
        self._said_close = self._heard_close = False
        # A connection has no list while no line comes: that saves memory.
        self._lines: list[bytes] | None = None
        self._size = 0
        self._others = 0
        self._deaf = False
        self._heard = True
        self._silent = 0
        self._pinged = False
        self._acknowledged: int | None = None
        self._owed: bytes | None = None
        # Most connections have no timer, until their end: that saves memory.
        self._timer: Timer | None = None

    def makeConnection(self, transport: Any) -> None:  # noqa: N802
        self.transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:  # noqa: N802
        self.adapter = WebSocketTransport(self, self.transport, self._peer)
        self._pulse.join(self)
        self._farmer.makeConnection(self.adapter)

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        if reason is None or reason.check(ConnectionDone):
            self._take_the_last()
        self._deaf = True
        self._stop_waiting()
        self._farmer.connectionLost(reason)

    # -- hearing ---------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self._heard, self._pinged = True, False
        if self._deaf or self._heard_close:
            return  # Nothing comes after a Close (RFC 6455 §5.5.1).
        line = None if self.adapter.disconnecting else self._frames.line(data)
        if line is not None:
            self._farmer.dataReceived(line)
            self.adapter.handed_on(len(line))
            return
        self._frames.feed(data)
        if not self.adapter.behind:
            self._take_some()

    def _take_some(self) -> None:
        """Take some of the frames that wait.  The others wait for our next turn."""
        if self._take_frames():
            self.adapter.fall_behind()
            self._queue.join(self._take_some)
        else:
            self.adapter.catch_up()

    def _take_frames(self) -> bool:
        """Take some frames.

        :return: whether there may be more.
        """
        left = MOST_AT_ONCE
        while left and self._frames.more and not self._deaf:
            lines, count = self._frames.lines(left)
            if count:
                self._gather(lines)
                left -= count
            elif self._take_one():
                left -= min(left, ONE_BY_ONE)
            else:
                break
        self._hand_on()
        self.send_pong()
        return not left and self._frames.more and not self._deaf

    def _take_one(self) -> bool:
        """Take the next frame, or the next piece of it.

        :return: whether there was one.
        """
        try:
            frame = self._frames.next()
        except frames.NotFrames as error:
            self.close(error.code)
            return False
        if frame is None:
            return False
        self._take(frame)
        if self._others > MOST_OTHERS:
            self.close(CloseReason.POLICY_VIOLATION)
        return True

    def _take_the_last(self) -> None:
        """Take the last frames: with TLS, some may wait when the connection ends."""
        enough = self._clock.seconds() + TURN
        while self.adapter.behind and self._clock.seconds() < enough:
            self.adapter.behind = self._take_frames()
        self.adapter.behind = False

    def _hand_on(self) -> None:
        """Give the lines of one segment to the farmer together, which is cheaper."""
        if self._lines:
            lines, self._lines = b"".join(self._lines), None
            if not self.adapter.disconnecting:
                self._farmer.dataReceived(lines)
                self.adapter.handed_on(len(lines))

    def _take(self, frame: frames.Frame) -> None:
        if frame.opcode == frames.TEXT:
            self._text(frame.text, frame.finished)
        elif frame.opcode == frames.BINARY:
            self.close(CloseReason.UNSUPPORTED_DATA)
        elif frame.opcode == frames.CLOSE:
            self._peer_closes()
        else:
            self._others += 1
            if frame.opcode == frames.PING:
                # It is enough to answer the latest ping (RFC 6455 §5.5.3).
                self._owed = frame.data

    def _text(self, piece: str, finished: bool) -> None:
        self._size += len(piece)
        if self._size > HUGE:
            self.close(CloseReason.MESSAGE_TOO_BIG)
            return
        text = piece.removesuffix("\n") if finished else piece
        line = text.translate(_ONE_LINE).encode()
        if finished:
            self._size = 0
            line += b"\n"
        else:
            self._others += 1
        self._gather(line)

    def _gather(self, line: bytes) -> None:
        if self._lines:
            self._lines.append(line)
        else:
            self._lines = [line]

    def _peer_closes(self) -> None:
        self._heard_close = True
        if self._said_close:  # The peer answers our own Close.
            self._hang_up()
        else:
            self._hand_on()
            self._wait(LAST_WORDS)
            self._farmer.readConnectionLost()

    # -- closing ---------------------------------------------------------------------------------

    def close(self, code: CloseReason) -> None:
        """Say Close, and wait for some time until the peer says it too."""
        if self.adapter.disconnecting:
            return
        self.adapter.write(frames.close(code))
        self.adapter.disconnecting = self._said_close = True
        self._wait(CLOSING_PATIENCE)
        if self._heard_close or code not in _POLITE:
            self._hang_up()
        else:
            # If we closed now with unread bytes, the system would reset the connection, and the
            # peer's system would throw our last words away.
            self.adapter.resumeProducing()

    def _hang_up(self) -> None:
        """Take nothing more.  TLS goes on reading until the peer has ended it too."""
        self._deaf = True
        self.adapter.catch_up()
        self.transport.loseConnection()

    # -- is the peer alive? ----------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        """Give up when the peer has not ended the connection after ``seconds``."""
        self._pulse.leave(self)
        if self._timer is None:
            self._timer = Timer(self._clock, self.transport.abortConnection)
        self._timer.restart(seconds)

    def _stop_waiting(self) -> None:
        self._pulse.leave(self)
        if self._timer is not None:
            self._timer.stop()

    def look(self) -> None:
        """After some silence ask; after more of it, the peer is gone.

        While we do not read, or they do not, silence means nothing: the board decides then.
        """
        self._others = 0
        watching = self.adapter.reading and not self.adapter.gauge.full
        shown, heard, self._heard = self._shows_life(), self._heard, False
        self._silent = 0 if shown or heard or not watching else self._silent + 1
        if self._silent >= MOST_SILENCE:
            self.transport.abortConnection()
            return
        if watching and not (heard or self._pinged):
            # One ping is enough: TCP delivers it, and its acknowledgement proves no more life.
            self._pinged = True
            self.adapter.write(frames.control(frames.PING))

    def _shows_life(self) -> bool:
        """Whether the peer's system has taken something.  The ping may be far behind for a reader.

        What a proxy takes proves nothing about the client behind it.
        """
        if self._proxied:
            return False
        before, self._acknowledged = self._acknowledged, self._farmer.acknowledged()
        return before != self._acknowledged

    def send_pong(self) -> None:
        """Answer the latest ping, unless the peer does not read: answers would pile up."""
        if self._owed is None or self.adapter.gauge.full or self.adapter.disconnecting:
            return
        pong, self._owed = self._owed, None
        if not self._heard_close:
            self.adapter.write(frames.control(frames.PONG, pong))
