"""Who has, seeks and gives what."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId
from granja.market import facts as events
from granja.market.market import Market
from granja.market.swapping import decide_wish
from granja.market.wishes import NOTHING_TYPED, Wish, Wishes

ANA, GUS = FarmerId(1), FarmerId(2)
ANCLA, DISCO = ArtifactId(21), ArtifactId(12)


class Deciding(SynchronousTestCase):
    def setUp(self) -> None:
        self.market = Market()
        self.market.apply(events.Declared(ANA, "Ana", (ANCLA,)))

    def wish(self, seeks: int | None = None, gives: int | None = None) -> list[events.Fact]:
        said = [None if number is None else (ArtifactId(number),) for number in (seeks, gives)]
        facts = decide_wish(self.market, ANA, Wish(*said))
        for fact in facts:
            self.market.apply(fact)
        return facts

    def test_one_seeks_what_one_lacks_and_gives_what_one_has(self) -> None:
        self.assertRaises(errors.AlreadyHas, self.wish, seeks=ANCLA)
        self.assertRaises(errors.DoesNotHave, self.wish, gives=DISCO)
        self.assertEqual(self.wish(DISCO, ANCLA), [events.Wished(ANA, (DISCO,), (ANCLA,))])

    def test_what_was_typed_before_stays_when_the_other_side_changes(self) -> None:
        """Though it has come or gone since."""
        self.wish(DISCO, ANCLA)
        self.market.apply(events.Declared(ANA, "Ana", (DISCO,)))
        self.market.apply(events.Withdrawn(ANA, (ANCLA,)))
        self.assertEqual(len(self.wish(DISCO)), 1)
        self.assertEqual(len(self.wish(DISCO, DISCO)), 1)
        self.assertEqual(len(self.wish(None, DISCO)), 1)
        self.assertEqual(len(self.wish()), 1)

    def test_what_changes_nothing_is_recorded_once(self) -> None:
        """The first time says that the farmer uses it."""
        self.assertEqual(self.wish(), [events.Wished(ANA, None, None)])
        self.assertEqual(self.wish(), [])
        self.assertEqual(len(self.wish(DISCO)), 1)


class Sets(SynchronousTestCase):
    def setUp(self) -> None:
        self.wishes = Wishes()

    def people(self, bits: int) -> list[FarmerId]:
        return list(self.wishes.people(bits))

    def test_nobody_seeks_before_anybody_is_there(self) -> None:
        self.assertEqual((self.wishes.seekers(ANCLA), self.wishes.givers(ANCLA)), (0, 0))

    def test_what_was_typed_counts_though_nobody_has_it(self) -> None:
        self.wishes.wish(ANA, Wish((ANCLA,), (DISCO,)))
        self.assertEqual(self.people(self.wishes.who_said_to_seek(ANCLA)), [ANA])
        self.assertEqual(self.people(self.wishes.givers(DISCO)), [])

    def test_what_is_typed_anew_takes_the_place_of_what_was(self) -> None:
        self.wishes.wish(ANA, Wish((ANCLA,), None))
        self.wishes.wish(ANA, Wish((DISCO,), None))
        self.assertEqual(self.people(self.wishes.who_said_to_seek(ANCLA)), [])
        self.assertEqual(self.people(self.wishes.seekers(ANCLA)), [])
        self.assertEqual(self.people(self.wishes.who_said_to_seek(DISCO)), [ANA])

    def test_spares_are_given_until_the_last_but_one_unless_something_is_typed(self) -> None:
        for copies in (1, 2, 3):
            self.wishes.gained(ANA, ANCLA, copies)
        self.wishes.lost(ANA, ANCLA, 2)
        self.assertEqual(self.people(self.wishes.givers(ANCLA)), [ANA])
        self.wishes.wish(ANA, Wish(None, (DISCO,)))
        self.assertEqual(self.people(self.wishes.givers(ANCLA)), [])
        self.wishes.wish(ANA, NOTHING_TYPED)
        self.wishes.lost(ANA, ANCLA, 1)
        self.assertEqual(self.people(self.wishes.givers(ANCLA)), [])
        self.assertEqual(self.people(self.wishes.seekers(ANCLA)), [])
        self.wishes.lost(ANA, ANCLA, 0)
        self.assertEqual(self.people(self.wishes.seekers(ANCLA)), [ANA])

    def test_who_is_not_there_is_left_out_of_a_set(self) -> None:
        both = self.wishes.enter(ANA) | self.wishes.enter(GUS)
        self.assertEqual(self.wishes.bits([ANA, FarmerId(9), GUS]), both)

    def test_a_place_that_is_free_again_keeps_nothing_of_who_left(self) -> None:
        place = self.wishes.enter(ANA)
        self.wishes.gained(ANA, DISCO, 1)
        self.wishes.wish(ANA, Wish((ANCLA,), (DISCO,)))
        self.wishes.leave(ANA, [DISCO])
        self.assertEqual((self.wishes.used, self.wishes.of(ANA)), (set(), NOTHING_TYPED))
        self.assertEqual(self.wishes.enter(GUS), place)
        for artifact in (ANCLA, DISCO, ArtifactId(1)):
            self.assertEqual(self.people(self.wishes.seekers(artifact)), [GUS])
            self.assertEqual(self.wishes.who_said_to_seek(artifact), 0)
            self.assertEqual(self.wishes.givers(artifact), 0)

    def test_many_at_once_are_as_many_one_by_one(self) -> None:
        held = {FarmerId(n): {ArtifactId(a): a for a in range(1, n % 4 + 1)} for n in range(1, 41)}
        together = Wishes()
        together.fill(held)
        for farmer, copies in held.items():
            self.wishes.enter(farmer)
            for artifact, count in copies.items():
                for copy in range(1, count + 1):
                    self.wishes.gained(farmer, artifact, copy)
        for artifact in map(ArtifactId, range(1, 5)):
            self.assertEqual(together.seekers(artifact), self.wishes.seekers(artifact))
            self.assertEqual(together.givers(artifact), self.wishes.givers(artifact))
        self.assertEqual({*together.had()}, {*self.wishes.had()})
