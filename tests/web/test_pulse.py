"""One timer looks at all, each in its time."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.web.pulse import Pulse


class Watched:
    """Notes each look at it."""

    def __init__(self, clock: Clock, leaves: Pulse | None = None) -> None:
        self._clock, self._leaves = clock, leaves
        self.others: list[Watched] = []
        self.looks: list[float] = []

    def look(self) -> None:
        self.looks.append(self._clock.seconds())
        if self._leaves is not None:
            for watched in (self, *self.others):
                self._leaves.leave(watched)


class PulseCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.pulse = Pulse(self.clock, 10)

    def test_each_is_looked_at_every_ten_seconds(self) -> None:
        everybody = []
        for _ in range(25):
            watched = Watched(self.clock)
            everybody.append((self.clock.seconds(), watched))
            self.pulse.join(watched)
            self.clock.pump([0.25] * 2)
        self.clock.pump([0.5] * 60)
        for came, watched in everybody:
            first, *others = watched.looks
            self.assertTrue(came + 9 <= first <= came + 10.01, (came, first))
            times = zip(watched.looks, others, strict=False)
            self.assertTrue(all(9.5 <= b - a <= 10.5 for a, b in times), watched.looks)

    def test_after_a_long_turn_everybody_is_looked_at_once(self) -> None:
        everybody = [Watched(self.clock) for _ in range(5)]
        for watched in everybody:
            self.pulse.join(watched)
            self.clock.advance(1)
        self.clock.advance(100)
        self.assertEqual([len(watched.looks) for watched in everybody], [1] * 5)

    def test_while_nobody_is_there_nothing_is_timed(self) -> None:
        watched = Watched(self.clock)
        self.pulse.join(watched)
        self.pulse.leave(watched)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.pulse.leave(watched)
        self.pulse.join(watched)
        self.clock.pump([1] * 10)
        self.assertEqual(len(watched.looks), 1)

    def test_one_that_is_looked_at_may_leave_and_take_others_with_it(self) -> None:
        one, other = (Watched(self.clock, self.pulse) for _ in range(2))
        one.others, other.others = [other], [one]
        self.pulse.join(one)
        self.pulse.join(other)
        self.clock.pump([1] * 30)
        self.assertEqual(len(one.looks) + len(other.looks), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
