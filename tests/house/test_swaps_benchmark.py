"""The benchmark of swaps does what it says, in worlds that are small."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import swaps_people, swaps_search


class Search(SynchronousTestCase):
    def test_each_world_is_asked_everything(self) -> None:
        for name in swaps_search.WORLDS:
            steps = swaps_search.measure(name, 84, 1).steps
            self.assertEqual({len(steps[what]) >= 1 for what in (":trueques", ":quien")}, {True})
            self.assertEqual("ring of 42" in steps, name == "chain")
            self.assertGreaterEqual(len(steps["arrives"]), 3)
            self.assertGreaterEqual(len(steps["leaves"]), 1)

    def test_the_chain_closes_whole(self) -> None:
        """All 42 of a ring give and get."""
        world = swaps_search.WORLDS["chain"](84, Random(1))
        village = swaps_search.Village(world)
        times = swaps_search.Times(village.clock)
        market = village.farm.market
        times.time("ring", village.farm.swaps.post, village.people[41], ("42", "1"))
        self.assertEqual(len(market.swaps), 82 - 41)
        self.assertEqual(len(market.inventory(village.people[41].id)), 2)


class People(SynchronousTestCase):
    def test_swaps_fulfil_more_than_blind_offers(self) -> None:
        """Nobody makes a copy."""
        outcomes = {way: swaps_people.play(way, 100, True, 1) for way in swaps_people.WAYS}
        self.assertEqual(len({outcome.reach for outcome in outcomes.values()}), 1)
        self.assertLess(outcomes["blind"].fulfilled, outcomes["pairs"].fulfilled)
        self.assertLess(outcomes["pairs"].fulfilled, outcomes["swaps"].fulfilled)
