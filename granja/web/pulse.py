"""The pulse: looks at each WebSocket of a site once in a while, with one timer for all of them.

A timer for each would be half a KiB of memory for each.
"""

from __future__ import annotations

from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: The connections are in this many parts, and each beat looks at one part.
PARTS: Final = 10


class Watched(Protocol):
    """What the pulse looks at."""

    def look(self) -> None:
        """Its time has come."""


class Pulse:
    """:param seconds: between two looks at the same connection.  The first one comes after nine
    tenths of that at least.
    """

    def __init__(self, clock: IReactorTime, seconds: float) -> None:
        self._clock = clock
        self._between = seconds / PARTS
        self._parts: list[set[Watched]] = [set() for _ in range(PARTS)]
        self._at = 0
        self._beat_at = 0.0
        self._call: IDelayedCall | None = None

    def join(self, watched: Watched) -> None:
        """Look at ``watched`` from here on, until it leaves."""
        if self._call is None:
            self._beat_at = self._clock.seconds()
            self._call = self._clock.callLater(self._between, self._beat)
        self._parts[self._at - 1].add(watched)

    def leave(self, watched: Watched) -> None:
        """Stop looking at ``watched``."""
        for part in self._parts:
            part.discard(watched)
        if self._call is not None and not any(self._parts):
            self._call.cancel()
            self._call = None

    def _beat(self) -> None:
        """Look at the next part; after a long turn of the reactor, at each one that is late."""
        late = int((self._clock.seconds() - self._beat_at) / self._between)
        self._beat_at = self._clock.seconds()
        self._call = self._clock.callLater(self._between, self._beat)
        for _ in range(max(1, min(late, PARTS))):
            part = self._parts[self._at]
            self._at = (self._at + 1) % PARTS
            # One that ends takes itself out, and may take out others.
            for watched in list(part):
                if watched in part:
                    watched.look()
