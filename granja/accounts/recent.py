"""What happened a short while ago, by key, in memory that is bounded whoever causes it."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

#: Keys that are remembered.
MOST_KEPT: Final = 10_000


class Recent:
    """Remembers when each key had its last events, and says when it may have another.

    Time comes as an argument, in seconds on any clock that does not go back.

    :param most: events of one key within ``seconds``.
    :param most_kept: keys that are remembered.  Beyond it, the one whose last event is longest ago
        is forgotten, so an attack from a million networks costs the attacker more than us.
    """

    def __init__(self, most: int, seconds: float, most_kept: int = MOST_KEPT) -> None:
        self._most = most
        self._seconds = seconds
        self._most_kept = most_kept
        self._events: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, now: float, key: str) -> float:
        """Seconds until the next event of a key is within what it may have: 0 or more."""
        events = self._events.get(key)
        if events is None or len(events) < self._most:
            return 0.0
        return max(events[0] + self._seconds - now, 0.0)

    def note(self, at: float, key: str) -> None:
        """Remember an event.

        :param at: not before the last one of this key.
        """
        self._events.setdefault(key, deque(maxlen=self._most)).append(at)
        self._events.move_to_end(key)
        if len(self._events) > self._most_kept:
            self._events.popitem(last=False)

    def take_back(self, at: float, key: str) -> None:
        """An event that was noted has not happened after all."""
        events = self._events.get(key, deque())
        if at in events:
            events.remove(at)
