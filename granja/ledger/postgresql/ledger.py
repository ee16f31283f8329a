"""The ledger that several nodes share: ``postgresql://…``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from threading import Event
from typing import Any, Final

import psycopg
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.ledger.chain import BadEntry, Head
from granja.ledger.forgetful import Forgetful
from granja.ledger.interface import Kept, LedgerRefused, NotStored, Opened
from granja.ledger.postgresql import lease as leases, pseudonyms, reading, schema
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.desk import Desk
from granja.ledger.postgresql.keeper import Keeper
from granja.ledger.postgresql.lease import Lease, NodeLives
from granja.ledger.postgresql.reached import Reached
from granja.ledger.postgresql.schema import Connection
from granja.ledger.postgresql.session import Away, Session, complaints, told
from granja.ledger.postgresql.watchdog import Watchdog
from granja.ledger.postgresql.writer import FACTS_PER_SNAPSHOT, Look as _Look, Writer
from granja.ledger.shared import Holder, ISharedLedger, Watcher
from granja.ledger.writing import Append, Checkpoint, Close, Forget
from granja.market.facts import Fact
from granja.text.names import Name

#: Seconds between two attempts while a start waits for the database.
AGAIN: Final = 0.5

#: After so many attempts the log says once more that it waits.
_TOLD_EACH: Final = 20

#: The longest time in seconds in which the database must say what its clock shows.
QUICK: Final = 0.5

_log = Logger()


@implementer(ISharedLedger)
class PostgreSQLLedger(Forgetful):
    """Facts in a PostgreSQL database.  Other nodes write to it too.

    :param address: of the database.
    :param node: the operator's name for this node; two running nodes never have the same name.
    :param reactor: gives the answers; the ledger's own threads talk to the database.
    :param now: the time in Unix seconds, asked at each append.
    :param seconds: a clock that only goes forward, for any thread.
    :param lasts: seconds of a lease.
    :param sleep: waits for a number of seconds, while the start waits for the database.
    """

    def __init__(
        self,
        address: Address,
        node: str,
        reactor: IReactorFromThreads,
        now: Callable[[], float],
        seconds: Callable[[], float],
        lasts: float = leases.LASTS,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.address = address
        self.here: Mapping[FarmerId, Holder] = {}
        self.clock_ahead = 0.0
        self.older_nodes = 0
        self._reactor = reactor
        self._now = now
        self._seconds = seconds
        self._sleep = sleep or Event().wait
        self._lease = Lease(node, lasts)
        self._writer: Writer | None = None
        self._keeper: Keeper | None = None
        self._desk: Desk | None = None
        self._watchdog: Watchdog | None = None
        self._watcher: Watcher | None = None
        self._snapshot_at = 0

    @property
    def writer(self) -> int:
        """The number of this node's lease."""
        return self._lease.writer

    # -- the start ---------------------------------------------------------------------------

    def open(self) -> Opened:
        """See :meth:`ILedger.open`.  It waits for a database that is away, and for the end of an
        older lease of this name.  It begins again if the connection is lost meanwhile."""
        while (opened := self._try_to_open()) is None:
            self._sleep(AGAIN)
        return opened

    def _try_to_open(self) -> Opened | None:
        """Return None if the connection was lost: the primary died, or this machine was so busy
        that the server did not wait."""
        session = Session(self.address, f"granja {self._lease.node}")
        connection: Connection | None = None
        try:
            connection = self._wait_for(session)
            session.farm = schema.bring_up_to_date(connection, str(self.address))
            for complaint in complaints(connection):
                _log.warn("The database {at}: {what}.", at=str(self.address), what=complaint)
            self._take_lease(connection)
            return self._open(session, connection)
        except psycopg.Error as error:
            lost = connection is not None and connection.closed
            session.drop()
            if lost:
                _log.warn(
                    "The connection to the database {at} was lost at the start; once more: {why}",
                    at=str(self.address),
                    why=told(error),
                )
                return None
            raise LedgerRefused(
                f"the database {self.address} cannot be read: {told(error)}"
            ) from None
        except KeyboardInterrupt:
            session.drop()
            raise LedgerRefused(f"nobody waits for the database {self.address} any more") from None
        except BaseException:
            session.drop()
            raise

    def _wait_for(self, session: Session) -> Connection:
        attempts = count()
        while True:
            try:
                return session.connect()
            except Away as away:
                if next(attempts) % _TOLD_EACH == 0:
                    _log.warn(
                        "The database {at} is away; waiting for it, with the doors shut: {why}",
                        at=str(self.address),
                        why=str(away),
                    )
            self._sleep(AGAIN)

    def _take_lease(self, connection: Connection) -> None:
        """Wait for the end of an older lease of this name.

        :raises LedgerRefused: when the other node is alive: it renews its lease more than once.
        """
        seen: list[tuple[object, ...]] = []
        while True:
            try:
                self._lease.take(connection)
                return
            except NodeLives as lives:
                seconds, *renewal = lives.args
                if not seen:
                    _log.info(
                        "A node called {node} has a lease for {seconds:.1f} s more; waiting to see "
                        "whether it lives.",
                        node=self._lease.node,
                        seconds=seconds,
                    )
                if tuple(renewal) not in seen:
                    seen.append(tuple(renewal))
                if len(seen) > 2:
                    raise LedgerRefused(
                        f"a node called {self._lease.node} is running already, on the same "
                        f"database {self.address}; give this one another name with --node"
                    ) from None
            self._sleep(min(AGAIN, self._lease.lasts / 10))

    def _open(self, session: Session, connection: Connection) -> Opened:
        number = self._lease.begin(connection)
        self._look(connection)
        snapshot = reading.newest(connection)
        changes, beside = reading.kept(connection)
        head, verifiers = reading.head(connection), reading.verifiers(connection)
        others = reading.holders(
            connection,
            "arrived IS NOT NULL AND writer IN "
            "(SELECT writer FROM granja.leases WHERE writer <> %s)",
            self.writer,
        )
        self.here = {holder.farmer: holder for holder in others}
        first = reading.start(connection)
        start = Head(snapshot.sequence, snapshot.hash) if snapshot else first
        if start.sequence > head.sequence:
            raise LedgerRefused(
                f"the ledger in {self.address} is damaged: a snapshot shows that entry "
                f"{start.sequence} was stored, but the last one is {head.sequence}"
            )
        self._snapshot_at = start.sequence
        known = pseudonyms.Known(connection)
        self._plain = known.pseudonyms.plain
        state = known.pseudonyms.show_state(snapshot.content) if snapshot else None
        self._begin(session, number, Reached(head, changes, known))
        facts = self._facts(start, head)
        return Opened(head.sequence, state, start.sequence, facts, verifiers, beside)

    def _begin(self, session: Session, number: int, reached: Reached) -> None:
        self._writer = Writer(session, self._lease, number, reached, self._reactor, self._seconds)
        self._writer.start()
        names, lease = self._session("names", session), self._session("lease", session)
        self._desk = Desk(names, self._lease, self._reactor)
        self._desk.start()
        self._keeper = Keeper(
            lease,
            self._lease,
            self._seconds,
            self._look,
            self._wake,
            self._fenced,
            self._orphaned,
        )
        self._keeper.start()
        self._watchdog = Watchdog(self.address, [session, names, lease])
        self._watchdog.start()

    def _session(self, what: str, first: Session) -> Session:
        session = Session(self.address, f"granja {self._lease.node} {what}")
        session.farm = first.farm
        return session

    def _facts(self, start: Head, end: Head) -> Iterator[Fact]:
        """The facts between two entries.  They are read and checked one by one, when asked for.

        :raises LedgerRefused: with the number of an entry that is not what was written.
        """
        if start == end:
            return
        session = Session(self.address, f"granja {self._lease.node} start")
        try:
            connection = session.connect()
            found = reading.entries(connection, start.sequence, end.sequence)
            names = pseudonyms.read(connection)
            yield from reading.checked(found, start, end, names.show)
        except BadEntry as bad:
            raise LedgerRefused(f"the ledger in {self.address} is damaged: {bad}") from None
        except (Away, psycopg.Error) as error:
            raise LedgerRefused(
                f"the database {self.address} went away while it was read: {told(error)}"
            ) from None
        finally:
            session.drop()

    # -- ILedger -----------------------------------------------------------------------------

    def append(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        if self._writer is None:
            return fail(NotStored("the ledger is closed"))
        if not self._writer.up:
            return fail(NotStored("the database is away"))
        job = Append(tuple(facts), after, dict(credentials), tuple(kept), self._now())
        self._writer.put(job)
        return job.done

    def _forget(self, job: Forget) -> Deferred[int]:
        if self._writer is None:
            return fail(NotStored("the ledger is closed"))
        if not self._writer.up:
            return fail(NotStored("the database is away"))
        self._writer.put(job)
        return job.done

    def wants_checkpoint(self) -> bool:
        writer = self._writer
        return writer is not None and writer.sequence - self._snapshot_at >= FACTS_PER_SNAPSHOT

    def checkpoint(self, snapshot: dict[str, Any], sequence: int) -> None:
        """See :meth:`ILedger.checkpoint`.  It is left out if another node has just made one."""
        if self._writer is not None:
            self._snapshot_at = sequence
            self._writer.put(Checkpoint(snapshot, sequence))

    def close(self) -> Deferred[None]:
        """Give the lease back, so that nobody has to wait for its end."""
        writer, self._writer = self._writer, None
        if writer is None or self._keeper is None or self._desk is None or self._watchdog is None:
            return succeed(None)
        self._watchdog.stop()
        self._keeper.stop()
        self._desk.stop()
        closing = Close()
        writer.put(closing)
        return closing.done

    def hurry(self) -> None:
        """Stop waiting for a database that is away.  Nobody learns an unknown outcome then."""
        if self._writer is not None:
            self._writer.hurry()

    # -- ISharedLedger -----------------------------------------------------------------------

    def watch(self, watcher: Watcher) -> None:
        self._watcher = watcher
        if self._writer is not None:
            self._writer.watcher = watcher
            self._writer.put(_Look())

    def claim(self, name: Name) -> Deferred[Holder]:
        return self._ask(lambda desk: desk.claim(name))

    def enter(self, farmer: FarmerId, writer: int) -> Deferred[Holder | None]:
        return self._ask(lambda desk: desk.enter(farmer, writer))

    def free(self, holders: Iterable[Holder]) -> Deferred[None]:
        return self._ask(lambda desk: desk.free(holders))

    def nowhere(self, farmers: Collection[FarmerId]) -> Deferred[set[FarmerId]]:
        return self._ask(lambda desk: desk.nowhere(farmers))

    def living(self) -> Deferred[set[int]]:
        return self._ask(lambda desk: desk.living())

    def verifier(self, farmer: FarmerId) -> Deferred[str]:
        return self._ask(lambda desk: desk.verifier(farmer))

    def _ask(self, question: Callable[[Desk], Deferred[Any]]) -> Deferred[Any]:
        if self._writer is None or self._desk is None:
            return fail(NotStored("the ledger is closed"))
        return question(self._desk)

    # -- calls from the keeper, in its thread ------------------------------------------------

    def _look(self, connection: Connection) -> None:
        """Compare the clocks.  An answer that took long says nothing of them."""
        before, began = self._now(), self._seconds()
        time, self.older_nodes = leases.look(connection, self.writer)
        took = self._seconds() - began
        if took < QUICK:
            self.clock_ahead = time - before - took / 2

    def _wake(self) -> None:
        writer = self._writer
        if writer is not None:  # None while the ledger closes.
            writer.put(_Look())

    def _fenced(self, writer: int) -> None:
        if self._watcher is not None:
            self._reactor.callFromThread(self._watcher.fenced, writer)

    def _orphaned(self, holders: list[Holder]) -> None:
        if self._watcher is not None:
            self._reactor.callFromThread(self._watcher.orphaned, holders)
