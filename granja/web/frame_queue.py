"""Connections whose frames have not all been taken: some of each in turn, a moment at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Seconds after which whatever else is due has its turn, however many still wait.
TURN = 0.002


class FrameQueue:
    """One for a whole site: with a turn for each connection, a thousand take half a second."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._turn: IDelayedCall | None = None

    def join(self, take: Callable[[], None]) -> None:
        """Have ``take`` called once, after those that wait already."""
        self._waiting.append(take)
        self._arrange()

    def _arrange(self) -> None:
        if self._waiting and self._turn is None:
            self._turn = self._clock.callLater(0, self._have_turn)

    def _have_turn(self) -> None:
        enough = self._clock.seconds() + TURN
        try:
            while self._waiting and self._clock.seconds() < enough:
                self._waiting.popleft()()
        finally:  # One that fails does not leave the others waiting.
            self._turn = None
            self._arrange()
