"""How long to wait before each attempt to come back."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 1.0
LONGEST = 30.0
LONG_ENOUGH = 10.0


class Pauses:
    """Pauses that double from 1 s to 30 s, each shortened by chance to between half and whole.

    Chance keeps a whole village from knocking in the same instant when its server returns.

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
        """The connection lasted that long.  A short one is no success: a server that falls over
        at every arrival must not be knocked at once a second."""
        if seconds >= LONG_ENOUGH:
            self._longest_now = FIRST
