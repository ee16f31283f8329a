"""Compares typed text with names as people do: without accents and capitals."""

from __future__ import annotations

import re
import unicodedata


def fold(text: str) -> str:
    """``text`` without accents and case: ``Ánfora`` and ``anfora`` become the same."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def starts_a_word(fragment: str, text: str) -> bool:
    """Whether a word of ``text`` starts with ``fragment``, which may continue over more words."""
    return f" {fold(fragment)}" in f" {fold(text)}"


LONGEST_TALK = 5000
"""We look for a name in this many characters: no talk is longer, and folding takes memory."""


def mentions(name: str, text: str) -> bool:
    """Whether ``text`` contains ``name`` as a whole word: ``ana``, but not ``mañana``."""
    if not name:
        return False
    folded = fold(text[:LONGEST_TALK])
    return re.search(rf"(?<!\w){re.escape(fold(name))}(?!\w)", folded) is not None
