"""Backlogs: what one listener has not been sent yet, in order.

This is the talk of shared batches, and the listener's private pieces.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final, Protocol

from granja.board.batch import Batch
from granja.board.counters import Counters
from granja.board.group import Group
from granja.board.receipts import Receipts
from granja.contract.messages import Missed
from granja.wire.encodings import MARK, Carrier, Readable, first_number, numbered

#: Kinds of pieces: what everybody hears; an answer to the listener's own command; what another
#: farmer caused; the count of missed lines; and one private line that was missed.
TALK: Final = 0
REPLY: Final = 1
HEARD: Final = 2
MISSED: Final = 3
LOST: Final = 4
#: Kinds of notes without a piece.
JOIN: Final = 5
LEAVE: Final = 6
#: An answer that we keep, in case the farmer has not heard it.
TOLD: Final = 7

#: The most buffers in one write.  The system's own limit (IOV_MAX) is 1024.
MOST_BUFFERS: Final = 256

Piece = tuple[int, Readable]
Note = tuple[int, int, bytes]
#: A piece with its place in the talk (:mod:`granja.board.receipts`).
Placed = tuple[int, Readable, int]


class Behind(Protocol):
    """What a backlog needs from its listener.

    ``joined``: whether it hears the talk.  ``heard``: unsent bytes that others caused.
    ``receipts``: gives numbers to its lines, if they have numbers.
    """

    carrier: Carrier
    joined: bool
    heard: int
    receipts: Receipts | None

    @property
    def group(self) -> Group[Any]: ...

    def delivered(self, kind: int, size: int) -> None:
        """``size`` bytes of a private piece have left."""


def compose(
    batch: Batch[Any], listener: Behind, notes: list[Note], hearing: bool
) -> tuple[list[Piece], bool]:
    """The pieces of one batch for ``listener``, and whether it hears the talk afterwards.

    :param notes: the listener's own notes in that batch, in order.
    :param hearing: whether it hears the talk when the batch begins.
    """
    pieces: list[Piece] = []
    at = 0
    for index, kind, data in notes:
        if hearing and index > at:
            pieces += [(TALK, span) for span in batch.spans(listener.carrier, listener, at, index)]
        at = index
        if kind in (JOIN, LEAVE):
            hearing = kind == JOIN
        else:
            pieces.append((kind, data))
    stop = len(batch.entries)
    if hearing and stop > at:
        pieces += [(TALK, span) for span in batch.spans(listener.carrier, listener, at, stop)]
    return pieces, hearing


def compose_placed(
    batch: Batch[Any], listener: Behind, notes: list[Note], hearing: bool
) -> tuple[list[Placed], bool]:
    """Do the same as :func:`compose`, and give each piece its place."""
    pieces: list[Placed] = []
    at = 0
    for index, kind, data in notes:
        if hearing and index > at:
            pieces += _placed_talk(batch, listener, at, index)
        at = index
        if kind in (JOIN, LEAVE):
            hearing = kind == JOIN
        else:
            pieces.append((kind, data, batch.place(index)))
    stop = len(batch.entries)
    if hearing and stop > at:
        pieces += _placed_talk(batch, listener, at, stop)
    return pieces, hearing


def _placed_talk(batch: Batch[Any], listener: Behind, first: int, stop: int) -> Iterator[Placed]:
    rendering = batch.rendering(listener.carrier)
    for start, end in batch.heard(listener, first, stop):
        yield TALK, rendering.span(start, end), batch.place(start)


def number(receipts: Receipts, kind: int, data: Readable, place: int) -> bytes:
    """The bytes of a piece, with a number for each of its lines."""
    if kind == TALK:
        return receipts.number_talk(bytes(data).split(MARK), place)
    if kind == HEARD:
        return receipts.number_heard(data, place)
    if kind == TOLD:
        return receipts.number_told(data, place)
    return receipts.number(data, place)


class Backlog:
    """What waits for a listener that took less than we wrote.

    It either *follows*, batch by batch, or it *skips*.  While it skips, it keeps only private
    pieces.  It counts the talk between them, and tells the count where that talk was.

    :param batch: the first batch that is not among the pieces.
    :param hearing: whether the listener hears the talk when that batch begins.
    :param now: the present time in seconds: the listener took its last bytes now.
    """

    __slots__ = (
        "_batch",
        "_counters",
        "_line",
        "_listener",
        "_missed",
        "_notes",
        "_pieces",
        "_talk",
        "_void",
        "acknowledged",
        "alive_at",
        "hearing",
        "looked_at",
        "moved_at",
        "skipping",
    )

    def __init__(
        self,
        listener: Behind,
        pieces: list[Piece],
        batch: Batch[Any],
        hearing: bool,
        now: float,
        counters: Counters,
    ) -> None:
        self._listener = listener
        self._counters = counters
        self._pieces = deque(pieces)
        self._talk = sum(len(data) for kind, data in pieces if kind == TALK)
        self._notes: deque[tuple[Batch[Any], list[Note]]] = deque()
        # None while the listener does not hear: a batch keeps all batches after it in memory.
        self._batch = batch if hearing else None
        self._line = batch.first_line
        self._missed = 0
        #: The last number that a line had before we dropped that line; 0 if there is none.
        self._void = 0
        self.hearing = hearing
        self.skipping = False
        self.moved_at = self.alive_at = self.looked_at = now
        self.acknowledged: int | None = None

    def note(self, batch: Batch[Any], notes: list[Note]) -> None:
        """Take the notes of a batch that has just ended."""
        self._notes.append((batch, notes))
        if self._batch is None or self._batch is batch or not self._listener.joined:
            self._catch_up()

    def lag(self) -> int:
        """How many bytes the listener is behind."""
        said = self._listener.group.batch.start
        ahead = said - self._batch.start if self._batch is not None else 0
        return ahead + self._talk + self._listener.heard

    def holds_talk(self) -> bool:
        """Whether memory holds talk for this listener."""
        return bool(self._talk) or self._batch is not None

    def first_waiting(self) -> int:
        """The number of the first line that waits; 0 if no line has a number yet."""
        for _, data in self._pieces:
            if found := first_number(bytes(data)):
                return found
        return 0

    # -- sending ---------------------------------------------------------------------------------

    def gather(self, limit: int) -> list[Readable]:
        """The next pieces: about ``limit`` bytes, up to the end of a message.  Empty if none."""
        buffers: list[Readable] = []
        room = limit
        while room > 0 and len(buffers) < MOST_BUFFERS:
            if len(buffers) == len(self._pieces) and not self._next():
                break
            if len(buffers) == len(self._pieces):
                continue
            kind, data = self._pieces[len(buffers)]
            if kind == TALK and len(data) > room:
                data = data[: self._listener.carrier.boundary(data, room)]
            buffers.append(data)
            room -= len(data)
        return buffers

    def advance(self, sent: int) -> None:
        """Forget the first ``sent`` bytes: they have left."""
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
                self._listener.delivered(kind, size)

    def head(self) -> bytes:
        """Take the rest of the message that is being sent, or else the next message."""
        kind, data = self._pieces[0]
        end = self._listener.carrier.boundary(data, 0) if kind == TALK else len(data)
        self.advance(end)
        return bytes(data[:end])

    # -- following and skipping ----------------------------------------------------------------

    def skip(self) -> None:
        """Drop the talk and count it.  The first piece must begin where a message begins."""
        self._catch_up()
        pieces, self._pieces, self._talk = self._pieces, deque(), 0
        self.skipping = True
        self._batch, self._line = None, self._listener.group.batch.first_line
        for piece in pieces:
            self._put(*piece)

    def _catch_up(self) -> None:
        """Make pieces of all batches that have ended."""
        while self._sealed() is not None:
            self._next_batch()

    def _next(self) -> bool:
        """Add pieces, if there are any.

        :return: whether it is worth another look.
        """
        if self.skipping:
            self._follow()
            return True
        if self._sealed() is None:
            return False
        self._next_batch()
        return True

    def _follow(self) -> None:
        """All private pieces are sent.  Tell how many lines were missed, and hear the talk
        again."""
        batch = self._listener.group.batch
        if self.hearing:
            self._missed += batch.first_line - self._line
            self._batch = batch
        self.skipping = False
        self._tell_missed(batch.first_line)

    def _sealed(self) -> Batch[Any] | None:
        """The next batch that has ended and concerns this listener."""
        if self.hearing and self._batch is not None:
            return self._batch if self._batch.next is not None else None
        return self._notes[0][0] if self._notes else None

    def _next_batch(self) -> None:
        batch = self._sealed()
        assert batch is not None
        noted = bool(self._notes) and self._notes[0][0] is batch
        self._compose(batch, self._notes.popleft()[1] if noted else [])

    def _compose(self, batch: Batch[Any], notes: list[Note]) -> None:
        if self.skipping and self.hearing:
            self._missed += batch.first_line - self._line
        receipts = self._listener.receipts
        if receipts is None:
            pieces, self.hearing = compose(batch, self._listener, notes, self.hearing)
            for piece in pieces:
                self._put(*piece)
        else:
            placed, self.hearing = compose_placed(batch, self._listener, notes, self.hearing)
            for kind, data, place in placed:
                self._put_numbered(receipts, kind, data, place)
        self._line = batch.first_line + batch.lines
        self._batch = batch.next if self.hearing and not self.skipping else None

    def _put_numbered(self, receipts: Receipts, kind: int, data: Readable, place: int) -> None:
        """Put a piece with its number.  A piece that will be dropped gets no number."""
        if not (self.skipping and kind in (TALK, LOST)):
            self._tell_missed(place)
            data = number(receipts, kind, data, place)
        self._put(kind, data)

    def _put(self, kind: int, data: Readable) -> None:
        if self.skipping and kind in (TALK, LOST):
            lines = self._listener.carrier.count(data)
            self._missed += lines
            if self._listener.receipts is not None and (first := first_number(bytes(data))):
                self._void = first + lines - 1
        else:
            self._tell_missed()
            self._pieces.append((kind, data))
            self._talk += len(data) if kind == TALK else 0

    def _tell_missed(self, place: int = 0) -> None:
        """Put the count of missed lines, if there are any.

        :param place: where in the talk the count stands; only receipts need it.
        """
        if self._missed:
            line = self._listener.carrier.encode(Missed(self._missed))
            receipts = self._listener.receipts
            if receipts is not None and self._void:
                line = numbered(line.split(MARK), self._void)  # An old number: it goes first.
            elif receipts is not None:
                line = receipts.number(line, place)
            self._pieces.append((MISSED, line))
            self._counters.missed += self._missed
            self._missed = self._void = 0
