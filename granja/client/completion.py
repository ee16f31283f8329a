"""Completion: what could come next in the line that the person types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from granja.client.compare import fold, starts_a_word
from granja.client.passwords import command_of
from granja.client.surroundings import Surroundings
from granja.contract.answers import EVERYTHING, MISSING, NOTHING, SPARES, folded
from granja.contract.commands import (
    ARTIFACT,
    FOR_ALL,
    LIST,
    MINE,
    SIDES,
    THEIRS,
    Argument,
    Command,
)

#: The word between what a swap gives and what it takes.
_FOR = "por"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text that may replace the last ``replaces`` characters before the cursor.

    ``label`` and ``note``: what the menu shows.
    """

    text: str
    replaces: int
    label: str
    note: str = ""


def suggest(before: str, around: Surroundings, question: str, asked: bool) -> list[Suggestion]:
    """The suggestions for a line.

    :param before: the text before the cursor.
    :param question: what the server is asking; empty in the chat.
    :param asked: whether the person pressed Tab.  Without Tab we suggest nothing for talk.
    """
    if question:
        return _list_entry(before, around) if question == "artifacts" else []
    typed = before.lstrip()
    if not typed and asked and around.proposed:
        # It is the only suggestion, so one press of Tab writes it.
        return [Suggestion(around.proposed, 0, around.proposed)]
    if not typed.startswith(":"):
        return list(_people(re.split(r"\s", before)[-1], around)) if asked else []
    if re.search(r"\s", typed) is None:
        return list(_commands(typed)) if asked or len(typed) > 1 else []
    command = command_of(typed)
    return _argument(typed.split(None, 1)[1:], command, around) if command else []


def _commands(typed: str) -> Iterator[Suggestion]:
    for row in FOR_ALL:
        if any(fold(word).startswith(fold(typed)) for word in (row.word, *row.aliases)):
            more = bool(row.arguments) and not row.arguments[0].optional
            yield Suggestion(_with_room(row.word, more), len(typed), row.usage, row.summary)


def _with_room(text: str, more: bool) -> str:
    """The text, with a space where ``more`` is typed after it, so that nothing sticks to it."""
    return f"{text} " if more else text


def _argument(rest: list[str], command: Command, around: Surroundings) -> list[Suggestion]:
    """Suggestions for the argument that the person is typing, the last one of ``rest``."""
    typed = rest[0] if rest else ""
    for argument in command.arguments:
        if argument is LIST:
            return list(_LISTS[command.word](typed, around))
        if argument is SIDES:
            return list(_sides(typed, around))
        if argument.rest:
            return []
        word, *others = re.split(r"\s+", typed, maxsplit=1)
        # An artifact's name may have spaces; its number has none.
        if not others or (argument in (MINE, THEIRS, ARTIFACT) and not word.isdecimal()):
            more = argument is not command.arguments[-1]
            found = _candidates(argument, typed, around)
            return [replace(s, text=_with_room(s.text, more)) for s in found]
        typed = others[0]
    return []


def _candidates(argument: Argument, typed: str, around: Surroundings) -> Iterator[Suggestion]:
    if argument.kind == "name":
        return _people(typed, around)
    if argument.kind == "offer":
        return _offers(typed, around)
    if argument is MINE:
        return _mine(typed, around)
    return _artifacts(typed, around.catalog) if argument in (THEIRS, ARTIFACT) else iter(())


def _mine(typed: str, around: Surroundings) -> Iterator[Suggestion]:
    held = around.inventory or []
    return _artifacts(typed, {n: around.catalog.get(n, str(n)) for n in held}, Counter(held))


def _missing(typed: str, around: Surroundings) -> Iterator[Suggestion]:
    held = set(around.inventory or [])
    return _artifacts(typed, {n: name for n, name in around.catalog.items() if n not in held})


# -- lists of artifacts, and swaps -------------------------------------------------------------

#: In a list: the numbers and separators before the word that the person is typing.
_BEFORE_THE_LAST = re.compile(r"(?:\s*\d+(?=[\s,;])|[\s,;]+)*")

Find = Callable[[str, Surroundings], Iterator[Suggestion]]


def _list(words: Iterable[str], find: Find) -> Find:
    """A finder for lists: it suggests ``words``, which stand for a list, and what ``find``
    finds."""

    def suggestions(text: str, around: Surroundings) -> Iterator[Suggestion]:
        typed = _last(text)
        if typed == text.strip():
            for word in words:
                if word.startswith(fold(typed)):
                    yield Suggestion(word, len(typed), word)
        yield from find(typed, around)

    return suggestions


def _last(text: str) -> str:
    """The word that the person is typing in a list."""
    before = _BEFORE_THE_LAST.match(text)
    assert before is not None  # it may be empty
    return text[before.end() :]


_GIVING, _TAKING = _list((SPARES,), _mine), _list((MISSING,), _missing)

_LISTS: dict[str, Find] = {
    ":busco": _list((EVERYTHING, NOTHING), _missing),
    ":doy": _list((SPARES, NOTHING), _mine),
}


def _sides(text: str, around: Surroundings) -> Iterator[Suggestion]:
    """``21, 32 por 12``: the person's own before the word, and what they lack after it."""
    parts = re.split(rf"(?<=\s){_FOR}(?=\s)", text, maxsplit=1, flags=re.IGNORECASE)
    if len(parts) > 1:
        yield from _TAKING(parts[1].lstrip(), around)
        return
    *before, last = re.split(r"[\s,;]+", text)
    if before and before[-1] and _FOR.startswith(fold(last)):
        yield Suggestion(f"{_FOR} ", len(last), _FOR)
    if folded(before[0] if before else "") not in (SPARES, MISSING):
        yield from _GIVING(text.lstrip(), around)


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
    """The suggestions in a list of artifacts, for the text after the numbers and separators."""
    typed = re.sub(r"^(?:\s*\d+(?=[\s,;])|[\s,;]+)*\s*", "", re.split(r"[,;]", before)[-1])
    return list(_artifacts(typed, around.catalog)) if typed else []
