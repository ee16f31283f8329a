"""Stalls: how long the reactor could not do what was due."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime

from granja.clockwork.timer import Timer

#: Seconds between two looks.
LOOK: Final = 0.25
#: We remember the looks of this many seconds.
MEMORY: Final = 60.0


class Stalls:
    """Looks at the clock again and again, and at how late each look is.

    :param clock: the looks wait on it.
    :param time: measures durations, in seconds.
    """

    def __init__(self, clock: IReactorTime, time: Callable[[], float]) -> None:
        self._time = time
        self._timer = Timer(clock, self._look)
        self._late: deque[float] = deque(maxlen=int(MEMORY / LOOK))
        self._due = 0.0

    def start(self) -> None:
        self._due = self._time() + LOOK
        self._timer.start(LOOK)

    def stop(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        self._late.append(max(0.0, self._time() - self._due))
        self.start()

    def longest(self) -> float:
        """The longest stall of the last minute, in seconds."""
        waiting = max(0.0, self._time() - self._due) if self._timer.running else 0.0
        return max([waiting, *self._late])
