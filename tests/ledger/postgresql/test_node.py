"""What one node does by itself: it waits for its name, looks at the clock, asks for snapshots."""

from __future__ import annotations

import gc

from twisted.trial.unittest import SynchronousTestCase

from granja.ledger.interface import LedgerRefused, NotStored
from granja.ledger.postgresql import lease as leases, ledger as ledgers
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.ledger import PostgreSQLLedger
from granja.market.market import Market
from tests.ledger.postgresql.test_shared import ANA_COMES, BETO_COMES, GUS_COMES, SharedCase
from tests.support.ledgers import ANA, reactor
from tests.support.logs import sentences


class AnOlderLease(SharedCase):
    """A lease of this name stands at the start.  Whoever renews it twice is alive."""

    def setUp(self) -> None:
        super().setUp()
        self.node("otra")  # It makes the tables.
        self.sql("INSERT INTO granja.leases VALUES (99, 'norte', 1, now() + interval '1 hour', 2)")

    def start(self, renewals: int) -> PostgreSQLLedger:
        """Start a node while somebody renews the lease so many times, and then dies."""
        lasts = [f"now() + interval '{2 + n} hours'" for n in range(renewals)] + ["now()"]

        def sleep(seconds: float) -> None:
            self.assertLessEqual(seconds, 0.5)
            self.sql(f"UPDATE granja.leases SET until = {lasts.pop(0)} WHERE writer = 99")

        ledger = PostgreSQLLedger(
            Address(self.url), "norte", reactor, lambda: 1.0, reactor.seconds, 5.0, sleep
        )
        self.addCleanup(ledger.close)
        ledger.open()
        self.assertEqual(lasts, [])
        return ledger

    def test_of_one_who_died_it_waits_for_the_end(self) -> None:
        self.assert_waited(0)

    def test_the_last_renewal_may_have_come_after_it_began_to_wait(self) -> None:
        self.assert_waited(1)

    def assert_waited(self, renewals: int) -> None:
        """It has a lease of its own.  An operator reads once why the start takes so long."""
        said = sentences(self)
        self.assertNotEqual(self.start(renewals).writer, 99)
        waiting = [line for line in said if "waiting to see whether it lives" in line]
        self.assertEqual(len(waiting), 1)

    def test_an_operator_who_waits_no_more(self) -> None:
        def interrupt(seconds: float) -> None:
            raise KeyboardInterrupt

        ledger = PostgreSQLLedger(
            Address(self.url), "norte", reactor, lambda: 1.0, reactor.seconds, 5.0, interrupt
        )
        with self.assertRaisesRegex(LedgerRefused, "nobody waits for the database"):
            ledger.open()
        gc.collect()  # A connection that nobody has closed would be warned of.

    def test_of_one_who_lives_it_does_not(self) -> None:
        with self.assertRaisesRegex(LedgerRefused, "a node called norte is running already"):
            self.start(2)


class Clocks(SynchronousTestCase):
    """Offers end by the database's clock.  How far it is ahead is measured in the middle between
    question and answer."""

    def ahead(self, took: float) -> float:
        """How far the clock seems ahead after an answer that took so many seconds."""
        seconds = iter((50.0, 50.0 + took))
        ledger = PostgreSQLLedger(
            Address("postgresql://a/b"), "norte", reactor, lambda: 1000.0, lambda: next(seconds)
        )
        self.patch(leases, "look", lambda connection, writer: (1010.0, 0))
        connection: object = None
        ledger._look(connection)  # type: ignore[arg-type]
        return ledger.clock_ahead

    def test_the_way_there_and_back(self) -> None:
        self.assertEqual(self.ahead(0.0), 10.0)
        self.assertEqual(self.ahead(0.25), 9.875)

    def test_an_answer_that_took_long_says_nothing(self) -> None:
        self.assertEqual(self.ahead(1.0), 0.0)


class Snapshots(SharedCase):
    async def test_one_is_due_after_so_many_facts(self) -> None:
        """Counted from the last one, also after a restart."""
        self.patch(ledgers, "FACTS_PER_SNAPSHOT", 2)
        node, market = self.node("norte"), Market()
        self.assertFalse(node.wants_checkpoint())
        await node.append([ANA_COMES], 0, {})
        self.assertFalse(node.wants_checkpoint())
        await node.append([BETO_COMES], 1, {})
        self.assertTrue(node.wants_checkpoint())
        market.apply(ANA_COMES)
        market.apply(BETO_COMES)
        node.checkpoint(market.snapshot(), 2)
        await node.append([GUS_COMES], 2, {})
        self.assertFalse(node.wants_checkpoint())
        await node.close()
        self.assertFalse(node.wants_checkpoint())
        again = self.node("norte")
        self.assertFalse(again.wants_checkpoint())
        await again.append([GUS_COMES], 3, {})
        self.assertTrue(again.wants_checkpoint())


class AfterTheEnd(SharedCase):
    async def test_everything_is_refused(self) -> None:
        """Nobody waits for an answer that nobody gives."""
        node = self.node("norte")
        await node.close()
        await node.close()
        for ask in (
            lambda: node.append([ANA_COMES], 0, {}),
            lambda: node.verifier(ANA),
            lambda: node.forget([ANA]),
            node.living,
        ):
            with self.assertRaisesRegex(NotStored, "the ledger is closed"):
                await ask()
