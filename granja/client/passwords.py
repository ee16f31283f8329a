"""Finds the lines that hold a password."""

from __future__ import annotations

import unicodedata

from granja.contract.commands import COMMANDS, NEW_PASSWORD, PASS, PASSWORD, Command

_SECRET = (PASSWORD, NEW_PASSWORD, PASS)


def command_of(text: str) -> Command | None:
    """The row of the command that a line starts with; None for talk and unknown words.

    A word of one letter counts only as it is written (PROTOCOL §3): ``:P`` is a face.
    """
    word = _first_word(text)
    return COMMANDS.get(word if len(word) == 2 else word.casefold())


def password_start(text: str) -> int | None:
    """Where the password starts in ``text``; None if the command has none."""
    command = command_of(text)
    if command is None or not any(argument in _SECRET for argument in command.arguments):
        return None
    word = text.split(None, 1)[0]
    start = text.index(word) + len(word)
    return start + len(text[start:]) - len(text[start:].lstrip())


def may_be_kept(text: str) -> bool:
    """Whether the history may keep a line of the chat.

    A command that the table does not know may be a mistyped ``:registrar``.
    """
    if command_of(text) is not None:
        return password_start(text) is None
    word = _first_word(text)
    return not (word.startswith(":") and len(word) > 2 and word[1:].isalpha())


def _first_word(text: str) -> str:
    words = text.split(None, 1)
    return unicodedata.normalize("NFC", words[0]) if words else ""
