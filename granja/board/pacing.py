"""Pacing: the gap between two rounds of writing.  There is none while there is little to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: The share of time that writing takes is an average over this many seconds.
WINDOW: Final = 0.05


@dataclass(frozen=True, slots=True)
class Patience:
    """A gap is ``times`` as long as the writing before it, and at most ``most`` seconds.

    So writing takes at most 1 / (1 + ``times``) of the time, unless ``most`` is smaller.  There are
    no gaps while writing takes less than half of that.  From there on they grow to their full
    length.
    """

    times: float
    most: float


class Pacing:
    """Makes writes rarer and larger under load: a larger write costs less for each line.

    :param time: a clock, in seconds.  A jump of the clock does no harm.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._ended = time()
        self._took = 0.0
        self._load = 0.0

    def delay(self, patience: Patience) -> float:
        """Seconds until the next round of writing should begin; 0.0 means now."""
        # The gap grows step by step.  With all or nothing, short and long rounds would alternate,
        # and the longest wait of a line would grow (docs/performance/choices.md).
        growth = min(2 * self._load * (1 + patience.times) - 1, 1.0)
        if growth <= 0.0:
            return 0.0
        left = self._ended + growth * patience.times * self._took - self._time()
        return min(max(0.0, left), patience.most)

    def flushed(self, took: float) -> None:
        """A round of writing has just ended; it took so many seconds (0 or more)."""
        now = self._time()
        since = max(took, now - self._ended)
        if since > 0:
            weight = since / (since + WINDOW)
            self._load += weight * (took / since - self._load)
        self._ended, self._took = now, took
