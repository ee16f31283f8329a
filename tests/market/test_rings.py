"""The search for rings, with swaps that are put on a table by hand."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import rings
from granja.market.rings import Ring
from granja.market.swaps import Swap, Swaps


def table_of(*said: tuple[Sequence[int], Sequence[int]]) -> Swaps:
    """Swaps with the numbers 1, 2, …, each of another farmer: what it gives, what it takes."""
    swaps = Swaps()
    for number, sides in enumerate(said, 1):
        gives, takes = (tuple(map(ArtifactId, side)) for side in sides)
        swaps.stand(Swap(OfferId(number), FarmerId(number), gives, takes, False, 9.0, gives, takes))
    return swaps


def closed(swaps: Swaps, number: int) -> tuple[list[int], list[int]] | None:
    ring: Ring | None = rings.closed_by(swaps, swaps[OfferId(number)])
    return None if ring is None else ([*ring.swaps], [*ring.gives])


class Closing(SynchronousTestCase):
    def test_each_gives_what_the_next_one_takes(self) -> None:
        """Also where it gives something with a lower number."""
        swaps = table_of(([3, 5], [1]), ([1, 2], [5]))
        self.assertEqual(closed(swaps, 1), ([1, 2], [5, 1]))

    def test_the_oldest_of_those_that_lead_on(self) -> None:
        """The older swap 2 takes the gift too, but nothing that it gives leads to the goal."""
        swaps = table_of(([4], [2]), ([6, 7], [1]), ([2], [1]), ([8], [7]), ([1], [4]))
        self.assertEqual(closed(swaps, 5), ([5, 3, 1], [1, 2, 4]))

    def test_each_fits_the_one_before_it(self) -> None:
        """The older swap 1 leads to the goal too, but not from the oldest before it."""
        swaps = table_of(([4], [3]), ([2], [1]), ([3], [1]), ([4], [2]), ([1], [4]))
        self.assertEqual(closed(swaps, 5), ([5, 2, 4], [1, 2, 4]))

    def test_a_ring_of_others_is_no_ring_of_ones_own(self) -> None:
        """The search ends, though it goes round in theirs."""
        swaps = table_of(([1], [9]), ([2], [1]), ([1], [2]))
        self.assertIsNone(closed(swaps, 1))
        self.assertEqual(rings.any_ring(swaps), Ring((OfferId(3), OfferId(2)), (1, 2)))  # type: ignore[arg-type]


class Reaching(SynchronousTestCase):
    def setUp(self) -> None:
        """From 1 to 2 to 3 and back to 1; from 5 to 6 and from 3 to 7 on the side."""
        sides = ([2], [1]), ([3], [2]), ([1], [3]), ([6], [5]), ([7], [3])
        self.table = table_of(*sides).table

    def test_what_leads_on_and_what_leads_there(self) -> None:
        of = ArtifactId(1), ArtifactId(7), ArtifactId(6)
        reached = [rings.reachable(self.table, [a]) for a in of]
        self.assertEqual(reached, [{1, 2, 3, 7}, {7}, {6}])
        led = [rings.leading(self.table, [a]) for a in of]
        self.assertEqual(led, [{1, 2, 3}, {7, 3, 2, 1}, {6, 5}])

    def test_only_through_the_swaps_that_may_be_used(self) -> None:
        usable = ~self.table.bit(OfferId(2))
        self.assertEqual(rings.reachable(self.table, [ArtifactId(1)], usable), {1, 2})
        self.assertEqual(rings.leading(self.table, [ArtifactId(7)], usable), {7, 3})
