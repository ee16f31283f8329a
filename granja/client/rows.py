"""Rows of a terminal: the part of a line that does not fit goes on in the next row, indented.

Somebody could fill a row with spaces.  Then the rest of their line, in the next row, would look
like a line of its own, perhaps ``[SERVER] …``.  So we fold lines ourselves, and the terminal never
does.
"""

from __future__ import annotations

from collections.abc import Iterator

INDENT = "    "
"""It is deeper than any mark in the margin, and no line begins with a space."""

_TYPOGRAPHY = range(0x2010, 0x2028)
"""Dashes, quotes and the ellipsis."""


def fold(line: str, columns: int, margin: int = 0) -> str:
    """``line`` with line ends and indents where it does not fit.

    :param columns: of the terminal.  The last one stays free: some terminals go to the next row as
        soon as it is filled.
    :param margin: how many columns before the first row are taken already.
    """
    return f"\n{INDENT}".join(_rows(line, columns - 1 - margin, columns - 1 - len(INDENT)))


def _rows(line: str, first: int, others: int) -> Iterator[str]:
    room, at = first, 0
    while True:
        end = _end(line, at, max(room, 2))
        yield line[at:end]
        if end == len(line):
            return
        room, at = others, end


def _end(line: str, start: int, room: int) -> int:
    """Where the row from ``start`` ends: behind its last space, or in a word longer than a row."""
    end = _limit(line, start, room)
    if end == len(line):
        return end
    space = line.rfind(" ", start, end)
    return space + 1 if space > start else end


def _limit(line: str, start: int, room: int) -> int:
    piece = line[start : start + room]
    if piece.isascii():
        return start + len(piece)
    for place in range(start, len(line)):
        room -= columns_of(line[place])
        if room < 0:
            return max(place, start + 1)
    return len(line)


def columns_of(char: str) -> int:
    """The most columns that a terminal may give to a character; terminals disagree about many."""
    point = ord(char)
    if point < 0x300 or point in _TYPOGRAPHY:
        return 1
    if point < 0x370:
        return 0
    return 1 if point < 0x530 else 2
