"""Rows: the seats that are written to together, with what was said since they were last.

A write takes the system five to eight microseconds, so to write to a great crowd in one go would
keep everybody waiting: who talks, who trades, and who hears the next line last.  The crowd is
written to row by row, and between two rows the reactor reads.  So a row's turn finds the newest
talk, and each row has a tick of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from granja.board.batch import Entry, Tick
from granja.board.counters import Stats
from granja.board.fanout import Audience
from granja.reactor.sending import DirectWire, TransportWire
from granja.wire.encodings import Carrier

if TYPE_CHECKING:
    from granja.board.listener import Seat


class Row:
    """Some of the seats of a board.

    ``tick`` is what is said until the row is written to; ``touched`` the seats for which it is
    not what it is for all the others; ``gathered`` the bytes that wait, as plain lines.
    """

    __slots__ = ("_audiences", "_stats", "gathered", "seats", "tick", "touched")

    def __init__(self, stats: Stats) -> None:
        self.seats: set[Seat] = set()
        self.tick = Tick(0, 0)
        self.touched: dict[Seat, None] = {}
        self.gathered = 0
        self._audiences: dict[tuple[Carrier, type], Audience] = {}
        self._stats = stats

    def audience(self, carrier: Carrier, wire: DirectWire | TransportWire) -> Audience:
        """Where a listener with this carrier and wire belongs while nothing waits for it."""
        key = (carrier, type(wire))
        if key not in self._audiences:
            self._audiences[key] = Audience(carrier, wire.limit, self._stats)
        return self._audiences[key]

    def add(self, entry: Entry, but: Seat | None) -> None:
        """Something was said to everybody ``but`` one, who may sit anywhere."""
        awaited = self.gathered and not self.tick.entries  # something private
        self.tick.add(entry, but if but in self.seats else None)
        if awaited:
            self.tick.patient = False
        self.gathered += entry.size

    def forget(self, seat: Seat) -> None:
        self.seats.discard(seat)
        self.touched.pop(seat, None)
        seat.audience.sends.pop(seat, None)

    def seal(self) -> tuple[Tick, dict[Seat, None]]:
        """Begin the next tick.  Returns the one that has ended, and its touched seats."""
        ended, touched = self.tick, self.touched
        self.tick, self.touched, self.gathered = ended.seal(), {}, 0
        return ended, touched

    def broadcast(self, tick: Tick, touched: dict[Seat, None]) -> Iterator[tuple[Seat, bytes, int]]:
        """Write a tick to all who hear the whole of it.

        :return: those who took less: what they should have taken, and how many bytes they took.
        """
        for seat in touched:
            seat.audience.sends.pop(seat, None)
        for audience in self._audiences.values():
            if audience.sends:
                block = tick.rendering(audience.carrier).block
                for seat, sent in audience.broadcast(block):
                    yield seat, block, sent
