"""Recent events by key.  Its memory is limited, whoever causes the events."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

#: How many keys we remember.
MOST_KEPT: Final = 10_000


class Recent:
    """Remembers the last events of each key, and says when a key may have another one.

    The time is an argument, in seconds on any clock that does not go back.

    :param most: events of one key within ``seconds``.
    :param most_kept: how many keys we remember.  For one more, we forget the key whose last event
        is oldest.  So an attack from a million networks costs the attacker more than us.
    """

    def __init__(self, most: int, seconds: float, most_kept: int = MOST_KEPT) -> None:
        self._most = most
        self._seconds = seconds
        self._most_kept = most_kept
        self._events: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, now: float, key: str) -> float:
        """Seconds until a key may have its next event: 0 or more."""
        events = self._events.get(key)
        if events is None or len(events) < self._most:
            return 0.0
        return max(events[0] + self._seconds - now, 0.0)

    def note(self, at: float, key: str) -> None:
        """Remember an event.

        :param at: not before the last event of this key.
        """
        self._events.setdefault(key, deque(maxlen=self._most)).append(at)
        self._events.move_to_end(key)
        if len(self._events) > self._most_kept:
            self._events.popitem(last=False)

    def take_back(self, at: float, key: str) -> None:
        """Forget an event: it has not happened after all."""
        events = self._events.get(key, deque())
        if at in events:
            events.remove(at)
