"""What can be taken whole: a plain line, and plain talk by the chunk.

Only speed is at stake.  Whatever is taken here would have come out of the line path the same;
whatever might not is left to it.
"""

from __future__ import annotations

import re
from typing import Final

from granja.contract.commands import BLANK, SLIP
from granja.text.clean import PRINTABLE, is_clean, is_clean_line, is_squeezed
from granja.wire.telnet import IAC

#: A name before each of very many short lines would make a chunk many times as large.
MOST_LINES: Final = 4096

# Each begins with one fixed character, which re seeks fast: 40 µs in 64 KB, not 800.
_lone_cr = re.compile(rb"\r[^\n]").search
# No letter begins such a line: to ask that first takes a third less than to try the rest.
_ODD = rf"(?![^\W\d_])(?:[\s:{BLANK}]|\Z|(?i:{SLIP}))"
_odd_beginning = re.compile(_ODD).match
_odd_line = re.compile(r"\n" + _ODD).search


def plain_line(segment: bytes, max_line: int) -> str | None:
    """The line that ``segment`` is, if it is one whole line with nothing to clean.

    Such a line has no telnet in it, because UTF-8 has no byte FF, and no second end.

    :param segment: what one read of a connection gave, after a whole line.
    :param max_line: the most bytes of a line without its end.
    :return: None for whatever else ``segment`` is.
    """
    size = len(segment)
    line = segment.removesuffix(b"\r\n")
    if len(line) == size:
        line = segment.removesuffix(b"\n")
        if len(line) == size:
            return None
    if len(line) > max_line:
        return None
    if line.translate(PRINTABLE) == line:
        return line.decode()
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    return text if is_clean_line(text) else None


def plain_talk(segment: bytes, max_line: int) -> bytes | None:
    """The lines of ``segment`` with LF between them and none at the end, if all are plain talk.

    :param segment: what one read of a connection gave, after a whole line.
    :param max_line: the most bytes of a line without its end.
    :return: None unless every line is whole, clean, no command, not empty and not too long; what
        the board's ``say_block`` wants otherwise.  None may also be the answer for lines that are
        all of that, never bytes for lines that are not.
    """
    if not segment.endswith(b"\n") or IAC in segment or _lone_cr(segment):
        return None
    lines = segment[:-1].replace(b"\r", b"")
    if lines.count(b"\n") >= MOST_LINES or _has_longer(lines, max_line):
        return None
    return lines if _is_talk(lines) else None


def _has_longer(lines: bytes, max_line: int) -> bool:
    """Whether a line is longer than ``max_line``: looks at few ends of lines, not at all."""
    start = 0
    while len(lines) - start > max_line:
        end = lines.rfind(b"\n", start, start + max_line + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _is_talk(lines: bytes) -> bool:
    try:
        text = lines.decode()
    except UnicodeDecodeError:
        return False
    # A line that begins with a colon may be a command, also after spaces, and one that begins with
    # a slip holds a secret; an empty one is ignored.
    if _odd_beginning(text) or _odd_line(text):
        return False
    return is_clean(text) and is_squeezed(text)
