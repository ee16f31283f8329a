"""How fast one connection may speak (PROTOCOL §6)."""

from __future__ import annotations

from dataclasses import dataclass

#: Rounding of the clock: we count a token as whole if only this much of it is missing.
HAIR = 1e-5


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` lines at once, then ``per_second``."""

    per_second: float = 5.0
    burst: int = 20


class TokenBucket:
    """One connection's allowance of lines.

    :param rate: None for no limit.
    :param now: seconds on the clock that :meth:`wait` will get.
    """

    __slots__ = ("_rate", "_since", "_tokens")

    def __init__(self, rate: Rate | None, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst) if rate else 0.0
        self._since = now

    def wait(self, now: float) -> float:
        """Take one line from the allowance.

        :return: 0.0 if the line may be obeyed now; else the seconds until then, and the line is
            not counted.
        """
        if self._rate is None:
            return 0.0
        gained = max(0.0, now - self._since) * self._rate.per_second
        self._tokens = min(float(self._rate.burst), self._tokens + gained)
        self._since = now
        if self._tokens < 1.0 - HAIR:
            return (1.0 - self._tokens) / self._rate.per_second
        self._tokens -= 1.0
        return 0.0

    def take(self, lines: int, now: float) -> bool:
        """Take several lines from the allowance, or none if it does not have them all.

        :return: whether it took them.
        """
        if self._rate is None:
            return True
        if lines < 1 or self.wait(now) > 0.0:
            return False
        if self._tokens + HAIR < lines - 1:
            self._tokens += 1.0
            return False
        self._tokens -= lines - 1
        return True
