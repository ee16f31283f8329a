"""The history: the last lines of talk in memory, for the command that shows them and for
returns."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple

from granja.contract.messages import Acted, Message, Said

#: Announcements that we keep.
MOST_ANNOUNCED: Final = 500
#: Blocks of talk that we still count after we have dropped their lines.
MOST_COUNTED: Final = 20_000


class Remark(NamedTuple):
    """One line that somebody said to everybody.

    ``number``: counts all lines of talk since the start, from 1.  ``place``: before the line.
    ``time``: Unix seconds.  ``by``: the speaker, as a key.  ``acted``: said with ``:yo``.
    """

    number: int
    place: int
    time: float
    by: int
    name: str
    text: str
    acted: bool


class _Block(NamedTuple):
    """Lines that one farmer said at once: UTF-8 with LF between them.

    ``last``: the number of the last line.  ``place``: after it.
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
    """:param most: how many of the last lines to keep; 0 keeps nothing.  It may change."""

    def __init__(self, most: int) -> None:
        self.most = most
        #: Lines of talk since the start.
        self.said = 0
        self._blocks: deque[_Block] = deque()
        #: For dropped blocks: the place after them, their lines, and the speaker.
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
        place: int,
        acted: bool = False,
    ) -> None:
        """Somebody said ``lines`` lines.

        :param data: clean lines in UTF-8, with LF between them and none after the last.
        :param time: Unix seconds.
        :param place: after them.
        """
        self.said += lines
        blocks = self._blocks
        blocks.append(_Block(self.said, place, lines, time, by, name, data, acted))
        # Drop a block as soon as the blocks after it have enough lines.
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

        :param count: the most lines.
        :param but: leave out the lines of these speakers.
        """
        return list(islice(self._backwards(but), count))[::-1]

    def since(self, place: int, but: Container[int] = ()) -> list[tuple[int, Message]]:
        """What was said after ``place`` and is still here, with its place, oldest first."""
        found = [(at, message) for at, message in self._announced if at >= place]
        for remark in self._backwards(but):
            if remark.place < place:
                break
            kind = Acted if remark.acted else Said
            found.append((remark.place, kind(remark.name, remark.text)))
        return sorted(found, key=itemgetter(0))

    def lost(self, place: int, but: Container[int] = ()) -> int:
        """How many lines of talk after ``place`` are dropped."""
        lost = 0
        for end, lines, by in reversed(self._gone):
            if end <= place:
                break
            lost += 0 if by in but else min(lines, end - place)
        if self._blocks and self._blocks[0].by not in but:
            oldest = self._blocks[0]  # Its first lines may be dropped although the last are here.
            dropped = self.said - self.most - (oldest.last - oldest.lines)
            after = place - (oldest.place - oldest.lines)
            lost += max(0, dropped - max(0, after))
        return lost

    def _backwards(self, but: Container[int]) -> Iterator[Remark]:
        """The lines that are here, newest first."""
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
