"""Retelling: what somebody has not read at one node is told at the node where they come back."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Final

from granja.contract.ids import FarmerId
from granja.contract.messages import Acted, Message, Missed, Said
from granja.nodes.tick import NEWS, Entry
from granja.people.returning import Unread
from granja.people.roster import Retelling

#: The most bytes of lines in an answer.  A bus takes a megabyte at the most.
MOST: Final = 1 << 19


@dataclass(frozen=True, slots=True)
class Retold(Message):
    """A message as another node has made it, with all that data clients read."""

    type: ClassVar[str] = ""
    said: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        return str(self.said.get("line", ""))

    def data(self) -> dict[str, Any]:
        return {**self.said}


@cache
def _kind(word: str) -> type[Retold]:
    """Retold messages with this word in their data."""
    return type("Retold", (Retold,), {"type": word, "__slots__": ()})


@dataclass(eq=False)
class Gap:
    """What is said everywhere while this node waits for an answer.

    ``said``: the writer of the node, how many lines it had said after the entry, and the entry.
    """

    said: list[tuple[int, int, Entry]] = field(default_factory=list)

    def note(self, writer: int, lines: int, entry: Entry) -> None:
        self.said.append((writer, lines, entry))

    def after(
        self, heard: Mapping[int, int], but: Container[int]
    ) -> Iterator[tuple[Message, FarmerId | None]]:
        """What the other node had not heard when it answered.

        :param heard: how many lines of each node it had heard.
        :param but: leave out the lines of these farmers.
        """
        for writer, lines, entry in self.said:
            if lines > heard.get(writer, 0):
                for message in _messages(entry, but):
                    yield message, None


def _messages(entry: Entry, but: Container[int]) -> Iterator[Message]:
    match entry:
        case ["said" | "acted" as word, int(by), str(name), bytes() | str() as text, _]:
            kind = Said if word == "said" else Acted
            lines = text.decode() if isinstance(text, bytes) else text
            yield from (kind(name, line) for line in lines.split("\n") if by not in but)
        case [str(word), str(about)] if word in NEWS:
            yield NEWS[word](about)


def pack(
    lines: Sequence[Unread], *, after: int, count: int, partial: bool, heard: Mapping[int, int]
) -> bytes:
    """The answer to another node.

    :param after: the last line that they had read.
    :param count: the number of the last line.
    :param partial: whether the record has news that are not among the lines.
    :param heard: how many lines of each node are among them.
    """
    told: list[bytes] = []
    room, lost = MOST, 0
    for line in reversed(lines):
        by = next((private.by for private in line.privates), None)
        said = json.dumps([line.message.data(), by], ensure_ascii=False).encode()
        room -= len(said)
        if isinstance(line.message, Missed):
            lost += line.message.count
        elif room < 0:
            lost += 1
        else:
            told.append(said)
    head = json.dumps([after, count, partial, lost, list(heard.items())]).encode()
    return b"[%b,[%b]]" % (head, b",".join(reversed(told)))


def unpack(answer: bytes, gap: Gap, but: Container[int]) -> Retelling:
    """What to tell here.

    :param gap: what was said since the question.
    """
    (after, count, partial, lost, heard), told = json.loads(answer)
    lines: list[tuple[Message, FarmerId | None]] = [(Missed(lost), None)] if lost else []
    for said, by in told:
        lines.append((_kind(said["type"])(said), None if by is None else FarmerId(by)))
    return Retelling(after, count, partial, [*lines, *gap.after(dict(heard), but)])
