"""Groups: listeners that the board writes to together, each group with its own batch.

A write to a crowd in one go would keep everybody waiting: those who talk, those who trade, and
those who hear the next line last.  So the board writes to one group after the other, and the
reactor reads between two groups.  At its turn a group hears the newest talk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

from granja.board.batch import Batch, Entry
from granja.board.counters import Counters
from granja.board.fanout import FanOut
from granja.board.receipts import Receipts
from granja.reactor.sending import AnyWire
from granja.wire.encodings import Carrier


class Member(Protocol):
    """What a group needs from a listener."""

    receipts: Receipts | None

    @property
    def fan_out(self) -> FanOut[Any]: ...


M = TypeVar("M", bound=Member)


class Group(Generic[M]):
    """Some of the listeners of a board.

    ``batch``: collects what is said until the next flush.  ``touched``: listeners that need their
    own version of this batch.  ``gathered``: bytes that wait, counted as plain lines.
    """

    __slots__ = ("_counters", "_fan_outs", "batch", "gathered", "listeners", "touched")

    def __init__(self, counters: Counters) -> None:
        self.listeners: set[M] = set()
        self.batch: Batch[M] = Batch(0, counters.lines)
        self.touched: dict[M, None] = {}
        self.gathered = 0
        self._fan_outs: dict[tuple[Carrier, type], FanOut[M]] = {}
        self._counters = counters

    def fan_out(self, carrier: Carrier, wire: AnyWire) -> FanOut[M]:
        """The fan-out for a listener with this carrier and wire, while nothing waits for it."""
        key = (carrier, type(wire))
        if key not in self._fan_outs:
            self._fan_outs[key] = FanOut(carrier, wire.limit, self._counters)
        return self._fan_outs[key]

    def add(self, entry: Entry, but: M | None) -> None:
        """Add an entry for everybody except ``but``, who may be in another group."""
        awaited = self.gathered and not self.batch.entries  # Something private waits already.
        self.batch.add(entry, but if but in self.listeners else None)
        if awaited:
            self.batch.patient = False
        self.gathered += entry.size

    def forget(self, listener: M) -> None:
        self.listeners.discard(listener)
        self.touched.pop(listener, None)
        listener.fan_out.sends.pop(listener, None)

    def seal(self) -> tuple[Batch[M], dict[M, None]]:
        """Begin the next batch.

        :return: the batch that ends now, and its touched listeners.
        """
        ended, touched = self.batch, self.touched
        self.batch, self.touched, self.gathered = ended.seal(), {}, 0
        return ended, touched

    @property
    def hearing(self) -> int:
        """How many listeners hear all of this batch."""
        return sum(len(fan_out.sends) for fan_out in self._fan_outs.values())

    def broadcast(self, batch: Batch[M], touched: dict[M, None]) -> Iterator[tuple[M, bytes, int]]:
        """Write a batch to all listeners that hear all of it.

        :return: the listeners that took less, what they should take, and how many bytes they took.
        """
        for listener in touched:
            listener.fan_out.sends.pop(listener, None)
        for fan_out in self._fan_outs.values():
            if fan_out.sends and fan_out.carrier.numbers:
                yield from self._broadcast_numbered(batch, fan_out)
            elif fan_out.sends:
                block = batch.rendering(fan_out.carrier).block
                for listener, sent in fan_out.broadcast(block):
                    yield listener, block, sent

    def _broadcast_numbered(
        self, batch: Batch[M], fan_out: FanOut[M]
    ) -> Iterator[tuple[M, bytes, int]]:
        """Do the same for listeners whose lines have numbers of their own."""
        rendering = batch.rendering(fan_out.carrier)
        parts, cuts = rendering.parts, fan_out.cuts(rendering.block)  # A number moves no byte.
        for listener, send in list(fan_out.sends.items()):
            assert listener.receipts is not None
            block = listener.receipts.number_talk(parts, batch.first_line)
            sent = fan_out.send_in_parts(send, block, cuts)
            if sent != len(block):
                yield listener, block, sent
