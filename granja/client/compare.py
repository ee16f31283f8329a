"""Comparing what a person types with names, the way people compare: no accents, no capitals."""

from __future__ import annotations

import re
import unicodedata


def fold(text: str) -> str:
    """``text`` without accents and case: ``Ánfora`` and ``anfora`` fold to the same."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def starts_a_word(fragment: str, text: str) -> bool:
    """Whether some word of ``text`` starts with ``fragment`` (which may go over several words)."""
    return f" {fold(fragment)}" in f" {fold(text)}"


LONGEST_TALK = 5000
"""Characters in which a name is looked for: no talk is longer, and to fold text takes memory."""


def mentions(name: str, text: str) -> bool:
    """Whether ``text`` has ``name`` in it as a word of its own: ``ana`` but not ``mañana``."""
    if not name:
        return False
    folded = fold(text[:LONGEST_TALK])
    return re.search(rf"(?<!\w){re.escape(fold(name))}(?!\w)", folded) is not None
