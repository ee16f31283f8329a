"""The last lines of talk, kept in memory for who asks what was said."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator
from itertools import islice
from typing import NamedTuple


class Remark(NamedTuple):
    """One line that somebody said to everybody.

    ``number``: counts all lines of talk since the start, from 1.  ``time``: Unix seconds.  ``by``:
    whose line it is, as a key.  ``acted``: told by ``:yo``.
    """

    number: int
    time: float
    by: int
    name: str
    text: str
    acted: bool


class _Block(NamedTuple):
    """Lines of one farmer that were said at once: UTF-8 with LF between them."""

    last: int
    time: float
    by: int
    name: str
    data: bytes
    acted: bool


class History:
    """:param most: lines that are kept at least, if so many were said; 0 keeps nothing."""

    def __init__(self, most: int) -> None:
        self.most = most
        #: Lines of talk since the start.
        self.said = 0
        self._blocks: deque[_Block] = deque()

    def add(
        self, by: int, name: str, data: bytes, lines: int, time: float, *, acted: bool = False
    ) -> None:
        """Somebody said ``lines`` lines.

        :param data: clean lines in UTF-8 with LF between them, none after the last.
        :param time: Unix seconds.
        """
        self.said += lines
        if not self.most:
            return
        blocks = self._blocks
        blocks.append(_Block(self.said, time, by, name, data, acted))
        # A block goes as soon as those after it are enough.
        enough = self.said - self.most
        while blocks[0].last <= enough:
            blocks.popleft()

    def last(self, count: int, but: Container[int] = ()) -> list[Remark]:
        """The last lines, oldest first.

        :param count: lines at the most.
        :param but: whose lines are left out.
        """
        return list(islice(self._backwards(but), count))[::-1]

    def since(self, number: int, but: Container[int] = ()) -> list[Remark]:
        """The lines after line ``number`` that are kept, oldest first."""
        found = []
        for remark in self._backwards(but):
            if remark.number <= number:
                break
            found.append(remark)
        return found[::-1]

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
                    yield Remark(number, block.time, block.by, block.name, text, block.acted)
