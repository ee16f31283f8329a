"""A row of the command table."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from granja.contract.commands.arguments import Argument
from granja.contract.commands.words import split_words
from granja.contract.errors import WrongArguments


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table.

    ``word`` and ``aliases`` have their colon.  ``run`` gets the farm, the farmer and the arguments'
    values.  ``summary`` is the Spanish half sentence in ``:help``.  ``moderators``: whether only
    moderators have this command.
    """

    word: str
    arguments: tuple[Argument, ...]
    summary: str
    run: Callable[..., object]
    aliases: tuple[str, ...] = ()
    moderators: bool = False
    #: The fewest words that the arguments need; and how often to split the rest of a line.
    _least: int = field(init=False)
    _cuts: int = field(init=False)
    #: Whether the words are the values already.
    _verbatim: bool = field(init=False)

    def __post_init__(self) -> None:
        takes_rest = bool(self.arguments) and self.arguments[-1].rest
        least = sum(not argument.optional for argument in self.arguments)
        object.__setattr__(self, "_least", least)
        object.__setattr__(self, "_cuts", len(self.arguments) - 1 if takes_rest else -1)
        verbatim = least == len(self.arguments) and all(a.read is str for a in self.arguments)
        object.__setattr__(self, "_verbatim", verbatim)

    @property
    def usage(self) -> str:
        return " ".join([self.word, *(argument.label for argument in self.arguments)])

    def read(self, rest: str) -> list[Any]:
        """The values of the arguments in the rest of the line.

        :raises WrongArguments: when they do not fit.
        """
        words = split_words(rest, self._cuts)
        if self._verbatim and len(words) == self._least:
            return words
        if not self._least <= len(words) <= len(self.arguments):
            raise WrongArguments(self.usage)
        try:
            values = [argument.read(word) for argument, word in zip(self.arguments, words)]  # noqa: B905  (the optional ones may be missing)
        except ValueError:
            raise WrongArguments(self.usage) from None
        return values + [None] * (len(self.arguments) - len(words))


def load(rows: Iterable[Command]) -> dict[str, Command]:
    """The rows by their words.

    :raises ValueError: for a row without help, for a word that nobody could type as a command, or
        for a word that stands in the table twice.
    """
    table: dict[str, Command] = {}
    for row in rows:
        if not row.summary.strip():
            raise ValueError(f"{row.word} has no help")
        for word in (row.word, *row.aliases):
            if word in table:
                raise ValueError(f"{word} stands twice in the table")
            if not _is_word(word):
                raise ValueError(f"{word} cannot be typed as a command")
            table[word] = row
    return table


def _is_word(word: str) -> bool:
    rest = word[1:]
    plain = rest == unicodedata.normalize("NFC", rest.casefold()) and not rest.isspace()
    return word[:1] == ":" and plain and (len(rest) == 1 or rest.isalpha())
