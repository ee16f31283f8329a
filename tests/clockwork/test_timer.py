"""One call that waits for its time, or none."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.clockwork.timer import Timer, after, stop


class Timers(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.calls = Clock(), list[float]()
        self.timer = Timer(self.clock, lambda: self.calls.append(self.clock.seconds()))

    def test_it_calls_once_in_its_time(self) -> None:
        self.assertFalse(self.timer.running)
        self.timer.start(2)
        self.timer.start(1)  # It waits already.
        self.clock.pump([1, 1, 1])
        self.assertEqual((self.calls, self.timer.running), ([2], False))

    def test_a_new_time_takes_the_place_of_the_old_one(self) -> None:
        self.timer.start(2)
        self.timer.restart(5)
        self.clock.pump([1] * 9)
        self.assertEqual(self.calls, [5])

    def test_the_sooner_of_two_times(self) -> None:
        self.timer.start_within(5)
        self.timer.start_within(2)
        self.timer.start_within(9)
        self.clock.pump([1] * 9)
        self.assertEqual(self.calls, [2])
        self.timer.start_within(3)
        self.clock.pump([1] * 9)
        self.assertEqual(self.calls, [2, 12])

    def test_it_says_what_was_left(self) -> None:
        self.assertEqual(self.timer.stop(), 0.0)
        self.timer.start(5)
        self.clock.advance(2)
        self.assertEqual((self.timer.stop(), self.timer.running), (3.0, False))
        self.clock.advance(9)
        self.assertEqual((self.calls, self.timer.stop()), ([], 0.0))

    def test_it_may_start_again_from_its_own_call(self) -> None:
        def once_more() -> None:
            self.calls.append(self.clock.seconds())
            again.start(1)

        again = Timer(self.clock, once_more)
        again.start(1)
        self.clock.pump([1] * 3)
        self.assertEqual(self.calls, [1, 2, 3])

    def test_one_that_runs_and_one_that_nobody_has_made(self) -> None:
        running = after(self.clock, 2, lambda: self.calls.append(self.clock.seconds()))
        self.clock.advance(1)
        self.assertEqual((stop(running), stop(None)), (1.0, 0.0))
        self.clock.advance(9)
        self.assertEqual(self.calls, [])
