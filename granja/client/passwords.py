"""Which lines hold a password."""

from __future__ import annotations

from granja.commands import COMMANDS, NEW_PASSWORD, PASSWORD, Command, is_command

_SECRET = (PASSWORD, NEW_PASSWORD)


def command_of(text: str) -> Command | None:
    """The row of the command that a line starts with, or None for talk and unknown words."""
    words = text.split(None, 1)
    return COMMANDS.get(words[0].casefold()) if words and is_command(text) else None


def password_start(text: str) -> int | None:
    """Where in ``text`` the password of a ``:registrar`` or ``:clave`` starts, if it is one."""
    command = command_of(text)
    if command is None or not any(argument in _SECRET for argument in command.arguments):
        return None
    word = text.split(None, 1)[0]
    start = text.index(word) + len(word)
    return start + len(text[start:]) - len(text[start:].lstrip())


def may_be_kept(text: str) -> bool:
    """Whether a line of the chat may go to the history.

    A command that the table does not know may be a mistyped ``:registrar``.
    """
    return password_start(text) is None and not (is_command(text) and command_of(text) is None)
