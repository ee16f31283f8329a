"""Fan-outs: listeners that hear the talk and have nothing waiting.  One block fits them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from granja.board.batch import L
from granja.board.counters import Counters
from granja.wire.encodings import Carrier, Readable

Send = Callable[[Readable], int]


class FanOut(Generic[L]):
    """Listeners with the same carrier and the same kind of wire.

    :param limit: of the wires, in bytes.

    ``sends``: for each listener, how to write to it (:meth:`Wire.send`).  Listeners add and remove
    themselves.
    """

    def __init__(self, carrier: Carrier, limit: int, counters: Counters) -> None:
        self.carrier = carrier
        self.sends: dict[L, Send] = {}
        self.limit = limit
        self._counters = counters

    def broadcast(self, block: bytes) -> list[tuple[L, int]]:
        """Write ``block`` to all.

        The server spends most of its time in this loop: one system call for each listener.  It uses
        only the sends, because it is slow to fetch more objects of ten thousand farmers from memory
        (docs/performance/choices.md).

        :return: the listeners that took less, and how many bytes they took.
        """
        size = len(block)
        if size > self.limit:
            cuts = self.cuts(block)
            return [
                (listener, sent)
                for listener, send in list(self.sends.items())
                if (sent := self.send_in_parts(send, block, cuts)) != size
            ]
        self._counters.writes += len(self.sends)
        short: dict[Send, int] = {}
        # A copy: a transport may call somebody back during a write.
        for send in list(self.sends.values()):
            try:
                sent = send(block)
            except OSError:
                sent = 0
            if sent != size:
                short[send] = sent
        if not short:
            return []
        return [(listener, short[send]) for listener, send in self.sends.items() if send in short]

    # -- more than a wire should have at once ----------------------------------------------------

    def cuts(self, block: bytes) -> list[tuple[int, int]]:
        """Where the parts of ``block`` begin and end: whole messages, about the limit each.

        We look for them once for all listeners, because that takes long.
        """
        cuts, start, view = [], 0, memoryview(block)
        while len(block) - start > self.limit:
            stop = start + self.carrier.boundary(view[start:], self.limit)
            cuts.append((start, stop))
            start = stop
        if start < len(block):
            cuts.append((start, len(block)))
        return cuts

    def send_in_parts(self, send: Send, block: bytes, cuts: list[tuple[int, int]]) -> int:
        """Send the parts one after the other, until the wire takes less than a whole part.

        :return: how many bytes were sent.
        """
        total = 0
        parts: list[Readable] = [block]
        if len(cuts) != 1:
            view = memoryview(block)
            parts = [view[start:stop] for start, stop in cuts]
        for part in parts:
            self._counters.writes += 1
            try:
                sent = send(part)
            except OSError:
                sent = 0
            total += sent
            if sent != len(part):
                break
        return total
