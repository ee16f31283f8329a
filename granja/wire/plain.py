"""The fast ways: one plain line, and plain talk of many lines at once.

They change only the speed.  The slow way (line by line) gives the same result for everything that
these functions take.  They leave everything else to it.
"""

from __future__ import annotations

import re
from typing import Final

from granja.contract.commands import BLANK, SLIP
from granja.text.clean import PRINTABLE, is_clean, is_clean_line, is_squeezed
from granja.wire.telnet import IAC

#: We put a name before each line, so very many short lines would grow many times.
MOST_LINES: Final = 4096

# Each expression begins with one fixed character, because ``re`` finds such a character fast.
_lone_cr = re.compile(rb"\r[^\n]").search
# No letter begins such a line.  This test comes first because it is faster than the others.
_ODD = rf"(?![^\W\d_])(?:[\s:{BLANK}]|\Z|(?i:{SLIP}))"
_odd_beginning = re.compile(_ODD).match
_odd_line = re.compile(r"\n" + _ODD).search


def plain_line(segment: bytes, max_line: int) -> str | None:
    """The text of ``segment``, if it is one whole line and needs no cleaning.

    Such a line holds no telnet command, because UTF-8 has no byte FF, and no second line end.

    :param segment: the bytes of one read, after a whole line.
    :param max_line: the most bytes of a line without its end.
    :return: None for any other ``segment``.
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
    """The lines of ``segment``, with LF between them and none at the end, if all are plain talk.

    :param segment: the bytes of one read, after a whole line.
    :param max_line: the most bytes of a line without its end.
    :return: lines as the board's ``say_block`` wants them.  None if a line is not whole, not clean,
        empty, too long or a command.  It may also be None for good lines; it never gives bytes for
        bad ones.
    """
    if not segment.endswith(b"\n") or IAC in segment or _lone_cr(segment):
        return None
    lines = segment[:-1].replace(b"\r", b"")
    if lines.count(b"\n") >= MOST_LINES or _has_longer(lines, max_line):
        return None
    return lines if _is_talk(lines) else None


def _has_longer(lines: bytes, max_line: int) -> bool:
    """Whether a line is longer than ``max_line``.  It looks at only a few line ends."""
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
    # A line that begins with a colon, also after spaces, may be a command.  A line that begins
    # with a slip of the keyboard may hold a secret.  The server ignores an empty line.
    if _odd_beginning(text) or _odd_line(text):
        return False
    return is_clean(text) and is_squeezed(text)
