"""A value that could not be stored when it came is stored with the next."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import Kept, Value
from granja.ledger.lane import Lane
from granja.ledger.memory import MemoryLedger
from granja.ledger.owed import Owed
from granja.market.facts import Declared
from granja.market.market import Market

ANA = FarmerId(1)


class OwedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.ledger = FaultyLedger(self.memory)
        lane = Lane(Clock(), Market(), self.ledger, 0, lambda fact, ended: None)
        self.lane = lane
        self.owed = Owed(lane, most=3)

    def kept(self) -> dict[str, Value]:
        return self.memory.kept.get("things", {})

    def refuse(self, *items: Kept, once: Sequence[Kept] = ()) -> None:
        """Try to store on a full disk."""
        self.ledger.fill()
        self.failureResultOf(self.owed.store([ANA], items, once=once), errors.NotStored)
        self.ledger.empty()

    def store(self, *items: Kept) -> None:
        self.assertIsNone(self.successResultOf(self.owed.store([ANA], items)))

    def test_it_goes_with_the_next(self) -> None:
        """Once: the one after that does not write it over what came since."""
        self.refuse(thing("a", 1))
        self.assertEqual(self.kept(), {})
        self.store(thing("b", 2))
        self.assertEqual(self.kept(), {"a": 1, "b": 2})
        self.memory.kept.clear()
        self.store(thing("c", 3))
        self.assertEqual(self.kept(), {"c": 3})

    def test_the_later_one_counts(self) -> None:
        """Whether it was owed too, or comes with the next."""
        self.refuse(thing("a", 1), thing("b", 1))
        self.refuse(thing("a", 2))
        self.store(thing("b", 2))
        self.assertEqual(self.kept(), {"a": 2, "b": 2})

    def test_what_serves_only_now_is_not_owed(self) -> None:
        """A refused farmer may ask again.  Values owed from before are still owed."""
        self.refuse(thing("a", 1))
        self.refuse(once=[thing("b", 1)])
        self.store()
        self.assertEqual(self.kept(), {"a": 1})

    def test_what_goes_with_a_decision_that_is_made_again(self) -> None:
        """Another node wrote first: the ledger says so, and then both things are stored."""
        other = Lane(Clock(), Market(), self.memory, 0, lambda fact, ended: None)
        self.refuse(thing("a", 1))
        other.submit([ANA], lambda: [Declared(ANA, "Ana", ())])
        self.store(thing("b", 2))
        self.assertEqual(self.kept(), {"a": 1, "b": 2})

    def test_one_behind_the_other(self) -> None:
        """The second was asked for before the first was refused, and is still the later one."""
        self.ledger.fill()
        self.ledger.hold()
        first = self.owed.store([ANA], [thing("a", 1), thing("b", 1)])
        second = self.owed.store([ANA], [thing("a", None)], once=[thing("c", 2)])
        self.ledger.empty()
        self.ledger.release()
        self.failureResultOf(first, errors.NotStored)
        self.successResultOf(second)
        self.assertEqual(self.kept(), {"b": 1, "c": 2})

    def test_two_in_one_write_that_is_refused(self) -> None:
        """They are owed in the order in which they were asked for."""
        self.ledger.fill()
        self.ledger.hold()
        before = self.owed.store([ANA], [thing("x", 0)])
        other = self.owed.store([], [thing("y", 0)])
        both = [self.owed.store([], [thing("a", number)]) for number in (1, 2)]
        self.ledger.release()
        for stored in (before, other, *both):
            self.failureResultOf(stored, errors.NotStored)
        self.ledger.empty()
        self.store()
        self.assertEqual(self.kept(), {"x": 0, "y": 0, "a": 2})

    def test_what_has_been_owed_longest_is_given_up(self) -> None:
        """A disk that stays full does not fill the memory as well."""
        self.owed.owe(*(thing(str(number), number) for number in range(4)))
        self.refuse(thing("1", 5))
        self.store()
        self.assertEqual(self.kept(), {"1": 5, "2": 2, "3": 3})

    def test_nothing_is_stored_for_nothing(self) -> None:
        """Where nothing is owed, no write is made."""
        self.ledger.fill()
        self.store()


def thing(key: str, value: Value | None) -> Kept:
    return Kept("things", key, value)
