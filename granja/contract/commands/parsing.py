"""Parsing: finds the command and its arguments in a line, or sees that it is talk (PROTOCOL §3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from granja.contract.answers import whole_number
from granja.contract.commands.command import Command
from granja.contract.commands.table import COMMANDS
from granja.contract.commands.words import split_words
from granja.contract.errors import UnknownCommand, WrongArguments


def parse(
    text: str, commands: Mapping[str, Command] = COMMANDS
) -> tuple[Command, list[Any]] | None:
    """The row and the arguments' values of a command line; None for talk (PROTOCOL §3).

    :param commands: those that exist for the farmer who typed it.
    :raises UnknownCommand: when the word has a command's form and is in no row.
    :raises WrongArguments: with the usage, when the arguments do not fit.
    """
    if ":" not in text:
        if not text[:1].isalpha():  # Most talk begins with a letter, and a slip never does.
            for word in split_words(text, 1)[:1]:
                _refuse_secret(word)
        return None
    word, _, rest = text.partition(" ")
    command = commands.get(word)
    if command is None:  # The word may be typed in another way than the table has it.
        word, *more = split_words(text, 1) or [""]
        command, rest = _command(word, commands), "".join(more)
        if command is None:
            _refuse_secret(word)
    return None if command is None else (command, command.read(rest))


def _refuse_secret(word: str) -> None:
    """Refuse to say a secret after a slip, such as ``:clave: girasoles`` (PROTOCOL §3).

    :param word: the first of a line.
    :raises WrongArguments: when it is such a slip.
    """
    slip = _SLIP.match(unicodedata.normalize("NFC", word).casefold())
    if slip is not None:
        raise WrongArguments(COMMANDS[f":{slip[1]}"].usage)


#: How a slip begins, in small letters: no letter, then the word of a command with a secret.  After
#: it comes no letter, but :mod:`granja.wire.plain`, which looks at many lines at once, need not
#: check.
SLIP = r"(?:[^\w\s]|[\d_])++(registrar|clave|volver)"
_SLIP = re.compile(SLIP + r"(?![^\W\d_])")


def _command(typed: str, commands: Mapping[str, Command]) -> Command | None:
    """The row for a word that the table writes in another way; None if it is talk."""
    word = unicodedata.normalize("NFC", typed)
    command = commands.get(word)
    if command is None:
        if len(word) < 3 or word[0] != ":" or not word[1:].isalpha():
            return None  # :) and :D and : are talk.
        command = commands.get(word.casefold())
    if command is None:
        raise UnknownCommand(word)
    return command


def returning(text: str) -> tuple[str, int | None] | None:
    """The pass of somebody who answers the question for the name with ``:volver`` (PROTOCOL §5b).

    :returns: the pass, and the last line that they have heard, if they say so; None if it is not
        ``:volver``.
    :raises WrongArguments: when it is ``:volver`` without a pass.
    """
    if not any(":volver" in word.casefold() for word in split_words(text, 1)[:1]):
        return None
    parsed = parse(text)
    if parsed is None or parsed[0].word != ":volver":
        return None
    (rest,) = parsed[1]
    secret, *numbers = split_words(rest, -1)
    if not numbers:
        return secret, None
    try:
        (number,) = map(whole_number, numbers)
    except ValueError:
        return rest, None  # No pass has spaces.
    return secret, number
