"""A connection to the database: when there is one, and what its errors mean."""

from __future__ import annotations

import psycopg

from granja.ledger.interface import LedgerRefused
from granja.ledger.postgresql import session as sessions
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.schema import Connection, bring_up_to_date
from granja.ledger.postgresql.session import Away, Session, complaints
from tests.ledger.postgresql.test_lost import LostCase, later
from tests.support.postgresql import name_of


class SessionCase(LostCase):
    def setUp(self) -> None:
        super().setUp()
        self.session = Session(Address(self.url), "test")
        self.addCleanup(self.session.drop)

    def is_up(self) -> bool:
        return self.session.is_up


class AConnection(SessionCase):
    def test_before_the_first_there_is_none(self) -> None:
        self.assertFalse(self.is_up())
        with self.assertRaises(Away):
            _ = self.session.connection

    def test_a_new_one_takes_the_place_of_the_old(self) -> None:
        """One server process for each session, however often it connects."""
        old = self.session.connect()
        new = self.session.connect()
        self.assertTrue(old.closed)
        self.assertIs(self.session.connection, new)

    def test_one_that_is_closed_is_none(self) -> None:
        self.session.connect().close()
        self.assertFalse(self.is_up())
        with self.assertRaises(Away):
            _ = self.session.connection

    async def test_the_server_has_hung_up(self) -> None:
        """It shows before anything is sent, so nothing can be half done."""
        connection = self.session.connect()
        self.session.check()
        mine = f"FROM pg_stat_activity WHERE pid = {connection.info.backend_pid}"
        self.sql(f"SELECT pg_terminate_backend(pid) {mine}")
        while self.sql(f"SELECT 1 {mine}"):
            await later()
        await later(0.2)  # The server's last words travel through the wire.
        with self.assertRaises(Away):
            self.session.check()
        self.assertFalse(self.is_up())

    def test_one_that_fails_at_once_is_closed(self) -> None:
        """Where the server cannot even set what every connection sets first."""
        self.patch(sessions, "_SETTINGS", "SELECT 1 / 0")
        with self.assertRaisesRegex(Away, "division by zero"):
            self.session.connect()
        self.assertFalse(self.is_up())

    def test_one_that_is_hung_up_may_be_answered_later(self) -> None:
        """Only what no waiting can change is refused."""
        self.wire.closed = True
        with self.assertRaises(Away):
            self.session.connect()
        nobody = Session(Address(f"{self.url}_"), "test")
        self.wire.closed = False
        with self.assertRaisesRegex(LedgerRefused, "does not exist"):
            nobody.connect()

    def test_another_farm_is_not_connected_to(self) -> None:
        """A failover may lead to somebody else's database: nothing is read there."""
        self.session.farm = bring_up_to_date(self.session.connect(), "here")
        self.session.connect()
        self.sql("UPDATE granja.granja SET farm = gen_random_uuid()")
        with self.assertRaisesRegex(LedgerRefused, "has become that of another granja"):
            self.session.connect()
        self.assertFalse(self.is_up())


class Watched(SessionCase):
    """The watchdog asks which server process a session waits for."""

    async def test_it_waits_for_nobody(self) -> None:
        self.assertEqual(self.session.waits_for(), 0)
        self.session.connect()
        self.assertEqual(self.session.waits_for(), 0)
        self.session.drop()
        self.assertEqual(self.session.waits_for(), 0)

    def test_a_session_without_a_connection_can_be_cut(self) -> None:
        """A server that stops cuts all of them."""
        self.session.cut()
        self.assertFalse(self.is_up())


class Complaints(SessionCase):
    def found(self, setting: str) -> list[str]:
        self.sql(f"ALTER DATABASE {name_of(self.url)} SET {setting}")
        connection: Connection = self.session.connect()
        return complaints(connection)

    def test_commits_that_wait_for_too_little(self) -> None:
        """A primary that dies takes what only it had, though farmers were told of it."""
        self.addCleanup(self.sql, f"ALTER DATABASE {name_of(self.url)} RESET synchronous_commit")
        for how in ("off", "local", "remote_write"):
            self.assertIn(
                f"synchronous_commit is {how}: the last trades may be lost with the primary",
                self.found(f"synchronous_commit = {how}"),
            )
        for how in ("on", "remote_apply"):
            said = " ".join(self.found(f"synchronous_commit = {how}"))
            self.assertNotIn("synchronous_commit", said)


class Strangeness(SessionCase):
    def test_tables_that_somebody_changed(self) -> None:
        """To try again is of no use then; after any other error it may help."""
        connection = self.session.connect()
        for statement, strange in (
            ("SELECT 1 FROM granja.nothing", True),
            ("SELECT 1 / 0", True),
            ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$", False),
        ):
            with self.assertRaises(psycopg.Error) as caught:
                connection.execute(statement)
            self.assertEqual(sessions.is_strange(caught.exception), strange, statement)
