"""How long the gap between two rounds of writing is: none while there is little to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Seconds over which the share of time spent in writing is taken.
WINDOW: Final = 0.05


@dataclass(frozen=True, slots=True)
class Patience:
    """A gap is ``times`` as long as the writing before it was, and ``most`` seconds at most.

    So writing takes no more than 1 / (1 + ``times``) of the time, unless ``most`` is in the way.
    As long as it takes less than half of that anyway, there are no gaps; from there on they grow
    to their full length.
    """

    times: float
    most: float


class Pacing:
    """Makes writes rarer and larger under load, because larger ones cost less for each line.

    :param time: a clock, in seconds.  One that jumps does no harm.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._ended = time()
        self._took = 0.0
        self._load = 0.0

    def delay(self, patience: Patience) -> float:
        """Seconds until the next round of writing should begin; 0.0 is now."""
        # All or nothing would be short rounds and long ones in turns: the same CPU, and the longest
        # wait of a line a tenth longer.
        growth = min(2 * self._load * (1 + patience.times) - 1, 1.0)
        if growth <= 0.0:
            return 0.0
        left = self._ended + growth * patience.times * self._took - self._time()
        return min(max(0.0, left), patience.most)

    def flushed(self, took: float) -> None:
        """A round of writing has just ended, and took so many seconds: 0 or more."""
        now = self._time()
        since = max(took, now - self._ended)
        if since > 0:
            weight = since / (since + WINDOW)
            self._load += weight * (took / since - self._load)
        self._ended, self._took = now, took
