"""What an operator reads about a database that is no ledger, and what nobody reads."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from granja.contract.errors import ConfigurationError
from granja.ledger import url as urls
from granja.ledger.interface import LedgerRefused
from granja.ledger.postgresql import ledger as opening, schema, session
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.ledger import PostgreSQLLedger
from granja.ledger.postgresql.schema import Connection
from granja.ledger.postgresql.session import Session
from granja.ledger.shared import ISharedLedger
from granja.ledger.url import check, open_ledger, shown
from tests.support.ledgers import reactor
from tests.support.logs import sentences
from tests.support.ports import free_port
from tests.support.postgresql import database, name_of, server


class Enough(BaseException):
    """A test has waited long enough."""


class Opening(SynchronousTestCase):
    def setUp(self) -> None:
        self.url = database(self)
        self.logged = sentences(self)
        self.slept = 0.0

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        return server().sql(*statements, database=name_of(self.url))

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        if self.slept > 21:
            raise Enough

    def ledger(self, url: str | None = None) -> PostgreSQLLedger:
        address = Address(self.url if url is None else url)
        ledger = PostgreSQLLedger(
            address, "norte", reactor, lambda: 1.0, reactor.seconds, sleep=self.sleep
        )
        self.addCleanup(ledger.close)
        return ledger

    def refusal(self, url: str | None = None) -> str:
        with self.assertRaises(LedgerRefused) as caught:
            self.ledger(url).open()
        why = str(caught.exception)
        self.assertNotIn("contrase", why)
        self.assertNotIn("\n", why)
        return why

    def test_somebody_elses_tables(self) -> None:
        """They stay unchanged, and no table is made beside them."""
        self.sql("CREATE TABLE public.customers (id int)")
        self.assertIn("somebody else's tables, such as public.customers;", self.refusal())
        self.assertEqual(self.sql("SELECT to_regnamespace('granja')"), [(None,)])

    def test_another_programs_schema(self) -> None:
        self.sql("CREATE SCHEMA granja AUTHORIZATION granja")
        self.assertIn("has a schema granja that is no granja's ledger", self.refusal())

    def test_tables_that_cannot_be_read_just_now(self) -> None:
        """That is no other program's schema.  PostgreSQL's own reason is told."""
        self.sql(
            "CREATE SCHEMA granja",
            "GRANT USAGE ON SCHEMA granja TO granja",
            "CREATE VIEW granja.granja AS SELECT 'x' AS farm, 1 / (random() * 0)::int AS version",
            "GRANT SELECT ON granja.granja TO granja",
        )
        self.assertRegex(self.refusal(), r"cannot be read: division by zero \(22012\)\Z")

    def test_a_ledger_that_cannot_be_read_is_let_go(self) -> None:
        """No connection is left behind by a start that failed."""
        self.ledger().open()
        self.sql("ALTER TABLE granja.leases RENAME TO others")
        self.assertIn("cannot be read: relation", self.refusal())
        gc.collect()  # A connection that nobody has closed would be warned of.

    def test_two_first_nodes_make_one_farm(self) -> None:
        """The second waits while the first makes the tables, and takes them."""
        sessions = [Session(Address(self.url), f"test {n}") for n in (1, 2)]
        connections = [one.connect() for one in sessions]
        with (
            closing(psycopg.connect(server().url(name_of(self.url)))) as holder,
            ThreadPoolExecutor() as threads,
        ):
            holder.execute("SELECT pg_advisory_lock(%s)", (schema._LOCK,))
            holder.commit()
            farms = [
                threads.submit(schema.bring_up_to_date, connection, "here")
                for connection in connections
            ]
            while len(self.sql("SELECT 1 FROM pg_locks WHERE NOT granted")) < 2:
                self.assertFalse([farm for farm in farms if farm.done()])
            holder.execute("SELECT pg_advisory_unlock_all()")
            made = [farm.result() for farm in farms]
        made.append(schema.bring_up_to_date(connections[0], "here"))
        for one in sessions:
            one.drop()
        self.assertEqual(
            [(farm,) for farm in made], self.sql("SELECT farm::text FROM granja.granja") * 3
        )

    def test_a_node_without_a_name_is_called_as_its_machine(self) -> None:
        """Two machines have two names already."""
        for node, name in (("sur", "sur"), ("", os.uname().nodename)):
            ledger = open_ledger(self.url, reactor, lambda: 1.0, node)
            self.addCleanup(ledger.close)
            ledger.open()
            last = self.sql("SELECT node FROM granja.leases ORDER BY writer DESC LIMIT 1")
            self.assertEqual(last, [(name,)])

    def test_a_newer_granjas(self) -> None:
        self.ledger().open()
        self.sql("UPDATE granja.granja SET version = 9")
        self.assertIn("has version 9, but this granja knows only up to 2;", self.refusal())

    def test_a_superuser(self) -> None:
        """The role of the tests' operator is one."""
        url = f"postgresql://root@127.0.0.1:{server().port}/{name_of(self.url)}"
        self.assertIn("is a superuser, which a granja must not be", self.refusal(url))

    def test_a_role_that_may_make_nothing(self) -> None:
        name = name_of(self.url)
        self.sql(f"ALTER DATABASE {name} OWNER TO root")
        self.addCleanup(self.sql, f"ALTER DATABASE {name} OWNER TO granja")
        self.assertIn("may not make tables there; it must own the database", self.refusal())

    def test_an_old_postgresql(self) -> None:
        self.patch(schema, "OLDEST", 990000)
        ((version,),) = self.sql("SHOW server_version")
        major = str(version).split(".")[0]
        self.assertIn(f"is PostgreSQL {major}, which is too old: 99 or newer", self.refusal())

    def test_a_wrong_password_or_database(self) -> None:
        """Waiting makes it no better."""
        self.assertIn(
            "password authentication failed", self.refusal(self.url.replace("s3creta", "s4creta"))
        )
        self.assertIn("does not exist", self.refusal(f"{self.url}x"))
        self.assertEqual(self.slept, 0)

    def test_a_database_that_is_away_is_waited_for(self) -> None:
        """A sentence each ten seconds, and the password in none."""
        away = f"postgresql://granja:sesame@127.0.0.1:{free_port()}/granja"
        with self.assertRaises(Enough):
            self.ledger(away).open()
        said = [line for line in self.logged if "is away; waiting for it" in line]
        self.assertEqual(len(said), 3)
        self.assertIn("refused", said[0])
        self.assertNotIn("sesame", " ".join(self.logged))

    def test_a_connection_that_is_lost_at_the_start(self) -> None:
        """It begins again: a machine that is too busy, or a failover, ends no start."""
        real = session.complaints

        def lose(connection: Connection) -> list[str]:
            self.patch(opening, "complaints", real)
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            raise AssertionError("the server has not hung up")

        self.patch(opening, "complaints", lose)
        self.assertEqual(self.ledger().open().sequence, 0)
        said = [line for line in self.logged if "was lost at the start" in line]
        self.assertEqual(len(said), 1)
        self.assertNotIn("contrase", said[0])
        self.assertGreater(self.slept, 0, "nobody hammers a database that goes away")

    def test_an_operator_who_waits_no_more(self) -> None:
        """Ctrl-C, with a sentence and no traceback."""

        def interrupt(seconds: float) -> None:
            raise KeyboardInterrupt

        self.patch(self, "sleep", interrupt)
        away = f"postgresql://granja@127.0.0.1:{free_port()}/granja"
        self.assertIn("nobody waits for the database", self.refusal(away))

    def test_it_provides_the_interface_of_shared_ledgers(self) -> None:
        """All that the nodes ask of it."""
        self.assertTrue(verifyObject(ISharedLedger, self.ledger()))

    def test_a_database_without_a_standby_is_warned_of(self) -> None:
        """The database of the tests has its syncs off."""
        self.ledger().open()
        said = " ".join(self.logged)
        self.assertIn("it has no synchronous standby: what is told is on one machine only", said)
        self.assertIn("fsync is off: a power cut may damage it", said)
        self.assertNotIn("contrase", said)

    def test_a_table_that_was_changed_is_found(self) -> None:
        ledger = self.ledger()
        ledger.open()
        session = Session(ledger.address, "test")
        connection = session.connect()
        self.addCleanup(session.drop)
        self.assertIsNone(schema.problem(connection))
        self.sql("ALTER TABLE granja.entries ADD COLUMN note text")
        self.assertEqual(
            schema.problem(connection), "the column entries.note (text) is not granja's"
        )
        self.sql("ALTER TABLE granja.entries DROP COLUMN note")
        self.sql("ALTER TABLE granja.entries RENAME writer TO author")
        self.assertIn("author (bigint) is not granja's", str(schema.problem(connection)))
        self.sql("ALTER TABLE granja.entries DROP COLUMN author")
        self.assertEqual(schema.problem(connection), "it has no column entries.writer (bigint)")
        self.sql("ALTER TABLE granja.entries ADD writer bigint")
        self.assertIsNone(schema.problem(connection))
        self.sql("CREATE FUNCTION granja.trade() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        self.assertEqual(schema.problem(connection), "its function trade is not as granja makes it")
        self.sql("DROP FUNCTION granja.trade")
        self.sql(
            "CREATE RULE forget AS ON DELETE TO granja.entries DO INSTEAD NOTHING",
        )
        self.assertEqual(schema.problem(connection), "the rule forget is not granja's")


class Urls(SynchronousTestCase):
    def test_a_url_is_shown_without_its_password(self) -> None:
        """This holds with several hosts too."""
        for url, wanted in (
            ("postgresql://ana:s3cr%40t@a:1/g", "postgresql://ana@a:1/g"),
            ("postgres://ana:s@a:1,b:2/g?sslmode=require", "postgresql://ana@a:1,b:2/g"),
            ("postgresql://a,b/g?password=s", "postgresql://a,b/g"),
            ("postgresql://a,b/g?port=5433", "postgresql://a:5433,b:5433/g"),
            ("sqlite:granja.db", "sqlite:granja.db"),
        ):
            self.assertEqual(shown(url), wanted)

    def test_the_password_is_known_where_it_must_be_hidden(self) -> None:
        """The server hides it in the list of the machine's processes."""
        for url, wanted in (
            ("postgresql://ana:s3cr%40t@a:1/g", "s3cr@t"),
            ("postgresql://a,b/g?password=s", "s"),
            ("postgresql://ana@a/g", None),
            ("postgresql://ana:@a/g", None),
            ("sqlite:granja.db", None),
        ):
            self.assertEqual(urls.password_of(url), wanted)

    def test_a_url_that_nobody_understands_is_not_said_again(self) -> None:
        for url in ("postgresql://a:s3cret%zz@b/c", "postgres//a:s3cret@b", "pg://a:s3cret@b/c"):
            with self.assertRaises(ConfigurationError) as caught:
                check(url)
            self.assertNotIn("s3cret", str(caught.exception))

    def test_without_the_library_it_says_what_to_install(self) -> None:
        """Whatever somebody wants to do with such a ledger."""
        self.patch(urls, "find_spec", lambda name: None)

        def opened(url: str) -> object:
            return open_ledger(url, reactor, lambda: 1.0)

        for way in (opened, urls.open_archive, urls.open_target, urls.open_closed):
            with self.assertRaises(ConfigurationError) as caught:
                way("postgresql://a/b")
            self.assertIn("pip install 'granja[cluster]'", str(caught.exception))

    def test_a_farm_of_one_node_does_not_load_the_library(self) -> None:
        """It does not start more slowly because of it."""
        program = "import sys, granja.tap, granja.factory; print('psycopg' in sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        self.assertEqual(done.stdout, "False\n")
