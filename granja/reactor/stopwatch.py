"""How long things took, counted."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

#: Upper ends of what is told apart, in seconds; what took longer is counted after the last.
BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Stopwatch:
    """``counts``: how many took up to each of :data:`BOUNDS`, and no less; the last, longer.

    ``total``: the sum of all, in seconds.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Something took so long."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
