"""What somebody can get, and who could close a swap: each rule with the fewest people."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import facts as events
from granja.market.market import Market
from granja.market.matching import Chance, Closers, View

ANA, BETO, CARO, DORA, EVA = map(FarmerId, range(1, 6))


def numbers(*values: int) -> tuple[ArtifactId, ...]:
    return tuple(map(ArtifactId, values))


class MatchingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.market = Market()

    def has(
        self,
        farmer: FarmerId,
        *held: int,
        seeks: Sequence[int] | None = None,
        gives: Sequence[int] | None = None,
    ) -> None:
        self.market.apply(events.Declared(farmer, f"Gente{farmer}", numbers(*held)))
        typed = [None if said is None else numbers(*said) for said in (seeks, gives)]
        if typed != [None, None]:
            self.market.apply(events.Wished(farmer, *typed))

    def posts(self, maker: FarmerId, gives: Sequence[int], takes: Sequence[int]) -> OfferId:
        number = OfferId(self.market.last_offer + 1)
        said = numbers(*gives), numbers(*takes)
        self.market.apply(events.Posted(number, maker, *said, False, 9.0))
        return number

    def view(self, *gone: FarmerId) -> View:
        return View(self.market, range(1, 30), gone)

    def assertChances(self, *chances: tuple[str, int, int]) -> None:  # noqa: N802
        """Ana has these chances."""
        expected = [Chance(how, *numbers(gift, wish)) for how, gift, wish in chances]
        self.assertEqual(self.view().chances(ANA), expected)


class Wanted(MatchingCase):
    def test_what_was_typed_and_has_come_or_gone_since_is_left_out(self) -> None:
        self.has(ANA, 1, 2, seeks=(5, 4, 3), gives=(2, 1))
        self.market.apply(events.Declared(ANA, "Ana", numbers(4)))
        self.market.apply(events.Withdrawn(ANA, numbers(2)))
        self.assertEqual(self.view().seeks(ANA), [5, 3])
        self.assertEqual(self.view().gives(ANA), [1])

    def test_who_types_nothing_seeks_what_they_lack_and_gives_what_they_have_twice(self) -> None:
        self.has(ANA, 2, 2, 1)
        self.assertEqual(self.view().seeks(ANA), [*range(3, 30)])
        self.assertEqual(self.view().gives(ANA), [2])

    def test_what_the_catalog_no_longer_has_is_left_out(self) -> None:
        self.has(ANA, 70, 70, 1, 1, seeks=(71, 2), gives=(70, 1))
        self.assertEqual((self.view().seeks(ANA), self.view().gives(ANA)), ([2], [1]))


class Chances(MatchingCase):
    def test_a_swap_that_stands_is_a_chance_now(self) -> None:
        self.has(ANA, 1, 1)
        self.has(BETO, 5)
        self.posts(BETO, [5], [1])
        self.assertChances(("now", 1, 5))

    def test_what_one_has_said_already_is_no_chance_but_another_gift_for_it_is(self) -> None:
        """Two swaps can fit and not have settled yet."""
        self.has(ANA, 1, 1, 2, 2)
        self.has(BETO, 5)
        self.posts(ANA, [1], [5])
        self.posts(BETO, [5], [1, 2])
        self.assertChances(("now", 2, 5))

    def test_two_whose_wishes_fit_are_a_chance(self) -> None:
        self.has(ANA, 1, 1)
        self.has(BETO, 5, 5)
        self.has(CARO, 6, 6, seeks=(7,))
        self.assertChances(("pair", 1, 5))

    def test_three_of_whom_each_seeks_what_the_one_before_gives_are_a_chance(self) -> None:
        """Dora gives something too, but seeks what nobody gives."""
        self.has(ANA, 1, 1)
        self.has(BETO, 2, 2, seeks=(1,))
        self.has(CARO, 3, 3, seeks=(2,))
        self.has(DORA, 4, 4, seeks=(9,))
        self.assertChances(("pair", 1, 2), ("three", 1, 3))


class WhoCouldClose(MatchingCase):
    def setUp(self) -> None:
        """Beto gives 10 for 7.  Caro gives 7 for 4, and Dora 3 for 10."""
        super().setUp()
        self.has(ANA, 9)
        self.has(BETO, 10)
        self.has(CARO, 7)
        self.has(DORA, 3)
        self.number = self.posts(BETO, [10], [7])
        self.posts(CARO, [7], [4])
        self.posts(DORA, [3], [10])

    def closers(self, *gone: FarmerId) -> Closers:
        return self.view(*gone).closers(self.market.swaps[self.number])

    def test_who_only_seeks_or_only_gives_could_not(self) -> None:
        self.has(EVA, 7, 7, seeks=(8,))
        self.assertEqual(self.closers().can, set())
        self.assertIsNone(self.closers().chance(ANA))
        self.assertIsNone(self.closers().chance(EVA))

    def test_a_direct_exchange_comes_first(self) -> None:
        self.has(EVA, 4, 4, 7, 7, seeks=(3, 10))
        self.assertEqual(self.closers().can, {EVA})
        self.assertEqual(self.closers().chance(EVA), Chance("now", *numbers(7, 10)))
        self.assertEqual(self.closers(EVA).can, set())

    def test_others_close_it_through_swaps_that_stand(self) -> None:
        self.has(EVA, 4, 4, seeks=(3,))
        self.assertEqual(self.closers().chance(EVA), Chance("now", *numbers(4, 3)))
        self.assertEqual(self.closers(CARO).can, set(), "her swap is not there any more")
