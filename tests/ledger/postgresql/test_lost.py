"""The database is lost during work, and what people hear then is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from twisted.internet.defer import Deferred

from granja.contract.ids import FarmerId
from granja.ledger.chain import digest
from granja.ledger.interface import Halted, Kept, NotStored, Stale
from granja.ledger.postgresql import watchdog, writer as writers
from granja.ledger.postgresql.ledger import PostgreSQLLedger
from granja.ledger.postgresql.schema import Connection
from granja.ledger.postgresql.session import Session
from granja.market.facts import Declared, Fact
from tests.ledger.postgresql.test_shared import ANA_COMES, BETO_COMES, Ear, SharedCase
from tests.support.ledgers import reactor
from tests.support.links import Wire
from tests.support.logs import sentences
from tests.support.postgresql import Pair, name_of, server


def later(seconds: float = 0.05) -> Deferred[None]:
    """Fires after so long: between two looks at a database, which says nothing by itself."""
    done: Deferred[None] = Deferred()
    reactor.callLater(seconds, done.callback, None)
    return done


class LostCase(SharedCase):
    """A node whose way to the database can be broken."""

    def setUp(self) -> None:
        super().setUp()
        self.wire = Wire(server().port)
        self.addCleanup(self.wire.close)
        self.url = self.url.replace(f":{server().port}/", f":{self.wire.port}/")
        self.ear = Ear()

    async def north(self) -> PostgreSQLLedger:
        """A node that has looked at what others wrote, and waits for no answer."""
        node = self.node("norte")
        node.watch(self.ear)
        await node.append([], 0, {})
        return node

    @contextmanager
    def locked_head(self) -> Iterator[psycopg.Connection]:
        """Somebody else has the head of the chain: who appends waits."""
        with closing(psycopg.connect(server().url(name_of(self.url)))) as holder:
            holder.execute("SELECT 1 FROM granja.head FOR UPDATE")
            yield holder

    async def until(self, sql: str) -> list[tuple[object, ...]]:
        """Wait until that finds something."""
        while not (rows := self.sql(sql)):
            await later()
        return rows

    def turns(self) -> list[tuple[object, ...]]:
        """The server processes that hold a turn, and do nothing."""
        return self.sql(
            "SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' "
            "AND datname = current_database()"
        )

    def dance(self) -> None:
        """Another node appends a kind of fact that this granja does not know."""
        ((last, before),) = self.sql("SELECT sequence, encode(hash, 'hex') FROM granja.head")
        entry = (int(str(last)) + 1, 1763848000.25, "danced", "{}")
        hash = digest(bytes.fromhex(str(before)), *entry).hex()
        self.sql(
            f"INSERT INTO granja.entries VALUES ({entry[0]}, {entry[1]}, 'danced', '{{}}', "
            f"'\\x{hash}', 9)",
            f"UPDATE granja.head SET sequence = {entry[0]}, hash = '\\x{hash}'",
        )

    async def lose_ana(self, node: PostgreSQLLedger) -> None:
        """Append on a line that is lost before anything arrives, and hear that it is not stored."""
        self.wire.holding = True
        waiting = node.append([ANA_COMES], 0, {})
        await later(0.2)
        self.wire.holding = False
        self.wire.cut()
        with self.assertRaises(NotStored):
            await waiting

    def count(self) -> object:
        return self.sql("SELECT count(*) FROM granja.entries")[0][0]

    async def stored(
        self, node: PostgreSQLLedger, facts: list[Fact], after: int, **more: Any
    ) -> int:
        """Append as soon as that goes."""
        while True:
            try:
                return await node.append(facts, after, {}, **more)
            except NotStored:
                await later()


#: The processes that the node works with, except that for questions.
PROCESSES = (
    "SELECT pid FROM pg_stat_activity WHERE application_name IN ('granja norte', "
    "'granja norte lease') AND datname = current_database()"
)


class TheConnectionIsLost(LostCase):
    async def test_what_was_stored_is_told_though_the_answer_was_lost(self) -> None:
        """It is on record once, and the waiting people hear so."""
        node = await self.north()
        self.wire.swallowing = True
        waiting = node.append([ANA_COMES], 0, {})
        await self.until("SELECT 1 FROM granja.entries")
        self.wire.swallowing = False
        self.wire.cut()
        self.assertEqual(await waiting, 1)
        while len(self.ear.said) < 2:
            await self.ear.next()
        self.assertEqual(self.ear.said, ["unsure", "sure"])
        self.assertEqual(await node.append([BETO_COMES], 1, {}), 2)

    async def test_what_never_arrived_is_told_so(self) -> None:
        node = await self.north()
        await self.lose_ana(node)
        self.assertEqual(self.count(), 0)
        self.assertEqual(await self.stored(node, [BETO_COMES], 0), 1)

    async def test_what_arrives_late_is_not_stored(self) -> None:
        """After it was told that it is not, the old session may say what it likes."""
        node = await self.north()
        self.wire.holding = True
        waiting = node.append([ANA_COMES], 0, {})
        await later(0.2)
        self.wire.holding = False
        links = self.wire.cut_near()
        with self.assertRaises(NotStored):
            await waiting
        for link in links:
            link.deliver()
        await later(0.3)
        self.assertEqual(self.count(), 0)
        self.assertEqual(await self.stored(node, [BETO_COMES], 0), 1)

    async def test_what_is_beside_the_chain_is_written_again(self) -> None:
        """No entry proves that it is stored.  To write it twice does no harm."""
        node = await self.north()
        self.wire.holding = True
        waiting = node.append([], 0, {}, [Kept("bans", "x", 1)])
        await later(0.2)
        self.wire.holding = False
        self.wire.cut()
        self.assertEqual(await waiting, 0)
        self.assertEqual(self.sql("SELECT key, value FROM granja.kept"), [("x", "1")])

    async def test_without_a_database_nothing_is_stored_and_later_it_is(self) -> None:
        """People who ask hear so at once.  Nobody is put out, and it resumes by itself."""
        node = await self.north()
        self.wire.closed = True
        self.wire.cut()
        for _ in range(3):
            with self.assertRaises(NotStored):
                await node.append([ANA_COMES], 0, {})
            with self.assertRaises(NotStored):
                await node.verifier(FarmerId(1))
        self.wire.closed = False
        self.assertEqual(await self.stored(node, [ANA_COMES], 0), 1)
        self.assertEqual(await node.verifier(FarmerId(1)), "")
        self.assertNotIn(node.writer, self.ear.said)

    async def test_nobody_waits_behind_others_for_a_database_that_does_not_answer(self) -> None:
        """Ten people type a name, and all hear it at the same time."""
        self.url += "?connect_timeout=2"
        node = await self.north()
        self.wire.holding = True
        self.wire.cut()
        begun = reactor.seconds()
        asked = [node.verifier(FarmerId(1)) for _ in range(10)]
        for one in asked:
            with self.assertRaises(NotStored):
                await one
        self.assertLess(reactor.seconds() - begun, 10)

    async def test_what_could_not_be_stored_takes_its_name_along(self) -> None:
        """With the next attempt the name is stored, or nobody would know who that farmer is."""
        node = await self.north()
        await self.lose_ana(node)
        self.assertEqual(await self.stored(node, [ANA_COMES], 0), 1)
        self.assertEqual(self.sql("SELECT name FROM granja.pseudonyms"), [("Ana",)])

    async def test_a_connection_that_the_server_has_closed(self) -> None:
        """Nothing is sent on it, so nothing is stored, for sure.  The log says why."""
        self.patch(writers, "LOOK", 600.0)
        node, said = await self.north(), sentences(self)
        await node.append([ANA_COMES], 0, {})
        mine = "FROM pg_stat_activity WHERE application_name = 'granja norte'"
        self.sql(f"SELECT pg_terminate_backend(pid) {mine}")
        while self.sql(f"SELECT 1 {mine}"):
            await later()
        await later(0.2)  # The server's last words travel through the wire.
        with self.assertRaises(NotStored):
            await node.append([BETO_COMES], 1, {})
        self.assertEqual(self.ear.said, [])
        self.assertEqual(len([line for line in said if "database is away" in line]), 1, said)
        self.assertEqual(await self.stored(node, [BETO_COMES], 1), 2)

    async def test_the_lease_ends_before_the_outcome_is_known(self) -> None:
        """Under another lease the node finds what it has written under the old one."""
        node = await self.north()
        writer = node.writer
        self.wire.swallowing = True
        waiting = node.append([ANA_COMES], 0, {})
        await self.until("SELECT 1 FROM granja.entries")
        self.sql("DELETE FROM granja.leases")
        self.wire.swallowing = False
        self.wire.cut()
        self.assertEqual(await waiting, 1)
        self.assertGreater(node.writer, writer)

    async def test_why_it_asks_again_is_said_once(self) -> None:
        """However long it takes to find out, and whatever is in the way.  It asks some times a
        second."""
        asked: list[Session] = []
        node, said = await self.north(), sentences(self)
        connect = Session.connect

        def ask(session: Session) -> Connection:
            asked.append(session)
            return connect(session)

        self.patch(Session, "connect", ask)
        ((farm,),) = self.sql("SELECT farm::text FROM granja.granja")
        self.wire.swallowing = True
        waiting = node.append([ANA_COMES], 0, {})
        await self.until("SELECT 1 FROM granja.entries")
        self.sql("UPDATE granja.granja SET farm = gen_random_uuid()")
        self.wire.mend()
        await later(1.5)
        self.assertNoResult(waiting)
        self.assertLess(len(asked), 30)
        self.sql(f"UPDATE granja.granja SET farm = '{farm}'")
        self.assertEqual(await waiting, 1)
        asking = [line for line in said if "asking again" in line]
        away = [line for line in said if "database is away" in line]
        self.assertEqual((len(asking), len(away)), (1, 0), said)

    async def test_a_database_that_became_a_standby_is_left(self) -> None:
        """A connection to it would go on working, and nothing could be stored there ever again."""
        node = await self.north()
        await node.append([ANA_COMES], 0, {})
        self.addCleanup(self.read_only, "RESET")
        while len(before := {*self.sql(PROCESSES)}) < 2:
            await later()
        self.read_only("SET", " = on")
        with self.assertRaisesRegex(NotStored, "read-only transaction"):
            while True:  # Until all processes of the server have heard of it.
                await node.append([], 1, {}, [Kept("bans", "x", 1)])
        while before & {*self.sql(PROCESSES)}:
            await later()
        self.read_only("RESET")
        self.assertEqual(await self.stored(node, [BETO_COMES], 1), 2)

    def read_only(self, what: str, value: str = "") -> None:
        server().sql(
            f"ALTER SYSTEM {what} default_transaction_read_only{value}", "SELECT pg_reload_conf()"
        )

    async def test_a_server_that_stops_cuts_what_it_waits_for(self) -> None:
        """The database may answer in an hour, also when it is asked again."""
        node = await self.north()
        with self.locked_head():
            waiting = node.append([ANA_COMES], 0, {})
            await self.waiting_for_a_lock(waiting)
            node.hurry()
            with self.assertRaisesRegex(Halted, "not known"):
                await waiting
            await node.close()

    async def test_a_server_that_stops_waits_for_nothing(self) -> None:
        """The fate of the last write is not known then, and is never told."""
        node = await self.north()
        self.wire.holding = True
        waiting = node.append([ANA_COMES], 0, {})
        await later(0.1)
        node.hurry()
        self.wire.closed = True
        self.wire.cut()
        closed = node.close()
        with self.assertRaises(Exception) as caught:
            await waiting
        self.assertIn("not known", str(caught.exception))
        await closed


class ItIsNotWhatItWas(LostCase):
    """The database that comes back is a different one from before."""

    async def test_entries_that_were_told_are_gone(self) -> None:
        """A standby was promoted that had not got them: the node stops trading, and says why."""
        node = await self.north()
        await node.append([ANA_COMES], 0, {})
        await node.append([BETO_COMES], 1, {})
        self.sql(
            "DELETE FROM granja.entries WHERE sequence = 2",
            "UPDATE granja.head SET sequence = 1, hash = "
            "(SELECT hash FROM granja.entries WHERE sequence = 1)",
        )
        self.wire.cut()
        with self.assertRaises(Halted) as caught:
            await self.stored(node, [BETO_COMES], 2)
        self.assertIn("does not have entry 2 any more", str(caught.exception))
        self.assertEqual(self.count(), 1)

    async def test_they_are_gone_though_the_connection_is_as_it_was(self) -> None:
        """Somebody has deleted them, or replaced them by others.  Nothing fits what was decided."""
        for change in (
            "UPDATE granja.head SET sequence = 1, hash = "
            "(SELECT hash FROM granja.entries WHERE sequence = 1)",
            "UPDATE granja.head SET hash = decode(repeat('11', 32), 'hex')",
        ):
            node = self.node(f"de-{len(change)}")
            after = self.opened.sequence
            for fact in (ANA_COMES, BETO_COMES):
                after = await node.append([fact], after, {})
            self.sql("DELETE FROM granja.entries WHERE sequence > 1", change)
            with self.assertRaisesRegex(Halted, "is damaged"):
                await node.append([ANA_COMES], after, {})
            self.sql("DELETE FROM granja.entries", "UPDATE granja.head SET sequence = 0, "
                     "hash = decode(repeat('00', 32), 'hex')")  # fmt: skip
            await node.close()

    async def test_they_are_gone_when_it_is_asked_about_a_later_one(self) -> None:
        """The outcome of that does not matter any more."""
        node = await self.north()
        await node.append([ANA_COMES], 0, {})
        self.wire.swallowing = True
        waiting = node.append([BETO_COMES], 1, {})
        await self.until("SELECT 1 FROM granja.entries WHERE sequence = 2")
        self.sql(
            "DELETE FROM granja.entries",
            "UPDATE granja.head SET sequence = 0, hash = decode(repeat('00', 32), 'hex')",
        )
        self.wire.mend()
        with self.assertRaisesRegex(Halted, "does not have entry 1 any more"):
            await waiting

    async def test_another_farm_is_at_its_place(self) -> None:
        """It is taken for a database that is away, until the own one is back."""
        node = await self.north()
        rows = self.sql("SELECT farm::text FROM granja.granja")
        self.sql("UPDATE granja.granja SET farm = gen_random_uuid()")
        said = sentences(self)
        self.wire.cut()
        while not any("has become that of another granja" in line for line in said):
            await later()
        with self.assertRaises(NotStored):
            await node.append([ANA_COMES], 0, {})
        self.assertEqual(self.count(), 0)
        self.sql(f"UPDATE granja.granja SET farm = '{rows[0][0]}'")
        self.assertEqual(await self.stored(node, [ANA_COMES], 0), 1)

    async def test_a_deed_of_a_newer_granja(self) -> None:
        """A node decides nothing if it does not understand another node's fact."""
        node = await self.north()
        self.dance()
        self.sql("NOTIFY granja, '9'")
        with self.assertRaises(Halted) as caught:
            await self.stored(node, [ANA_COMES], 0)
        self.assertIn("entry 1 is damaged: it cannot be read", str(caught.exception))
        self.assertEqual(self.count(), 1)

    async def test_somebody_changes_the_tables(self) -> None:
        """Trying again is of no use."""
        node = await self.north()
        self.sql("ALTER TABLE granja.entries ADD CHECK (kind <> 'declared')")
        with self.assertRaises(Halted) as caught:
            await node.append([ANA_COMES], 0, {})
        self.assertIn("somebody else has changed the database", str(caught.exception))


class TheServerHangs(LostCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(watchdog, "EACH", 0.1)

    async def test_a_server_that_neither_answers_nor_hangs_up_is_given_up(self) -> None:
        """A stopped server is such a case: its system still takes bytes.  Then the ledger asks
        again."""
        node = await self.north()
        self.wire.swallowing = True
        waiting = node.append([ANA_COMES], 0, {})
        while not self.ear.said:
            await self.ear.next()
        self.assertEqual(self.ear.said, ["unsure"])
        self.wire.swallowing = False
        self.wire.cut()
        self.assertEqual(await waiting, 1)

    async def test_a_server_that_is_at_it_still_is_waited_for(self) -> None:
        """Somebody else has the head locked for longer than the patience of the watchdog."""
        node = await self.north()
        with self.locked_head():
            waiting = node.append([ANA_COMES], 0, {})
            await later(1.5)
        self.assertEqual(await waiting, 1)
        self.assertEqual(self.ear.said, [])


class TheStandbyIsAway(SharedCase):
    async def test_a_commit_that_was_cancelled_is_not_believed(self) -> None:
        """PostgreSQL answers with success and a warning.  People hear of it once a standby has
        it."""
        node, ear = self.node("norte"), Ear()
        node.watch(ear)
        self.require("nobody")
        self.addCleanup(self.require, "")
        await self.until_waiting("granja.leases")  # By then every commit waits.
        told: list[int] = []
        waiting = node.append([ANA_COMES], 0, {}).addCallback(told.append)
        pid = await self.until_waiting("granja.append")
        server().sql(f"SELECT pg_cancel_backend({pid})")
        while not ear.said:
            await ear.next()
        self.assertEqual((ear.said, told), (["unsure"], []))
        await later(0.3)
        self.assertEqual(told, [])
        self.require("")
        await waiting
        self.assertEqual(told, [1])

    async def test_it_comes_back_after_longer_than_a_lease_and_nobody_has_died(self) -> None:
        """All renewals are committed at once then, each of them too late."""
        nodes, ears = [self.node("norte", 1.0), self.node("sur", 1.0)], [Ear(), Ear()]
        for node, ear in zip(nodes, ears, strict=True):
            node.watch(ear)
        await later(1.5)  # They are sure of themselves by now.
        self.addCleanup(self.require, "")
        self.require("nobody")
        await self.until_waiting("granja.leases")
        await later(1.5)
        self.require("")
        await later(1.5)
        self.assertEqual([node.writer for node in nodes], [1, 2])
        self.assertEqual([ear.said for ear in ears], [[], []])

    def require(self, standby: str) -> None:
        server().sql(
            f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'", "SELECT pg_reload_conf()"
        )

    async def until_waiting(self, what: str) -> object:
        """Wait until a statement with this text waits for a standby.  Returns its process."""
        while True:
            rows = server().sql(
                "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
                f"AND query LIKE '%{what}%'"
            )
            if rows:
                return rows[0][0]
            await later()


class ThePrimaryDies(SharedCase):
    """A primary with a synchronous standby of its own, and two nodes that write all the time."""

    def setUp(self) -> None:
        self.pair = Pair()
        self.addCleanup(self.pair.remove)
        self.url = self.pair.url
        self.told: list[str] = []
        self.number = 0
        self.over = False

    async def write(self, node: PostgreSQLLedger) -> None:
        """Append facts one by one, each decided again, until the test says stop."""
        after = 0
        while not self.over:
            self.number += 1
            fact = Declared(FarmerId(self.number), f"F{self.number}", ())
            try:
                after = await node.append([fact], after, {})
                self.told.append(fact.name)
            except Stale as stale:
                after += len(stale.missed)
            except NotStored:
                await later(0.01)

    async def test_nothing_told_is_lost_and_nothing_is_doubled(self) -> None:
        """The primary is killed with -9 while both write.  The standby is promoted, and both go
        on."""
        nodes = [self.node("norte"), self.node("sur")]
        writing = [Deferred.fromCoroutine(self.write(node)) for node in nodes]
        await self.more_than(40)
        self.pair.primary.kill()
        before = len(self.told)
        self.pair.promote()
        await self.more_than(before + 40)
        self.over = True
        for one in writing:
            await one
        rows = self.pair.standby.sql("SELECT name FROM granja.entries JOIN granja.pseudonyms "
                                     "ON body LIKE '%' || pseudonyms.hash || '%'",
                                     database="granja")  # fmt: skip
        stored = Counter(str(row[0]) for row in rows)
        for name in self.told:
            self.assertEqual(stored[name], 1, name)
        self.assertEqual([node.writer for node in nodes], [1, 2])  # A failover reaps nobody.

    async def more_than(self, count: int) -> None:
        while len(self.told) <= count:
            await later()
