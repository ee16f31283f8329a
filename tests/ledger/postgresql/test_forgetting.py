"""Names can be forgotten where several nodes share a ledger, and the chain still fits."""

from __future__ import annotations

from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import psycopg
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from granja.contract.ids import FarmerId
from granja.ledger.chain import GENESIS, digest
from granja.ledger.interface import (
    CannotForget,
    IForgetful,
    Kept,
    LedgerRefused,
    NotStored,
    Opened,
    Stale,
)
from granja.ledger.postgresql import writer as writers
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.ledger import PostgreSQLLedger
from granja.ledger.postgresql.schema import bring_up_to_date
from granja.ledger.postgresql.session import Session
from granja.market.facts import Declared, Departed, Fact, Left, Registered, Released, Returned
from granja.operations import cli
from granja.text import names
from tests.ledger.postgresql.test_lost import later
from tests.ledger.postgresql.test_shared import Ear, SharedCase
from tests.support.ledgers import ANA, SPADE, SPOON, STORY, market_of, reactor, verifiers
from tests.support.links import Wire
from tests.support.postgresql import name_of, server

#: A visitor whose name stands in no other word.
ZOE, NAME = FarmerId(7), "Zoë-Ñandú"

COMES, GOES = Declared(ZOE, NAME, (SPOON, SPADE)), Departed(ZOE, (SPADE, SPOON))


class ForgettingCase(SharedCase):
    def setUp(self) -> None:
        super().setUp()
        self.known: dict[PostgreSQLLedger, int] = {}

    async def append(
        self, node: PostgreSQLLedger, *facts: Fact, kept: tuple[Kept, ...] = ()
    ) -> None:
        """Append after the present end.  A late node then has the turn."""
        after = self.known.get(node, 0)
        try:
            self.known[node] = await node.append(facts, after, verifiers(facts), kept)
        except Stale as late:
            after += len(late.missed)
            self.known[node] = await node.append(facts, after, verifiers(facts), kept)

    def count(self, name: str) -> int:
        """How often a name stands in any row of any table."""
        tables = self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'granja'")
        dumps = (self.sql(f"SELECT t::text FROM granja.{table} t") for (table,) in tables)
        content = "".join(str(row[0]) for rows in dumps for row in rows)
        escaped = "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in name)
        return content.count(name) + content.count(escaped) + content.count(names.fold(name))

    def granja(self, *words: str) -> tuple[int, str]:
        out = StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            status = cli.main(words)
        return status, out.getvalue()


def unless_away(failure: Failure) -> None:
    failure.trap(NotStored)


class Forgetting(ForgettingCase):
    async def test_the_chain_holds_no_name(self) -> None:
        """Readers of the chain have the names: another node at once, and a later node."""
        north, south = self.node("norte"), self.node("sur")
        ear = Ear()
        south.watch(ear)
        heard = ear.next()
        await self.append(north, *STORY, COMES)
        await heard
        self.assertEqual(ear.facts, [(0, [*STORY, COMES])])
        self.assertEqual(
            self.sql("SELECT count(*) FROM granja.entries WHERE body ~ 'Ana|Zo'"), [(0,)]
        )
        self.node("este")
        self.assertEqual(list(self.opened.facts), [*STORY, COMES])

    async def test_no_byte_is_left(self) -> None:
        """This holds in every table while two nodes run.  What they still know does not come
        back."""
        north, south = self.node("norte"), self.node("sur")
        self.assertTrue(IForgetful.providedBy(north))
        ear = Ear()
        south.watch(ear)
        kept = (
            Kept("mutes", names.fold(NAME), {"whom": NAME}),
            Kept("acts", "1", {"why": f"insultó a {NAME}."}),
            Kept("acts", "2", {"why": "nada"}),
        )
        heard = ear.next()
        await self.append(north, *STORY, COMES, kept=kept)
        await heard
        market = market_of(Opened(), [*STORY, COMES])
        south.checkpoint(market.snapshot(), len(STORY) + 1)
        await self.append(south, GOES)
        self.assertGreater(self.count(NAME), 0)
        self.assertEqual(await north.forget([ZOE]), 1)
        self.assertEqual(self.count(NAME), 0)
        self.assertEqual(
            ear.kept[-2:],
            [
                Kept("mutes", names.fold(NAME), None),
                Kept("acts", "1", {"why": "insultó a granjero 7."}),
            ],
        )
        for node in (north, south):
            await self.append(node, Left(ANA), Returned(ANA))
        self.assertEqual(self.count(NAME), 0)
        self.node("este")
        self.assertEqual(next(iter(self.opened.facts)), GOES)
        state = self.opened.snapshot
        assert state is not None
        self.assertIn([7, "granjero 7"], state["names"])
        status, said = self.granja("audit", "--ledger", self.url)
        self.assertEqual(status, 0, said)
        status, said = self.granja("trace", str(SPOON), "--ledger", self.url)
        self.assertIn("  farmer 7 left the granja with ", said)

    async def test_a_registered_name_is_let_go(self) -> None:
        """It is nobody's then, and neither is its password."""
        north = self.node("norte")
        ana = await north.claim(names.parse("Ana"))
        await self.append(north, Declared(ana.farmer, "Ana", ()), Registered(ana.farmer, "Ana"))
        self.assertGreater(self.count("Ana"), 0)
        await self.append(north, Released(ana.farmer, ()))
        self.assertEqual(await north.forget_name("ANA"), 1)
        self.assertEqual(self.count("Ana"), 0)
        self.assertEqual(await north.verifier(ana.farmer), "")
        again = await north.claim(names.parse("Ana"))
        self.assertNotEqual(again.farmer, ana.farmer)

    async def test_a_visitors_name_that_nobody_has_freed(self) -> None:
        """Their node died, and no other has come round to it yet."""
        north = self.node("norte")
        zoe = await north.claim(names.parse(NAME))
        ana = await north.claim(names.parse("Ana"))
        await self.append(north, Declared(zoe.farmer, NAME, ()), Departed(zoe.farmer, ()))
        self.assertEqual(await north.forget([zoe.farmer]), 1)
        self.assertEqual(self.count(NAME), 0)
        self.assertEqual(self.sql("SELECT farmer FROM granja.names"), [(ana.farmer,)])

    async def test_visitors_go_after_a_while(self) -> None:
        """It forgets those who left before that time, and nobody else."""
        north, now = self.node("norte"), 1763848000.25
        await self.append(north, *STORY, COMES, GOES)
        self.assertEqual(await north.forget_visitors(now - 1), 0)
        self.assertEqual(await north.forget_visitors(now + 1), 1)
        self.assertEqual((self.count(NAME), self.count("Ana") > 0), (0, True))

    async def test_a_ban_outlasts_a_visit(self) -> None:
        """After a while a visitor's name goes from the chain, but not from what stands beside."""
        north = self.node("norte")
        await self.append(north, COMES, GOES, kept=(Kept("bans", names.fold(NAME), 1),))
        self.assertEqual(await north.forget_visitors(1763848001.25), 1)
        self.assertEqual(self.sql("SELECT value FROM granja.kept"), [("1",)])
        self.assertEqual(await north.forget([ZOE]), 0)

    async def test_a_name_that_comes_in_meanwhile_is_forgotten_too(self) -> None:
        """Another node writes it while this one begins to forget it."""
        north = self.node("norte")
        with closing(psycopg.connect(server().url(name_of(self.url)))) as other:
            other.execute("SELECT 1 FROM granja.head FOR UPDATE")
            forgetting = north.forget([ZOE])
            await self.waiting_for_a_lock(forgetting)
            other.execute("INSERT INTO granja.pseudonyms VALUES ('x', %s, 'x', %s)", (ZOE, NAME))
            other.commit()
        self.assertEqual(await forgetting, 1)
        self.assertEqual(self.count(NAME), 0)

    async def test_without_a_database_no_name_is_forgotten(self) -> None:
        """Whoever asked for it hears so, and may ask again."""
        north = self.node("norte")
        await self.append(north, COMES)
        with closing(psycopg.connect(server().url(name_of(self.url)))) as other:
            other.execute("SELECT 1 FROM granja.head FOR UPDATE")
            forgetting = north.forget([ZOE])
            await self.waiting_for_a_lock(forgetting)
            self.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'granja norte' AND datname = current_database()"
            )
            with self.assertRaises(NotStored):
                await forgetting
        self.assertGreater(self.count(NAME), 0)
        while (count := await north.forget([ZOE]).addErrback(unless_away)) is None:
            await later()
        self.assertEqual(count, 1)

    async def test_a_name_is_forgotten_though_the_node_has_the_turn(self) -> None:
        """The turn ends first, since what is done in it may be undone."""
        self.patch(writers, "TURN", 5.0)
        north = self.node("norte")
        await self.append(north, COMES)
        with self.assertRaises(Stale):
            await north.append([GOES], 0, {})
        self.assertEqual(await north.forget([ZOE]), 1)
        self.assertEqual(await north.append([], 1, {}), 1)
        self.assertEqual(self.count(NAME), 0)

    async def test_a_key_is_deleted_though_the_node_has_the_turn(self) -> None:
        """When the others have heard of it, this node may be late with something else.  What it
        does in that turn may be undone; the name does not come back."""
        time = 100.0
        north = PostgreSQLLedger(
            Address(self.url), "norte", reactor, lambda: 1763848000.25, lambda: time, 60.0
        )
        self.addCleanup(north.close)
        north.open()
        await self.append(north, COMES, kept=(Kept("mutes", names.fold(NAME), 1),))
        forgetting = north.forget([ZOE])
        while self.sql("SELECT 1 FROM granja.kept WHERE value IS NOT NULL"):
            await later()
        for _ in range(2):  # By the second answer it has had time to end.
            self.assertEqual(await north.append([], 1, {}), 1)
        self.assertNoResult(forgetting)
        time += 10
        with self.assertRaises(Stale):
            await north.append([GOES], 0, {})
        self.assertEqual(await forgetting, 1)
        self.assertEqual(await north.append([], 1, {}), 1)
        self.assertEqual(self.count(NAME), 0)

    async def test_a_node_that_closes_forgets_what_it_has_begun_to(self) -> None:
        """It does not wait until the others have heard of it: they read it when they come back,
        and a key that is a name must not stay."""
        north = self.node("norte")
        await self.append(north, COMES, kept=(Kept("mutes", names.fold(NAME), 1),))
        forgetting = north.forget([ZOE])
        await north.close()
        self.assertEqual(await forgetting, 1)
        self.assertEqual(self.count(NAME), 0)

    async def test_a_node_that_closes_without_a_database(self) -> None:
        """Whoever waits hears that it is not done: the key is there still."""
        wire = Wire(server().port)
        self.addCleanup(wire.close)
        self.url = self.url.replace(f":{server().port}/", f":{wire.port}/")
        north = self.node("norte")
        await self.append(north, COMES, kept=(Kept("mutes", names.fold(NAME), 1),))
        forgetting = north.forget([ZOE])
        while self.sql("SELECT 1 FROM granja.kept WHERE value IS NOT NULL"):
            await later()
        wire.closed = True
        wire.cut()
        await north.close()
        with self.assertRaisesRegex(NotStored, "the server stops"):
            await forgetting

    async def test_what_is_not_stored_leaves_no_name(self) -> None:
        """A node that was late writes its name with the second attempt, once."""
        north, south = self.node("norte"), self.node("sur")
        await self.append(north, *STORY)
        with self.assertRaises(Stale) as late:
            await south.append([COMES], 0, {})
        self.known[south] = len(late.exception.missed)
        await self.append(south, COMES)
        self.assertEqual(
            self.sql("SELECT name FROM granja.pseudonyms ORDER BY farmer"),
            [("Ana",), ("Beto",), (NAME,)],
        )

    async def test_there_and_back(self) -> None:
        """A ledger that can forget is one in the other engine as well."""
        north = self.node("norte")
        await self.append(north, *STORY, COMES)
        await north.close()
        file = Path(self.mktemp())
        self.assertEqual(self.granja("copy", self.url, f"sqlite:{file}")[0], 0)
        self.assertNotIn(b"plain", file.read_bytes()[-4096:])
        self.sql("DROP SCHEMA granja CASCADE")
        status, said = self.granja("copy", f"sqlite:{file}", self.url)
        self.assertEqual(status, 0, said)
        again = self.node("norte")
        self.assertIsNone(again.objection())
        self.assertEqual(market_of(self.opened, self.opened.facts).names[ZOE], NAME)
        self.known[again] = self.opened.sequence
        await self.append(again, GOES)
        self.assertEqual(await again.forget([ZOE]), 1)
        self.assertEqual(self.count(NAME), 0)


class Archiving(ForgettingCase):
    async def test_a_ledger_is_closed_and_goes_on(self) -> None:
        """This happens when no node runs.  The audit reads both together, whichever node went
        on."""
        north = self.node("norte")
        await self.append(north, *STORY, COMES)
        file = Path(self.mktemp())
        said = self.granja("archive", self.url, str(file))
        self.assertEqual(said[0], 1)
        self.assertRegex(said[1], r"a node of postgresql://\S+ runs, norte: stop all of them first")
        before = market_of(Opened(), [*STORY, COMES]).snapshot()
        await north.close()
        status, said_then = self.granja("archive", self.url, str(file))
        self.assertEqual(status, 0, said_then)
        self.assertNotIn(NAME.encode(), file.read_bytes())
        again = self.node("norte")
        self.assertEqual(self.opened.sequence, 10)
        self.assertEqual(market_of(self.opened, self.opened.facts).snapshot(), before)
        self.known[again] = 10
        south = self.node("sur")
        self.known[south] = 10
        await self.append(south, GOES)
        await self.append(again, Left(ANA))
        status, report = self.granja("audit", "--ledger", self.url, "--archives", str(file))
        self.assertEqual(status, 0, report)
        self.assertIn("12 entries; 2 trades", report)
        self.assertEqual(await again.forget([ZOE]), 1)
        words = ("trace", str(SPOON), "--ledger", self.url, "--archives", str(file))
        self.assertIn("  farmer 7 declared", self.granja(*words)[1])


class OlderTables(ForgettingCase):
    """The tables of granja 1.5.0."""

    def setUp(self) -> None:
        super().setUp()
        script = Path(__file__).with_name("schema_1.sql").read_text("utf-8")
        self.sql(
            "SET ROLE granja",
            script,
            "INSERT INTO granja.granja VALUES (gen_random_uuid(), 1)",
        )

    async def test_they_are_brought_up_to_date(self) -> None:
        """An empty one as if it were new."""
        self.assertIn("is older than this granja", self.granja("audit", "--ledger", self.url)[1])
        north = self.node("norte")
        await self.append(north, *STORY, COMES, GOES)
        self.assertEqual(await north.forget([ZOE]), 1)
        status, said = self.granja("audit", "--ledger", self.url)
        self.assertEqual(status, 0, said)

    async def test_two_nodes_at_once_bring_them_up_to_date_once(self) -> None:
        """And while they do, no older node comes in, which would write by the old rules."""
        sessions = [Session(Address(self.url), f"test {n}") for n in (1, 2)]
        connections = [session.connect() for session in sessions]
        with closing(psycopg.connect(server().url(name_of(self.url)))) as reader:
            reader.execute("SELECT 1 FROM granja.granja")
            doing = [deferToThread(bring_up_to_date, one, "here") for one in connections]
            while len(self.sql("SELECT 1 FROM pg_locks WHERE NOT granted")) < 2:
                await later()
            with self.assertRaises(psycopg.errors.LockNotAvailable):
                self.sql(
                    "SET lock_timeout = 50",
                    "INSERT INTO granja.leases VALUES (1, 'vieja', 1, now() + interval '1 min', 1)",
                )
        farms = [await one for one in doing]
        for session in sessions:
            session.drop()
        self.assertEqual(farms[0], farms[1])
        self.assertEqual(self.sql("SELECT version FROM granja.granja"), [(2,)])

    async def test_names_in_plain_stay(self) -> None:
        """The ledger says so, and the chain goes on."""
        body = '{"artifacts":[],"farmer":1,"name":"Ana"}'
        entry = digest(GENESIS, 1, 1.5, "declared", body).hex()
        self.sql(
            f"INSERT INTO granja.entries VALUES (1, 1.5, 'declared', '{body}', '\\x{entry}', NULL)",
            "UPDATE granja.head SET sequence = 1, hash = (SELECT hash FROM granja.entries)",
        )
        north = self.node("norte")
        self.assertEqual(list(self.opened.facts), [Declared(ANA, "Ana", ())])
        self.known[north] = 1
        await self.append(north, COMES)
        self.assertIn("granja rewrite", str(north.objection()))
        with self.assertRaises(CannotForget):
            await north.forget([ANA])
        status, said = self.granja("audit", "--ledger", self.url)
        self.assertEqual(status, 0, said)

    async def test_an_older_node_that_runs_is_in_the_way(self) -> None:
        """It would go on writing names."""
        self.sql("INSERT INTO granja.leases VALUES (1, 'vieja', 1, now() + interval '1 min', 1)")
        with self.assertRaises(LedgerRefused) as caught:
            self.node("norte")
        self.assertIn("of which a node runs, vieja: stop all nodes", str(caught.exception))
