"""Questions about names and passwords are answered one after the other, or refused."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet.defer import Deferred

from granja.contract.ids import FarmerId
from granja.ledger.interface import NotStored
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.desk import Desk
from granja.ledger.postgresql.lease import Lease
from granja.ledger.postgresql.schema import Connection, bring_up_to_date
from granja.ledger.postgresql.session import Away, Session
from tests.ledger.postgresql.test_lost import later
from tests.ledger.postgresql.test_shared import SharedCase
from tests.support.ledgers import ANA, reactor


def process(connection: Connection) -> object:
    """The server's process at the other end."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row and row[0]


class Desks(SharedCase):
    def desk(self) -> Desk:
        """A desk of a node that does nothing else."""
        session, lease = Session(Address(self.url), "test"), Lease("norte", 60.0)
        connection = session.connect()
        bring_up_to_date(connection, "here")
        lease.take(connection)
        session.drop()
        desk = Desk(session, lease, reactor)
        self.addCleanup(desk.stop)
        desk.start()
        return desk

    async def test_a_mistake_of_ours_is_no_end(self) -> None:
        """Whoever asked hears that something failed, and the next question is answered."""
        desk = self.desk()

        def mistake(connection: Connection) -> FarmerId:
            raise LookupError

        with self.assertRaisesRegex(NotStored, "LookupError"):
            await desk.ask(mistake)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.assertEqual(await desk.verifier(ANA), "")

    async def test_a_node_without_a_lease_is_told_nothing(self) -> None:
        """However often it asks: what it reads may be old."""
        desk = self.desk()
        self.sql("DELETE FROM granja.leases")
        for _ in range(2):
            with self.assertRaisesRegex(NotStored, "the lease of this node is over"):
                await desk.verifier(ANA)

    async def test_a_connection_that_was_lost_meanwhile_is_no_answer(self) -> None:
        """It asks again, by another one."""
        desk = self.desk()
        first, second = [await desk.ask(process) for _ in range(2)]
        self.assertEqual(first, second, "it keeps a connection that is not lost")
        self.sql(f"SELECT pg_terminate_backend({first})")
        self.assertNotIn(await desk.ask(process), (first, None))

    async def test_what_was_asked_before_the_end_is_answered(self) -> None:
        desk = self.desk()
        asked = [desk.living() for _ in range(3)]
        desk.stop()
        for one in asked:
            self.assertEqual(await one, {1})

    async def test_it_ends_though_the_database_went_away(self) -> None:
        """Whoever waits behind a question that failed hears so, and no thread is left."""
        threads, going = set(threading.enumerate()), threading.Event()
        desk = self.desk()

        def fail(connection: Connection) -> None:
            going.wait()
            raise Away("it is away")

        asked: list[Deferred[Any]] = [desk.ask(fail), desk.living()]
        desk.stop()
        going.set()
        for one in asked:
            with self.assertRaisesRegex(NotStored, "it is away"):
                await one
        while {t for t in set(threading.enumerate()) - threads if t.name == "granja-names"}:
            await later()
