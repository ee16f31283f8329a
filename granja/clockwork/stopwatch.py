"""Counts how long things take."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

#: The upper ends of the steps, in seconds.  A last step counts everything that took longer.
BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Stopwatch:
    """``counts``: one number for each step of :data:`BOUNDS`, and a last one for what took longer.

    Each duration counts in one step only.  ``total``: the sum of all durations, in seconds.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count something that took so long."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
