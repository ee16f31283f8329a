"""What a node tells all others at once: everything that was said there since its last tick."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from granja.contract.messages import Announced, Arrived, Departed, Message

#: The subject of ticks.
TALK: Final = "granja.talk"

#: What was said to everybody by the server, by the word for it.
NEWS: Final[dict[str, Callable[[str], Message]]] = {
    "arrived": Arrived,
    "departed": Departed,
    "announced": Announced,
}

#: Something that was said or has happened: a word, and what belongs to it.
Entry = Sequence[Any]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Unreadable(Exception):
    """It is no tick."""


@dataclass(frozen=True, slots=True)
class Tick:
    """``writer``: which node says it.  ``number``: of its messages, from 1.  ``lines``: that were
    said to everybody there before.  ``people``: how many are there after it, and a checksum of
    them; None where that is not told.
    """

    writer: int
    number: int
    lines: int
    entries: Sequence[Entry]
    people: tuple[int, int] | None = None

    def encode(self) -> bytes:
        fields = (self.writer, self.number, self.lines, self.entries, self.people)
        return _encode(fields).encode()


def decode(data: bytes) -> Tick:
    """:raises Unreadable: when it is none."""
    try:
        match json.loads(data):
            case [int(writer), int(number), int(lines), [*entries], people]:
                return Tick(writer, number, lines, entries, _people(people))
    except (ValueError, RecursionError):
        pass
    raise Unreadable


def _people(found: object) -> tuple[int, int] | None:
    match found:
        case [int(count), int(checksum)]:
            return count, checksum
    return None


def said(by: int, name: str, data: bytes, time: float) -> Entry:
    """Clean lines in UTF-8, with LF between them."""
    return ("said", by, name, data.decode(), time)


def acted(by: int, name: str, data: bytes, time: float) -> Entry:
    """The same for ``:yo``."""
    return ("acted", by, name, data.decode(), time)


def news(message: Message) -> Entry | None:
    """What the server says to everybody; None for what is this node's own business."""
    match message:
        case Arrived(name):
            return ("arrived", name)
        case Departed(name):
            return ("departed", name)
        case Announced(text):
            return ("announced", text)
    return None
