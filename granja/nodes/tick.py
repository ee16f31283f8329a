"""Ticks: what a node tells all others, with everything that was said there since its last tick."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from granja.contract.messages import Announced, Arrived, Departed, Message

#: The subject of ticks.
TALK: Final = "granja.talk"

#: The server's messages to everybody, by the entry's word.
NEWS: Final[dict[str, Callable[[str], Message]]] = {
    "arrived": Arrived,
    "departed": Departed,
    "announced": Announced,
}

#: Something that was said or has happened: a word, and its values.
Entry = Sequence[Any]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

#: What JSON escapes in a text, except LF.
_ESCAPED: Final = bytes(range(0x0A)) + bytes(range(0x0B, 0x20)) + b'"\\'


class Unreadable(Exception):
    """This is no tick."""


@dataclass(frozen=True, slots=True)
class Tick:
    """``writer``: the node that says it.  ``number``: of its ticks, from 1.  ``lines``: what was
    said to everybody there before.  ``people``: how many are there after it, and a checksum of
    them; None
    if the tick does not tell.
    """

    writer: int
    number: int
    lines: int
    entries: Sequence[Entry]
    people: tuple[int, int] | None = None

    def encode(self) -> bytes:
        entries = b",".join(map(_entry, self.entries))
        people = _encode(self.people).encode()
        return b"[%d,%d,%d,[%b],%b]" % (self.writer, self.number, self.lines, entries, people)


def _entry(entry: Entry) -> bytes:
    """An entry in JSON.  Lines are most of a tick, so they have a short way."""
    match entry:
        case ["said" | "acted" as word, by, name, bytes(data), time]:
            head = _encode((word, by, name))[:-1].encode()
            return b"%b,%b,%b]" % (head, _text(data), _encode(time).encode())
    return _encode(entry).encode()


def _text(data: bytes) -> bytes:
    """A text in UTF-8, in JSON: the encoder looks at each character, and this does not."""
    if data.translate(None, _ESCAPED) == data:
        return b'"%b"' % data.replace(b"\n", b"\\n")
    return _encode(data.decode()).encode()


def decode(data: bytes) -> Tick:
    """Read a tick.

    :raises Unreadable: when it is none.
    """
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
    """The entry for clean lines in UTF-8, with LF between them.  It is heard with a text."""
    return ("said", by, name, data, time)


def acted(by: int, name: str, data: bytes, time: float) -> Entry:
    """The entry for ``:yo``."""
    return ("acted", by, name, data, time)


def news(message: Message) -> Entry | None:
    """The entry for a message to everybody; None if it concerns only this node."""
    match message:
        case Arrived(name):
            return ("arrived", name)
        case Departed(name):
            return ("departed", name)
        case Announced(text):
            return ("announced", text)
    return None
