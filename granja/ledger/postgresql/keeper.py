"""The keeper: the thread that renews the lease, hears of others' writes, and ends dead leases."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from threading import Event, Thread
from typing import Final

import psycopg
from twisted.logger import Logger

from granja.ledger.interface import LedgerRefused
from granja.ledger.postgresql import lease as leases, reading
from granja.ledger.postgresql.lease import Fenced, Lease, NodeLives
from granja.ledger.postgresql.schema import Connection
from granja.ledger.postgresql.session import Away, Session
from granja.ledger.shared import Holder

_log = Logger()

#: After this many renewals we delete what was forgotten long ago.
_FORGET_EACH: Final = 600

_ORPHANS = "writer IS NOT NULL AND writer NOT IN (SELECT writer FROM granja.leases)"


class Keeper:
    """:param seconds: a clock that only goes forward.
    :param look: called after each renewal.  It sees what the database's clock says.
    :param wake: called when others have written.
    :param fenced: called with the number of the new lease, when another node has ended the old one.
    :param orphaned: called with the holders of dead nodes, again and again, until they are gone
        from the table.
    """

    def __init__(
        self,
        session: Session,
        lease: Lease,
        seconds: Callable[[], float],
        look: Callable[[Connection], object],
        wake: Callable[[], None],
        fenced: Callable[[int], None],
        orphaned: Callable[[list[Holder]], None],
    ) -> None:
        self._session = session
        self._lease = lease
        self._seconds = seconds
        self._look = look
        self._wake = wake
        self._fenced = fenced
        self._orphaned = orphaned
        self._each = min(leases.RENEWED_EACH, lease.lasts / 5)
        self._steady_since: float | None = None
        self._renewed_at = 0.0
        self._renewals = count(1)
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="granja-lease", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, from any thread.  The writer ends the lease itself."""
        self._stopped.set()
        self._session.cut()

    # -- all below happens in the thread -----------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._keep()
            except (Away, LedgerRefused, psycopg.Error):
                self._steady_since = None
                self._session.drop()
                self._stopped.wait(min(0.3, self._each))
        self._session.drop()

    def _keep(self) -> None:
        connection = self._session.connection if self._session.is_up else self._connect()
        self._renew(connection)
        self._look(connection)
        if self._is_steady():
            self._bury(connection)
        self._listen(connection)

    def _connect(self) -> Connection:
        connection = self._session.connect()
        connection.execute("LISTEN granja")
        return connection

    def _renew(self, connection: Connection) -> None:
        try:
            self._lease.renew(connection)
        except Fenced:
            self._steady_since = None
            if self._stopped.is_set():
                return  # The writer has given the lease back.
            self._take_another(connection)
        self._note_renewal(self._seconds())

    def _note_renewal(self, now: float) -> None:
        """Note when a renewal succeeded, and whether it was late.

        A late renewal was held up by an absent standby, or by a sleeping machine.  Then the
        renewals of all other nodes may have been held up too.
        """
        held_up = now - self._renewed_at > self._lease.lasts / 2
        if self._steady_since is None or held_up:
            self._steady_since = now
        self._renewed_at = now

    def _take_another(self, connection: Connection) -> None:
        try:
            number = self._lease.take(connection)
        except NodeLives as lives:
            raise Away(f"another node is called {self._lease.node}: {lives}") from None
        _log.error(
            "The lease of this node was ended by another: it was away for too long. "
            "It goes on as writer {number}.",
            number=number,
        )
        self._fenced(number)

    def _is_steady(self) -> bool:
        """Whether all our renewals were in time for the length of a lease.

        After a time without the database, every node is late, and none of them is dead.
        """
        since = self._steady_since
        return since is not None and self._seconds() - since >= self._lease.lasts

    def _bury(self, connection: Connection) -> None:
        for node in leases.reap(connection):
            _log.warn("The node {node} has ended without a word; its lease is over.", node=node)
        if next(self._renewals) % _FORGET_EACH == 0:
            reading.forget(connection)
        if orphans := reading.holders(connection, _ORPHANS):
            self._orphaned(orphans)

    def _listen(self, connection: Connection) -> None:
        """Wait until the next renewal.  Wake the writer when others have written."""
        for notice in connection.notifies(timeout=self._each):
            if notice.payload != str(self._lease.writer):
                self._wake()
