"""What two replicas of a market have in common."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId, FarmerId
from granja.ledger.snapshot import fingerprint
from granja.market.facts import Declared
from granja.market.market import Market

ANA, BETO = FarmerId(1), FarmerId(2)
SPADE, ANCHOR = ArtifactId(13), ArtifactId(21)


class Fingerprints(SynchronousTestCase):
    def test_the_order_in_which_it_came_about_does_not_show(self) -> None:
        one, other = Market(), Market()
        coming = [Declared(ANA, "Ana", (SPADE, ANCHOR)), Declared(BETO, "Beto", (SPADE,))]
        for fact in coming:
            one.apply(fact)
        for fact in reversed(coming):
            other.apply(fact)
        self.assertEqual(fingerprint(one.snapshot()), fingerprint(other.snapshot()))
        restored = Market.restore(one.snapshot())
        self.assertEqual(fingerprint(restored.snapshot()), fingerprint(one.snapshot()))

    def test_another_state_has_another_one(self) -> None:
        """One farmer more, or one artifact less.  An operator compares two lines of 64 digits."""
        prints = []
        for facts in ([], [(SPADE,)], [(SPADE, ANCHOR)], [(SPADE,), (SPADE,)]):
            market = Market()
            for number, artifacts in enumerate(facts, 1):
                market.apply(Declared(FarmerId(number), f"F{number}", artifacts))
            prints.append(fingerprint(market.snapshot()))
        self.assertEqual(len(set(prints)), 4)
        for one in prints:
            self.assertRegex(one, r"\A[0-9a-f]{64}\Z")
