"""Audiences: those who hear the talk and have nothing waiting, so that one block fits them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from granja.carriers import Carrier
from granja.stats import Stats
from granja.wires import TransportWire

if TYPE_CHECKING:
    from granja.seat import Seat


class Audience:
    """Seats of one carrier and one kind of wire.

    ``wires``: the wire of each seat that is in; seats put themselves in and out.
    """

    def __init__(self, carrier: Carrier, stats: Stats) -> None:
        self.carrier = carrier
        self.wires: dict[Seat, Any] = {}
        self._stats = stats

    def broadcast(self, block: bytes) -> list[tuple[Seat, int]]:
        """Write ``block`` to all.

        :return: those who took less than all of it, and how many bytes they took.
        """
        raise NotImplementedError


class DirectAudience(Audience):
    """Listeners on plain TCP."""

    def broadcast(self, block: bytes) -> list[tuple[Seat, int]]:
        """The loop that most of the server's time is spent in: one system call for each.

        It is :meth:`DirectWire.write`, written out: calling that costs 3 % more.
        """
        size = len(block)
        short = []
        for seat, wire in self.wires.items():
            if wire.transport.disconnecting:
                continue
            try:
                sent = wire.send(block)
            except OSError:
                sent = 0
            if sent != size:
                short.append((seat, sent))
        self._stats.writes += len(self.wires)
        return short


class TransportAudience(Audience):
    """Listeners on TLS, WebSocket, or a double in a test."""

    def broadcast(self, block: bytes) -> list[tuple[Seat, int]]:
        if len(block) > TransportWire.limit:
            return [(seat, 0) for seat in self.wires]
        short = []
        self._stats.writes += len(self.wires)
        # A copy, because a transport may call anybody back while it writes.
        for seat, wire in list(self.wires.items()):
            sent = wire.write(block)
            if sent < len(block):
                short.append((seat, sent))
        return short
