"""The log: what is said to everybody, gathered into batches that all listeners share.

Batches form a chain.  Nobody keeps the whole of it: a listener who is behind holds the batch that
they read next, and so all that follow; what everybody has read is forgotten by itself.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import ClassVar, Final, Generic, TypeVar

from granja.contract.messages import Message
from granja.wire.encodings import MARK, Carrier

#: A listener.  Here it is only a key.
L = TypeVar("L")

#: Bytes that are written without waiting for the group's turn.
FLUSH_AT: Final = 1 << 18


class Entry:
    """What one farmer, or the server, said at once.

    ``size``: in bytes, as plain lines.  ``urgent``: whether somebody may wait for it.
    """

    __slots__ = ("_rendered", "lines", "size")
    urgent: ClassVar[bool] = True

    def __init__(self, lines: int, size: int) -> None:
        self.lines = lines
        self.size = size
        self._rendered: dict[Carrier, bytes] = {}

    def render(self, carrier: Carrier) -> bytes:
        """The bytes that a carrier makes of it; made once, however many batches it is in."""
        rendered = self._rendered.get(carrier)
        if rendered is None:
            rendered = self._rendered[carrier] = self._render(carrier)
        return rendered

    def _render(self, carrier: Carrier) -> bytes:
        raise NotImplementedError


class Announcement(Entry):
    """One message of the server to everybody."""

    __slots__ = ("message",)
    urgent = False

    def __init__(self, message: Message) -> None:
        super().__init__(1, len(message.line()) + 2)
        self.message = message

    def _render(self, carrier: Carrier) -> bytes:
        return carrier.encode(self.message)


class Remark(Announcement):
    """The same, said by a farmer: somebody may wait for it."""

    __slots__ = ()
    urgent = True


class Talk(Entry):
    """Lines of one farmer.

    :param data: the clean lines in UTF-8, with LF between them and none at the end.
    :param lines: how many they are.
    """

    __slots__ = ("data", "name")

    def __init__(self, name: str, data: bytes, lines: int) -> None:
        super().__init__(lines, len(data) + lines * (len(name) + 4))
        self.name = name
        self.data = data

    def _render(self, carrier: Carrier) -> bytes:
        return carrier.talk(self.name, self.data)


class Rendering:
    """A batch as one carrier writes it: ``block``, and where each entry of it is."""

    __slots__ = ("_parts", "_sizes", "_starts", "block")

    def __init__(self, parts: list[bytes]) -> None:
        self.block = b"".join(parts)
        self._sizes = list(map(len, parts))
        self._starts: list[int] | None = None
        self._parts: list[bytes] | None = None

    @property
    def parts(self) -> list[bytes]:
        """What stands between the numbers of its lines."""
        if self._parts is None:
            self._parts = self.block.split(MARK)
        return self._parts

    def span(self, first: int, stop: int) -> memoryview:
        """The entries from ``first`` up to ``stop``, not copied."""
        if self._starts is None:
            self._starts = list(accumulate(self._sizes, initial=0))
        return memoryview(self.block)[self._starts[first] : self._starts[stop]]


class Batch(Generic[L]):
    """What was said between two flushes.

    ``start``: bytes that were said before.  ``first_line``: lines that the board had before.
    ``unheard``: the entries, by their index, that a listener must not hear: their own, and those of
    people whom they ignore.  ``talkers``: who said something.  ``patient``: there are entries, and
    nobody may be waiting for one.  ``next``: there as soon as nothing more can be said here.
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
        """Put ``entry`` at the end, to be heard by everybody ``but`` the one who says it."""
        if but is not None:
            self.talkers[but] = None
            self.unheard.setdefault(but, []).append(len(self.entries))
        self.patient = not entry.urgent and (self.patient or not self.entries)
        self.entries.append(entry)
        self.size += entry.size
        self.lines += entry.lines

    def hide_last(self, listener: L) -> None:
        """The entry at the end is not for this listener either."""
        self.unheard.setdefault(listener, []).append(len(self.entries) - 1)

    def seal(self) -> Batch[L]:
        """End this batch; return the one that follows it."""
        self.next = Batch(self.start + self.size, self.first_line + self.lines)
        return self.next

    def place(self, index: int) -> int:
        """How many lines were said at the board before the entry at ``index``."""
        if index == len(self.entries):
            return self.first_line + self.lines
        return self.first_line + sum([entry.lines for entry in self.entries[:index]])

    def rendering(self, carrier: Carrier) -> Rendering:
        """The batch's bytes, made once for each carrier that somebody uses.  Only when sealed."""
        made = self._renderings.get(carrier)
        if made is None:
            assert self.next is not None, "more may be said in this batch"
            made = Rendering([entry.render(carrier) for entry in self.entries])
            self._renderings[carrier] = made
        return made

    def spans(self, carrier: Carrier, listener: L, first: int, stop: int) -> list[memoryview]:
        """What ``listener`` hears of the entries from ``first`` up to ``stop``."""
        rendering = self.rendering(carrier)
        return [rendering.span(start, end) for start, end in self.heard(listener, first, stop)]

    def heard(self, listener: L, first: int, stop: int) -> list[tuple[int, int]]:
        """The same as the numbers of entries: where each stretch begins and ends."""
        unheard = self.unheard.get(listener, ())
        stretches = []
        for index in unheard[bisect_left(unheard, first) : bisect_left(unheard, stop)]:
            if first < index:
                stretches.append((first, index))
            first = index + 1
        if first < stop:
            stretches.append((first, stop))
        return stretches
