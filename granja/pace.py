"""When to flush: at once while there is little to do, with gaps between when there is much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: Seconds; the longest that talk is kept back.
LONGEST_GAP: Final = 0.02
#: Seconds over which the share of time spent in flushing is taken.
WINDOW: Final = 0.05


class Pace:
    """Keeps flushing within a part of the time, because larger writes cost less for each line.

    :param time: a clock, in seconds.  One that jumps does no harm.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._ended = time()
        self._took = 0.0
        self._load = 0.0

    def delay(self, patience: float) -> float:
        """Seconds until the next flush should be; 0.0 is now.

        :param patience: how many times as long as the last flush the gap before the next one may
            be.  There is none as long as flushing takes less than 1 / (1 + patience) of the time.
        """
        if self._load <= 1 / (1 + patience):
            return 0.0
        left = self._ended + patience * self._took - self._time()
        return min(max(0.0, left), LONGEST_GAP)

    def flushed(self, began: float) -> None:
        """A flush that ``began`` then has just ended."""
        now = self._time()
        took = max(0.0, now - began)
        since = max(took, now - self._ended)
        if since > 0:
            weight = since / (since + WINDOW)
            self._load += weight * (took / since - self._load)
        self._ended, self._took = now, took
