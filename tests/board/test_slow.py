"""We judge listeners who are behind by the bytes they take: when and how often."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from granja.board.counters import Counters
from granja.board.group import Group
from granja.board.slow import FAR_BEHIND, LOOK, LOOK_AT_SYSTEM, STILL, TOO_LONG, Slow, Watched
from tests.support.wiring import HeldReader


class Waiting:
    """A listener's waiting bytes, as far as the judgement needs them."""

    def __init__(self, behind: int) -> None:
        self.behind = behind
        self.hearing = True
        self.skipping = False
        self.moved_at = self.alive_at = self.looked_at = 0.0
        self.acknowledged: int | None = None
        self.skips = 0

    def lag(self) -> int:
        return self.behind

    def holds_talk(self) -> bool:
        return True

    def skip(self) -> None:
        self.skips += 1
        self.skipping = True


class Somebody:
    """Is behind, unless ``backlog`` is None.  ``looks`` are when their system was asked."""

    def __init__(self, clock: Clock, group: Group[Any], behind: int = FAR_BEHIND + 1) -> None:
        self.waiting = Waiting(behind)
        self.backlog: Any = self.waiting
        self.group = group
        self.reader = HeldReader()
        self.looks: list[float] = []
        self.taken = 0
        self.aborted: list[float] = []
        self._clock = clock

    def acknowledged(self) -> int | None:
        self.looks.append(self._clock.seconds())
        return self.taken

    def abort(self) -> None:
        self.aborted.append(self._clock.seconds())


class Judging(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, counters = Clock(), Counters()
        self.group: Group[Any] = Group(counters)
        self.slow: Slow[Watched] = Slow(self.clock, self.clock.seconds, counters)
        self.somebody = Somebody(self.clock, self.group)

    def judge(self, seconds: float) -> None:
        """All others have a batch, a given number of seconds after these took something."""
        self.clock.rightNow = seconds
        self.slow.add(cast(Watched, self.somebody))
        self.slow.flushed(self.group, self.group.batch)

    def test_still_is_a_quarter_of_a_second(self) -> None:
        self.judge(STILL - 0.01)
        self.assertEqual((self.somebody.waiting.skips, self.slow.waiting), (0, True))
        self.judge(STILL)
        self.assertEqual((self.somebody.waiting.skips, self.slow.waiting), (1, False))

    def test_far_is_more_than_a_megabyte(self) -> None:
        self.somebody.waiting.behind = FAR_BEHIND
        self.judge(0.1)
        self.assertFalse(self.slow.waiting)
        self.somebody.waiting.behind += 1
        self.judge(0.1)
        self.assertTrue(self.slow.waiting)

    def test_half_of_it_is_near_enough(self) -> None:
        self.judge(0.1)
        for behind, waiting in ((FAR_BEHIND // 2 + 1, True), (FAR_BEHIND // 2, False)):
            self.somebody.waiting.behind = behind
            self.slow.progressed(cast(Watched, self.somebody))
            self.assertEqual(self.slow.waiting, waiting)

    def test_who_skips_or_has_caught_up_is_not_judged_again(self) -> None:
        self.judge(1.0)
        self.judge(2.0)
        self.assertEqual(self.somebody.waiting.skips, 1)
        self.somebody.backlog = None
        self.judge(3.0)
        self.assertFalse(self.slow.waiting)

    def moved(self, at: float, behind: int) -> None:
        self.somebody.waiting.moved_at = at
        self.somebody.waiting.behind = behind

    def test_talkers_do_not_wait_for_one_who_is_still_longer_than_a_moment(self) -> None:
        """We look often from the moment when somebody is far behind, and then again and again."""
        self.moved(0.1, 100)
        self.slow.add(cast(Watched, self.somebody))
        self.clock.advance(0.3)
        self.moved(0.1, FAR_BEHIND + 1)
        self.judge(0.31)
        self.assertTrue(self.slow.waiting)
        self.clock.pump([0.01] * 9)
        self.assertFalse(self.slow.waiting)
        self.setUp()
        self.judge(0.0)
        self.moved(0.12, FAR_BEHIND)  # Not far enough to wait for, but talkers wait already.
        self.clock.pump([0.01] * 12)
        self.clock.pump([0.01] * 20)
        self.assertTrue(self.slow.waiting)
        self.clock.pump([0.01] * 13)
        self.assertFalse(self.slow.waiting)

    def test_while_nobody_is_behind_nobody_looks(self) -> None:
        other = Somebody(self.clock, self.group)
        for each in (self.somebody, other):
            self.slow.add(cast(Watched, each))
        self.slow.forget(cast(Watched, other))
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.slow.forget(cast(Watched, self.somebody))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_their_system_is_asked_every_five_seconds(self) -> None:
        self.slow.add(cast(Watched, self.somebody))
        self.clock.pump([LOOK] * 50)
        self.assertEqual(self.somebody.looks, [LOOK_AT_SYSTEM, 2 * LOOK_AT_SYSTEM])

    def test_who_takes_nothing_for_two_minutes_is_closed(self) -> None:
        self.slow.add(cast(Watched, self.somebody))
        with capturedLogs() as events:
            self.clock.pump([LOOK] * int(TOO_LONG / LOOK))
        self.assertEqual(self.somebody.aborted, [TOO_LONG])
        said = [formatEvent(event) for event in events]
        self.assertEqual(said, ["Closed a connection that read nothing for 120 s"])

    def test_what_their_system_takes_is_a_sign_of_life(self) -> None:
        self.slow.add(cast(Watched, self.somebody))
        for _ in range(40):
            self.somebody.taken += 1
            self.clock.pump([LOOK] * 20)
        self.assertEqual(self.somebody.aborted, [])
        self.clock.pump([LOOK] * int(TOO_LONG / LOOK))
        self.assertEqual(len(self.somebody.aborted), 1)
