"""What every bus promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred

#: Seconds that an answer from another node may take (PROTOCOL §8).
PATIENCE: Final = 2.0

#: Called with what was published.
Hear = Callable[[bytes], None]
#: Called with a question; what it returns is the answer, now or later.
Answer = Callable[[bytes], bytes | Deferred[bytes]]


class NoAnswer(Exception):
    """Nobody answered in time, or there is nobody, or the bus is away."""


class Bus(Protocol):
    """Carries messages between nodes, each at most once.

    All that one node publishes, under whichever subjects, arrives in its order.  What is published
    while the bus is away is lost, and so may be what was published shortly before.  A node does not
    hear itself.

    ``up``: whether it is there, as far as this node knows.
    """

    @property
    def up(self) -> bool: ...

    def open(self) -> None:
        """Reach for it, from now on and again whenever it is lost."""

    def close(self) -> Deferred[None]:
        """Publish what is on its way, then let go of it."""

    def watch(self, changed: Callable[[bool], None]) -> None:
        """Have ``changed`` called each time it comes (with True) or goes.

        When it comes, everything that is subscribed to is heard already.
        """

    def publish(self, subject: str, data: bytes) -> None:
        """Tell all other nodes that have subscribed to ``subject``."""

    def subscribe(self, subject: str, hear: Hear) -> None:
        """From here on ``hear`` is called with what others publish."""

    def answer(self, subject: str, answer: Answer) -> None:
        """From here on ``answer`` is asked what others request."""

    def withdraw(self, subject: str) -> None:
        """Hear and answer no more under ``subject``."""

    def request(self, subject: str, data: bytes, seconds: float = PATIENCE) -> Deferred[bytes]:
        """Ask whoever answers at ``subject``.

        :returns: fires with the answer; fails with :class:`NoAnswer`, after ``seconds`` at the
            latest.
        """
