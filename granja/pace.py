"""When to flush: at once while there is little to do, with gaps between when there is much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: Seconds; the longest that talk is kept back.
LONGEST_GAP: Final = 0.02
#: The share of time spent in flushing over which there are gaps.
HIGH_LOAD: Final = 0.5
#: Seconds over which that share is taken.
WINDOW: Final = 0.05


class Pace:
    """Keeps flushing within half of the time, because larger writes cost less for each line.

    A gap is as long as the last flush.

    :param time: a clock, in seconds.  One that jumps does no harm.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._ended = time()
        self._not_before = self._ended
        self._load = 0.0

    def delay(self) -> float:
        """Seconds until the next flush should be; 0.0 is now."""
        return min(max(0.0, self._not_before - self._time()), LONGEST_GAP)

    def flushed(self, began: float) -> None:
        """A flush that ``began`` then has just ended."""
        now = self._time()
        took = max(0.0, now - began)
        since = max(took, now - self._ended)
        if since > 0:
            weight = since / (since + WINDOW)
            self._load += weight * (took / since - self._load)
        self._ended = self._not_before = now
        if self._load > HIGH_LOAD:
            self._not_before += took
