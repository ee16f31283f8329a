"""A node that was late has the next turn: what it may do with it, and how it loses it."""

from __future__ import annotations

from typing import Any

from granja.ledger.interface import Halted, Kept, NotStored, Stale
from granja.ledger.postgresql import lease as leases, writer as writers
from granja.ledger.postgresql.ledger import PostgreSQLLedger
from granja.market.facts import Declared
from tests.ledger.postgresql.test_lost import LostCase, later
from tests.ledger.postgresql.test_shared import ANA_COMES, BETO_COMES, GUS_COMES, Ear
from tests.support.ledgers import ANA
from tests.support.logs import sentences
from tests.support.postgresql import server


class TurnCase(LostCase):
    """Norte writes directly, sur through a wire; sur is late, and has the turn."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(writers, "TURN", 5.0)
        self.logged = sentences(self)

    async def take_turn(self) -> tuple[PostgreSQLLedger, PostgreSQLLedger]:
        through = self.url
        self.url = self.url.replace(f":{self.wire.port}/", f":{server().port}/")
        north = self.node("norte")
        self.url = through
        south = self.node("sur")
        south.watch(self.ear)
        await north.append([ANA_COMES], 0, {})
        with self.assertRaises(Stale):
            await south.append([BETO_COMES], 0, {})
        self.logged.clear()
        return north, south

    def names(self) -> list[object]:
        """Those that are stored, for the chain's hashes."""
        return [name for (name,) in self.sql("SELECT name FROM granja.pseudonyms ORDER BY farmer")]


class Turns(TurnCase):
    async def test_the_database_takes_it_away(self) -> None:
        """Nothing was committed, so the node decides nothing anew: it connects, and appends."""
        _, south = await self.take_turn()
        self.wire.holding = True
        waiting = south.append([BETO_COMES], 1, {})
        while self.turns():
            await later()
        self.wire.holding = False
        self.wire.cut()
        self.assertEqual(await waiting, 2)
        self.assertEqual(self.ear.said, [])
        self.assertEqual(self.count(), 2)
        self.assertEqual(len([line for line in self.logged if "is away" in line]), 1)

    async def test_the_database_goes_away_with_it(self) -> None:
        """What was not committed is not stored.  People hear so at once, also behind the first."""
        _, south = await self.take_turn()
        self.wire.holding = True
        waiting = south.append([BETO_COMES], 1, {})
        while not self.wire.holds(b"granja.append"):
            await later()
        behind = south.append([GUS_COMES], 2, {}), south.forget([GUS_COMES.farmer])
        while self.turns():
            await later()
        self.wire.closed = True
        self.wire.cut()
        for one in (waiting, *behind):
            with self.assertRaises(NotStored):
                await one
        self.assertEqual(self.ear.said, [])
        self.wire.mend()
        self.assertEqual(await self.stored(south, [BETO_COMES], 1), 2)
        self.assertEqual(self.names(), ["Ana", "Beto"])

    async def test_what_the_database_refuses_ends_it(self) -> None:
        """The next decision is stored, though the last could not be."""
        north, south = await self.take_turn()
        self.sql(
            "CREATE FUNCTION granja.full() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'; END $$",
            'CREATE TRIGGER "full" BEFORE INSERT ON granja.entries FOR EACH ROW '
            """WHEN (NEW.body LIKE '%"farmer":2%') EXECUTE FUNCTION granja.full()""",
        )
        with self.assertRaisesRegex(NotStored, "the disk is full"):
            await south.append([BETO_COMES], 1, {})
        self.assertEqual(await south.append([GUS_COMES], 1, {}), 2)
        self.assertEqual(self.logged, [
            "The ledger could not be written to, so nothing changed: the disk is full (53100)."
        ])  # fmt: skip
        with self.assertRaises(Stale):
            await north.append([BETO_COMES], 1, {})
        self.sql('DROP TRIGGER "full" ON granja.entries')
        self.assertEqual(await south.append([BETO_COMES], 2, {}), 3)
        self.assertEqual(self.names(), ["Ana", "Beto", "Gus"])

    async def test_one_that_nobody_needs_is_given_back_at_once(self) -> None:
        """The second decision has nothing to store."""
        _, south = await self.take_turn()
        self.assertEqual(await south.append([], 1, {}), 1)
        self.assertEqual(self.turns(), [])

    async def test_what_an_older_node_would_not_know_ends_it(self) -> None:
        """Nothing is stored then, and everybody else has the turn again."""
        _, south = await self.take_turn()
        self.patch(leases, "SINCE", {"declared": 2})
        self.sql("UPDATE granja.leases SET version = 1 WHERE node = 'norte'")
        with self.assertRaisesRegex(NotStored, "older granja"):
            await south.append([BETO_COMES], 1, {})
        self.assertEqual(self.turns(), [])

    async def test_a_decision_after_more_than_there_is_has_none(self) -> None:
        """It is late in a way that nobody can tell it."""
        _, south = await self.take_turn()
        for after in (-1, 9):
            with self.assertRaises(Stale) as caught:
                await south.append([BETO_COMES], after, {})
            self.assertEqual(caught.exception.missed, ())
            self.assertEqual(self.turns(), [])

    async def test_who_is_late_once_more_begins_another(self) -> None:
        """It hears again what it missed.  The database has nothing to warn of."""
        _, south = await self.take_turn()
        with self.assertRaises(Stale) as caught:
            await south.append([GUS_COMES], 0, {})
        self.assertEqual(caught.exception.missed, (ANA_COMES,))
        self.assertEqual(await south.append([GUS_COMES], 1, {}), 2)
        self.assertEqual(self.logged, [])

    async def test_one_that_nobody_uses_is_given_back(self) -> None:
        """The node does it: the database would have to cut the connection."""
        north, south = await self.take_turn()
        self.patch(writers, "TURN", 0.05)
        with self.assertRaises(Stale):
            await south.append([BETO_COMES], 0, {})
        before = self.sql(PROCESS)
        self.assertEqual(await north.append([GUS_COMES], 1, {}), 2)
        self.assertEqual(self.sql(PROCESS), before)
        self.assertEqual(self.logged, [])

    async def test_who_stops_with_it_gives_back_both_turn_and_lease(self) -> None:
        north, south = await self.take_turn()
        await south.close()
        self.assertEqual(self.sql("SELECT node FROM granja.leases"), [("norte",)])
        self.assertEqual(await north.append([BETO_COMES], 1, {}), 2)

    async def test_with_it_all_that_others_wrote_must_be_understood(self) -> None:
        """Or the node halts, and everybody else has the turn again."""
        north, south = await self.take_turn()
        await south.append([], 1, {})
        self.dance()
        for node in (north, south):
            with self.assertRaisesRegex(Halted, "another node wrote is not understood.*entry 2"):
                await node.append([BETO_COMES], 1, {})
        self.assertEqual(self.turns(), [])


PROCESS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'granja sur'"


class Commits(TurnCase):
    """A turn ends with a statement of its own.  It can fail, too."""

    def at_commit(self, what: str) -> None:
        """Let the database do that when it commits an entry."""
        self.sql(
            "CREATE FUNCTION granja.late() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
            f"$$ BEGIN {what}; RETURN NULL; END $$",
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON granja.entries "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION granja.late()",
        )

    async def test_the_answer_is_lost(self) -> None:
        """It was stored, and people hear so, once that is found out."""
        _, south = await self.take_turn()
        self.at_commit("PERFORM pg_sleep(0.5)")
        waiting = south.append([BETO_COMES], 1, {})
        await self.until("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        self.wire.swallowing = True
        await self.until("SELECT 1 FROM granja.entries WHERE sequence = 2")
        self.wire.mend()
        self.assertEqual(await waiting, 2)
        self.assertEqual(self.ear.said[:1], ["unsure"])

    async def test_the_connection_is_lost_before(self) -> None:
        """Nobody knows at first; then it turns out that nothing was stored."""
        _, south = await self.take_turn()
        self.at_commit("PERFORM pg_terminate_backend(pg_backend_pid())")
        with self.assertRaises(NotStored):
            await south.append([BETO_COMES], 1, {})
        self.assertEqual(self.ear.said[:1], ["unsure"])
        self.assertEqual(self.count(), 1)

    async def test_it_is_refused(self) -> None:
        """Then everybody knows that nothing was stored."""
        _, south = await self.take_turn()
        self.at_commit("RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'")
        with self.assertRaisesRegex(NotStored, "the disk is full"):
            await south.append([BETO_COMES], 1, {})
        self.assertEqual(self.ear.said, [])
        self.assertEqual(self.turns(), [])
        self.assertEqual(self.count(), 1)


class Batches(LostCase):
    """What comes in while the database works is stored together."""

    async def test_one_was_decided_too_early(self) -> None:
        """It is told so; what was decided in time is stored."""
        node = await self.north()
        with self.locked_head():
            first = node.append([ANA_COMES], 0, {})
            await self.waiting_for_a_lock(first)
            second, third = node.append([BETO_COMES], 1, {}), node.append([GUS_COMES], 1, {})
        self.assertEqual([await first, await second], [1, 2])
        with self.assertRaisesRegex(Stale, "decided after 1, but the ledger is at 2") as caught:
            await third
        self.assertEqual(caught.exception.missed, ())

    async def test_both_late_ones_hear_so(self) -> None:
        """The first also hears what both have missed."""
        node = await self.north()
        with self.locked_head():
            first = node.append([ANA_COMES], 0, {})
            await self.waiting_for_a_lock(first)
            late = [node.append([fact], 0, {}) for fact in (BETO_COMES, GUS_COMES)]
        await first
        missed = []
        for one in late:
            with self.assertRaisesRegex(Stale, "decided after 0, but the ledger is at 1") as caught:
                await one
            missed.append(caught.exception.missed)
        self.assertEqual(missed, [(ANA_COMES,), ()])

    async def test_the_connection_is_lost_while_one_queues_up(self) -> None:
        """It has sent nothing, so nothing of it is stored."""
        node, said = await self.north(), sentences(self)
        await node.append([ANA_COMES], 0, {})
        with self.locked_head():
            late = node.append([BETO_COMES], 0, {})
            await self.waiting_for_a_lock(late)
            self.wire.cut()
            with self.assertRaises(NotStored):
                await late
        self.assertEqual(len([line for line in said if "is away" in line]), 1, said)
        self.assertEqual(await self.stored(node, [BETO_COMES], 1), 2)

    async def test_after_a_mistake_of_ours_nothing_more_is_stored(self) -> None:
        """Here it is a state that is none.  What was stored before is told, and whoever waits hears
        that it is not."""
        node = await self.north()
        with self.locked_head():
            first = node.append([ANA_COMES], 0, {})
            await self.waiting_for_a_lock(first)
            second = node.append([BETO_COMES], 1, {})
            node.checkpoint({"names": 5}, 2)
            forgetting = node.forget([ANA_COMES.farmer])
        self.assertEqual([await first, await second], [1, 2])
        for answer in (forgetting, node.append([GUS_COMES], 2, {})):
            with self.assertRaisesRegex(Halted, "TypeError"):
                await answer
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual(self.count(), 2)

    async def test_a_mistake_in_what_is_to_be_stored(self) -> None:
        """Whoever waits for it hears so too."""
        node = await self.north()
        odd: Any = Declared(ANA, object(), ())  # type: ignore[arg-type]
        with self.assertRaises(Halted):
            await node.append([odd], 0, {})
        self.assertEqual(len(self.flushLoggedErrors()), 1)
        self.assertEqual(self.count(), 0)


class Beside(LostCase):
    async def test_own_changes_do_not_hide_others(self) -> None:
        """Both have changed something since this node looked: it hears of the other's, once."""
        north, south, ear = self.node("norte"), self.node("sur"), Ear()
        await south.append([], 0, {}, [Kept("bans", "theirs", 1)])
        await north.append([], 0, {}, [Kept("bans", "ours", 1)])
        north.watch(ear)
        while not ear.kept:
            await ear.next()
        await south.append([], 0, {}, [Kept("bans", "more", 2)])
        while len(ear.kept) < 2:
            await ear.next()
        self.assertEqual(ear.kept, [Kept("bans", "theirs", 1), Kept("bans", "more", 2)])

    async def test_a_change_that_was_read_just_before_the_database_went_away(self) -> None:
        """What came with it could not be read.  It is told with that, later."""
        said, node = sentences(self), await self.north()
        self.sql(
            "ALTER TABLE granja.entries RENAME TO hidden",
            "INSERT INTO granja.kept VALUES ('bans', 'x', '1', 1, 99)",
            "UPDATE granja.head SET kept = 1",
        )
        while not any("database is away: relation" in line for line in said):
            await later()
        self.sql("ALTER TABLE granja.hidden RENAME TO entries")
        while not self.ear.kept:
            await self.ear.next()
        self.assertEqual(self.ear.kept, [Kept("bans", "x", 1)])
        self.assertEqual(await self.stored(node, [ANA_COMES], 0), 1)


class Strange(LostCase):
    async def test_what_nobody_understands_halts_a_node_that_only_looks(self) -> None:
        """The operator reads it before anybody wants to trade."""
        logged = sentences(self)
        node = await self.north()
        self.dance()
        while not any("what another node wrote is not understood" in line for line in logged):
            await later()
        with self.assertRaisesRegex(Halted, "entry 1 is damaged"):
            await node.append([ANA_COMES], 0, {})
        self.assertEqual(self.ear.facts, [])

    async def test_tables_that_cannot_be_read_are_a_database_that_is_away(self) -> None:
        """The log says why, once; when they can be read again, all is well."""
        logged = sentences(self)
        node = await self.north()
        self.sql("ALTER TABLE granja.entries RENAME TO hidden")
        while not any("database is away: relation" in line for line in logged):
            await later()
        self.sql("ALTER TABLE granja.hidden RENAME TO entries")
        self.assertEqual(await self.stored(node, [ANA_COMES], 0), 1)

    async def test_a_chain_without_a_head_is_damaged(self) -> None:
        """Nobody waits for ever, nor does who forgets a name."""
        north, south = self.node("norte"), self.node("sur")
        await north.append([ANA_COMES], 0, {})
        self.sql("DELETE FROM granja.head")
        for ask in (
            lambda: south.append([BETO_COMES], 0, {}),
            lambda: north.forget([ANA_COMES.farmer]),
            lambda: north.append([BETO_COMES], 1, {}),
        ):
            with self.assertRaisesRegex(Halted, "changed the database .*it has no head"):
                await ask()
        self.assertEqual(self.turns(), [])
