"""Whether the characters of a name go together (PROTOCOL §2).

The letters of a name are of one script, or of scripts that are written together: Han with Kana,
with Hangul or with Bopomofo.  That is what UTS 39, section 5.2, calls Highly Restrictive, without
the Latin letters that it lets in beside them.  Marks and digits are such as that script uses; what
every script uses, ASCII digits among them, goes with all.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from granja.text.unicode import EVERY_SCRIPT, scripts_of

#: Systems of writing that use several scripts, by each of them (UTS 39, section 5.1).
_TOGETHER = {
    "Hani": {"Hanb", "Jpan", "Kore"},
    "Hira": {"Jpan"},
    "Kana": {"Jpan"},
    "Hang": {"Kore"},
    "Bopo": {"Hanb"},
}

Scripts = frozenset[str] | None
"""The scripts that use some characters; None stands for every script."""


def mixture(spelling: str) -> str | None:
    """Why the characters of a name do not go together, in Spanish; None if they do."""
    if spelling.isascii():
        return None
    characters = spelling + unicodedata.normalize("NFKC", spelling)
    letters = _common(None, [char for char in characters if char.isalpha()])
    if letters == frozenset():
        return "mezcla letras de distintos alfabetos"
    others = [char for char in characters if unicodedata.category(char)[0] in "MN"]
    if _common(letters, others) == frozenset():
        return "tiene marcas o números de otro alfabeto"
    return None


def _common(scripts: Scripts, characters: list[str]) -> Scripts:
    """Those of ``scripts`` that use each of the characters."""
    for char in characters:
        used_by = _writings(scripts_of(char))
        if scripts is None or used_by is None:
            scripts = used_by if scripts is None else scripts
        else:
            scripts &= used_by
    return scripts


@cache
def _writings(scripts: frozenset[str]) -> Scripts:
    """The scripts, and the systems of writing that use one of them together with others."""
    if EVERY_SCRIPT in scripts:
        return None
    return scripts.union(*(_TOGETHER.get(script, ()) for script in scripts))
