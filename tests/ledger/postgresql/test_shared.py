"""Several nodes use one database: a late node decides again, and hears what others did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from granja.contract.ids import FarmerId
from granja.ledger.interface import Kept, LedgerRefused, NotStored, Stale
from granja.ledger.lane import Lane
from granja.ledger.postgresql import keeper, lease as leases, writer
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.ledger import PostgreSQLLedger
from granja.ledger.shared import Holder
from granja.market.facts import KINDS, Declared, Fact, PasswordChanged, Registered
from granja.market.market import Market
from granja.market.offers import Happened
from granja.text import names
from tests.support.ledgers import ANA, BETO, GUS, SPOON, reactor
from tests.support.postgresql import database, name_of, server

ANA_COMES, BETO_COMES, GUS_COMES = (
    Declared(farmer, name, ()) for farmer, name in ((ANA, "Ana"), (BETO, "Beto"), (GUS, "Gus"))
)


class Ear:
    """Hears what a shared ledger says, and lets a test wait for it."""

    def __init__(self) -> None:
        self.facts: list[tuple[int, list[Fact]]] = []
        self.kept: list[Kept] = []
        self.said: list[object] = []
        self.orphans: list[Holder] = []
        self._waiting: list[Deferred[None]] = []

    def others(self, after: int, facts: Sequence[Fact]) -> None:
        self.facts.append((after, list(facts)))
        self._heard()

    def beside(self, items: Sequence[Kept]) -> None:
        self.kept += items
        self._heard()

    def unsure(self) -> None:
        self.said.append("unsure")
        self._heard()

    def sure(self) -> None:
        self.said.append("sure")
        self._heard()

    def fenced(self, writer: int) -> None:
        self.said.append(writer)
        self._heard()

    def orphaned(self, holders: Sequence[Holder]) -> None:
        self.orphans = list(holders)
        self._heard()

    def next(self) -> Deferred[None]:
        """Fires when something more is heard."""
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def _heard(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)


class SharedCase(TestCase):
    """Makes nodes on one database."""

    timeout = 60

    def setUp(self) -> None:
        self.url = database(self)

    def node(self, name: str, lasts: float = 5.0) -> PostgreSQLLedger:
        """A ledger that is open."""
        ledger = PostgreSQLLedger(
            Address(self.url), name, reactor, lambda: 1763848000.25, reactor.seconds, lasts
        )
        self.addCleanup(ledger.close)
        self.opened = ledger.open()
        return ledger

    async def waiting_for_a_lock(self, done: Deferred[Any]) -> None:
        """Return when somebody here waits for somebody else, or when that is done."""
        while not done.called and not self.sql(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        ):
            again: Deferred[None] = Deferred()
            reactor.callLater(0.05, again.callback, None)
            await again

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """Run SQL as superuser, in this database."""
        return server().sql(*statements, database=name_of(self.url))


#: The kinds of fact that this ledger began with.
OLD_KINDS = frozenset(
    {
        *("declared", "withdrawn", "departed", "offered", "traded", "wished", "posted", "settled"),
        *("rejected", "retracted", "expired", "registered", "password-changed", "released"),
        *("rewritten", "left", "returned"),
    }
)


class Versions(SynchronousTestCase):
    def test_each_young_kind_says_which_version_knows_it(self) -> None:
        """Whoever adds a kind of fact adds it there, or breaks nodes that are not upgraded yet."""
        self.assertEqual(set(KINDS) - OLD_KINDS, set(leases.SINCE))
        self.assertEqual(max(leases.SINCE.values()), leases.VERSION)


class TwoNodes(SharedCase):
    async def test_the_late_one_is_told_what_it_missed_and_has_its_turn(self) -> None:
        """A second append after that is stored, and nobody else was let in between."""
        north, south = self.node("norte"), self.node("sur")
        await north.append([ANA_COMES], 0, {})
        with self.assertRaises(Stale) as caught:
            await south.append([BETO_COMES], 0, {})
        self.assertEqual(caught.exception.missed, (ANA_COMES,))
        third = north.append([GUS_COMES], 1, {})
        self.assertEqual(await south.append([BETO_COMES], 1, {}), 2)
        with self.assertRaises(Stale) as caught:
            await third
        self.assertEqual(caught.exception.missed, (BETO_COMES,))

    async def test_one_that_has_heard_of_it_before_has_its_turn_too(self) -> None:
        """What the other did came in while this one decided: so it is late, and knows by what."""
        self.patch(writer, "TURN", 5.0)
        north, south, ear = self.node("norte"), self.node("sur"), Ear()
        south.watch(ear)
        await north.append([ANA_COMES], 0, {})
        while not ear.facts:
            await ear.next()
        with self.assertRaises(Stale) as caught:
            await south.append([BETO_COMES], 0, {})
        self.assertEqual(caught.exception.missed, (ANA_COMES,))
        third = north.append([GUS_COMES], 1, {})
        await self.waiting_for_a_lock(third)
        self.assertNoResult(third)
        self.assertEqual(await south.append([BETO_COMES], 1, {}), 2)
        with self.assertRaises(Stale):
            await third

    async def test_a_young_kind_of_fact_waits_until_all_nodes_know_it(self) -> None:
        """Also in a turn, which others have then; when the old node has gone, it is stored."""
        north, south = self.node("norte"), self.node("sur")
        self.patch(leases, "SINCE", {"declared": 2})
        self.sql("UPDATE granja.leases SET version = 1 WHERE node = 'sur'")
        with self.assertRaises(NotStored):
            await north.append([ANA_COMES], 0, {})
        self.patch(leases, "SINCE", {})
        await south.append([ANA_COMES], 0, {})
        with self.assertRaises(Stale):
            await north.append([BETO_COMES], 0, {})
        self.patch(leases, "SINCE", {"declared": 2})
        with self.assertRaises(NotStored):
            await north.append([BETO_COMES], 1, {})
        self.patch(leases, "SINCE", {})
        self.assertEqual(await south.append([GUS_COMES], 1, {}), 2)
        self.patch(leases, "SINCE", {"declared": 2})
        await south.close()
        with self.assertRaises(Stale):
            await north.append([BETO_COMES], 1, {})
        self.assertEqual(await north.append([BETO_COMES], 2, {}), 3)

    async def test_the_clock_that_nodes_share_and_their_age(self) -> None:
        """By it offers end; the time of this machine may be another."""
        north, south = self.node("norte"), self.node("sur")
        self.assertEqual((north.older_nodes, south.older_nodes), (0, 1))
        said = 1763848000.25 + south.clock_ahead
        ((there,),) = self.sql("SELECT extract(epoch FROM clock_timestamp())::float8")
        assert isinstance(there, float)
        self.assertLess(abs(said - there), 20)
        await north.close()
        while south.older_nodes:  # It looks again with each renewal of its lease.
            again: Deferred[None] = Deferred()
            reactor.callLater(0.05, again.callback, None)
            await again

    async def test_a_turn_is_given_back_by_storing_nothing(self) -> None:
        north, south = self.node("norte"), self.node("sur")
        await north.append([ANA_COMES], 0, {})
        with self.assertRaises(Stale):
            await south.append([BETO_COMES], 0, {})
        self.assertEqual(await south.append([], 1, {}), 1)
        self.assertEqual(await north.append([GUS_COMES], 1, {}), 2)

    async def test_a_turn_that_nobody_uses_ends(self) -> None:
        """A node that is stuck after it was late keeps nobody waiting for long."""
        north, south = self.node("norte"), self.node("sur")
        await north.append([ANA_COMES], 0, {})
        with self.assertRaises(Stale):
            await south.append([BETO_COMES], 0, {})
        self.assertEqual(await north.append([GUS_COMES], 1, {}), 2)
        with self.assertRaises(Stale) as caught:
            await south.append([BETO_COMES], 1, {})
        self.assertEqual(caught.exception.missed, (GUS_COMES,))

    async def test_what_one_stores_the_other_hears_of(self) -> None:
        """It hears facts and values beside the chain, in order, but nothing of its own."""
        north, south = self.node("norte"), self.node("sur")
        ears = Ear(), Ear()
        north.watch(ears[0])
        south.watch(ears[1])
        await north.append([ANA_COMES, BETO_COMES], 0, {}, [Kept("bans", "x", 1)])
        while not ears[1].kept:
            await ears[1].next()
        self.assertEqual(ears[1].facts, [(0, [ANA_COMES, BETO_COMES])])
        self.assertEqual(ears[1].kept, [Kept("bans", "x", 1)])
        await south.append([GUS_COMES], 2, {}, [Kept("bans", "x", None)])
        while not ears[0].kept:
            await ears[0].next()
        self.assertEqual(ears[0].facts, [(2, [GUS_COMES])])
        self.assertEqual(ears[0].kept, [Kept("bans", "x", None)])

    async def test_two_lanes_trade_on_one_database(self) -> None:
        """Each decides fifty times, at the same time as the other.  Both markets end the same."""
        told: list[list[Fact]] = [[], []]
        markets, lanes = [Market(), Market()], []
        for n, name in enumerate(("norte", "sur")):
            ledger = self.node(name)
            lane = Lane(reactor, markets[n], ledger, 0, partial(self.tell, told[n]))
            ear = Ear()
            ear.others = lane.follow  # type: ignore[method-assign]
            ledger.watch(ear)
            lanes.append((lane, ear))
        waiting = []
        for number in range(1, 101):
            farmer = FarmerId(number)
            fact = Declared(farmer, f"F{number}", (SPOON,))
            waiting.append(lanes[number % 2][0].submit([farmer], partial(list[Fact], [fact])))
        for done in waiting:
            await done
        for n, (lane, _) in enumerate(lanes):
            while len(told[n]) < 100:  # What the last one did, by the next append that is stale.
                await lane.submit([FarmerId(1)], lambda: [PasswordChanged(FarmerId(1))])
            self.assertFalse(lane.halted)
        shared = min(map(len, told))
        self.assertEqual(told[0][:shared], told[1][:shared])
        rows = self.sql("SELECT count(*), count(DISTINCT writer) FROM granja.entries")
        self.assertEqual(rows, [(max(map(len, told)), 2)])

    def tell(self, told: list[Fact], fact: Fact, ended: list[Happened]) -> None:
        told.append(fact)

    async def test_a_snapshot_waits_for_the_end_of_a_turn(self) -> None:
        """The node that takes it is late with something else just then."""
        north, south = self.node("norte"), self.node("sur")
        await north.append([ANA_COMES], 0, {})
        market = Market()
        market.apply(ANA_COMES)
        south.checkpoint(market.snapshot(), 1)
        with self.assertRaises(Stale):
            await south.append([BETO_COMES], 0, {})
        self.assertEqual(await south.append([BETO_COMES], 1, {}), 2)
        await south.close()
        self.assertEqual(self.sql("SELECT sequence FROM granja.snapshots"), [(1,)])

    async def test_a_late_node_starts_from_a_snapshot(self) -> None:
        """It does not replay the facts before the snapshot.  It replays those after."""
        north = self.node("norte")
        market = Market()
        for fact in (ANA_COMES, BETO_COMES):
            await north.append([fact], market.last_farmer, {})
            market.apply(fact)
        north.checkpoint(market.snapshot(), 2)
        await north.append([GUS_COMES], 2, {})
        self.node("sur")
        self.assertEqual(self.opened.snapshot_sequence, 2)
        self.assertEqual(list(self.opened.facts), [GUS_COMES])


class Leases(SharedCase):
    async def test_what_was_forgotten_long_ago_is_cleared_away(self) -> None:
        """Kept values stay.  Changes that others may not have heard of stay too."""
        self.patch(keeper, "_FORGET_EACH", 1)
        north = self.node("norte", 0.5)
        items = [Kept("bans", "old", None), Kept("bans", "new", None), Kept("bans", "kept", 1)]
        await north.append([], 0, {}, items)
        self.sql("UPDATE granja.kept SET at = at - interval '2 hours' WHERE key <> 'new'")
        while len(rows := self.sql("SELECT key FROM granja.kept ORDER BY 1")) > 2:
            again: Deferred[None] = Deferred()
            reactor.callLater(0.05, again.callback, None)
            await again
        self.assertEqual(rows, [("kept",), ("new",)])

    async def test_a_second_node_of_a_name_is_refused_while_the_first_lives(self) -> None:
        """The first node goes on as if nothing had happened."""
        self.patch(leases, "RENEWED_EACH", 0.2)
        north = self.node("norte", 2.0)
        with self.assertRaises(LedgerRefused) as caught:
            self.node("norte", 2.0)
        self.assertRegex(
            str(caught.exception), r"\Aa node called norte is running already, .* with --node\Z"
        )
        self.assertNotIn("contrase", str(caught.exception))
        self.assertEqual(await north.append([ANA_COMES], 0, {}), 1)

    async def test_a_node_that_died_is_waited_for(self) -> None:
        """Its lease ends by itself, and the new one has another number."""
        north = self.node("norte", 1.0)
        before = north.writer
        self.die(north)
        again = self.node("norte")  # Its own lease is longer: on a busy machine it renews it late.
        self.assertGreater(again.writer, before)
        self.assertEqual(await again.append([ANA_COMES], 0, {}), 1)

    def die(self, ledger: PostgreSQLLedger) -> None:
        """Die as by kill -9, except for the threads: nobody renews the lease."""
        assert ledger._keeper is not None
        ledger._keeper.stop()

    async def test_a_node_that_stopped_in_good_order_is_not_waited_for(self) -> None:
        north = self.node("norte", 600.0)
        await north.close()
        self.node("norte", 600.0)

    async def test_who_is_at_no_node(self) -> None:
        """Neither a name that is gone, nor that of a registered farmer who is away."""
        north = self.node("norte")
        rows = [await north.claim(names.parse(name)) for name in ("Ana", "Beto", "Gus")]
        ana, beto, gus = [row.farmer for row in rows]
        await north.append([Registered(beto, "Beto")], 0, {beto: "secret"})
        await north.free(rows[1:])
        self.assertEqual(await north.nowhere([ana, beto, gus]), {beto, gus})

    async def test_which_nodes_have_not_ended(self) -> None:
        """Also those where nobody is."""
        north, south = self.node("norte"), self.node("sur")
        self.assertEqual(await north.living(), {north.writer, south.writer})
        await south.close()
        self.assertEqual(await north.living(), {north.writer})

    async def test_nothing_of_an_ended_lease_is_stored(self) -> None:
        """A node that was away for too long is refused, takes another lease, and hears so."""
        north = self.node("norte")
        before, ear = north.writer, Ear()
        north.watch(ear)
        self.sql("DELETE FROM granja.leases")
        with self.assertRaises(NotStored):
            await north.append([ANA_COMES], 0, {})
        while not ear.said:
            await ear.next()
        self.assertEqual(ear.said, [north.writer])
        self.assertGreater(north.writer, before)
        await self.stored(north, [ANA_COMES], 0)
        self.assertEqual(
            self.sql("SELECT sequence, writer FROM granja.entries"), [(1, north.writer)]
        )

    async def stored(self, node: PostgreSQLLedger, facts: list[Fact], after: int) -> int:
        """Append as soon as that goes."""
        while True:
            try:
                return await node.append(facts, after, {})
            except NotStored:
                again: Deferred[None] = Deferred()
                reactor.callLater(0.05, again.callback, None)
                await again

    async def test_who_was_at_a_node_that_died_is_an_orphan(self) -> None:
        """The others are told, again and again, until somebody has freed the names."""
        north, south = self.node("norte", 1.0), self.node("sur", 1.0)
        ear = Ear()
        south.watch(ear)
        ana = await north.claim(names.parse("Ana"))
        await north.enter(ana.farmer, north.writer)
        self.die(north)
        while not ear.orphans:
            await ear.next()
        self.assertEqual([holder.spelling for holder in ear.orphans], ["Ana"])
        await south.free(ear.orphans)
        self.assertEqual(self.sql("SELECT * FROM granja.names"), [])


class Names(SharedCase):
    async def test_a_name_is_given_once(self) -> None:
        """This holds for any spelling and at any node.  The farmers' numbers differ."""
        north, south = self.node("norte"), self.node("sur")
        ana = await north.claim(names.parse("Ana"))
        self.assertEqual((ana.spelling, ana.writer, ana.arrived), ("Ana", north.writer, None))
        self.assertEqual(await south.claim(names.parse("ANA")), ana)
        gus = await south.claim(names.parse("Gus"))
        self.assertNotEqual(gus.farmer, ana.farmer)
        await north.free([ana])
        again = await south.claim(names.parse("ANA"))
        self.assertEqual((again.spelling, again.writer), ("ANA", south.writer))
        self.assertNotIn(again.farmer, (ana.farmer, gus.farmer))

    def present(self) -> list[tuple[object, ...]]:
        """Who is in the chat, and where."""
        where = "WHERE arrived IS NOT NULL ORDER BY arrived"
        return self.sql(f"SELECT spelling, writer FROM granja.names {where}")

    async def test_a_takeover_keeps_the_place_in_the_list(self) -> None:
        """The new node hears where they were.  When they leave the old node later, nothing is
        freed."""
        north, south = self.node("norte"), self.node("sur")
        ana = await north.claim(names.parse("Ana"))
        gus = await north.claim(names.parse("Gus"))
        for one in (ana, gus):
            await north.enter(one.farmer, north.writer)
        await north.append([Registered(ana.farmer, "Ana")], 0, {ana.farmer: "secret"})
        before = await south.enter(ana.farmer, south.writer)
        assert before is not None
        self.assertEqual((before.writer, before.registered), (north.writer, True))
        await north.free([before])
        at_south, at_north = ("Ana", south.writer), ("Gus", north.writer)
        self.assertEqual(self.present(), [at_south, at_north])
        self.assertEqual(await north.verifier(ana.farmer), "secret")
        await south.free([replace(before, writer=south.writer)])
        self.assertEqual(self.present(), [at_north])
        kept = await north.claim(names.parse("Ana"))
        self.assertEqual((kept.registered, kept.writer), (True, None))
