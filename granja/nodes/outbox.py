"""What this node tells the others: gathered for a tick, numbered, and published once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime

from granja.board.history import History
from granja.bus.interface import Bus
from granja.contract.messages import Message
from granja.nodes import tick
from granja.nodes.tick import TALK, Entry, Tick
from granja.reactor.clockwork import Timer

#: Seconds between two ticks at least.
GAP: Final = 0.002
#: Characters that are published without waiting for the tick.
FULL: Final = 1 << 17

#: How many are here, and a checksum of them.
Census = Callable[[], tuple[int, int]]


class Outbox:
    """:param census: of this node's own people.

    ``writer``: the number of this node, greater than those of nodes that began before.
    ``number``: of the last tick.  ``lines``: said to everybody until then.
    """

    def __init__(self, clock: IReactorTime, bus: Bus, census: Census) -> None:
        self.writer = self.number = self.lines = 0
        self._clock = clock
        self._bus = bus
        self._census = census
        self._entries: list[Entry] = []
        self._gathered = self._size = 0
        self._published = 0.0
        self._closed = False
        self._timer = Timer(clock, self.publish)

    def add(self, entry: Entry, lines: int, size: int = 0) -> None:
        """:param lines: how many lines everybody hears of it.
        :param size: in characters."""
        if self._closed:
            return
        self._entries.append(entry)
        self._gathered += lines
        self._size += size
        if self._size >= FULL:
            self.publish()
        elif not self._timer.running:
            since = self._clock.seconds() - self._published
            self._timer.start(GAP - since if 0 <= since < GAP else 0)

    def publish(self) -> None:
        """Publish what has gathered, if anything has."""
        if self._entries:
            self._publish(None)

    def renew(self) -> None:
        """The same, and say where we are, and how many there are here."""
        self._publish(self._census())

    def begin(self, writer: int) -> None:
        """This node has another number from here on, and has said nothing under it yet."""
        self.publish()
        self.writer, self.number, self.lines = writer, 0, 0

    def stop(self) -> None:
        """Publish what has gathered, and nothing that is said later."""
        self.publish()
        self._closed = True
        self._timer.stop()

    def _publish(self, people: tuple[int, int] | None) -> None:
        self._timer.stop()
        entries, self._entries = self._entries, []
        self.number += 1
        said = Tick(self.writer, self.number, self.lines, entries, people)
        self.lines += self._gathered
        self._gathered = self._size = 0
        self._published = self._clock.seconds()
        self._bus.publish(TALK, said.encode())


class TellingHistory(History):
    """Tells an outbox of all that it takes note of, but not of what others told."""

    def __init__(self, most: int, outbox: Outbox) -> None:
        super().__init__(most)
        self._outbox = outbox

    def add(
        self,
        by: int,
        name: str,
        data: bytes,
        lines: int,
        time: float,
        *,
        acted: bool = False,
        place: int = 0,
    ) -> None:
        super().add(by, name, data, lines, time, acted=acted, place=place)
        kind = tick.acted if acted else tick.said
        self._outbox.add(kind(by, name, data, time), lines, len(data))

    def announce(self, message: Message, place: int) -> None:
        super().announce(message, place)
        entry = tick.news(message)
        if entry is not None:
            self._outbox.add(entry, 1)

    def add_other(
        self, by: int, name: str, data: bytes, lines: int, time: float, acted: bool, place: int
    ) -> None:
        """Somebody said it at another node."""
        super().add(by, name, data, lines, time, acted=acted, place=place)

    def announce_other(self, message: Message, place: int) -> None:
        """Another node said it to everybody, or it is about what others said."""
        super().announce(message, place)
