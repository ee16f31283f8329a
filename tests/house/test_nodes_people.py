"""The benchmark beside Synapse sees when people do not hear what was said."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.nodes_people import LENGTH, Tally


class Hearing(SynchronousTestCase):
    """The first of two people says two lines, which the second should hear."""

    def heard(self, which: Sequence[int], change: str = "") -> tuple[int, int]:
        """How many were wrong and how many are missing, when the second heard these lines."""
        tally = Tally(people=2, talkers=1)
        lines = [tally.say(0) for _ in range(2)]
        for number in which:
            tally.hear(1, lines[number] + change)
        return tally.wrong, tally.missing

    def test_all_in_order(self) -> None:
        self.assertEqual(self.heard([0, 1]), (0, 0))

    def test_one_lost(self) -> None:
        self.assertEqual(self.heard([0]), (0, 1))

    def test_one_doubled(self) -> None:
        self.assertEqual(self.heard([0, 0, 1]), (1, 0))
        self.assertEqual(self.heard([0, 1, 1]), (1, 0))

    def test_out_of_order(self) -> None:
        self.assertEqual(self.heard([1, 0]), (1, 1))

    def test_changed(self) -> None:
        self.assertEqual(self.heard([0, 1], change="!"), (2, 2))

    def test_a_line_has_the_length_that_the_page_says(self) -> None:
        self.assertEqual(len(Tally(people=2, talkers=1).say(0)), LENGTH)

    def test_what_warmed_up_is_not_counted(self) -> None:
        tally = Tally(people=3, talkers=1)
        line = tally.say(0)
        for person in (1, 2):
            tally.hear(person, line)
        tally.begin()
        tally.hear(1, tally.say(0))
        self.assertEqual((len(tally.seconds), tally.missing), (1, 1))
