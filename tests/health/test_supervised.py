"""A supervisor hears that the server is alive only when it is."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.health.supervised import Supervised


class Ear:
    """Hears what the server tells its supervisor.  ``patience`` is a setting of systemd."""

    def __init__(self, patience: float | None) -> None:
        self.patience = patience
        self.heard: list[str] = []

    def tell(self, *fields: str) -> None:
        self.heard.append(" ".join(fields))


class Watching(SynchronousTestCase):
    def begin(self, patience: float | None) -> None:
        self.clock, self.ear = Clock(), Ear(patience)
        self.answers: list[Deferred[bool]] = []
        self.supervised = Supervised(self.clock, self.ear, lambda: self.answers.pop(0))
        self.supervised.started()

    def test_it_is_fed_after_a_probe(self) -> None:
        """Three times within the patience, and not before the answer has come."""
        self.begin(30.0)
        slow: Deferred[bool] = Deferred()
        self.answers = [succeed(True), slow, succeed(False), fail(OSError("no room"))]
        self.clock.advance(9.9)
        self.assertEqual(self.ear.heard, ["READY=1"])
        self.clock.advance(0.1)
        self.assertEqual(self.ear.heard, ["READY=1", "WATCHDOG=1"])
        self.clock.advance(10.0)
        self.assertEqual(self.ear.heard[2:], [])
        slow.callback(True)
        self.assertEqual(self.ear.heard[2:], ["WATCHDOG=1"])
        self.clock.advance(10.0)
        self.clock.advance(10.0)
        self.assertEqual(self.ear.heard[3:], [])

    def test_without_a_watchdog_nothing_is_tried(self) -> None:
        self.begin(None)
        self.clock.advance(1000.0)
        self.assertEqual(self.ear.heard, ["READY=1"])

    def test_rereading_and_stopping(self) -> None:
        self.begin(30.0)
        self.clock.advance(2.5)
        self.supervised.rereading()
        self.supervised.reread()
        self.supervised.stopping()
        self.clock.advance(1000.0)
        said = ["READY=1", "RELOADING=1 MONOTONIC_USEC=2500000", "READY=1", "STOPPING=1"]
        self.assertEqual(self.ear.heard, said)
