"""The words of a line (PROTOCOL §1, §3)."""

from __future__ import annotations

import re


def split_words(text: str, cuts: int) -> list[str]:
    """The words of ``text``, as ``str.split``.  A Braille blank also separates them."""
    if BLANK not in text:
        return text.split(None, cuts)
    beginning = _BLANKS.match(text)
    rest = text[beginning.end() :] if beginning else text
    if not cuts:  # For ``re.split``, 0 means no limit.
        return [rest] if rest else []
    return [word for word in _BLANKS.split(rest, max(cuts, 0)) if word]


#: It looks blank, but Unicode does not call it a space: the Braille pattern without dots.
BLANK = "\u2800"
_BLANKS = re.compile(rf"[\s{BLANK}]+")


def is_blank(text: str) -> bool:
    """Whether ``text`` looks empty: then it is no talk."""
    return not text or _BLANKS.fullmatch(text) is not None
