"""Audiences: those who hear the talk and have nothing waiting, so that one block fits them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from granja.board.counters import Stats
from granja.wire.encodings import Carrier

if TYPE_CHECKING:
    from granja.board.listener import Seat


class Audience:
    """Seats of one carrier and one kind of wire.

    :param limit: of the wires, in bytes.

    ``sends``: how each seat that is in is written to (:meth:`Wire.send`); seats put themselves in
    and out.
    """

    def __init__(self, carrier: Carrier, limit: int, stats: Stats) -> None:
        self.carrier = carrier
        self.sends: dict[Seat, Callable[[bytes], int]] = {}
        self._limit = limit
        self._stats = stats

    def broadcast(self, block: bytes) -> list[tuple[Seat, int]]:
        """Write ``block`` to all.

        The loop that most of the server's time is spent in: one system call for each.  It looks at
        nothing but the sends, because each further object of ten thousand farmers comes from the
        main memory: with the seat, its wire and its transport a line took an eighth longer.

        :return: those who took less than all of it, and how many bytes they took.
        """
        size = len(block)
        if size > self._limit:
            return [(seat, 0) for seat in self.sends]
        self._stats.writes += len(self.sends)
        short: dict[Callable[[bytes], int], int] = {}
        # A copy, because a transport may call anybody back while it is written to.
        for send in list(self.sends.values()):
            try:
                sent = send(block)
            except OSError:
                sent = 0
            if sent != size:
                short[send] = sent
        if not short:
            return []
        return [(seat, short[send]) for seat, send in self.sends.items() if send in short]
