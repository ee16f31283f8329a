"""Whether the characters of a name belong together (PROTOCOL §2).

The letters of a name are of one script, or of scripts that people write together: Han with Kana,
with Hangul or with Bopomofo.  UTS 39, section 5.2, calls this Highly Restrictive, but also allows
Latin letters beside them; we do not.  The script must also use the name's marks and digits.
Characters that every script uses, such as ASCII digits, belong to all.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from granja.text.unicode import EVERY_SCRIPT, scripts_of

#: For each script, the systems of writing that use it with others (UTS 39, section 5.1).
_TOGETHER = {
    "Hani": {"Hanb", "Jpan", "Kore"},
    "Hira": {"Jpan"},
    "Kana": {"Jpan"},
    "Hang": {"Kore"},
    "Bopo": {"Hanb"},
}

Scripts = frozenset[str] | None
"""The scripts that use some characters; None means every script."""


def mixture(spelling: str) -> str | None:
    """Why the characters of a name do not belong together, in Spanish; None if they do."""
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
    """The scripts of ``scripts`` that use each of the characters."""
    for char in characters:
        used_by = _writings(scripts_of(char))
        if scripts is None or used_by is None:
            scripts = used_by if scripts is None else scripts
        else:
            scripts &= used_by
    return scripts


@cache
def _writings(scripts: frozenset[str]) -> Scripts:
    """These scripts, and the systems of writing that use one of them together with others."""
    if EVERY_SCRIPT in scripts:
        return None
    return scripts.union(*(_TOGETHER.get(script, ()) for script in scripts))
