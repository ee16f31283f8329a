"""Which passes serve, which are forgotten, and what the ledger keeps of them (PROTOCOL §5b)."""

from __future__ import annotations

from secrets import token_bytes
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.ledger.memory import MemoryLedger
from granja.market.market import Market
from granja.people.passes import (
    GRACE,
    MOST_IN_A_CHAIN,
    MOST_OF_ONE,
    PASSES,
    VISITS,
    Passes,
    hash_of,
)
from granja.people.roster import Farmer
from granja.text.names import parse

REMEMBER = 1000.0


class PassesCase(SynchronousTestCase):
    """Ana is registered, Eva is a visitor."""

    def setUp(self) -> None:
        self.stored = MemoryLedger()
        self.ledger = FaultyLedger(self.stored)
        self.now = 1_700_000_000.0
        self.ana = Farmer(FarmerId(1), parse("Ana"), registered=True)
        self.eva = Farmer(FarmerId(2), parse("Eva"))
        self.passes = self.opened()

    def opened(self) -> Passes:
        """What a start of the server finds in the ledger."""
        kept: Any = self.ledger.open().kept
        lane = Lane(Clock(), Market(), self.ledger, 0, lambda fact, ended: None)
        return Passes(lambda: self.now, token_bytes, lane, {self.ana.id}, REMEMBER, kept)

    def comes(self, farmer: Farmer, chain: str = "una") -> str:
        """Somebody comes in and gets a pass."""
        self.passes.begin_visit(farmer)
        return self.gets(farmer, chain)

    def gets(self, farmer: Farmer, chain: str = "una") -> str:
        return self.successResultOf(self.passes.give(farmer, chain))

    def kept(self, subject: str = PASSES) -> dict[str, Any]:
        return self.stored.kept.get(subject, {})

    def serve(self, *secrets: str) -> list[bool]:
        return [self.passes.find(secret) is not None for secret in secrets]


class Serving(PassesCase):
    def test_a_used_one_serves_a_minute_more(self) -> None:
        secret = self.comes(self.ana)
        self.passes.use(secret)
        self.now += GRACE - 0.1
        self.passes.use(secret)
        self.assertEqual(self.serve(secret), [True])
        self.now += 0.1
        self.assertEqual(self.serve(secret), [False])

    def test_the_minute_holds_after_a_restart(self) -> None:
        secret = self.comes(self.ana)
        [used] = self.passes.use(secret)
        self.stored.append((), 0, {}, [used])
        self.passes = self.opened()
        self.assertEqual(self.serve(secret), [True])
        self.now += GRACE
        self.assertEqual(self.serve(secret), [False])

    def test_after_they_left_it_serves_a_registered_farmer_for_so_long(self) -> None:
        secret = self.comes(self.ana)
        self.now += 5 * REMEMBER
        self.assertEqual(self.serve(secret), [True])
        self.passes.left(self.ana, "una", goodbye=False)
        self.now += REMEMBER - 0.1
        self.assertEqual(self.serve(secret), [True])
        self.now += 0.1
        self.assertEqual(self.serve(secret), [False])

    def test_a_chain_is_a_name_of_sixteen_digits(self) -> None:
        self.assertRegex(self.passes.new_chain(), r"\A[0-9a-f]{16}\Z")
        self.assertNotEqual(self.passes.new_chain(), self.passes.new_chain())

    def test_nobody_gets_the_same_twice(self) -> None:
        self.assertNotEqual(self.comes(self.ana), self.gets(self.ana))

    def test_who_has_one_or_was_inside_with_one(self) -> None:
        self.comes(self.ana)
        self.assertEqual(self.passes.bearers(), {self.ana.id})
        self.comes(self.eva)
        self.passes.end_all(self.eva.id)
        self.assertEqual(self.passes.bearers(), {self.ana.id, self.eva.id})


class Visits(PassesCase):
    def test_they_are_counted_from_one(self) -> None:
        self.passes.begin_visit(self.ana)
        self.passes.begin_visit(self.eva)
        self.assertEqual((self.ana.visit, self.eva.visit), (1, 2))

    def test_none_has_the_number_of_one_that_is_on_record(self) -> None:
        self.comes(self.eva)
        self.comes(self.ana)
        self.passes.left(self.ana, "una", goodbye=False)
        self.passes = self.opened()
        self.passes.begin_visit(self.eva)
        self.assertEqual(self.eva.visit, 3)

    def test_nor_of_one_at_another_node(self) -> None:
        self.passes.follow(Kept(VISITS, "7", [40, "Gus"]))
        self.passes.begin_visit(self.ana)
        self.assertEqual(self.ana.visit, 41)
        self.passes.follow(Kept(VISITS, "8", [3, "Noa"]))
        self.passes.begin_visit(self.ana)
        self.assertEqual(self.ana.visit, 42)
        self.passes.follow(
            Kept(PASSES, "f00", {"farmer": 7, "chain": "otra", "visit": 50, "used": self.now})
        )
        self.passes.begin_visit(self.ana)
        self.assertEqual(self.ana.visit, 51)

    def test_one_that_ended_at_another_node_is_over_here(self) -> None:
        self.passes.follow(Kept(VISITS, "7", [1, "Gus"]))
        self.assertEqual(self.passes.bearers(), {FarmerId(7)})
        self.passes.follow(Kept(VISITS, "7", None))
        self.assertEqual(self.passes.bearers(), set())

    def test_nonsense_from_another_node_is_no_visit(self) -> None:
        for key, value in (("x", [1, "Gus"]), ("x", None), ("7", ["a", 1])):
            self.passes.follow(Kept(VISITS, key, value))
        self.assertEqual(self.passes.bearers(), set())
        self.passes.begin_visit(self.ana)
        self.assertEqual(self.ana.visit, 1)


class Following(PassesCase):
    def test_one_that_was_given_at_another_node_serves_here(self) -> None:
        value = {"farmer": 1, "chain": "otra", "visit": 1, "used": self.now}
        self.passes.follow(Kept(PASSES, hash_of("x"), value))
        self.assertEqual(self.serve("x"), [True])
        self.passes.follow(Kept(PASSES, hash_of("x"), {**value, "until": self.now + 10}))
        self.assertEqual(self.serve("x"), [True])
        self.now += 10
        self.assertEqual(self.serve("x"), [False])

    def test_one_that_was_ended_at_another_node_serves_no_more(self) -> None:
        secret = self.comes(self.ana)
        self.passes.follow(Kept(PASSES, hash_of(secret), None))
        self.assertEqual(self.serve(secret), [False])
        self.passes.end_all(self.ana.id)  # Nothing is left to end.


class Forgetting(PassesCase):
    def test_of_one_chain_the_newest_unused_stay(self) -> None:
        """Nobody knows which of them the client has read."""
        secrets = [self.comes(self.ana), *(self.gets(self.ana) for _ in range(MOST_IN_A_CHAIN))]
        self.assertEqual(self.serve(*secrets), [False] + [True] * MOST_IN_A_CHAIN)
        self.assertEqual(len(self.kept()), MOST_IN_A_CHAIN)

    def test_a_used_one_is_none_of_them(self) -> None:
        used = self.comes(self.ana)
        self.passes.use(used)
        secrets = [self.gets(self.ana) for _ in range(MOST_IN_A_CHAIN)]
        self.assertEqual(self.serve(used, *secrets), [True] * (MOST_IN_A_CHAIN + 1))

    def test_another_chain_has_its_own(self) -> None:
        other = self.comes(self.ana, "otra")
        for _ in range(MOST_IN_A_CHAIN + 2):
            self.gets(self.ana)
        self.assertEqual(self.serve(other), [True])

    def test_a_farmer_has_so_many_and_no_more(self) -> None:
        eva = self.comes(self.eva)
        secrets = [self.comes(self.ana, str(n)) for n in range(MOST_OF_ONE + 1)]
        self.assertEqual(self.serve(*secrets[:2], eva), [False, True, True])
        self.assertEqual(len(self.kept()), MOST_OF_ONE + 1)

    def test_what_serves_no_more_goes_with_the_next(self) -> None:
        used = self.comes(self.ana)
        self.passes.use(used)
        self.now += GRACE
        self.gets(self.ana)
        self.assertNotIn(hash_of(used), self.kept())

    def test_a_goodbye_ends_the_visit_and_its_chain(self) -> None:
        """Those of her other devices stay."""
        mine, other = self.comes(self.ana), self.gets(self.ana, "otra")
        self.passes.left(self.ana, "una", goodbye=True)
        self.assertEqual(self.serve(mine, other), [False, True])
        self.assertEqual(self.kept(VISITS), {})

    def test_who_lingered_out_has_used_those_of_that_visit(self) -> None:
        before = self.comes(self.ana, "otra")
        self.now += 10
        mine = self.comes(self.ana)
        self.now += 10
        self.passes.left(self.ana, "", goodbye=False)
        self.now += REMEMBER - 5
        self.assertEqual(self.serve(mine, before), [True, False])

    def test_a_visitor_who_left_has_none(self) -> None:
        secret = self.comes(self.eva)
        self.passes.left(self.eva, "una", goodbye=False)
        self.assertEqual(self.serve(secret), [False])
        self.assertEqual((self.kept(), self.kept(VISITS)), ({}, {}))

    def test_one_that_nobody_received_is_taken_back(self) -> None:
        first, second = self.comes(self.ana), self.gets(self.ana)
        self.passes.revoke(second)
        self.passes.revoke("what nobody has")
        self.assertEqual(self.serve(first, second), [True, False])
        self.assertEqual(set(self.kept()), {hash_of(first)})

    def test_a_visit_that_nobody_comes_back_to_is_forgotten(self) -> None:
        self.comes(self.ana)
        self.passes.forget_visit(self.ana.id)
        self.assertEqual(self.kept(VISITS), {})
        self.passes.end_all(self.ana.id)
        self.assertEqual(self.passes.bearers(), set())

    def test_on_a_full_disk_it_is_forgotten_later(self) -> None:
        """It serves no more at once, and no failure is left for the log."""
        secret = self.comes(self.ana)
        self.ledger.fill()
        self.passes.end_all(self.ana.id)
        self.assertEqual(self.serve(secret), [False])
        self.assertEqual(set(self.kept()), {hash_of(secret)})
        self.ledger.empty()
        self.comes(self.eva)
        self.assertNotIn(hash_of(secret), self.kept())
