"""Whose events are remembered, if there are too many."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.recent import Recent


class RecentTests(SynchronousTestCase):
    def test_whoever_was_last_heard_of_longest_ago_is_forgotten(self) -> None:
        """Not who came first, if something has happened since; nor who has just come."""
        recent = Recent(1, 60.0, most_kept=2)
        for at, network in enumerate(("first", "second", "first", "third")):
            recent.note(at, network)
        waits = [recent.wait(4.0, network) for network in ("first", "second", "third")]
        self.assertEqual(waits, [58.0, 0.0, 59.0])
