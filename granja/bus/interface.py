"""The interface of a bus: what every bus promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred

#: Seconds that we wait for another node's answer (PROTOCOL §8).
PATIENCE: Final = 2.0

#: Takes what was published.
Hear = Callable[[bytes], None]
#: We call it with a question.  It returns the answer, now or later.
Answer = Callable[[bytes], bytes | Deferred[bytes]]


class NoAnswer(Exception):
    """No answer came in time, nobody is there to answer, or the bus is away."""


class Bus(Protocol):
    """Carries messages between nodes, each at most once.

    Messages of one node arrive in order, also under different subjects.  Messages that a node
    publishes while the bus is away are lost.  Those shortly before may be lost too.  A node does
    not hear its own messages.

    ``up``: whether the bus is there, as far as this node knows.
    """

    @property
    def up(self) -> bool: ...

    def open(self) -> None:
        """Connect, and connect again whenever the bus is lost."""

    def close(self) -> Deferred[None]:
        """Publish what waits, then disconnect."""

    def watch(self, changed: Callable[[bool], None]) -> None:
        """Call ``changed`` each time the bus comes (with True) or goes (with False).

        When it comes, all subscriptions work already.
        """

    def publish(self, subject: str, data: bytes) -> None:
        """Tell all other nodes that have subscribed to ``subject``."""

    def subscribe(self, subject: str, hear: Hear) -> None:
        """Call ``hear`` with what others publish, from now on."""

    def answer(self, subject: str, answer: Answer) -> None:
        """Ask ``answer`` for an answer to others' requests, from now on."""

    def withdraw(self, subject: str) -> None:
        """Neither hear nor answer under ``subject`` any more."""

    def request(self, subject: str, data: bytes, seconds: float = PATIENCE) -> Deferred[bytes]:
        """Ask the node that answers at ``subject``.

        :returns: fires with the answer; fails with :class:`NoAnswer`, after at most ``seconds``.
        """
