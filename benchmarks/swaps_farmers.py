"""Farmers who leave swaps that close at once, beside people who talk, on one epoll loop.

Half of them have a spade and want a spoon; the other half have a spoon and want a spade.  Each new
swap closes a ring of two with the oldest swap of the other half.  Then both farmers want to swap
back.  So a settlement is three durable rows: two swaps and their ring.
"""

from __future__ import annotations

import time
from collections import deque

from benchmarks.ledger_farmers import Farm, Line

#: Lines of talk a second: enough for a 99th percentile in a window of two seconds.
TALK = 100


class Swappers(Farm):
    """The farmers who swap, and the people who talk.

    :param port: the server's port.
    :param pairs: how many farmers each half has.
    """

    def __init__(self, port: int, pairs: int) -> None:
        super().__init__([port], pairs)
        self.settled = 0
        self._idle: deque[Line] = deque()
        for maker in self._makers:
            maker.partner.mine, maker.partner.theirs = maker.theirs, maker.mine
            for farmer in (maker, maker.partner):
                farmer.hear = self._hear_as_swapper
                self._idle.append(farmer)

    def swap(self, seconds: float, rate: float) -> None:
        """Talk for ``seconds``, and leave at most ``rate`` swaps a second."""
        now = time.perf_counter()
        end, next_talk, next_swap = now + seconds, now, now
        pause = 1 / rate if rate else seconds
        while now < end:
            if now >= next_talk:
                self._talker.types(b"%.6f" % now)
                next_talk += 1 / TALK
            while rate and now >= next_swap and self._idle:
                self._post(self._idle.popleft())
                next_swap += pause
            next_swap = max(next_swap, now - pause)
            wait = min(next_talk, next_swap if rate and self._idle else next_talk) - now
            self._turn(max(wait, 0))
            now = time.perf_counter()

    def _post(self, farmer: Line) -> None:
        farmer.since = time.perf_counter()
        farmer.types(b":cambio %d por %d" % (farmer.mine, farmer.theirs))

    def _hear_as_swapper(self, farmer: Line, text: bytes) -> None:
        if b": diste " in text:
            self.times.trade.append(time.perf_counter() - farmer.since)
            self.settled += 1
            farmer.mine, farmer.theirs = farmer.theirs, farmer.mine
            self._idle.append(farmer)
        elif text.startswith(b"[SERVER] Error"):
            raise AssertionError(text.decode())
