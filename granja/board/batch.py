"""Batches: the log of the talk, which all listeners share.

Batches form a chain.  A listener that is behind holds the batch that it reads next, and that batch
holds the batches after it.  Nothing holds the batches that everybody has read: Python frees them.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import ClassVar, Final, Generic, TypeVar

from granja.contract.messages import Message
from granja.wire.encodings import MARK, Carrier

#: A listener.  Here it is only a key.
L = TypeVar("L")

#: So many bytes are written at once, before the group's turn.
FLUSH_AT: Final = 1 << 18


class Entry:
    """What one farmer, or the server, says at once.

    ``size``: about as many bytes as its plain lines have; exactly as many if it is one line of
    ASCII.  ``urgent``: whether somebody may wait for it.
    """

    __slots__ = ("_rendered", "lines", "size")
    urgent: ClassVar[bool] = True

    def __init__(self, lines: int, size: int) -> None:
        self.lines = lines
        self.size = size
        self._rendered: dict[Carrier, bytes] = {}

    def render(self, carrier: Carrier) -> bytes:
        """The entry's bytes for one carrier, made once and shared by all groups."""
        rendered = self._rendered.get(carrier)
        if rendered is None:
            rendered = self._rendered[carrier] = self._render(carrier)
        return rendered

    def _render(self, carrier: Carrier) -> bytes:
        raise NotImplementedError


class Announcement(Entry):
    """One message from the server to everybody."""

    __slots__ = ("message",)
    urgent = False

    def __init__(self, message: Message) -> None:
        super().__init__(1, len(message.line()) + 2)
        self.message = message

    def _render(self, carrier: Carrier) -> bytes:
        return carrier.encode(self.message)


class Remark(Announcement):
    """One message from a farmer to everybody.  Somebody may wait for it."""

    __slots__ = ()
    urgent = True


class Talk(Entry):
    """Lines of one farmer.

    :param data: the clean lines in UTF-8, with LF between them and none at the end.
    :param lines: the number of lines.
    """

    __slots__ = ("data", "name")

    def __init__(self, name: str, data: bytes, lines: int) -> None:
        super().__init__(lines, len(data) + lines * (len(name) + 4))
        self.name = name
        self.data = data

    def _render(self, carrier: Carrier) -> bytes:
        return carrier.talk(self.name, self.data)


class Rendering:
    """A batch in the bytes of one carrier: ``block``, and where each entry is in it."""

    __slots__ = ("_parts", "_sizes", "_starts", "block")

    def __init__(self, parts: list[bytes]) -> None:
        self.block = b"".join(parts)
        self._sizes = list(map(len, parts))
        self._starts: list[int] | None = None
        self._parts: list[bytes] | None = None

    @property
    def parts(self) -> list[bytes]:
        """The bytes between the marks."""
        if self._parts is None:
            self._parts = self.block.split(MARK)
        return self._parts

    def span(self, first: int, stop: int) -> memoryview:
        """The entries from ``first`` up to ``stop``, without a copy."""
        if self._starts is None:
            self._starts = list(accumulate(self._sizes, initial=0))
        return memoryview(self.block)[self._starts[first] : self._starts[stop]]


class Batch(Generic[L]):
    """The entries between two flushes of a group.

    ``start``: bytes that were said before.  ``first_line``: lines that the board had before.
    ``unheard``: for a listener, the indexes of entries that it must not hear: its own, and those of
    people whom its farmer ignores.  ``talkers``: the listeners that said something.  ``patient``:
    there are entries, and nobody waits for any of them.  ``next``: the batch after this one, once
    this one is sealed.
    """

    __slots__ = (
        "_renderings",
        "entries",
        "first_line",
        "lines",
        "next",
        "patient",
        "size",
        "start",
        "talkers",
        "unheard",
    )

    def __init__(self, start: int, first_line: int) -> None:
        self.entries: list[Entry] = []
        self.unheard: dict[L, list[int]] = {}
        self.talkers: dict[L, None] = {}
        self.start = start
        self.size = 0
        self.first_line = first_line
        self.lines = 0
        self.next: Batch[L] | None = None
        self.patient = False
        self._renderings: dict[Carrier, Rendering] = {}

    def add(self, entry: Entry, but: L | None) -> None:
        """Add ``entry`` at the end.  Everybody hears it, except ``but``, who says it."""
        if but is not None:
            self.talkers[but] = None
            self.unheard.setdefault(but, []).append(len(self.entries))
        self.patient = not entry.urgent and (self.patient or not self.entries)
        self.entries.append(entry)
        self.size += entry.size
        self.lines += entry.lines

    def hide_last(self, listener: L) -> None:
        """Hide the last entry from this listener too."""
        self.unheard.setdefault(listener, []).append(len(self.entries) - 1)

    def seal(self) -> Batch[L]:
        """End this batch.

        :return: the batch after it.
        """
        self.next = Batch(self.start + self.size, self.first_line + self.lines)
        return self.next

    def place(self, index: int) -> int:
        """How many lines were said at the board before the entry at ``index``."""
        if index == len(self.entries):
            return self.first_line + self.lines
        return self.first_line + sum([entry.lines for entry in self.entries[:index]])

    def rendering(self, carrier: Carrier) -> Rendering:
        """The bytes for one carrier, made at the first call.  The batch must be sealed."""
        made = self._renderings.get(carrier)
        if made is None:
            assert self.next is not None, "more may be said in this batch"
            made = Rendering([entry.render(carrier) for entry in self.entries])
            self._renderings[carrier] = made
        return made

    def spans(self, carrier: Carrier, listener: L, first: int, stop: int) -> list[memoryview]:
        """The entries from ``first`` up to ``stop`` that ``listener`` hears, as bytes."""
        rendering = self.rendering(carrier)
        return [rendering.span(start, end) for start, end in self.heard(listener, first, stop)]

    def heard(self, listener: L, first: int, stop: int) -> list[tuple[int, int]]:
        """The same as ranges of indexes: the first and the end of each range."""
        unheard = self.unheard.get(listener, ())
        stretches = []
        for index in unheard[bisect_left(unheard, first) : bisect_left(unheard, stop)]:
            if first < index:
                stretches.append((first, index))
            first = index + 1
        if first < stop:
            stretches.append((first, stop))
        return stretches
