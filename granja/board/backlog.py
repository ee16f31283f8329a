"""What one listener has still to be sent, in order: the talk of shared ticks, and private lines.

A *piece* is a kind and some bytes.  A *note* is a piece, or the word that a seat begins or ends
to hear the talk, and before which entry of a tick it stands.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from granja.board.batch import Tick
from granja.contract.messages import Missed
from granja.wire.encodings import Readable

if TYPE_CHECKING:
    from granja.board.listener import Seat

#: Kinds of pieces.  What everybody hears; an answer to the listener's own command; what another
#: farmer caused; the word that lines were missed; and in its place, one private line missed.
TALK: Final = 0
REPLY: Final = 1
HEARD: Final = 2
MISSED: Final = 3
LOST: Final = 4
#: Kinds of notes that are no pieces.
JOIN: Final = 5
LEAVE: Final = 6

#: In one write; the system's own limit (IOV_MAX) is 1024.
MOST_BUFFERS: Final = 256

Piece = tuple[int, Readable]
Note = tuple[int, int, bytes]


def compose(tick: Tick, seat: Seat, notes: list[Note], hearing: bool) -> tuple[list[Piece], bool]:
    """What ``seat`` is to be sent for one tick, and whether it hears the talk afterwards.

    :param notes: the seat's own notes in that tick, in order.
    :param hearing: whether it hears the talk when the tick begins.
    """
    pieces: list[Piece] = []
    at = 0
    for index, kind, data in notes:
        if hearing and index > at:
            pieces += [(TALK, span) for span in tick.spans(seat.carrier, seat, at, index)]
        at = index
        if kind in (JOIN, LEAVE):
            hearing = kind == JOIN
        else:
            pieces.append((kind, data))
    stop = len(tick.entries)
    if hearing and stop > at:
        pieces += [(TALK, span) for span in tick.spans(seat.carrier, seat, at, stop)]
    return pieces, hearing


class Backlog:
    """A listener who could not be sent everything at once.

    It either *follows*, tick by tick, or *skips*: then only the private pieces are kept, the talk
    between them is counted, and the count is told in its place.

    :param tick: the first tick that is not among the pieces.
    :param hearing: whether the seat hears the talk when that tick begins.
    :param now: when it last took something, which is when it fell behind.
    """

    __slots__ = (
        "_line",
        "_missed",
        "_notes",
        "_pieces",
        "_seat",
        "_talk",
        "_tick",
        "hearing",
        "moved_at",
        "skipping",
    )

    def __init__(
        self, seat: Seat, pieces: list[Piece], tick: Tick, hearing: bool, now: float
    ) -> None:
        self._seat = seat
        self._pieces = deque(pieces)
        self._talk = sum(len(data) for kind, data in pieces if kind == TALK)
        self._notes: deque[tuple[Tick, list[Note]]] = deque()
        # None when not hearing, or the whole chain behind it would be kept for nothing.
        self._tick = tick if hearing else None
        self._line = tick.first_line
        self._missed = 0
        self.hearing = hearing
        self.skipping = False
        self.moved_at = now

    def note(self, tick: Tick, notes: list[Note]) -> None:
        """Take the notes of a tick that has just ended."""
        self._notes.append((tick, notes))
        if self._tick is None or self._tick is tick or not self._seat.joined:
            self._catch_up()

    def lag(self) -> int:
        """How many bytes the listener is behind."""
        ahead = self._seat.row.tick.start - self._tick.start if self._tick is not None else 0
        return ahead + self._talk + self._seat.heard

    def holds_talk(self) -> bool:
        """Whether talk is kept in memory for this listener."""
        return bool(self._talk) or self._tick is not None

    # -- sending ---------------------------------------------------------------------------------

    def gather(self, limit: int) -> list[Readable]:
        """The next pieces, about ``limit`` bytes, up to the end of a message; empty if none."""
        buffers: list[Readable] = []
        room = limit
        while room > 0 and len(buffers) < MOST_BUFFERS:
            if len(buffers) == len(self._pieces) and not self._next():
                break
            if len(buffers) == len(self._pieces):
                continue
            kind, data = self._pieces[len(buffers)]
            if kind == TALK and len(data) > room:
                data = data[: self._seat.carrier.boundary(data, room)]
            buffers.append(data)
            room -= len(data)
        return buffers

    def advance(self, sent: int) -> None:
        """Forget the first ``sent`` bytes; they have left."""
        while sent:
            kind, data = self._pieces[0]
            size = len(data)
            if size <= sent:
                self._pieces.popleft()
            else:
                size = sent
                self._pieces[0] = (kind, data[sent:])
            sent -= size
            if kind == TALK:
                self._talk -= size
            else:
                self._seat.delivered(kind, size)

    def head(self) -> bytes:
        """Take what is left of the message that is being sent, or else the next one."""
        kind, data = self._pieces[0]
        end = self._seat.carrier.boundary(data, 0) if kind == TALK else len(data)
        self.advance(end)
        return bytes(data[:end])

    # -- following and skipping ----------------------------------------------------------------

    def skip(self) -> None:
        """Drop the talk, and count it.  The first piece must not begin within a message."""
        self._catch_up()
        pieces, self._pieces, self._talk = self._pieces, deque(), 0
        self.skipping = True
        self._tick, self._line = None, self._seat.row.tick.first_line
        for piece in pieces:
            self._put(*piece)

    def _catch_up(self) -> None:
        """Make pieces of all that has been said."""
        while self._sealed() is not None:
            self._next_tick()

    def _next(self) -> bool:
        """Add pieces, if there is something to add now."""
        if self.skipping:
            self._follow()
            return True
        if self._sealed() is None:
            return False
        self._next_tick()
        return True

    def _follow(self) -> None:
        """Everything private has been taken: tell what was missed, and hear the talk again."""
        tick = self._seat.row.tick
        if self.hearing:
            self._missed += tick.first_line - self._line
            self._tick = tick
        self.skipping = False
        self._tell_missed()

    def _sealed(self) -> Tick | None:
        """The next tick that has ended and has something for this listener."""
        if self.hearing and self._tick is not None:
            return self._tick if self._tick.next is not None else None
        return self._notes[0][0] if self._notes else None

    def _next_tick(self) -> None:
        tick = self._sealed()
        assert tick is not None
        noted = bool(self._notes) and self._notes[0][0] is tick
        self._compose(tick, self._notes.popleft()[1] if noted else [])

    def _compose(self, tick: Tick, notes: list[Note]) -> None:
        if self.skipping and self.hearing:
            self._missed += tick.first_line - self._line
        pieces, self.hearing = compose(tick, self._seat, notes, self.hearing)
        for piece in pieces:
            self._put(*piece)
        self._line = tick.first_line + tick.lines
        self._tick = tick.next if self.hearing and not self.skipping else None

    def _put(self, kind: int, data: Readable) -> None:
        if self.skipping and kind == TALK:
            self._missed += self._seat.carrier.count(data)
        elif self.skipping and kind == LOST:
            self._missed += 1
        else:
            self._tell_missed()
            self._pieces.append((kind, data))
            self._talk += len(data) if kind == TALK else 0

    def _tell_missed(self) -> None:
        if self._missed:
            line = self._seat.carrier.encode(Missed(self._missed))
            self._pieces.append((MISSED, line))
            self._seat.board.stats.missed += self._missed
            self._missed = 0
