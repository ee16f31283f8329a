"""Listeners: a connection's place at the board, and the one gate for all bytes to it.

=======  ===============================================  ========================================
state    what it means                                    what ends it
=======  ===============================================  ========================================
level    nothing waits: it is in its fan-out, if it has   it is told something: *told*; the wire
         joined                                           takes less than the talk: *behind*
told     it has notes, so it needs its own version of     the turn of its group (``deliver``):
         this batch                                       *level*, or *behind*
behind   it has a backlog: the wire took less than it     the wire has taken all (``ready``):
         was given                                        *level*, or *told*
closing  it hears what it was told before ``close``, and  nothing waits: the wire closes; if the
         nothing more                                     peer never agrees, :data:`CLOSING` ends it
gone     ``lost``: it keeps nothing
=======  ===============================================  ========================================

What is told and what is sent are in one file, because both move this one machine, and both use the
same counts: a reply that is told may stop the reading, and only the send of it starts it again.
:mod:`granja.board.slow` judges a listener that is behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IReactorTime

from granja.board import backlog as kinds
from granja.board.backlog import Backlog, Note, Piece, compose, compose_placed, number
from granja.board.batch import FLUSH_AT, Batch
from granja.board.counters import Counters
from granja.board.fanout import FanOut
from granja.board.group import Group
from granja.board.receipts import Private, Receipts
from granja.board.slow import SLOW, Reader, Slow
from granja.clockwork.timer import Timer, after, stop
from granja.contract.messages import Message, Missed, Whispered
from granja.reactor.sending import wire
from granja.wire.encodings import Carrier, Readable

#: With more bytes of unsent replies, we read no more commands from the farmer.
REPLIES_LIMIT: Final = 1 << 16
#: For a farmer who does not read, we keep so many bytes of whispers and similar lines.
HEARD_LIMIT: Final = 1 << 16
#: Above so many bytes, we do not copy pieces together for a simpler write.
JOIN_LIMIT: Final = 1 << 15

#: Seconds that a peer has to agree to the end.
CLOSING: Final = 30.0

REPLIES: Final = "replies"
#: The board's reasons for which the server also obeys no lines that it has read: the client does
#: not read its replies, or listeners do not keep up with its talk.
MUTING: Final = frozenset({REPLIES, SLOW})


class Hall(Protocol):
    """What a listener needs from its board.

    ``time``: measures durations, in seconds.
    """

    clock: IReactorTime
    time: Callable[[], float]

    @property
    def counters(self) -> Counters: ...
    @property
    def due(self) -> Callable[[Group[Any]], None]:
        """Call this with a group that has something to write."""

    @property
    def slow(self) -> Slow[Listener]: ...

    def leave(self, listener: Listener) -> None:
        """Let the listener hear no more talk."""

    def touch(self, listener: Listener) -> None:
        """Note that ``listener`` needs its own version of this batch."""

    def has_touched(self, listener: Listener) -> bool: ...

    def carry(self, listener: Listener, carrier: Carrier) -> None:
        """Encode for another carrier from now on, even while the listener hears the talk."""

    def forget(self, listener: Listener) -> None:
        """Remove the listener: its connection is gone."""

    def soon(self, call: Callable[[], None]) -> None:
        """Call ``call`` when the present work is done."""


class Listener:
    """One connection's place: everything that the connection hears passes here, in order.

    ``joined``: whether it hears the talk.  ``hearing``: whether it heard the talk when the present
    batch began.  ``replies`` and ``heard``: unsent bytes.  ``receipts``: numbers for the lines of a
    client that hears them as data.
    """

    __slots__ = (
        "_closing",
        "_deadline",
        "_notes",
        "_waits",
        "backlog",
        "board",
        "carrier",
        "fan_out",
        "group",
        "heard",
        "hearing",
        "joined",
        "reader",
        "receipts",
        "replies",
        "wire",
    )

    def __init__(
        self,
        board: Hall,
        group: Group[Listener],
        transport: Any,
        reader: Reader,
        carrier: Carrier,
    ) -> None:
        self.board = board
        self.group = group
        self.reader = reader
        self.carrier = carrier
        self.receipts: Receipts | None = Receipts(board.counters) if carrier.numbers else None
        self.wire = wire(transport, carrier.shares_transport, self)
        self.fan_out: FanOut[Listener] = group.fan_out(carrier, self.wire)
        self.joined = False
        self.replies = self.heard = 0
        self.backlog: Backlog | None = None
        self._notes: list[Note] | None = None
        self.hearing = False
        self._closing = False
        self._waits = False
        self._deadline: Timer | None = None

    @property
    def transport(self) -> Any:
        return self.wire.transport

    @property
    def pending(self) -> bool:
        """Whether something for this client is still with us, not with the transport."""
        return self.backlog is not None or self._notes is not None

    def carry(self, carrier: Carrier) -> None:
        """Encode for this carrier from now on.  Only before the listener has heard any talk.

        :raises RuntimeError: if it hears the talk.
        """
        if self.joined or self.hearing:
            raise RuntimeError("the talk of this batch is already on its way by another carrier")
        self.change_carrier(carrier)

    def change_carrier(self, carrier: Carrier) -> None:
        """Encode for this carrier from now on, while the present batch is empty."""
        sits = self.fan_out.sends.pop(self, None) is not None
        self.carrier = carrier
        if carrier.numbers and self.receipts is None:
            self.receipts = Receipts(self.board.counters)
        self.fan_out = self.group.fan_out(carrier, self.wire)
        if sits:
            self._sit()

    def is_cut(self) -> bool:
        """Whether we know that the peer is gone.  While nobody reads, nothing else reports this."""
        return self.wire.is_cut()

    def acknowledged(self) -> int | None:
        """How many bytes the peer's system has taken in all; None if nobody knows."""
        return self.wire.acknowledged()

    # -- what is told ----------------------------------------------------------------------------

    def tell(self, *messages: Message) -> None:
        """Say something to this connection alone.  It keeps its place among the talk.

        We never drop it.  If a farmer asks for more than they read, we stop reading from them.
        """
        for message in messages:
            self.raw(self.carrier.encode(message))

    def tell_kept(self, message: Message) -> None:
        """Tell a message, and keep it in case the connection is dead (PROTOCOL §5b)."""
        if self.receipts is not None:
            self.tell_numbered(message, [self.receipts.keep(message)])
        else:
            self.tell(message)

    def tell_numbered(
        self, message: Message, privates: Sequence[Private] = (), place: int | None = None
    ) -> None:
        """Tell a message that the receipts know of (:meth:`Receipts.will_be_told`)."""
        if self.receipts is not None and not self._closing:
            self.receipts.will_be_told(privates, place)
        self._reply(kinds.TOLD, self.carrier.encode(message))

    def raw(self, data: bytes) -> None:
        """Send bytes that are no message, such as a telnet command, at their place."""
        self._reply(kinds.REPLY, data)

    def _reply(self, kind: int, data: bytes) -> None:
        if self._closing:
            return
        self.replies += len(data)
        if self.replies > REPLIES_LIMIT and not self._waits:
            self._waits = True
            self.reader.hold(REPLIES)
        self.note(kind, data)

    def hear(self, message: Message, by: Listener | None = None) -> None:
        """Tell something private that another farmer caused: a whisper, an offer.

        If this farmer reads nothing and enough waits already, we drop it and count a missed line.

        :param by: the listener of the other farmer, who has to wait if this farmer reads too
            slowly.
        """
        private = None if self.receipts is None else self.receipts.keep(message)
        self._hear(self.carrier.encode(message), by, private)

    def hear_whisper(self, name: str, text: str, by: Listener | None, speaker: int) -> None:
        """Tell a whisper of ``name``.  It makes no message, because that is slower.

        :param speaker: the number of the farmer who whispers.
        """
        private = None
        if self.receipts is not None:
            private = self.receipts.keep(Whispered(name, text), speaker)
        self._hear(self.carrier.whisper(name, text), by, private)

    def _hear(self, data: bytes, by: Listener | None, private: Private | None) -> None:
        if self._closing:
            return
        if self.backlog is not None and self._hears_no_more(self.backlog, by):
            # The count stands there already if the farmer reads again before the batch ends.
            self.note(kinds.LOST, self.carrier.encode(Missed(1)))
            return
        if self.receipts is not None and private is not None:
            self.receipts.will_hear(private)
        self.heard += len(data)
        self.note(kinds.HEARD, data)

    def _hears_no_more(self, backlog: Backlog, by: Listener | None) -> bool:
        if by is not None and self.board.slow.is_far_behind(self):
            self.board.slow.hold(by)
        return backlog.skipping and self.heard > HEARD_LIMIT

    def note(self, kind: int, data: bytes) -> None:
        """Put a piece or a mark at its place in the present batch."""
        group, batch = self.group, self.group.batch
        if self._notes is None:
            self._notes = [(len(batch.entries), kind, data)]
            if self.joined:
                group.touched[self] = None
            else:
                self.board.touch(self)
        else:
            self._notes.append((len(batch.entries), kind, data))
        before = group.gathered
        group.gathered = before + len(data)
        if batch.patient and data and self.joined:
            batch.patient = False  # Somebody waits for this note, and it stands behind the news.
            self.board.due(group)
        elif not before or group.gathered >= FLUSH_AT:
            self.board.due(group)

    def last_sent(self) -> int:
        """The number of the last sent line that the peer's system has taken."""
        if self.receipts is None:
            return 0
        waiting = self.backlog.first_waiting() if self.backlog is not None else 0
        sent = waiting - 1 if waiting else self.receipts.count
        return self.receipts.acknowledged(sent, self.wire.unacknowledged())

    # -- the end ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Write everything that was told until now, then close.  Drop what is told later."""
        if not self._closing:
            self.board.leave(self)
            self.board.touch(self)
            self._closing = True

    def abort(self) -> None:
        """Close now.  What was not sent is lost."""
        self.lost()
        self.wire.transport.abortConnection()

    def broken(self) -> None:
        """Close soon, because the transport failed.  Not now: a flush may be going on."""
        self.board.soon(self.abort)

    def lost(self) -> None:
        """Forget everything: the connection is gone."""
        self._closing = True
        self.joined = self.hearing = False
        self._notes = self.backlog = None
        self.replies = self.heard = 0
        stop(self._deadline)
        self.board.forget(self)

    # -- sending ---------------------------------------------------------------------------------

    def deliver(self, batch: Batch[Listener]) -> None:
        """Send this listener's own version of a batch that has just ended."""
        notes, self._notes = self._notes, None
        if self not in self.group.listeners:
            return
        if self.backlog is not None:
            self.hearing = self.joined
            self.backlog.note(batch, notes or [])
            return
        pieces = self._compose(batch, notes or [])
        if pieces:
            self._send(pieces)
        else:
            self._settle()

    def _compose(self, batch: Batch[Listener], notes: list[Note]) -> list[Piece]:
        if self.receipts is None:
            pieces, self.hearing = compose(batch, self, notes, self.hearing)
            return pieces
        placed, self.hearing = compose_placed(batch, self, notes, self.hearing)
        receipts = self.receipts
        return [(kind, number(receipts, kind, data, place)) for kind, data, place in placed]

    def deliver_quietly(self, batch: Batch[Listener]) -> None:
        """Do the same for a batch without talk: usually one whisper or one reply.

        The listener stays in its fan-out.  Only a batch with talk takes touched listeners out.
        """
        notes = self._notes
        if notes is None or len(notes) > 1 or self.backlog is not None or self._closing:
            self.deliver(batch)
            return
        _, kind, data = notes[0]
        if not data:
            self.deliver(batch)  # The mark that it joins or leaves.
            return
        self._notes = None
        if self.receipts is not None:
            data = number(self.receipts, kind, data, batch.first_line + batch.lines)
        self.board.counters.writes += 1
        try:
            sent = self.wire.send(data)
        except OSError:
            sent = 0
        if sent != len(data):
            self.fall_behind([(kind, data)], sent)
            return
        self.replies = self.heard = 0
        if self._waits:
            self.board.soon(self.relax)

    def _send(self, pieces: list[Piece]) -> None:
        buffers = [data for _, data in pieces]
        size = sum(map(len, buffers))
        if size <= JOIN_LIMIT or len(buffers) > kinds.MOST_BUFFERS:
            buffers = [b"".join(buffers)]
        # A larger batch goes in several writes.
        sent = self._write(buffers) if size <= self.wire.limit else 0
        if sent < size:
            self.fall_behind(pieces, sent)
        else:
            self._settle()

    def _write(self, buffers: list[Readable]) -> int:
        self.board.counters.writes += 1
        return self.wire.send_all(buffers)

    def fall_behind(self, pieces: list[Piece], sent: int) -> None:
        """Begin a backlog: the wire took only the first ``sent`` bytes of the last batch."""
        board = self.board
        self.fan_out.sends.pop(self, None)
        self.backlog = Backlog(
            self, pieces, self.group.batch, self.hearing, board.time(), board.counters
        )
        self.backlog.advance(sent)
        board.slow.add(self)
        self.wire.wait(self.backlog.head)

    def ready(self) -> None:
        """Send what waits, as far as it goes: the transport takes bytes again."""
        backlog = self.backlog
        if backlog is None:
            return
        backlog.moved_at = self.board.time()
        while buffers := backlog.gather(self.wire.limit):
            sent = self._write(buffers)
            backlog.advance(sent)
            if sent < sum(map(len, buffers)):
                self.wire.wait(backlog.head)
                self.board.slow.progressed(self)
                return
        self.backlog = None
        self.wire.rest()
        self.board.slow.forget(self)
        if self.board.has_touched(self):
            self._sit()  # Its turn comes soon.  What it will be told then still waits.
        else:
            self._settle()

    def _settle(self) -> None:
        """Go back to the fan-out, or close: nothing waits to be sent."""
        self.replies = self.heard = 0
        if self._waits:
            self.board.soon(self.relax)
        if self._closing:
            self._lose()
        else:
            self._sit()

    def _sit(self) -> None:
        """Enter the fan-out, if the listener is in the chat."""
        if self.joined:
            self.fan_out.sends[self] = self.wire.send

    def _lose(self) -> None:
        if self not in self.group.listeners:
            return
        self.wire.lose()
        if self in self.group.listeners and not self.wire.closes_alone:
            self._deadline = after(self.board.clock, CLOSING, self.abort)

    def delivered(self, kind: int, size: int) -> None:
        """``size`` bytes of a private piece have left the backlog."""
        if kind == kinds.HEARD:
            self.heard -= size
        elif kind in (kinds.REPLY, kinds.TOLD):
            self.replies -= size
            if self._waits and self.replies <= REPLIES_LIMIT // 2:
                self.board.soon(self.relax)

    def relax(self) -> None:
        """Read the farmer's commands again, if few enough replies wait."""
        if self._waits and self.replies <= REPLIES_LIMIT // 2:
            self._waits = False
            self.reader.release(REPLIES)
