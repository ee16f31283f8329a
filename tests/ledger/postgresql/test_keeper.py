"""A node renews its lease in time, and asks no more often than it has to."""

from __future__ import annotations

from threading import Event
from typing import Any

from granja.ledger.postgresql import lease as leases, watchdog as watchdogs, writer as writers
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.keeper import Keeper
from granja.ledger.postgresql.lease import Lease
from granja.ledger.postgresql.schema import bring_up_to_date
from granja.ledger.postgresql.session import Away, Session
from granja.ledger.postgresql.watchdog import PATIENCE, Watchdog
from tests.ledger.postgresql.test_lost import LostCase, later
from tests.ledger.postgresql.test_shared import ANA_COMES, Ear
from tests.support.ledgers import reactor
from tests.support.ports import free_port


class Times:
    """When something happened, in seconds."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def note(self, *what: object) -> None:
        self.at.append(reactor.seconds())

    async def wait_for(self, count: int) -> float:
        """Wait until it has happened that often.  Returns the seconds between first and last."""
        while len(self.at) < count:
            await later(0.02)
        return self.at[count - 1] - self.at[0]


class Renewals(LostCase):
    def keeper(self, session: Session, looks: Times) -> Keeper:
        lease = Lease("norte", 5.0)
        first = Session(Address(self.url), "first")
        connection = first.connect()
        bring_up_to_date(connection, "here")
        lease.take(connection)
        first.drop()
        ignore = Times().note
        keeper = Keeper(session, lease, reactor.seconds, looks.note, ignore, ignore, ignore)
        self.addCleanup(keeper.stop)
        return keeper

    async def test_a_lease_is_renewed_from_time_to_time(self) -> None:
        """Each renewal is a commit that waits for a standby."""
        self.patch(leases, "RENEWED_EACH", 0.4)
        renewals = Times()
        self.keeper(Session(Address(self.url), "test"), renewals).start()
        self.assertGreater(await renewals.wait_for(4), 1.0)

    async def test_a_database_that_is_away_is_not_hammered(self) -> None:
        attempts = Times()

        class Nowhere(Session):
            def connect(self) -> Any:
                attempts.note()
                raise Away("it is away")

        self.keeper(Nowhere(Address(self.url), "test"), Times()).start()
        self.assertGreater(await attempts.wait_for(4), 0.8)

    async def test_others_writes_are_heard_of_at_once(self) -> None:
        """The database says that something came in; nobody has to look for it."""
        self.patch(writers, "LOOK", 600.0)
        ear, node, other = Ear(), self.node("norte"), self.node("sur")
        node.watch(ear)
        await self.until(  # It listens before it renews its lease.
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'granja norte lease' "
            "AND query LIKE '%granja.leases%'"
        )
        for number in range(3):
            await other.append([ANA_COMES], number, {})
            while len(ear.facts) < number + 1:
                await ear.next()

    test_others_writes_are_heard_of_at_once.timeout = 20  # type: ignore[attr-defined]


class Patience(LostCase):
    """The watchdog cuts a connection only when the server does not work for it any more."""

    def watch(self, servers: list[int]) -> tuple[list[int], Event]:
        """A session that waits for one server after the other, with nobody to ask about them."""
        cut: list[int] = []
        over = Event()

        class Waiting(Session):
            def waits_for(self) -> int:
                if not servers:
                    over.set()
                return servers.pop(0) if servers else 0

            def cut(self) -> None:
                cut.append(len(servers))

        self.patch(watchdogs, "EACH", 0.01)
        nowhere = Address(f"postgresql://granja@127.0.0.1:{free_port()}/granja")
        watchdog = Watchdog(nowhere, [Waiting(nowhere, "test")])
        self.addCleanup(watchdog.stop)
        watchdog.start()
        return cut, over

    async def is_over(self, over: Event) -> None:
        while not over.is_set():
            await later(0.02)

    async def test_the_same_statement_for_long_is_cut(self) -> None:
        """It is asked about after so many looks, and once more whether it still waits."""
        cut, over = self.watch([7] * (PATIENCE + 2) + [9])
        await self.is_over(over)
        self.assertEqual(cut, [1])

    async def test_one_that_was_answered_just_now_is_not_cut(self) -> None:
        cut, over = self.watch([7] * (PATIENCE + 1) + [0, 9])
        await self.is_over(over)
        self.assertEqual(cut, [])

    async def test_others_one_after_the_other_are_not_cut(self) -> None:
        cut, over = self.watch([7, 9] * PATIENCE * 2)
        await self.is_over(over)
        self.assertEqual(cut, [])

    async def test_it_begins_to_count_anew(self) -> None:
        """After it has asked, and after a pause."""
        cut, over = self.watch(([7] * PATIENCE + [0]) * 3)
        await self.is_over(over)
        self.assertEqual(cut, [])
