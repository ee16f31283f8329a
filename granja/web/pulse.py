"""The pulse: looks at each WebSocket of a site once in a while, with one timer for all of them.

A timer for each would be half a KiB of memory for each.
"""

from __future__ import annotations

from typing import Final, Protocol

from twisted.internet.interfaces import IReactorTime

from granja.clockwork.timer import Timer

#: The connections are in this many parts, and each beat looks at one part.
PARTS: Final = 10


class Watched(Protocol):
    """A connection that the pulse looks at."""

    def look(self) -> None:
        """Look whether the peer is still there: it is time."""


class Pulse:
    """:param seconds: the time between two looks at one connection.  The first look comes after at
    least nine tenths of it.
    """

    def __init__(self, clock: IReactorTime, seconds: float) -> None:
        self._clock = clock
        self._between = seconds / PARTS
        self._parts: list[set[Watched]] = [set() for _ in range(PARTS)]
        self._at = 0
        self._beat_at = 0.0
        self._timer = Timer(clock, self._beat)

    def join(self, watched: Watched) -> None:
        """Look at ``watched`` from now on, until it leaves."""
        if not self._timer.running:
            self._beat_at = self._clock.seconds()
            self._timer.start(self._between)
        self._parts[self._at - 1].add(watched)

    def leave(self, watched: Watched) -> None:
        """Stop looking at ``watched``."""
        for part in self._parts:
            part.discard(watched)
        if not any(self._parts):
            self._timer.stop()

    def _beat(self) -> None:
        """Look at the next part.  After a long turn of the reactor, look at all late parts."""
        late = int((self._clock.seconds() - self._beat_at) / self._between)
        self._beat_at = self._clock.seconds()
        self._timer.start(self._between)
        for _ in range(max(1, min(late, PARTS))):
            part = self._parts[self._at]
            self._at = (self._at + 1) % PARTS
            # A connection that ends leaves the parts, and may make others leave.
            for watched in list(part):
                if watched in part:
                    watched.look()
