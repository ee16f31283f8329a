"""The words of a line (PROTOCOL §1, §3)."""

from __future__ import annotations

import re


def split_words(text: str, cuts: int) -> list[str]:
    """The words of ``text``, as ``str.split``; a Braille blank separates them too."""
    if BLANK not in text:
        return text.split(None, cuts)
    beginning = _BLANKS.match(text)
    rest = text[beginning.end() :] if beginning else text
    if not cuts:  # to ``re.split``, none is as many as there are
        return [rest] if rest else []
    return [word for word in _BLANKS.split(rest, max(cuts, 0)) if word]


#: Blank, and no space to Unicode: the Braille pattern without dots.
BLANK = "\u2800"
_BLANKS = re.compile(rf"[\s{BLANK}]+")


def is_blank(text: str) -> bool:
    """Whether nobody would see anything of ``text``, so that in the chat it is no talk."""
    return not text or _BLANKS.fullmatch(text) is not None
