"""What could come next in the line that is being typed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from granja.client.compare import fold, starts_a_word
from granja.client.passwords import command_of
from granja.client.surroundings import Surroundings
from granja.contract.commands import ARTIFACT, FOR_ALL, MINE, NAME, OFFER, THEIRS, Argument


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``text`` would stand in place of the last ``replaces`` characters before the cursor.

    ``label`` and ``note`` are what the menu shows.
    """

    text: str
    replaces: int
    label: str
    note: str = ""


def suggest(before: str, around: Surroundings, question: str, asked: bool) -> list[Suggestion]:
    """The suggestions for a line.

    :param before: what stands before the cursor.
    :param question: what the server is asking, empty in the chat.
    :param asked: whether the person pressed Tab; what is not asked for is not pressed on talk.
    """
    if question:
        return _list_entry(before, around) if question == "artifacts" else []
    typed = before.lstrip()
    if not typed.startswith(":"):
        return list(_people(re.split(r"\s", before)[-1], around)) if asked else []
    if re.search(r"\s", typed) is None:
        return list(_commands(typed)) if asked or len(typed) > 1 else []
    command = command_of(typed)
    return _argument(typed.split(None, 1)[1:], command.arguments, around) if command else []


def _commands(typed: str) -> Iterator[Suggestion]:
    for row in FOR_ALL:
        if any(fold(word).startswith(fold(typed)) for word in (row.word, *row.aliases)):
            yield Suggestion(row.word, len(typed), row.usage, row.summary)


def _argument(
    rest: list[str], arguments: Iterable[Argument], around: Surroundings
) -> list[Suggestion]:
    """Suggestions for the argument that is being typed, the last one of ``rest``."""
    typed = rest[0] if rest else ""
    for argument in arguments:
        if argument.rest:
            return []
        word, *others = re.split(r"\s+", typed, maxsplit=1)
        # An artifact's name may have spaces in it; its number has none.
        if not others or (argument in (MINE, THEIRS, ARTIFACT) and not word.isdecimal()):
            return list(_candidates(argument, typed, around))
        typed = others[0]
    return []


def _candidates(argument: Argument, typed: str, around: Surroundings) -> Iterator[Suggestion]:
    if argument is NAME:
        return _people(typed, around)
    if argument is OFFER:
        return _offers(typed, around)
    if argument is MINE:
        held = around.inventory or []
        return _artifacts(typed, {n: around.catalog.get(n, str(n)) for n in held}, Counter(held))
    return _artifacts(typed, around.catalog)


def _people(typed: str, around: Surroundings) -> Iterator[Suggestion]:
    for name in around.people:
        if name != around.me and fold(name).startswith(fold(typed)):
            yield Suggestion(name, len(typed), name)


def _offers(typed: str, around: Surroundings) -> Iterator[Suggestion]:
    for number, description in around.offers.items():
        if str(number).startswith(typed.removeprefix("#")):
            yield Suggestion(str(number), len(typed), f"#{number}", description)


def _artifacts(
    typed: str, artifacts: Mapping[int, str], copies: Mapping[int, int] | None = None
) -> Iterator[Suggestion]:
    for number, name in sorted(artifacts.items()):
        if starts_a_word(typed, name) or (typed and str(number).startswith(typed)):
            many = copies[number] if copies else 1
            label = f"{name} ×{many}" if many > 1 else name
            yield Suggestion(str(number), len(typed), label, f"n.º {number}")


def _list_entry(before: str, around: Surroundings) -> list[Suggestion]:
    """In a list of artifacts: what follows the last separator and the numbers already there."""
    typed = re.sub(r"^(?:\s*\d+(?=[\s,;])|[\s,;]+)*\s*", "", re.split(r"[,;]", before)[-1])
    return list(_artifacts(typed, around.catalog)) if typed else []
