"""Fan-outs: those who hear the talk and have nothing waiting, so that one block fits them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from granja.board.batch import L
from granja.board.counters import Counters
from granja.wire.encodings import Carrier


class FanOut(Generic[L]):
    """Listeners of one carrier and one kind of wire.

    :param limit: of the wires, in bytes.

    ``sends``: how each listener that is in is written to (:meth:`Wire.send`); listeners put
    themselves in and out.
    """

    def __init__(self, carrier: Carrier, limit: int, counters: Counters) -> None:
        self.carrier = carrier
        self.sends: dict[L, Callable[[bytes], int]] = {}
        self.limit = limit
        self._counters = counters

    def broadcast(self, block: bytes) -> list[tuple[L, int]]:
        """Write ``block`` to all.

        The loop that most of the server's time is spent in: one system call for each.  It looks at
        nothing but the sends, because each further object of ten thousand farmers comes from the
        main memory: with the listener, its wire and its transport a line took an eighth longer.

        :return: those who took less than all of it, and how many bytes they took.
        """
        size = len(block)
        if size > self.limit:
            return [(listener, 0) for listener in self.sends]
        self._counters.writes += len(self.sends)
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
        return [(listener, short[send]) for listener, send in self.sends.items() if send in short]
