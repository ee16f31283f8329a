"""What the operator reads in the log of who came and went."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from granja.people.visits import PERIOD, Journal
from tests.support.farm import Farm


class JournalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.events = self.enterContext(capturedLogs())

    @property
    def lines(self) -> list[str]:
        return [event["sentences"] for event in self.events if "sentences" in event]

    def test_who_comes_alone_is_on_record_at_once(self) -> None:
        self.journal.note("Ana arrived")
        self.assertEqual(self.lines, ["Ana arrived"])
        self.clock.advance(PERIOD)
        self.journal.note("Ana left")
        self.assertEqual(self.lines, ["Ana arrived", "Ana left"])

    def test_of_a_crowd_nobody_is_left_out(self) -> None:
        """One line at once, then one a second with all who came meanwhile."""
        for number in range(5):
            self.journal.note(f"F{number} arrived")
        self.assertEqual(self.lines, ["F0 arrived"])
        self.clock.advance(PERIOD)
        together = "F1 arrived; F2 arrived; F3 arrived; F4 arrived"
        self.assertEqual(self.lines, ["F0 arrived", together])
        self.journal.note("F5 arrived")
        self.assertEqual(len(self.lines), 2)
        self.clock.advance(PERIOD)
        self.assertEqual(self.lines[2:], ["F5 arrived"])

    def test_the_last_ones_are_on_record_when_the_server_ends(self) -> None:
        self.journal.note("Ana arrived")
        self.journal.note("Beto arrived")
        self.journal.finish()
        self.assertEqual(self.lines, ["Ana arrived", "Beto arrived"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_farm_keeps_it(self) -> None:
        farm = Farm()
        farm.person("Ana").arrives()
        self.assertEqual(len(self.lines), 1)
        self.assertTrue(self.lines[0].startswith("Ana arrived from "), self.lines)
