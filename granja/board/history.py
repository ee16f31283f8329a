"""The last lines of talk, kept in memory for who asks what was said, and for who was away.

A *place* is how many lines were said at the board before (:mod:`granja.board.receipts`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple

from granja.contract.messages import Acted, Message, Said

#: Announcements that are kept.
MOST_ANNOUNCED: Final = 500
#: Blocks of talk that are counted when they are kept no more.
MOST_COUNTED: Final = 20_000


class Remark(NamedTuple):
    """One line that somebody said to everybody.

    ``number``: counts all lines of talk since the start, from 1.  ``place``: before the line.
    ``time``: Unix seconds.  ``by``: whose line it is, as a key.  ``acted``: told by ``:yo``.
    """

    number: int
    place: int
    time: float
    by: int
    name: str
    text: str
    acted: bool


class _Block(NamedTuple):
    """Lines of one farmer that were said at once: UTF-8 with LF between them.

    ``last``: the number of the last one.  ``place``: after it.
    """

    last: int
    place: int
    lines: int
    time: float
    by: int
    name: str
    data: bytes
    acted: bool


class History:
    """:param most: lines that are kept at least, if so many were said; 0 keeps nothing.  It may be
    changed."""

    def __init__(self, most: int) -> None:
        self.most = most
        #: Lines of talk since the start.
        self.said = 0
        self._blocks: deque[_Block] = deque()
        #: Of blocks that are kept no more: the place after them, their lines, and whose they are.
        self._gone: deque[tuple[int, int, int]] = deque(maxlen=MOST_COUNTED)
        self._announced: deque[tuple[int, Message]] = deque(maxlen=MOST_ANNOUNCED)

    def add(
        self,
        by: int,
        name: str,
        data: bytes,
        lines: int,
        time: float,
        *,
        acted: bool = False,
        place: int = 0,
    ) -> None:
        """Somebody said ``lines`` lines.

        :param data: clean lines in UTF-8 with LF between them, none after the last.
        :param time: Unix seconds.
        :param place: after them.
        """
        self.said += lines
        blocks = self._blocks
        blocks.append(_Block(self.said, place, lines, time, by, name, data, acted))
        # A block goes as soon as those after it are enough.
        enough = self.said - self.most
        while blocks and blocks[0].last <= enough:
            gone = blocks.popleft()
            self._gone.append((gone.place, gone.lines, gone.by))

    def announce(self, message: Message, place: int) -> None:
        """The server said something to everybody.

        :param place: before it.
        """
        self._announced.append((place, message))

    def last(self, count: int, but: Container[int] = ()) -> list[Remark]:
        """The last lines, oldest first.

        :param count: lines at the most.
        :param but: whose lines are left out.
        """
        return list(islice(self._backwards(but), count))[::-1]

    def since(self, place: int, but: Container[int] = ()) -> list[tuple[int, Message]]:
        """What was said after ``place`` and is kept, with the place before it, oldest first."""
        found = [(at, message) for at, message in self._announced if at >= place]
        for remark in self._backwards(but):
            if remark.place < place:
                break
            kind = Acted if remark.acted else Said
            found.append((remark.place, kind(remark.name, remark.text)))
        return sorted(found, key=itemgetter(0))

    def lost(self, place: int, but: Container[int] = ()) -> int:
        """How many lines of talk were said after ``place`` and are kept no more."""
        lost = 0
        for end, lines, by in reversed(self._gone):
            if end <= place:
                break
            lost += 0 if by in but else min(lines, end - place)
        if self._blocks and self._blocks[0].by not in but:
            oldest = self._blocks[0]  # Of it, the last lines may be kept, and not the first.
            dropped = self.said - self.most - (oldest.last - oldest.lines)
            after = place - (oldest.place - oldest.lines)
            lost += max(0, dropped - max(0, after))
        return lost

    def _backwards(self, but: Container[int]) -> Iterator[Remark]:
        """Of what is kept, the newest first."""
        oldest = self.said - self.most
        for block in reversed(self._blocks):
            if block.by in but:
                continue
            texts = block.data.decode().split("\n")
            for number, text in zip(
                range(block.last, block.last - len(texts), -1), reversed(texts), strict=True
            ):
                if number > oldest:
                    at = block.place - 1 - (block.last - number)
                    yield Remark(number, at, block.time, block.by, block.name, text, block.acted)
