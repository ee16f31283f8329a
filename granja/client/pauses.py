"""Pauses: how long to wait before each attempt to come back."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 1.0
LONGEST = 30.0
LONG_ENOUGH = 10.0


class Pauses:
    """Pauses that double from 1 s to 30 s.  Chance shortens each to between half and whole.

    Without chance, everybody would come back in the same moment when the server returns.

    :param chance: gives a number from 0 to 1, as :func:`random.random` does.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._longest_now = FIRST

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        longest = self._longest_now
        self._longest_now = min(LONGEST, longest * 2)
        return longest * (1 + self._chance()) / 2

    def stayed(self, seconds: float) -> None:
        """Note how long the connection lasted.

        A short connection is no success: if a server breaks at every arrival, we must not try once
        a second.
        """
        if seconds >= LONG_ENOUGH:
            self._longest_now = FIRST
