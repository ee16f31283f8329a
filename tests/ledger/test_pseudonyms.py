"""Pseudonyms: what stands for a name in the chain, and what is left when the name is forgotten."""

from __future__ import annotations

from itertools import count

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId, OfferId
from granja.ledger.forgetful import Forgetful
from granja.ledger.pseudonyms import NameRow, Pseudonyms
from granja.ledger.writing import Forget
from granja.market.facts import Declared, Fact, Left
from granja.market.offers import How, SwapNews

ANA, BETO, GUS = FarmerId(1), FarmerId(2), FarmerId(3)


def came(farmer: FarmerId, name: str) -> Declared:
    return Declared(farmer, name, ())


def told(to: str, source: str) -> Left:
    """News that name two farmers without their numbers."""
    return Left(GUS, missed=(SwapNews(OfferId(1), GUS, How.SETTLED, to=to, source=source),))


class PseudonymTests(SynchronousTestCase):
    """A table with Ana, who is 1, and Beto, who is 2."""

    def setUp(self) -> None:
        salts = count(1)
        self.names = Pseudonyms(chance=lambda size: next(salts).to_bytes(size, "big"))
        self.names.hide(came(ANA, "Ana"))
        self.names.hide(came(BETO, "Beto"))
        self.ana, self.beto = self.names.take_fresh()

    def names_in(self, fact: Fact) -> tuple[str, str]:
        """The two names in :func:`told`."""
        assert isinstance(fact, Left)
        (news,) = fact.missed
        assert isinstance(news, SwapNews)
        return news.to, news.source

    def test_what_is_hidden_is_shown_again(self) -> None:
        """Also names that stand without a number, and nobody's name."""
        hidden = self.names.hide(told("Ana", ""))
        self.assertEqual(self.names_in(hidden), (f"1 {self.ana.hash}", ""))
        self.assertEqual(self.names.show(hidden), told("Ana", ""))
        self.assertFalse(self.names.missed)

    def test_a_name_that_is_not_in_the_table_is_a_number(self) -> None:
        """A server notices that it must read the table again."""
        hidden = self.names.hide(came(ANA, "Ana"))
        self.names.drop([self.ana])
        self.assertEqual(self.names.show(hidden), came(ANA, "granjero 1"))
        self.assertTrue(self.names.missed)

    def test_nothing_of_a_dropped_row_is_left(self) -> None:
        """Its farmer may leave, and gets a new hash when they come again."""
        self.names.drop([self.ana])
        self.assertEqual(self.names.rows(), [self.beto])
        self.names.leave(ANA, 9.0)
        self.assertEqual(self.names_in(self.names.hide(told("Ana", "Beto")))[0], "Ana")
        self.names.hide(came(ANA, "Ana"))
        (fresh,) = self.names.take_fresh()
        self.assertNotEqual(fresh.hash, self.ana.hash)

    def test_who_has_the_name_now_keeps_it(self) -> None:
        """A visitor's row goes, and the one who came later under that name is still found."""
        self.names.hide(came(GUS, "Ana"))
        (later,) = self.names.take_fresh()
        self.names.drop([self.ana])
        self.assertEqual(self.names_in(self.names.hide(told("Ana", "")))[0], f"3 {later.hash}")

    def test_a_forgotten_name_never_comes_back(self) -> None:
        """Not under its number, and not where the name stands without one: a client may be late."""
        self.names.forget([self.ana])
        self.assertEqual(self.names.hide(came(ANA, "Ana")), came(ANA, "1 "))
        self.assertEqual(self.names.hide(came(ANA, "Anabel")), came(ANA, "1 "))
        self.assertEqual(self.names_in(self.names.hide(told("Ana", "Carla"))), ("0 ", "Carla"))
        self.assertEqual((self.names.take_fresh(), self.names.rows()), ([], [self.beto]))

    def test_another_may_take_a_forgotten_name(self) -> None:
        """It is the number that stays forgotten."""
        self.names.forget([self.ana])
        hidden = self.names.hide(came(GUS, "Ana"))
        self.assertEqual(self.names.show(hidden), came(GUS, "Ana"))

    def test_what_stands_for_a_forgotten_name_is_hidden_as_such(self) -> None:
        """A state that is written anew gives no new row to *granjero 7*."""
        hidden = self.names.hide(came(FarmerId(7), "granjero 7"))
        self.assertEqual(hidden, came(FarmerId(7), "7 "))
        self.assertEqual(self.names.take_fresh(), [])

    def test_what_others_have_stored_is_learnt(self) -> None:
        """Several servers share one table."""
        other = Pseudonyms()
        other.learn([self.ana])
        self.assertEqual(other.show(self.names.hide(came(ANA, "Ana"))), came(ANA, "Ana"))

    def test_a_row_for_another_farmer_or_name_is_refused(self) -> None:
        """A hash belongs to one number and one name."""
        hidden = self.names.hide(came(ANA, "Ana"))
        for row in (self.ana._replace(farmer=BETO), self.ana._replace(name="Eva")):
            with self.assertRaisesRegex(ValueError, "the name of farmer 1 does not fit its hash"):
                Pseudonyms([NameRow(*row)]).show(hidden)


class Engine(Forgetful):
    """Notes what it shall forget."""

    def __init__(self) -> None:
        self.jobs: list[Forget] = []

    def _forget(self, job: Forget) -> Deferred[int]:
        self.jobs.append(job)
        return succeed(0)


class WhoseNames(SynchronousTestCase):
    """Which rows are forgotten, and whether what is kept beside the chain goes too."""

    def meant(self, job: Forget) -> list[int]:
        rows = [
            NameRow("a", FarmerId(1), b"", "Ana"),
            NameRow("b", FarmerId(2), b"", "Beto", 99.0),
            NameRow("c", FarmerId(3), b"", "ana", 100.0),
        ]
        return [row.farmer for row in rows if job.is_meant(row)]

    def test_visitors_who_left_long_enough_ago(self) -> None:
        """Of those who left at that moment, and who are here, the names stay."""
        engine = Engine()
        engine.forget_visitors(100.0)
        self.assertEqual([self.meant(job) for job in engine.jobs], [[2]])
        self.assertFalse(engine.jobs[0].beside)

    def test_a_name_and_a_number(self) -> None:
        """However it is spelt; with the password and all else."""
        engine = Engine()
        engine.forget_name("ANA")
        engine.forget([FarmerId(2)])
        self.assertEqual([self.meant(job) for job in engine.jobs], [[1, 3], [2]])
        self.assertTrue(all(job.beside for job in engine.jobs))
