"""A queue of connections with frames that wait: each has a short turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from granja.clockwork.timer import Timer

#: Seconds of work before everything else has its turn.
TURN = 0.002


class FrameQueue:
    """One queue for a whole site: a reactor's turn for each connection would be much slower."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._turn = Timer(clock, self._have_turn)

    def join(self, take: Callable[[], None]) -> None:
        """Call ``take`` once, after those that wait already."""
        self._waiting.append(take)
        self._turn.start(0)

    def _have_turn(self) -> None:
        enough = self._clock.seconds() + TURN
        try:
            while self._waiting and self._clock.seconds() < enough:
                self._waiting.popleft()()
        finally:  # After a failure, the others must still have their turn.
            if self._waiting:
                self._turn.start(0)
