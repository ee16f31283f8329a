"""No stranger writes more than one line a second into the log."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from granja.clockwork.complaints import Complaints


@implementer(ILogObserver)
class Observer:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def __call__(self, event: LogEvent) -> None:
        self.lines.append(formatEvent(event))


class OneLineASecond(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.complaints = Complaints(self.clock)
        self.lines: list[str] = []
        observer = Observer(self.lines)
        self.patch(Complaints, "log", Logger(observer=observer))

    def note(self, *sentences: str) -> list[str]:
        for sentence in sentences:
            self.complaints.note(sentence)
        lines, self.lines[:] = list(self.lines), []
        return lines

    def test_the_first_is_written_at_once(self) -> None:
        self.assertEqual(self.note("a"), ["a"])

    def test_the_others_are_counted(self) -> None:
        self.assertEqual(self.note("a", "b", "c"), ["a"])
        self.clock.advance(1)
        self.assertEqual(self.lines, ["c (and 1 more)"])
        self.assertEqual(self.note("d"), ["c (and 1 more)"])
        self.clock.advance(1)
        self.assertEqual(self.lines, ["d"])

    def test_after_a_second_of_peace_the_next_is_written_at_once(self) -> None:
        self.note("a")
        self.clock.advance(1)
        self.assertEqual(self.note("{b}"), ["{b}"])

    def test_at_the_end_what_has_gathered_is_written(self) -> None:
        self.note("a", "b")
        self.complaints.finish()
        self.assertEqual((self.lines, self.clock.getDelayedCalls()), (["b"], []))
