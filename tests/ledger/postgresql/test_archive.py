"""A ledger in a database is read, closed or filled by a command, and no node comes between."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from granja.ledger.archive import Contents, NotCopied
from granja.ledger.chain import Head
from granja.ledger.interface import Kept, LedgerRefused
from granja.ledger.postgresql import lease as leases
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.archive import PostgreSQLTarget, connect_patiently
from granja.ledger.postgresql.closed import ClosedPostgreSQL
from granja.ledger.postgresql.session import Session
from granja.ledger.pseudonyms import Pseudonyms
from granja.market.market import Market
from tests.ledger.postgresql.test_lost import later
from tests.ledger.postgresql.test_shared import ANA_COMES, SharedCase
from tests.support.postgresql import name_of, server


def nothing(**more: Any) -> Contents:
    """The contents of an empty ledger, and more."""
    given: dict[str, Any] = {"verifiers": (), "kept": (), "pseudonyms": Pseudonyms(), **more}
    return Contents((), Head(), Market(), **given)


class ArchiveCase(SharedCase):
    async def meanwhile(self, work: Callable[[], Any]) -> Deferred[Any]:
        """Begin some work in a thread.  Returns when it waits for a lock, or is done."""
        doing = deferToThread(work)
        await self.waiting_for_a_lock(doing)
        return doing


class ToRead(ArchiveCase):
    def test_a_command_may_take_its_time(self) -> None:
        """A node that stands still in a transaction is cut off.  A command is not: it copies a
        large ledger between two statements."""
        session = Session(Address(self.url), "test")
        self.addCleanup(session.drop)
        connection = connect_patiently(session.address, session)
        shown = connection.execute("SHOW idle_in_transaction_session_timeout").fetchone()
        self.assertEqual(shown, ("0",))


class ToClose(ArchiveCase):
    async def test_a_node_that_starts_meanwhile_waits(self) -> None:
        """It begins with the new chain."""
        await self.node("norte").close()
        closed = ClosedPostgreSQL(Address(self.url))
        starting = await self.meanwhile(lambda: self.node("sur"))
        self.assertNoResult(starting)
        closed.close()
        await starting

    async def test_one_that_cannot_be_read_is_let_go(self) -> None:
        """The connection is closed, whatever the reason is."""
        await self.node("norte").close()
        self.sql("DROP TABLE granja.leases")
        with self.assertRaisesRegex(LedgerRefused, "the ledger cannot be read: .*leases"):
            ClosedPostgreSQL(Address(self.url))
        gc.collect()  # A connection that nobody has closed would be warned of.


class ToFill(ArchiveCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = PostgreSQLTarget(Address(self.url))

    async def test_nothing_is_overwritten(self) -> None:
        """Nobody audits a long ledger first and hears so then.  Nor does it matter what came in
        during the audit: an entry, or only a ban."""
        node = self.node("norte")
        await node.append([], 0, {}, [Kept("bans", "x", 1)])
        await node.close()
        for work in (self.target.check, lambda: self.target.fill(nothing())):
            with self.assertRaisesRegex(NotCopied, "there is something already"):
                work()
        self.assertEqual(self.sql("SELECT key FROM granja.kept"), [("x",)])

    async def test_it_waits_for_who_writes_there(self) -> None:
        """Two commands at once do not mix two ledgers."""
        self.target.fill(nothing())
        self.target.check()
        with closing(psycopg.connect(server().url(name_of(self.url)))) as other:
            other.execute("SELECT 1 FROM granja.head FOR UPDATE")
            filling = await self.meanwhile(
                lambda: self.target.fill(nothing(kept=[Kept("bans", "y", 1)]))
            )
            other.execute("INSERT INTO granja.kept VALUES ('bans', 'x', '1', 1)")
            other.commit()
        with self.assertRaisesRegex(NotCopied, "there is something already"):
            await filling
        self.assertEqual(self.sql("SELECT key FROM granja.kept"), [("x",)])

    async def test_names_in_plain_are_remembered(self) -> None:
        """Otherwise the ledger would promise to forget names, and leave them in the chain."""
        for plain in (True, False):
            self.target.fill(nothing(pseudonyms=Pseudonyms(plain=plain)))
            node = self.node("norte")
            self.assertEqual(node.objection() is not None, plain)
            await node.close()


class Threads(SharedCase):
    async def test_no_thread_keeps_a_server_that_fails_from_ending(self) -> None:
        """Where the ledger was never closed.  When it is closed, all of them end, without waiting
        for the next renewal of the lease."""
        self.patch(leases, "RENEWED_EACH", 600.0)
        before = set(threading.enumerate())
        node = self.node("norte", 3600.0)
        await node.append([ANA_COMES], 0, {})
        await node.verifier(ANA_COMES.farmer)
        threads = [t for t in set(threading.enumerate()) - before if t.name.startswith("granja-")]
        self.assertEqual(
            sorted((thread.name, thread.daemon) for thread in threads),
            [(f"granja-{name}", True) for name in ("lease", "ledger", "names", "watchdog")],
        )
        await node.close()
        while any(thread.is_alive() for thread in threads):
            await later()
