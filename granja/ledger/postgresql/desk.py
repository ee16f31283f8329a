"""The desk: the thread that answers questions about names and verifiers, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import psycopg
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from granja.contract.ids import FarmerId
from granja.ledger.interface import LedgerRefused, NotStored
from granja.ledger.postgresql import lease as leases, reading
from granja.ledger.postgresql.lease import Fenced, Lease
from granja.ledger.postgresql.schema import Connection
from granja.ledger.postgresql.session import Away, Session, told
from granja.ledger.shared import Holder
from granja.text.names import Name

T = TypeVar("T")

_log = Logger()

#: Only while our lease stands.  Whoever ends the lease waits for us.
_MINE = (
    "EXISTS (SELECT 1 FROM granja.leases WHERE writer = %(writer)s AND until > clock_timestamp())"
)

_CLAIM = f"""
INSERT INTO granja.names (farmer, spelling, key1, key2, key3, registered, writer, arrived)
SELECT nextval('granja.farmers'), %(spelling)s, %(key1)s, %(key2)s, %(key3)s, false,
    %(writer)s, NULL
WHERE {_MINE}
ON CONFLICT DO NOTHING RETURNING {reading.HOLDER}
"""

_TAKEN = (
    f"SELECT {reading.HOLDER} FROM granja.names "
    "WHERE key1 = %(key1)s OR key2 = %(key2)s OR key3 = %(key3)s ORDER BY registered DESC, farmer"
)

_ENTER = f"""
WITH before AS (SELECT * FROM granja.names WHERE farmer = %(farmer)s FOR UPDATE)
UPDATE granja.names n SET writer = %(writer)s,
    arrived = CASE WHEN b.writer IS NULL OR b.arrived IS NULL THEN nextval('granja.arrivals')
              ELSE b.arrived END
FROM before b WHERE n.farmer = b.farmer AND {_MINE}
RETURNING b.farmer, b.spelling, b.registered, b.writer, b.arrived
"""


class Desk:
    """:param session: it connects at the first question."""

    def __init__(self, session: Session, lease: Lease, reactor: IReactorFromThreads) -> None:
        self._session = session
        self._lease = lease
        self._reactor = reactor
        self._queue: SimpleQueue[tuple[Callable[[Connection], Any], Deferred[Any]] | None] = (
            SimpleQueue()
        )
        self._thread = Thread(target=self._run, name="granja-names", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop after answering the questions that wait."""
        self._queue.put(None)

    def ask(self, question: Callable[[Connection], T]) -> Deferred[T]:
        """Ask a question in the thread, in a transaction of its own.

        :returns: fires with the answer; fails with NotStored.
        """
        done: Deferred[T] = Deferred()
        self._queue.put((question, done))
        return done

    # -- what can be asked -------------------------------------------------------------------

    def claim(self, name: Name) -> Deferred[Holder]:
        """See :meth:`ISharedLedger.claim`."""
        keys = dict(zip(("key1", "key2", "key3"), name.keys, strict=True))

        def claim(connection: Connection) -> Holder:
            values = {**keys, "spelling": name.spelling, "writer": self._lease.writer}
            for _ in range(2):  # The holder may leave between the two statements.
                for sql in (_CLAIM, _TAKEN):
                    row = connection.execute(sql, values).fetchone()
                    if row is not None:
                        return reading.holder(row)
            raise Away("the lease of this node is over")

        return self.ask(claim)

    def enter(self, farmer: FarmerId, writer: int) -> Deferred[Holder | None]:
        """See :meth:`ISharedLedger.enter`."""

        def enter(connection: Connection) -> Holder | None:
            values = {"farmer": farmer, "writer": writer}
            row = connection.execute(_ENTER, values).fetchone()
            return None if row is None else reading.holder(row)

        return self.ask(enter)

    def free(self, holders: Iterable[Holder]) -> Deferred[None]:
        """See :meth:`ISharedLedger.free`."""
        rows = [(holder.farmer, holder.writer) for holder in holders]

        def free(connection: Connection) -> None:
            farmers, writers = [farmer for farmer, _ in rows], [writer for _, writer in rows]
            gone = "(farmer, writer) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))"
            with connection.transaction():
                connection.execute(
                    f"DELETE FROM granja.names WHERE NOT registered AND {gone}", (farmers, writers)
                )
                connection.execute(
                    f"UPDATE granja.names SET writer = NULL, arrived = NULL WHERE {gone}",
                    (farmers, writers),
                )

        return self.ask(free)

    def nowhere(self, farmers: Collection[FarmerId]) -> Deferred[set[FarmerId]]:
        """See :meth:`ISharedLedger.nowhere`."""

        def nowhere(connection: Connection) -> set[FarmerId]:
            rows: Any = connection.execute(
                "SELECT one FROM unnest(%s::bigint[]) AS one WHERE NOT EXISTS ("
                "SELECT FROM granja.names WHERE farmer = one AND writer IS NOT NULL)",
                (list(farmers),),
            )
            return {FarmerId(one) for (one,) in rows}

        return self.ask(nowhere)

    def living(self) -> Deferred[set[int]]:
        """See :meth:`ISharedLedger.living`."""
        return self.ask(lambda connection: {*leases.live(connection)})

    def verifier(self, farmer: FarmerId) -> Deferred[str]:
        """See :meth:`ISharedLedger.verifier`."""

        def verifier(connection: Connection) -> str:
            row: Any = connection.execute(
                "SELECT verifier FROM granja.credentials WHERE farmer = %s", (farmer,)
            ).fetchone()
            return "" if row is None else str(row[0])

        return self.ask(verifier)

    # -- in the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        while (asked := self._queue.get()) is not None:
            question, done = asked
            try:
                answer = self._answer(question)
            except (Away, LedgerRefused, psycopg.Error) as error:
                self._session.drop()
                self._refuse([done, *self._waiting()], NotStored(told(error)))
            except Exception as error:  # A mistake of ours.  The caller hears of it too.
                _log.failure("The ledger's desk failed")
                self._reactor.callFromThread(done.errback, NotStored(type(error).__name__))
            else:
                self._reactor.callFromThread(done.callback, answer)
        self._session.drop()

    def _waiting(self) -> Iterator[Deferred[Any]]:
        """The questions behind one that failed: each of them would wait just as long."""
        with suppress(Empty):
            while True:
                asked = self._queue.get_nowait()
                if asked is None:
                    self._queue.put(None)
                    return
                yield asked[1]

    def _refuse(self, waiting: Iterable[Deferred[Any]], error: NotStored) -> None:
        for done in waiting:
            self._reactor.callFromThread(done.errback, error)

    def _answer(self, question: Callable[[Connection], T]) -> T:
        """Answer a question.  Ask again, once, if the idle connection was lost."""
        if not self._session.is_up:
            return question(self._connect())
        try:
            return question(self._session.connection)
        except (Away, psycopg.OperationalError):
            return question(self._connect())

    def _connect(self) -> Connection:
        """Connect, and commit something first: then the standby has everything that we read."""
        connection = self._session.connect()
        try:
            self._lease.renew(connection)
        except Fenced:
            raise Away("the lease of this node is over") from None
        return connection
