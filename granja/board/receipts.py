"""Receipts: the numbers of the lines that somebody hears as data, and what each of them was.

What was written into a dead socket was not heard.  So each line of data has a number, and who
comes back says which was the last (PROTOCOL §5b).  Then it has to be known where in the talk that
was, and which private lines came after it.

A *place* is how many lines were said at the board before it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import Final

from granja.board.counters import Counters
from granja.contract.messages import Message
from granja.wire.encodings import MARK, Readable, numbered

#: Bytes of whispers that are kept for somebody (PROTOCOL §5b).
MOST_WHISPERS: Final = 1 << 16
#: Other private lines that are kept: nobody has so many offers and news at a time.
MOST_OTHERS: Final = 1000
#: Whispers that were let go and are still counted.
MOST_COUNTED: Final = 10_000
#: Comings back that are told apart, and times that a line is told again.
MOST_RETURNS: Final = 64
#: Writes that are told apart; older ones are counted several at a time.
MOST_WRITES: Final = 128
#: Times that somebody's own lines and private ones can be told apart from the talk.
MOST_POINTS: Final = 1000


class Private:
    """A private line: where it was said, and its number once it was written.

    ``by``: the farmer who whispered it; None for what nobody whispered.  ``order``: among the
    private ones.  ``numbers``: those that it was written with.
    """

    __slots__ = ("by", "message", "numbers", "order", "place", "size")

    def __init__(self, message: Message, place: int, order: int, by: int | None) -> None:
        self.message = message
        self.place = place
        self.order = order
        self.by = by
        self.numbers: tuple[int, ...] = ()
        self.size = 0


class Receipts:
    """The lines of one farmer's stay in the chat, whichever connections they went to.

    :param counters: of the board; they say which place it is now.
    :param count: the number of the last line.
    """

    def __init__(self, counters: Counters, count: int = 0) -> None:
        self.count = count
        #: The last line that was sent when the connection was lost.
        self.sent = count
        #: Whether the record has news of them that are not among what is kept here.
        self.partial = False
        self._counters = counters
        self._start = counters.lines
        #: For each coming back, the first number from then on, and the last one that was heard.
        self._returns: deque[tuple[int, int]] = deque(maxlen=MOST_RETURNS)
        self._order = 0
        # From line ``_lines[i]`` on, the place after line n is ``_places[i] + (n - _lines[i])`` in
        # a run of talk, and ``_places[i]`` among private lines.
        self._lines = array("q", [count])
        self._places = array("q", [counters.lines])
        self._talks = bytearray(1)
        #: The last writes: the number of the line before, and the bytes.
        self._sizes = array("q")
        self._whispers: deque[Private] = deque()
        self._whispered = 0
        self._others: deque[Private] = deque(maxlen=MOST_OTHERS)
        self._dropped: deque[Private] = deque(maxlen=MOST_COUNTED)
        #: What will be written next, in order: what others caused, and what is never dropped.
        self._heard: deque[Private] = deque()
        self._told: deque[tuple[Sequence[Private], int | None]] = deque()

    # -- what is kept ----------------------------------------------------------------------------

    def keep(self, message: Message, by: int | None = None) -> Private:
        """Keep a private line, until there is more than is kept.

        :param by: who whispers it, if somebody does.
        """
        self._order += 1
        private = Private(message, self._counters.lines, self._order, by)
        if by is None:
            self._others.append(private)
            return private
        private.size = len(message.line().encode())
        self._whispers.append(private)
        self._whispered += private.size
        while self._whispered > MOST_WHISPERS:
            dropped = self._whispers.popleft()
            self._whispered -= dropped.size
            self._dropped.append(dropped)
        return private

    def after(self, number: int) -> tuple[list[Private], list[Private]]:
        """The private lines after line ``number`` that are kept, and the whispers that are not."""
        heard = self._heard_until(number)
        kept = [private for private in self._whispers if not _is_among(private, heard)]
        kept += [private for private in self._others if not _is_among(private, heard)]
        return kept, [private for private in self._dropped if not _is_among(private, heard)]

    def _heard_until(self, number: int) -> list[tuple[int, int]]:
        """The first and last numbers of what was heard by whoever has heard line ``number``.

        What was sent after the line that they came back with was not heard, and was told again with
        other numbers.
        """
        heard = []
        for start, base in reversed(self._returns):
            if number >= start:
                heard.append((start, number))
                number = base
        return [*heard, (0, number)]

    # -- what is written -------------------------------------------------------------------------

    def will_hear(self, private: Private) -> None:
        """It is written in its turn, as what another farmer caused."""
        self._heard.append(private)

    def will_be_told(self, privates: Sequence[Private] = (), place: int | None = None) -> None:
        """The same for a line that is never dropped.

        :param privates: what it tells, or tells to be lost.
        :param place: where in the talk it is after that, if it is not where it is written.
        """
        self._told.append((privates, place))

    def number_talk(self, parts: list[bytes], place: int) -> bytes:
        """Number lines of talk.

        :param parts: what stands between the marks.
        :param place: of the first of them.
        """
        lines, first = len(parts) - 1, self.count + 1
        if not lines:
            return parts[0]
        self._note(first, place + 1, talk=True)
        block = numbered(parts, first)
        self._note_size(len(block))
        self.count += lines
        return block

    def number_heard(self, data: Readable, place: int) -> bytes:
        """Number a private line that another farmer caused."""
        privates = [self._heard.popleft()] if self._heard else []
        return self._number(bytes(data), place, privates)

    def number_told(self, data: Readable, place: int) -> bytes:
        """Number a private line that is never dropped and that :meth:`will_be_told`."""
        privates, other = self._told.popleft() if self._told else ((), None)
        return self._number(bytes(data), place if other is None else other, privates)

    def number(self, data: Readable, place: int) -> bytes:
        """Number any other private lines; bytes that are no line stay as they are."""
        return self._number(bytes(data), place, ())

    def _number(self, data: bytes, place: int, privates: Sequence[Private]) -> bytes:
        parts = data.split(MARK)
        lines, first = len(parts) - 1, self.count + 1
        if not lines:
            return data
        self._note(first, place, talk=False)
        self._note_size(len(data))
        self.count += lines
        for private in privates:
            private.numbers = (*private.numbers, self.count)[-MOST_RETURNS:]
        return numbered(parts, first)

    def _note_size(self, size: int) -> None:
        """So many bytes are written after line ``count``."""
        sizes = self._sizes
        sizes.append(self.count)
        sizes.append(size)
        if len(sizes) > 2 * MOST_WRITES:
            half = MOST_WRITES  # The older half is counted four at a time from now on.
            older = [
                number
                for at in range(0, half, 8)
                for number in (sizes[at], sum(sizes[at + 1 : at + 8 : 2]))
            ]
            sizes[:half] = array("q", older)

    def acknowledged(self, sent: int, missing: int) -> int:
        """The last line up to ``sent`` that the peer's system has taken.

        :param missing: how many bytes of what was sent it has not.
        """
        for at in range(len(self._sizes) - 2, -1, -2):
            if missing <= 0:
                break
            before, size = self._sizes[at], self._sizes[at + 1]
            if before < sent:
                missing -= size
                sent = before
        return sent

    def _note(self, number: int, place: int, *, talk: bool) -> None:
        talks = bool(self._talks[-1])
        ahead = number - self._lines[-1] if talks else 0
        if talks == talk and self._places[-1] + ahead == place:
            return
        self._lines.append(number)
        self._places.append(place)
        self._talks.append(talk)
        if len(self._lines) > MOST_POINTS:
            half = MOST_POINTS // 2
            del self._lines[:half], self._places[:half], self._talks[:half]

    def place_after(self, number: int) -> int:
        """Where in the talk it was after line ``number`` was heard."""
        number = min(number, self.count)
        index = max(bisect_right(self._lines, number) - 1, 0)  # The first, if it is longer ago.
        ahead = max(number - self._lines[index], 0) if self._talks[index] else 0
        return max(self._places[index] + ahead, self._start)

    # -- from one connection to the next -----------------------------------------------------------

    def begin(self) -> None:
        """From here on the talk is heard."""
        self._start = self._counters.lines

    def resume(self, number: int) -> None:
        """Whoever has heard line ``number``, and no other, is told what comes after it."""
        self._returns.append((self.count + 1, number))

    def part(self) -> Receipts:
        """Numbers for the last words to a connection that is left behind: they are not receipts."""
        self._heard.clear()
        self._told.clear()
        return Receipts(self._counters, self.count)

    def skip_to(self, number: int) -> None:
        """Give this number and those before it to no line any more."""
        if number > self.count:
            self._note(self.count + 1, self.place_after(self.count), talk=False)
            self.count = number


def _is_among(private: Private, heard: list[tuple[int, int]]) -> bool:
    return any(first <= number <= last for number in private.numbers for first, last in heard)
