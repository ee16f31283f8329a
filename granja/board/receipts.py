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
#: Times that somebody's own lines and private ones can be told apart from the talk.
MOST_POINTS: Final = 1000


class Private:
    """A private line: where it was said, and its number once it was written.

    ``by``: the farmer who whispered it; None for what nobody whispered.  ``number``: None as long
    as it was not written.
    """

    __slots__ = ("by", "message", "number", "place", "size")

    def __init__(self, message: Message, place: int, by: int | None) -> None:
        self.message = message
        self.place = place
        self.by = by
        self.number: int | None = None
        self.size = 0


class Receipts:
    """The lines of one farmer's stay in the chat, whichever connections they went to.

    :param counters: of the board; they say which place it is now.
    :param count: the number of the last line.
    """

    def __init__(self, counters: Counters, count: int = 0) -> None:
        self.count = count
        self._counters = counters
        # From line ``_lines[i]`` on, the place after line n is ``_places[i] + (n - _lines[i])`` in
        # a run of talk, and ``_places[i]`` among private lines.
        self._lines = array("q", [count])
        self._places = array("q", [counters.lines])
        self._talks = bytearray(1)
        self._whispers: deque[Private] = deque()
        self._whispered = 0
        self._others: deque[Private] = deque(maxlen=MOST_OTHERS)
        self._dropped: deque[Private] = deque(maxlen=MOST_COUNTED)
        #: What will be written next, in order: what others caused, and what is never dropped.
        self._heard: deque[Private] = deque()
        self._told: deque[tuple[Private | None, int | None]] = deque()

    # -- what is kept ----------------------------------------------------------------------------

    def keep(self, message: Message, by: int | None = None) -> Private:
        """Keep a private line, until there is more than is kept.

        :param by: who whispers it, if somebody does.
        """
        private = Private(message, self._counters.lines, by)
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
        kept = [private for private in self._whispers if _is_after(private, number)]
        kept += [private for private in self._others if _is_after(private, number)]
        return kept, [private for private in self._dropped if _is_after(private, number)]

    # -- what is written -------------------------------------------------------------------------

    def will_hear(self, private: Private) -> None:
        """It is written in its turn, as what another farmer caused."""
        self._heard.append(private)

    def will_be_told(self, private: Private | None = None, place: int | None = None) -> None:
        """The same for what is never dropped.

        :param place: where in the talk it belongs, if that is not where it is written.
        """
        self._told.append((private, place))

    def number_talk(self, parts: list[bytes], place: int) -> bytes:
        """Number lines of talk.

        :param parts: what stands between the marks.
        :param place: of the first of them.
        """
        lines, first = len(parts) - 1, self.count + 1
        if not lines:
            return parts[0]
        self._note(first, place + 1, talk=True)
        self.count += lines
        return numbered(parts, first)

    def number_heard(self, data: Readable, place: int) -> bytes:
        """Number a private line that another farmer caused."""
        private = self._heard.popleft() if self._heard else None
        return self._number(bytes(data), place, private)

    def number_told(self, data: Readable, place: int) -> bytes:
        """Number a private line that is never dropped and that :meth:`will_be_told`."""
        private, other = self._told.popleft() if self._told else (None, None)
        return self._number(bytes(data), place if other is None else other, private)

    def number(self, data: Readable, place: int) -> bytes:
        """Number any other private lines; bytes that are no line stay as they are."""
        return self._number(bytes(data), place, None)

    def _number(self, data: bytes, place: int, private: Private | None) -> bytes:
        parts = data.split(MARK)
        lines, first = len(parts) - 1, self.count + 1
        if not lines:
            return data
        self._note(first, place, talk=False)
        self.count += lines
        if private is not None:
            private.number = self.count
        return numbered(parts, first)

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
        index = bisect_right(self._lines, number) - 1
        if index < 0:  # Longer ago than is known.
            return self._places[0]
        ahead = number - self._lines[index] if self._talks[index] else 0
        return self._places[index] + ahead

    # -- from one connection to the next -----------------------------------------------------------

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


def _is_after(private: Private, number: int) -> bool:
    return private.number is None or private.number > number
