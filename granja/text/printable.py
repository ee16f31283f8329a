"""Text of strangers for an operator's eyes: in the log, and at the terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text in one line that does nothing to a terminal: what cannot be seen is spelt.

    Other than in the chat nothing is left out: an operator wants to know what is there.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spelt(char) for char in text)


def _spelt(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
