"""Audiences: those who hear the talk and have nothing waiting, so that one block fits them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from granja.carriers import Carrier
from granja.stats import Stats
from granja.wires import DirectWire, TransportWire

if TYPE_CHECKING:
    from granja.seat import Seat


class Audience(Protocol):
    """Seats of one carrier and one kind of wire."""

    carrier: Carrier

    def __len__(self) -> int: ...

    def add(self, seat: Seat) -> None: ...

    def remove(self, seat: Seat) -> None:
        """Take a seat out, if it is there."""

    def broadcast(self, block: bytes) -> list[tuple[Seat, int]]:
        """Write ``block`` to all.

        :return: those who took less than all of it, and how many bytes they took.
        """


class DirectAudience:
    """Listeners on plain TCP."""

    def __init__(self, carrier: Carrier, stats: Stats) -> None:
        self.carrier = carrier
        self._stats = stats
        self._seats: dict[Seat, DirectWire] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def add(self, seat: Seat) -> None:
        self._seats[seat] = cast(DirectWire, seat.wire)

    def remove(self, seat: Seat) -> None:
        self._seats.pop(seat, None)

    def broadcast(self, block: bytes) -> list[tuple[Seat, int]]:
        """The loop that most of the server's time is spent in: one system call for each.

        It is :meth:`DirectWire.write`, written out: calling that costs 3 % more.
        """
        size = len(block)
        short = []
        for seat, wire in self._seats.items():
            transport = wire.transport
            if transport.disconnecting:
                continue
            if transport._tempDataBuffer or transport.dataBuffer:
                short.append((seat, 0))
                continue
            try:
                sent = wire.send(block)
            except OSError:
                sent = 0
            if sent != size:
                short.append((seat, sent))
        self._stats.wrote_to_all(size, len(self._seats))
        self._stats.bytes -= sum(size - sent for _, sent in short)
        return short


class TransportAudience:
    """Listeners on TLS, WebSocket, or a double in a test."""

    def __init__(self, carrier: Carrier, stats: Stats) -> None:
        self.carrier = carrier
        self._stats = stats
        self._seats: dict[Seat, TransportWire] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def add(self, seat: Seat) -> None:
        self._seats[seat] = cast(TransportWire, seat.wire)

    def remove(self, seat: Seat) -> None:
        self._seats.pop(seat, None)

    def broadcast(self, block: bytes) -> list[tuple[Seat, int]]:
        if len(block) > TransportWire.limit:
            return [(seat, 0) for seat in self._seats]
        short = []
        # A copy, because a transport may call anybody back while it writes.
        for seat, wire in list(self._seats.items()):
            sent = self._stats.wrote(wire.write([block]))
            if sent < len(block):
                short.append((seat, sent))
        return short
