"""Receipts: the numbers of the lines that a client hears as data, and what each line was.

A client does not hear what we write into a dead socket.  So each line of data has a number, and a
client that comes back tells the number of the last line that it heard (PROTOCOL §5b).  From it the
receipts find the place in the talk, and the private lines after it.
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

#: Bytes of whispers that we keep for a farmer (PROTOCOL §5b).
MOST_WHISPERS: Final = 1 << 16
#: Other private lines that we keep: nobody has so many offers and news at a time.
MOST_OTHERS: Final = 1000
#: Whispers that we have dropped and still count.
MOST_COUNTED: Final = 10_000
#: Returns that we can tell apart, and how often a line is told again.
MOST_RETURNS: Final = 64
#: Writes that we can tell apart.  We count older ones several at a time.
MOST_WRITES: Final = 128
#: Changes between talk and other lines that we can tell apart.
MOST_POINTS: Final = 1000


class Private:
    """A private line: where it was said, and its numbers once it is written.

    ``by``: the farmer who whispered it; None if it is no whisper.  ``order``: its position among
    the private lines.  ``numbers``: one for each time that it was written.
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
    """The lines of one farmer's stay in the chat, over all its connections.

    :param counters: of the board; they tell the present place.
    :param count: the number of the last line.
    """

    def __init__(self, counters: Counters, count: int = 0) -> None:
        self.count = count
        #: The last line that was sent before the connection was lost.
        self.sent = count
        #: Whether the ledger has news that is not in this memory.
        self.partial = False
        self._counters = counters
        self._start = counters.lines
        #: For each return: the first number after it, and the last one that was heard before.
        self._returns: deque[tuple[int, int]] = deque(maxlen=MOST_RETURNS)
        self._order = 0
        self._guesses = False
        # Three arrays describe runs of lines.  Run i begins at line ``_lines[i]``.  In a run of
        # talk the place after line n is ``_places[i] + (n - _lines[i])``.  In a run of private
        # lines it is ``_places[i]``.
        self._lines = array("q", [count])
        self._places = array("q", [counters.lines])
        self._talks = bytearray(1)
        #: The last writes, two numbers for each: the line before it, and its bytes.
        self._sizes = array("q")
        self._whispers: deque[Private] = deque()
        self._whispered = 0
        self._others: deque[Private] = deque(maxlen=MOST_OTHERS)
        self._dropped: deque[Private] = deque(maxlen=MOST_COUNTED)
        #: What will be written next, in order: what others caused, and what is never dropped.
        self._heard: deque[Private] = deque()
        self._told: deque[tuple[Sequence[Private], int | None]] = deque()

    @classmethod
    def of_elsewhere(cls, counters: Counters, number: int, place: int, count: int) -> Receipts:
        """The lines of a stay at another node, which has died.

        :param number: of a line that was written there.
        :param place: after that line, here.
        :param count: the number of the last line that we know of.  The lines since ``number`` were
            talk, and so were those after it, as far as we know.
        """
        made = cls(counters, count)
        made._lines[0] = number
        made._start = made._places[0] = place
        made._guesses, made._talks[0] = True, 1
        return made

    # -- what is kept ----------------------------------------------------------------------------

    def keep(self, message: Message, by: int | None = None) -> Private:
        """Keep a private line, until there are too many.

        :param by: the farmer who whispers it, if it is a whisper.
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
        """The private lines after line ``number`` that are here, and the whispers that are not."""
        heard = self._heard_until(number)
        kept = [private for private in self._whispers if not _is_among(private, heard)]
        kept += [private for private in self._others if not _is_among(private, heard)]
        return kept, [private for private in self._dropped if not _is_among(private, heard)]

    def _heard_until(self, number: int) -> list[tuple[int, int]]:
        """What a farmer heard whose last line is ``number``: first and last number of each range.

        A farmer comes back with the number of the last line heard.  The lines that were sent after
        it were not heard.  They were told again, with other numbers.
        """
        heard = []
        for start, base in reversed(self._returns):
            if number >= start:
                heard.append((start, number))
                number = base
        return [*heard, (0, number)]

    # -- what is written -------------------------------------------------------------------------

    def will_hear(self, private: Private) -> None:
        """Note a private line that another farmer caused: it is written next, in order."""
        self._heard.append(private)

    def will_be_told(self, privates: Sequence[Private] = (), place: int | None = None) -> None:
        """Note a line that is never dropped: it is written next, in order.

        :param privates: the private lines that it tells, or reports as lost.
        :param place: the place in the talk after it, if that is not where it is written.
        """
        self._told.append((privates, place))

    def number_talk(self, parts: list[bytes], place: int) -> bytes:
        """Number lines of talk.

        :param parts: the bytes between the marks.
        :param place: of the first line.
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
        """Number a private line that is never dropped (:meth:`will_be_told`)."""
        privates, other = self._told.popleft() if self._told else ((), None)
        return self._number(bytes(data), place if other is None else other, privates)

    def number(self, data: Readable, place: int) -> bytes:
        """Number any other private lines.  Bytes that are no line stay as they are."""
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
        """Note that so many bytes are written after line ``count``."""
        sizes = self._sizes
        sizes.append(self.count)
        sizes.append(size)
        if len(sizes) > 2 * MOST_WRITES:
            half = MOST_WRITES  # From now on we count the older half four at a time.
            older = [
                number
                for at in range(0, half, 8)
                for number in (sizes[at], sum(sizes[at + 1 : at + 8 : 2]))
            ]
            sizes[:half] = array("q", older)

    def acknowledged(self, sent: int, missing: int) -> int:
        """The last line, up to ``sent``, that the peer's system has taken.

        :param missing: how many sent bytes the peer's system has not taken.
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
        """The place in the talk after line ``number``."""
        number = min(number, self.count)
        index = max(bisect_right(self._lines, number) - 1, 0)  # 0 if the line is too long ago.
        ahead = max(number - self._lines[index], 0) if self._talks[index] else 0
        return max(self._places[index] + ahead, self._start)

    # -- from one connection to the next -----------------------------------------------------------

    def begin(self) -> None:
        """The farmer hears the talk from now on."""
        self._start = self._counters.lines

    def resume(self, number: int) -> None:
        """A farmer comes back and has heard up to line ``number``: they hear the rest again."""
        self._returns.append((self.count + 1, number))

    def part(self) -> Receipts:
        """Numbers for the last words to the old connection.  They are no receipts."""
        self._heard.clear()
        self._told.clear()
        return Receipts(self._counters, self.count)

    def skip_to(self, number: int) -> None:
        """Give no line a number up to this one."""
        if number > self.count and self._guesses:
            ahead = self._counters.lines - self.place_after(self.count)
            self.count, self._guesses = min(number, self.count + ahead), False
        if number > self.count:
            self._note(self.count + 1, self.place_after(self.count), talk=False)
            self.count = number


def _is_among(private: Private, heard: list[tuple[int, int]]) -> bool:
    return any(first <= number <= last for number in private.numbers for first, last in heard)
