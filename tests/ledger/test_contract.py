"""What every ledger promises, with any engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.chain import canonical
from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import IForgetful, ILedger, Kept, NotStored, Opened, Stale
from granja.ledger.memory import MemoryLedger
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.ledger.url import open_ledger
from granja.market.facts import (
    KINDS,
    Begun,
    Declared,
    Departed,
    Expired,
    Fact,
    Left,
    Offered,
    PasswordChanged,
    Posted,
    Registered,
    Rejected,
    Released,
    Retracted,
    Returned,
    Rewritten,
    Settled,
    Traded,
    Wished,
    Withdrawn,
    from_body,
)
from granja.market.market import Market
from granja.market.offers import Ended, How, Offer, SwapNews
from granja.market.swaps import Swap
from tests.support.folders import folder_for
from tests.support.ledgers import reactor
from tests.support.postgresql import database

ANA, BETO = FarmerId(1), FarmerId(2)
SPADE, SPOON, ARROW = ArtifactId(6), ArtifactId(13), ArtifactId(7)

OFFER = Offer(OfferId(1), ANA, BETO, SPADE, SPOON, 2e9)
SOLD = Ended(OFFER, "Ana", "Ñandú", How.ACCEPTED)
GONE = Ended(OFFER, "Ana", "Ñandú", How.VOID, ANA, SPADE)
SETTLED = SwapNews(OfferId(5), ANA, How.SETTLED, SPADE, SPOON, "Ñandú", "Ñandú")

SWAP = Swap(OfferId(5), ANA, (SPADE,), (SPOON,), True, 2e9, (SPADE,), (SPOON,))

#: All that a state can have, as JSON has it.
STATE = json.loads(
    json.dumps(
        {
            "names": [(ANA, "Ana"), (BETO, "Ñandú")],
            "held": [(ANA, [(SPADE, 2)]), (BETO, [])],
            "offers": [asdict(OFFER)],
            "registered": [(ANA, "Ana")],
            "away": [(ANA, {"ends": [asdict(SOLD), asdict(SETTLED)], "more": 1, "unseen": [1]})],
            "declared": [ANA],
            "last_farmer": 2,
            "last_offer": 5,
            "swaps": [asdict(SWAP)],
            "wishes": [{"farmer": ANA, "seeks": [ARROW], "gives": None}],
            "wishers": [ANA],
        }
    )
)

ONE_OF_EACH: list[Fact] = [
    Declared(ANA, "Ana", (SPADE, SPADE, SPOON)),
    Declared(BETO, "Ñandú", ()),
    Withdrawn(ANA, (SPADE,)),
    Offered(OfferId(1), ANA, BETO, SPADE, SPOON, 1763848000.123456789),
    Traded(OfferId(1)),
    Rejected(OfferId(2)),
    Retracted(OfferId(3)),
    Expired(OfferId(4)),
    Registered(BETO, "Ñandú"),
    PasswordChanged(BETO),
    Left(BETO),
    Left(BETO, (SOLD, GONE), 7),
    Returned(BETO),
    Departed(ANA, (SPOON,)),
    Posted(OfferId(5), ANA, (SPADE,), (SPOON, ARROW), True, 2e9),
    Posted(OfferId(6), BETO, (SPOON,), (SPADE,), False, 2e9),
    Settled((OfferId(6), OfferId(5)), (SPOON, SPADE)),
    Wished(ANA, (ARROW,), None),
    Wished(BETO, None, ()),
    Left(ANA, (SETTLED, SOLD), 1),
    Released(BETO, (SPOON,)),
    Rewritten("00" * 32, 7),
    Begun("00" * 32, STATE, ((SPADE, 3, 1, 0), (SPOON, 1, 0, 0))),
]

if TYPE_CHECKING:
    _Base = TestCase
else:
    _Base = object


class LedgerContract(_Base):
    """Mixed into a TestCase that says how a ledger is made."""

    #: Whether what was stored is found again by the next ledger of the same place.
    durable = True

    def make(self) -> ILedger:
        """A ledger that was not opened, always of the same place."""
        raise NotImplementedError

    def opened(self) -> tuple[ILedger, Opened]:
        ledger = self.make()
        found: Opened = ledger.open()
        self.addCleanup(ledger.close)
        return ledger, found

    async def store(self, ledger: ILedger, *facts: Fact, after: int) -> int:
        return int(await ledger.append(facts, after, {}))

    async def reopened(self, ledger: ILedger) -> tuple[ILedger, Opened]:
        await ledger.close()
        return self.opened()

    def test_it_provides_the_interface(self) -> None:
        """A ledger has everything that the server will ask of it."""
        self.assertTrue(verifyObject(ILedger, self.make()))

    async def test_a_new_ledger_remembers_nothing(self) -> None:
        """The first start finds an empty granja."""
        _, found = self.opened()
        self.assertEqual(
            (found.sequence, found.snapshot, list(found.facts), dict(found.credentials)),
            (0, None, [], {}),
        )

    async def test_facts_are_numbered_without_gaps(self) -> None:
        """If somebody stores three facts, then two, the answers are 3 and 5."""
        ledger, _ = self.opened()
        self.assertEqual(await self.store(ledger, *ONE_OF_EACH[:3], after=0), 3)
        self.assertEqual(await self.store(ledger, *ONE_OF_EACH[3:5], after=3), 5)

    async def test_every_kind_of_fact_comes_back_as_it_was(self) -> None:
        """Nothing that happened is forgotten or changed by a restart."""
        self.assertEqual({type(fact) for fact in ONE_OF_EACH}, set(KINDS.values()))
        ledger, _ = self.opened()
        await self.store(ledger, *ONE_OF_EACH, after=0)
        _, found = await self.reopened(ledger)
        self.assertEqual(self.all_of(found), ONE_OF_EACH if self.durable else [])

    async def test_what_is_kept_beside_the_chain_is_replaced_and_forgotten(self) -> None:
        """It is there after a restart as it was last, and what was forgotten is not."""
        ledger, _ = self.opened()
        first = [Kept("passes", "a", {"of": 1}), Kept("passes", "b", "Ñandú"), Kept("bans", "a", 7)]
        self.assertEqual(await ledger.append([], 0, {}, first), 0)
        later = [Kept("passes", "a", [2.5]), Kept("passes", "b", None), Kept("none", "x", None)]
        self.assertEqual(await ledger.append(ONE_OF_EACH[:1], 0, {}, later), 1)
        _, found = await self.reopened(ledger)
        kept = {subject: dict(values) for subject, values in found.kept.items() if values}
        wanted = {"passes": {"a": [2.5]}, "bans": {"a": 7}} if self.durable else {}
        self.assertEqual(kept, wanted)

    async def test_nothing_is_kept_of_a_stale_decision(self) -> None:
        """All or nothing."""
        ledger, _ = self.opened()
        with self.assertRaises(Stale):
            await ledger.append([], 1, {}, [Kept("bans", "a", True)])
        _, found = await self.reopened(ledger)
        self.assertFalse(found.kept.get("bans"))

    async def test_a_stale_decision_is_refused(self) -> None:
        """A decision from before another fact is not stored."""
        ledger, _ = self.opened()
        await self.store(ledger, ONE_OF_EACH[0], after=0)
        for wrong in (0, 2, -1):
            with self.assertRaises(Stale):
                await self.store(ledger, ONE_OF_EACH[1], after=wrong)
        _, found = await self.reopened(ledger)
        self.assertEqual(self.all_of(found), ONE_OF_EACH[:1] if self.durable else [])

    async def test_a_stale_decision_is_told_what_it_missed_or_nothing(self) -> None:
        """Half of what was missed would leave a lane with a wrong market."""
        ledger, _ = self.opened()
        await self.store(ledger, *ONE_OF_EACH[:3], after=0)
        for after, missed in ((1, tuple(ONE_OF_EACH[1:3])), (9, ()), (-1, ())):
            with self.assertRaises(Stale) as caught:
                await self.store(ledger, ONE_OF_EACH[3], after=after)
            self.assertIn(caught.exception.missed, [missed, ()])

    async def test_the_ledger_goes_on_after_a_stale_decision(self) -> None:
        """One mistake does not stop the others."""
        ledger, _ = self.opened()
        with self.assertRaises(Stale):
            await self.store(ledger, ONE_OF_EACH[0], after=7)
        self.assertEqual(await self.store(ledger, ONE_OF_EACH[0], after=0), 1)

    async def test_many_appends_at_once_keep_their_order(self) -> None:
        """A hundred decisions that do not wait for each other's answers are stored in order."""
        ledger, _ = self.opened()
        answers = [ledger.append([PasswordChanged(FarmerId(n))], n, {}) for n in range(100)]
        self.assertEqual([await answer for answer in answers], list(range(1, 101)))
        _, found = await self.reopened(ledger)
        expected = [PasswordChanged(FarmerId(n)) for n in range(100)]
        self.assertEqual(self.all_of(found), expected if self.durable else [])

    async def test_a_verifier_comes_back_and_is_replaced(self) -> None:
        """A new password takes the place of the old one."""
        ledger, _ = self.opened()
        await ledger.append([Registered(ANA, "Ana")], 0, {ANA: "old"})
        await ledger.append([PasswordChanged(ANA)], 1, {ANA: "new"})
        _, found = await self.reopened(ledger)
        self.assertEqual(dict(found.credentials), {ANA: "new"} if self.durable else {})

    async def test_a_verifier_may_be_stored_without_a_fact(self) -> None:
        """A verifier that is only renewed (stronger parameters) is no event in the granja."""
        ledger, _ = self.opened()
        await ledger.append([Registered(ANA, "Ana")], 0, {ANA: "weak"})
        self.assertEqual(await ledger.append([], 1, {ANA: "strong"}), 1)
        _, found = await self.reopened(ledger)
        self.assertEqual(dict(found.credentials), {ANA: "strong"} if self.durable else {})

    async def test_a_verifier_of_a_stale_decision_is_not_stored(self) -> None:
        """Facts and verifiers are stored together or not at all."""
        ledger, _ = self.opened()
        with self.assertRaises(Stale):
            await ledger.append([Registered(ANA, "Ana")], 5, {ANA: "secret"})
        await self.store(ledger, ONE_OF_EACH[0], after=0)
        _, found = await self.reopened(ledger)
        self.assertEqual(dict(found.credentials), {})

    async def test_what_was_begun_before_closing_is_finished(self) -> None:
        """A server that shuts down does not drop the last trade."""
        ledger, _ = self.opened()
        answer = ledger.append(ONE_OF_EACH, 0, {})
        _, found = await self.reopened(ledger)
        self.assertEqual(await answer, len(ONE_OF_EACH))
        self.assertEqual(found.sequence, len(ONE_OF_EACH) if self.durable else 0)

    async def test_a_snapshot_stands_for_the_facts_before_it(self) -> None:
        """After a snapshot, a start replays only what came later (or, without one, all)."""
        ledger, _ = self.opened()
        await self.store(ledger, *ONE_OF_EACH[:8], after=0)
        state = {**Market().snapshot(), "names": [[2, "Ñandú"]], "last_offer": 4}
        ledger.checkpoint(state, 8)
        await self.store(ledger, *ONE_OF_EACH[8:], after=8)
        _, found = await self.reopened(ledger)
        self.assertEqual(list(found.facts), self.expected(ONE_OF_EACH[found.snapshot_sequence :]))
        if found.snapshot is not None:
            self.assertEqual(found.snapshot, state)
            self.assertEqual(found.snapshot_sequence, 8)

    async def test_closing_twice_is_closing_once(self) -> None:
        """It does no harm to ask twice for a shutdown."""
        ledger, _ = self.opened()
        await ledger.close()
        await ledger.close()

    def all_of(self, found: Opened) -> list[Fact]:
        self.assertEqual(found.snapshot_sequence, 0)
        return list(found.facts)

    def expected(self, facts: Sequence[Fact]) -> list[Fact]:
        return list(facts) if self.durable else []


class EncodingTests(SynchronousTestCase):
    """How a fact is written down."""

    def test_the_quick_way_writes_what_json_writes(self) -> None:
        """Every kind of fact, to the letter: otherwise a hash would depend on its writer."""
        odd = Declared(ANA, 'Ñu "\\\x7f\u2028', tuple(map(ArtifactId, range(3))))
        never = Offered(OfferId(1), ANA, BETO, SPADE, SPOON, 1e300)
        for fact in [*ONE_OF_EACH, odd, never]:
            plain = json.dumps(asdict(fact), sort_keys=True, separators=(",", ":"))
            self.assertEqual(canonical(fact), plain)
            self.assertEqual(from_body(fact.kind, json.loads(plain)), fact)


class MemoryLedgerTests(LedgerContract, TestCase):
    """``memory:``, which forgets when the server stops."""

    durable = False

    def make(self) -> ILedger:
        return MemoryLedger()

    def test_it_wants_no_snapshot(self) -> None:
        """There is no start to make quick, so nobody need compose one."""
        self.assertFalse(self.make().wants_checkpoint())


class KeepingMemoryLedgerTests(LedgerContract, TestCase):
    """The memory ledger of the tests: they open the same object again."""

    def setUp(self) -> None:
        self.ledger = MemoryLedger()

    def make(self) -> ILedger:
        return self.ledger


class StopsContract(LedgerContract):
    """What a ledger promises that has a thread of its own."""

    async def test_a_closed_ledger_stores_nothing(self) -> None:
        """After the shutdown, what is asked of it is refused, not lost silently."""
        ledger, _ = self.opened()
        await ledger.close()
        with self.assertRaises(NotStored):
            await self.store(ledger, ONE_OF_EACH[0], after=0)
        with self.assertRaises(NotStored):
            await IForgetful(ledger).forget([ANA])

    async def test_who_gives_up_their_name_has_no_password(self) -> None:
        """So whoever takes the name next is not asked for it."""
        ledger, _ = self.opened()
        come: list[Fact] = [Declared(ANA, "Ana", ()), Registered(ANA, "Ana")]
        await ledger.append(come, 0, {ANA: "secret", BETO: "another"})
        await self.store(ledger, Released(ANA, ()), after=2)
        _, found = await self.reopened(ledger)
        self.assertEqual(dict(found.credentials), {BETO: "another"})


class SQLiteLedgerTests(StopsContract, TestCase):
    """``sqlite:PATH``."""

    def setUp(self) -> None:
        self.path = folder_for(self) / "granja.db"

    def make(self) -> ILedger:
        return SQLiteLedger(self.path, reactor, lambda: 1763848000.25)


class PostgreSQLLedgerTests(StopsContract, TestCase):
    """``postgresql://…``."""

    def setUp(self) -> None:
        self.url = database(self)

    def make(self) -> ILedger:
        ledger = open_ledger(self.url, reactor, lambda: 1763848000.25, "norte")
        self.addCleanup(ledger.close)
        return ledger


class FaultlessLedgerTests(LedgerContract, TestCase):
    """The double that fails on demand, while nobody demands it."""

    def setUp(self) -> None:
        self.path = folder_for(self) / "granja.db"

    def make(self) -> ILedger:
        return FaultyLedger(SQLiteLedger(self.path, reactor, lambda: 1763848000.25))
