"""What Unicode says about characters and Python's ``unicodedata`` does not.

The tables are the same in every version of Python.  So the operator's Python does not decide what a
farmer may type.  ``tools/build_unicode.py`` makes them from Unicode's own files.  We read a table
when it is needed first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from importlib.resources import files


class CharSet:
    """A set of characters.  It keeps ranges, because some sets have a hundred thousand members."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        """:param ranges: the first and last code point of each range, sorted and disjoint."""
        self._firsts = [first for first, _ in ranges]
        self._lasts = [last for _, last in ranges]

    def __contains__(self, char: str) -> bool:
        """Whether ``char`` is one character of this set.  The empty string is in no set."""
        if not char:
            return False
        at = bisect_right(self._firsts, ord(char)) - 1
        return at >= 0 and ord(char) <= self._lasts[at]

    def __iter__(self) -> Iterator[str]:
        for first, last in zip(self._firsts, self._lasts, strict=True):
            yield from map(chr, range(first, last + 1))


@cache
def char_set(name: str) -> CharSet:
    """One of the classes that the head of ``classes.txt`` explains, such as ``mark``."""
    return CharSet([_span(word) for word in _classes()[name]])


@cache
def flag_regions() -> frozenset[str]:
    """The countries with an emoji flag: two letters each, in lower case."""
    return frozenset(_classes()["regions"])


@cache
def prototypes() -> dict[int, str]:
    """For ``str.translate``: what each confusable code point becomes in a skeleton (UTS 39)."""
    return {
        int(source, 16): "".join(chr(int(point, 16)) for point in target.split())
        for target, sources in _entries("confusables.txt").items()
        for source in sources
    }


#: The script of characters that every script uses (Common and Inherited).
EVERY_SCRIPT = "Zyyy"
_UNKNOWN = frozenset({"Zzzz"})


def scripts_of(char: str) -> frozenset[str]:
    """The scripts that use a letter, a mark or a decimal digit, by their codes of four letters."""
    firsts, lasts, scripts = _scripts()
    at = bisect_right(firsts, ord(char)) - 1
    return scripts[at] if at >= 0 and ord(char) <= lasts[at] else _UNKNOWN


@cache
def _scripts() -> tuple[list[int], list[int], list[frozenset[str]]]:
    """Ranges in order: their first code points, their last ones, and the scripts of each."""
    ranges = []
    for scripts, spans in _entries("scripts.txt").items():
        used_by = frozenset(scripts.split())
        for first, last in map(_span, spans):
            ranges.append((first, last, used_by))
    ranges.sort(key=lambda each: each[0])
    return [each[0] for each in ranges], [each[1] for each in ranges], [each[2] for each in ranges]


def _span(word: str) -> tuple[int, int]:
    first, _, last = word.partition("-")
    return int(first, 16), int(last or first, 16)


@cache
def _classes() -> dict[str, list[str]]:
    return _entries("classes.txt")


def _entries(file_name: str) -> dict[str, list[str]]:
    """Lines ``name: word word …``.  A line that begins with a space continues the one before."""
    text = files(__name__).joinpath(file_name).read_text(encoding="utf-8")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    lines = body.replace("\n ", " ").splitlines()
    return {name: words.split() for name, _, words in (line.partition(":") for line in lines)}
