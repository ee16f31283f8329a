"""What the operator reads in the log about coming and going."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from granja.people.visits import PERIOD, Journal
from granja.settings import Settings
from tests.support.farm import Farm
from tests.support.guests import guest, returns


class Here:
    address, port = "here", 4711


HERE = Here()


class JournalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.events = self.enterContext(capturedLogs())

    def arrived(self, name: str) -> None:
        self.journal.arrived(name, HERE)

    @property
    def lines(self) -> list[str]:
        return [event["sentences"] for event in self.events if "sentences" in event]

    def test_who_comes_alone_is_on_record_at_once(self) -> None:
        self.arrived("Ana")
        self.assertEqual(self.lines, ["Ana arrived from here"])
        self.clock.advance(PERIOD)
        self.journal.left("Ana", HERE)
        self.assertEqual(self.lines, ["Ana arrived from here", "Ana left"])

    def test_of_a_crowd_nobody_is_left_out(self) -> None:
        """One line comes at once, then one a second with everybody who came meanwhile."""
        for number in range(5):
            self.arrived(f"F{number}")
        self.assertEqual(self.lines, ["F0 arrived from here"])
        self.clock.advance(PERIOD)
        together = (
            "F1 arrived from here; F2 arrived from here; F3 arrived from here; F4 arrived from here"
        )
        self.assertEqual(self.lines, ["F0 arrived from here", together])
        self.arrived("F5")
        self.assertEqual(len(self.lines), 2)
        self.clock.advance(PERIOD)
        self.assertEqual(self.lines[2:], ["F5 arrived from here"])

    def test_the_last_ones_are_on_record_when_the_server_ends(self) -> None:
        self.arrived("Ana")
        self.arrived("Beto")
        self.journal.finish()
        self.assertEqual(self.lines, ["Ana arrived from here", "Beto arrived from here"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_fields_say_it_again(self) -> None:
        """This is for programs that read the log."""
        self.arrived("Ana")
        self.journal.left("Ana", HERE)
        self.arrived("Beto")
        self.clock.advance(PERIOD)
        first, second = self.events
        wanted = {"event": "arrived", "farmer": "Ana", "address": "here", "port": 4711}
        self.assertEqual({key: first[key] for key in wanted}, wanted)
        kinds = [(fields["event"], fields["farmer"]) for fields in second["events"]]
        self.assertEqual(kinds, [("left", "Ana"), ("arrived", "Beto")])

    def test_a_name_is_one_line(self) -> None:
        """In a ledger that somebody else wrote it may be anything."""
        self.arrived("Ana\n2026 [granja] Beto\x1b[31m")
        self.assertEqual(self.lines, ["Ana\\n2026 [granja] Beto\\x1b[31m arrived from here"])

    def test_the_farm_keeps_it(self) -> None:
        farm = Farm()
        farm.person("Ana").arrives()
        self.assertEqual(len(self.lines), 1)
        self.assertTrue(self.lines[0].startswith("Ana arrived from "), self.lines)

    def visit(self, linger: float) -> list[str]:
        """What the log says of a farmer with a pass whose line is lost."""
        farm = Farm(Settings(rate=None, linger=linger))
        ana = guest(farm, "Ana")
        farm.pass_time(PERIOD)
        ana.drops()
        farm.pass_time(linger + PERIOD)
        return [part for line in self.lines for part in line.split("; ")][1:]

    def test_who_lingers_is_there_twice(self) -> None:
        """When the line is lost, and when the time is over."""
        self.assertEqual(self.visit(120.0), ["Ana lost the line", "Ana left"])

    def test_where_nobody_lingers_the_line_is_not_waited_for(self) -> None:
        self.assertEqual(self.visit(0.0), ["Ana left"])

    def test_who_loses_the_line_and_comes_back_has_not_left(self) -> None:
        """The operator reads both, as words and as fields."""
        farm = Farm()
        ana = guest(farm, "Ana")
        for deed in (ana.drops, lambda: returns(farm, ana.secret)):
            farm.pass_time(2 * PERIOD)
            deed()
        self.assertEqual(self.lines[1:], ["Ana lost the line", "Ana came back from 127.0.0.1"])
        told = [(event["event"], event["farmer"], event["port"]) for event in self.events[1:]]
        self.assertEqual(told, [("paused", "Ana", 54321), ("resumed", "Ana", 54321)])
