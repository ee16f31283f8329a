"""How the reactor shares its time between writing to a crowd and all other work."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.board.batch import Announcement
from granja.board.counters import Counters
from granja.board.group import Group
from granja.board.schedule import Schedule
from granja.clockwork.stopwatch import Stopwatch
from granja.contract.messages import GOODBYE


class SharedTimeTests(SynchronousTestCase):
    def turns(self, busy: float) -> list[int]:
        """Groups that are written to in each turn, 1.1 ms each, while others take ``busy``
        seconds between two turns."""
        clock, turns = Clock(), [0]

        def flush(group: Group[Any]) -> None:
            group.seal()
            clock.rightNow += 0.0011  # no exact part of a turn
            turns[-1] += 1

        def others() -> None:
            turns.append(0)
            clock.rightNow += busy
            if sum(turns) < len(groups):
                clock.callLater(0, others)

        schedule = Schedule(clock, clock.seconds, flush, Stopwatch())
        groups: list[Group[Any]] = [Group(Counters()) for _ in range(30)]
        for group in groups:
            group.add(Announcement(GOODBYE), None)
            schedule.due(group)
        clock.callLater(0, others)
        clock.advance(0)
        return turns[1:-2]  # the last may have been shorter

    def test_with_nobody_else_about_the_reactor_reads_soon(self) -> None:
        self.assertEqual(set(self.turns(0.0)), {2})

    def test_while_hundreds_trade_talk_has_its_half_of_the_time(self) -> None:
        self.assertEqual(set(self.turns(0.004)), {6})

    def test_a_turn_is_never_long(self) -> None:
        self.assertEqual(set(self.turns(60.0)), {10})
