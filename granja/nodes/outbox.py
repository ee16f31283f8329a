"""The outbox: collects what this node tells the others, and publishes it in numbered ticks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.interfaces import IReactorTime

from granja.board.history import History
from granja.bus.interface import Bus
from granja.clockwork.timer import Timer
from granja.contract.messages import Message
from granja.nodes import tick
from granja.nodes.tick import TALK, Entry, Tick

#: The shortest time between two ticks, in seconds.
GAP: Final = 0.002
#: With this many characters we publish before the tick.
FULL: Final = 1 << 17


class Gap(Protocol):
    """See :class:`granja.nodes.retelling.Gap`."""

    def note(self, writer: int, lines: int, entry: Entry) -> None: ...


#: Gives how many people are here, and a checksum of them.
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
        #: They note all that is said, here and elsewhere.
        self.gaps: list[Gap] = []
        self._timer = Timer(clock, self.publish)

    def add(self, entry: Entry, lines: int, size: int = 0) -> None:
        """Tell an entry with the next tick.

        :param lines: how many lines of it everybody hears.
        :param size: in characters.
        """
        if self._closed:
            return
        self._entries.append(entry)
        self._gathered += lines
        self._size += size
        self.note(self.writer, self.lines + self._gathered, entry)
        if self._size >= FULL:
            self.publish()
        elif not self._timer.running:
            since = self._clock.seconds() - self._published
            self._timer.start(GAP - since if 0 <= since < GAP else 0)

    def note(self, writer: int, lines: int, entry: Entry) -> None:
        """Note what a node said.

        :param lines: how many it had said after it.
        """
        for gap in self.gaps:
            gap.note(writer, lines, entry)

    def publish(self) -> None:
        """Publish what waits, if anything does."""
        if self._entries:
            self._publish(None)

    def renew(self) -> None:
        """Publish what waits, how far we are, and how many people are here."""
        self._publish(self._census())

    def begin(self, writer: int) -> None:
        """Go on with another number, under which this node has said nothing yet."""
        self.publish()
        self.writer, self.number, self.lines = writer, 0, 0

    def stop(self) -> None:
        """Publish what waits, and nothing after it."""
        self.publish()
        self._closed = True

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
    """Tells an outbox everything that it keeps, except what other nodes said."""

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
        place: int,
        acted: bool = False,
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
        """Keep what somebody said at another node."""
        super().add(by, name, data, lines, time, acted=acted, place=place)

    def note_other(self, writer: int, lines: int, entry: Entry) -> None:
        """Note what a node said (:meth:`Outbox.note`)."""
        self._outbox.note(writer, lines, entry)

    def announce_other(self, message: Message, place: int) -> None:
        """Keep an announcement of another node, or one about its lines."""
        super().announce(message, place)
