"""Strangers' text for an operator's eyes, in the log and at the terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text in one line that is harmless to a terminal.  We spell invisible characters.

    Unlike in the chat, we remove nothing: an operator wants to know what is there.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spelt(char) for char in text)


def _spelt(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
