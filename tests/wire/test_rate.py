"""How fast one connection may speak (PROTOCOL §6)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.wire.rate import Rate, TokenBucket


class Allowance(SynchronousTestCase):
    def test_the_rate_of_the_contract(self) -> None:
        """Twenty lines at once, then five a second."""
        bucket = TokenBucket(Rate(), 0.0)
        self.assertEqual([bucket.wait(0.0) for _ in range(21)], [0.0] * 20 + [0.2])
        self.assertEqual([bucket.wait(0.2), bucket.wait(0.2)], [0.0, 0.2])
        self.assertEqual([bucket.wait(99.0) for _ in range(21)], [0.0] * 20 + [0.2])

    def test_several_lines_are_taken_together_or_not_at_all(self) -> None:
        bucket = TokenBucket(Rate(1.0, 3), 0.0)
        self.assertEqual([bucket.take(lines, 0.0) for lines in (4, 0, 3)], [False, False, True])
        self.assertEqual([bucket.take(2, now) for now in (1.0, 2.0)], [False, True])
        self.assertTrue(TokenBucket(None, 0.0).take(10**6, 0.0))

    def test_a_clock_that_goes_back_gives_and_takes_nothing(self) -> None:
        bucket = TokenBucket(Rate(1.0, 1), 10.0)
        self.assertEqual([bucket.wait(10.0), bucket.wait(5.0), bucket.wait(6.0)], [0.0, 1.0, 0.0])
