"""The lines in what a client sends (PROTOCOL §1).

A line ends in LF, CR LF, CR NUL or a lone CR.  It ends at the CR at once, whatever follows: nobody
waits for a byte that may never come.  An LF or NUL right after the CR is then ignored.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, Literal

#: As numbers: ``b"\\n" in`` some bytes is much slower, because Python tries it as a number first.
_LF, _CR = b"\n\r"

_END = re.compile(rb"\r[\n\0]?|\n")


class _Sentinel(Enum):
    TOO_LONG = "a line that is too long"


TOO_LONG: Final = _Sentinel.TOO_LONG
"""Stands for a line that is too long.  It comes once, as soon as the line passes the limit."""

TooLong = Literal[_Sentinel.TOO_LONG]


class LineSplitter:
    """Splits a stream into lines, however the network cuts the stream.

    It keeps nothing of a line that is too long: not its beginning, and not the rest up to its end.
    The lines after it are whole.
    """

    __slots__ = ("_after_cr", "_dropping", "_held", "_max_line")

    def __init__(self, max_line: int) -> None:
        """:param max_line: the most bytes of a line without its end."""
        self._max_line = max_line
        # b"" when there is nothing: an idle connection has no buffer of its own.
        self._held: bytes | bytearray = b""
        self._dropping = False
        self._after_cr = False

    @property
    def partial(self) -> bool:
        """Whether the meaning of the next byte depends on the bytes before it.

        This is so in the middle of a line (also of one that is too long), and after a CR.  If it
        is false, a segment that ends in LF and has no lone CR consists of whole lines.
        """
        return bool(self._held) or self._dropping or self._after_cr

    def take_back(self) -> bytes | None:
        """The beginning of the current line.  The splitter then forgets it.

        :return: None after a CR or while a line is too long: nobody knows yet what the next byte
            means, and the splitter forgets nothing.
        """
        if self._dropping or self._after_cr:
            return None
        held, self._held = bytes(self._held), b""
        return held

    def feed(self, segment: bytes) -> list[bytes | TooLong]:
        """The lines that end in ``segment``, without their ends, in order."""
        if segment[-1:] == b"\n" and not (self._held or self._after_cr or self._dropping):
            line = segment[:-2] if segment[-2:] == b"\r\n" else segment[:-1]
            if len(line) <= self._max_line and _LF not in line and _CR not in line:
                return [line]  # The most usual case: one whole line.
        if self._after_cr and segment:
            self._after_cr = False
            if segment[0] in b"\n\0":
                segment = segment[1:]
        *ended, tail = self._split(segment)
        if not (tail or self._held or self._dropping) and len(segment) <= self._max_line:
            return list(ended)  # The usual case: whole lines, and none can be too long.
        return self._lines(ended, tail)

    def _split(self, segment: bytes) -> list[bytes]:
        """The pieces before, between and after the line ends in ``segment``."""
        lf_only = segment.replace(b"\r\n", b"\n")  # A split at LF is faster than an expression.
        if _CR not in lf_only:
            return lf_only.split(b"\n")
        self._after_cr = segment.endswith(b"\r")
        return _END.split(segment)

    def _lines(self, ended: list[bytes], tail: bytes) -> list[bytes | TooLong]:
        lines: list[bytes | TooLong] = []
        if ended:
            lines += self._end_of_held(ended[0])
            limit = self._max_line
            lines += [line if len(line) <= limit else TOO_LONG for line in ended[1:]]
        return lines + self._hold(tail)

    def _end_of_held(self, piece: bytes) -> list[bytes | TooLong]:
        lines = self._hold(piece)
        if not self._dropping:
            lines.append(bytes(self._held))
        self._held = b""
        self._dropping = False
        return lines

    def _hold(self, piece: bytes) -> list[bytes | TooLong]:
        """Add a piece to the current line.

        :return: not empty if this makes the line too long.
        """
        if self._dropping:
            return []
        if len(self._held) + len(piece) > self._max_line:
            self._dropping = True
            self._held = b""
            return [TOO_LONG]
        if isinstance(self._held, bytearray):
            self._held += piece
        elif piece:
            self._held = bytearray(piece)
        return []
