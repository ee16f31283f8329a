"""Which marks, joiners, variation selectors and tags stay behind a character.

They are *extenders*: we see only what they do to their *base*, the character before them.  A mark
stays if it is one of the first four on its base.  Another extender stays where a script or an emoji
needs it:

- U+200C and U+200D after a virama, U+200C between letters that would join (RFC 5892, appendix A);
- U+200D between an Indic consonant and its virama (Unicode standard, chapter 12: the Bengali
  ya-phalaa, the Kannada repha), and at the end of a word that shows a joining form (Persian dates);
- U+200D between emoji, U+FE0E and U+FE0F after one, tags after a black flag if they spell a
  country that has a flag and a part of it (UTS 51);
- other selectors after a base that has such variants: ideographs, Mongolian and a few scripts.

A second pass changes nothing more: a decision looks back only at what stays, and ahead only at what
will stay.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import groupby

from granja.text.unicode import char_set, flag_regions

MAX_MARKS = 4
#: No script and no emoji needs so many after one character.  Looking ahead costs their square.
MAX_RUN = 64
ZWNJ, ZWJ = "\u200c", "\u200d"
TEXT_STYLE, EMOJI_STYLE = "\ufe0e", "\ufe0f"
MONGOLIAN_SEPARATOR = "\u180e"
KEYCAP = "\u20e3"
SKIN_TONES = tuple("\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
BLACK_FLAG = "\U0001f3f4"

SOMETIMES_NEEDED = frozenset(
    chr(point)
    for first, last in (
        (0x180B, 0x180F),
        (0x200C, 0x200D),
        (0xFE00, 0xFE0F),
        (0xE0020, 0xE007F),
        (0xE0100, 0xE01EF),
    )
    for point in range(first, last + 1)
)
"""The extenders that Unicode calls ignorable: selectors, joiners, separators and tags."""

_TAG_LETTER = r"\U000e0061-\U000e007a"
_TAG_DIGIT = r"\U000e0030-\U000e0039"
_TAGS = re.compile(rf"([{_TAG_LETTER}]{{2}})[{_TAG_LETTER}{_TAG_DIGIT}]{{1,3}}\U000e007f")
_TAG_OFFSET = 0xE0000


def drop_needless(text: str) -> str:
    """``text`` with only those extenders that a reader needs.

    ``text`` may contain no ignorable characters except ``SOMETIMES_NEEDED``.
    """
    extenders = _extenders()
    if extenders.isdisjoint(text):
        return text
    # Groups of bases and groups of extenders take turns.
    stretches = ["".join(group) for _, group in groupby(text, extenders.__contains__)]
    first = 0 if text[0] in extenders else 1
    for at in range(first, len(stretches), 2):
        before = stretches[at - 1] if at else ""
        stretches[at] = _needed(before[-1:], stretches[at], "".join(stretches[at + 1 : at + 2])[:1])
    return "".join(stretches)


@cache
def _extenders() -> frozenset[str]:
    return SOMETIMES_NEEDED.union(char_set("mark"))


def _needed(base: str, extenders: str, following: str) -> str:
    if len(extenders) <= MAX_MARKS and SOMETIMES_NEEDED.isdisjoint(extenders):
        return extenders
    return _needed_run(base, extenders[:MAX_RUN], following)


@lru_cache(maxsize=4096)
def _needed_run(base: str, extenders: str, following: str) -> str:
    """Cached: people often type the same, and an attacker fills a line with it."""
    return _Run(base, extenders, following).needed()


class _Run:
    """The extenders between two bases, and those that have stayed so far."""

    def __init__(self, base: str, extenders: str, following: str) -> None:
        """:param base: empty at the beginning of a line.
        :param following: empty at its end.
        """
        self._base = base
        self._extenders = extenders
        self._following = following
        self._kept = ""

    def needed(self) -> str:
        self._kept = self._flag_tags()
        marks = 0
        for at in range(len(self._kept), len(self._extenders)):
            char = self._extenders[at]
            if char in (ZWNJ, ZWJ, MONGOLIAN_SEPARATOR):
                stays = self._joins(char, at + 1)
            else:
                stays = marks < MAX_MARKS and self._marks(char, at + 1)
                marks += stays
            if stays:
                self._kept += char
        return self._kept

    def _flag_tags(self) -> str:
        """The tags of a region's flag, such as Scotland or Galicia (UTS 51, ED-14a)."""
        tags = _TAGS.match(self._extenders) if self._base == BLACK_FLAG else None
        if not tags:
            return ""
        region = "".join(chr(ord(tag) - _TAG_OFFSET) for tag in tags[1])
        return tags[0] if region in flag_regions() else ""

    def _marks(self, char: str, ahead: int) -> bool:
        if char in SOMETIMES_NEEDED:
            return not self._kept and self._selects(char, ahead)
        return True

    def _selects(self, char: str, ahead: int) -> bool:
        """Whether ``char`` is a variation selector and its base has such a variant."""
        base = self._base
        if char in (TEXT_STYLE, EMOJI_STYLE):
            if base and base in "#*0123456789":
                return char == EMOJI_STYLE and self._extenders[ahead : ahead + 1] == KEYCAP
            return base in char_set("emoji")
        if char <= "\u180f":
            return base in char_set("mongolian")
        if char <= "\ufe02" and base in char_set("ideograph"):
            return True
        if char <= "\ufe06":
            return base in char_set("varied")
        return char >= "\U000e0100" and base in char_set("ideograph")

    def _joins(self, char: str, ahead: int) -> bool:
        if char == MONGOLIAN_SEPARATOR:
            return self._separates(ahead)
        if self._kept and self._kept[-1] in char_set("virama"):
            return True
        if char == ZWNJ:
            return self._parts_letters(ahead)
        return self._joins_emoji(ahead) or self._shapes_virama(ahead) or self._ends_word(ahead)

    def _separates(self, ahead: int) -> bool:
        mongolian = char_set("mongolian")
        return self._is_last(ahead) and self._base in mongolian and self._following in mongolian

    def _parts_letters(self, ahead: int) -> bool:
        """RFC 5892, appendix A.1: (L or D) T* ZWNJ T* (R or D)."""
        transparent = char_set("transparent")
        return (
            self._base in char_set("joins_next")
            and self._following in char_set("joins_previous")
            and all(char in transparent for char in self._kept)
            and all(char in transparent for char in self._extenders[ahead:])
        )

    def _joins_emoji(self, ahead: int) -> bool:
        pictographic = char_set("pictographic")
        return (
            self._is_last(ahead)
            and self._kept in ("", EMOJI_STYLE)
            and (self._base in pictographic or self._base in SKIN_TONES)
            and self._following in pictographic
        )

    def _shapes_virama(self, ahead: int) -> bool:
        following = self._extenders[ahead : ahead + 1]
        return (
            not self._kept
            and self._base in char_set("consonant")
            and following in char_set("virama")
        )

    def _ends_word(self, ahead: int) -> bool:
        """Whether the letter shows how it joins, although no letter follows that it could join."""
        return (
            self._is_last(ahead)
            and self._base in char_set("joins_next")
            and all(char in char_set("transparent") for char in self._kept)
            and self._following not in char_set("joins_previous")
        )

    def _is_last(self, ahead: int) -> bool:
        return ahead == len(self._extenders)
