"""The writer's way to the database: its connection, its number there, and the turn.

Here is decided what a failure of the connection means for a batch: nothing was sent, nothing was
stored, or nobody knows.  What follows from that is the writer's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from twisted.logger import Logger

from granja.ledger.interface import LedgerRefused
from granja.ledger.postgresql.batch import APPEND, Batch
from granja.ledger.postgresql.lease import Fenced, Lease
from granja.ledger.postgresql.schema import Connection
from granja.ledger.postgresql.session import Away, Session, told

_log = Logger()


class Lost(Exception):
    """During a commit the connection was lost, or gave a warning: nobody knows the outcome."""


class Way:
    """A connection that may append.

    ``up``: whether there is one; any thread may ask.  ``in_turn``: whether it holds the turn.

    :param session: it is connected.
    :param number: the session's number, from :meth:`Lease.begin`.
    :param believe: looks at a new connection before anybody else reads from it.
    """

    def __init__(
        self, session: Session, lease: Lease, number: int, believe: Callable[[Connection], None]
    ) -> None:
        self.up = True
        self.in_turn = False
        self._session = session
        self._lease = lease
        self._number = number
        self._believe = believe

    @property
    def connection(self) -> Connection:
        """:raises Away: when there is none at the moment."""
        return self._session.connection

    # -- its life ------------------------------------------------------------------------------

    def reach(self) -> bool:
        """Whether there is a connection that appends.  It opens a new one if the last is lost."""
        if self.up and self._session.is_up:
            return True
        try:
            self.open()
        except (Away, LedgerRefused, psycopg.Error) as error:
            self.lose(error)
        except Fenced:
            self.drop()  # The keeper takes another lease.
        return self.up

    def open(self) -> None:
        """Open a new connection.  It commits something before it believes what it reads.

        :raises Away: when another attempt may succeed.
        :raises LedgerRefused: when another attempt is useless.
        :raises psycopg.Error: when it is lost again at once.
        :raises Fenced: when the lease is gone.
        """
        connection = self._session.connect()
        self._number = self._lease.begin(connection)
        self._believe(connection)
        self.up = True

    def lose(self, error: Exception) -> None:
        """Give the connection up, and log once why the database is away."""
        if self.up or not isinstance(error, Away):
            _log.warn("The ledger's database is away: {why}.", why=told(error))
        self.drop()

    def drop(self) -> None:
        """Give the connection up, and the turn with it."""
        self.up = self.in_turn = False
        self._session.drop()

    def cut(self) -> None:
        """Cut the connection, from another thread, so that the writer's thread waits no more."""
        self._session.cut()

    def check(self) -> None:
        """Find out whether the server has hung up, before we send anything.

        :raises Away: if it has: then nothing was sent.
        """
        self._session.check()

    def end_lease(self) -> None:
        """Give the lease back, if there is a connection.

        :raises psycopg.Error: when that fails; the lease then ends by itself.
        """
        if self._session.is_up:
            self._lease.end(self._session.connection)

    # -- the turn ------------------------------------------------------------------------------

    def take_turn(self) -> None:
        """Begin a transaction, in which the writer then waits for the head."""
        self.give_turn_back()
        self.connection.execute("BEGIN")
        self.in_turn = True

    def give_turn_back(self) -> None:
        """:raises psycopg.Error: when the connection is lost; the turn is then given back too."""
        if self.in_turn:
            self.in_turn = False
            self.connection.execute("ROLLBACK")

    # -- appending -----------------------------------------------------------------------------

    def append(self, batch: Batch) -> str:
        """Append and commit.

        :return: the answer of :data:`.batch.APPEND`: ``stored``, ``stale`` or ``fenced``.
        :raises Lost: when it may be committed.
        :raises Away: when nothing was sent.
        :raises psycopg.Error: when it was not committed.
        """
        self.check()
        connection = self.connection
        in_turn, self.in_turn = self.in_turn, False
        self._session.warned = False
        try:
            row: Any = connection.execute(
                APPEND, batch.parameters(self._lease.writer, self._number)
            ).fetchone()
        except psycopg.Error as error:
            if connection.closed and in_turn:  # The database took our turn; nothing is committed.
                self._open_again(error)
                return self.append(batch)
            if connection.closed:
                raise Lost(told(error)) from None
            if in_turn:
                connection.execute("ROLLBACK")
            raise
        answer = str(row[0])
        if in_turn:
            _commit(connection, stored=answer == "stored")
        if self._session.warned and answer == "stored":
            raise Lost("the database warned while it committed")
        return answer

    def _open_again(self, error: Exception) -> None:
        """Open a connection once more.

        :raises Away: when that fails; nothing was stored.
        """
        self.lose(error)
        try:
            self.open()
        except (psycopg.Error, LedgerRefused, Fenced) as again:
            raise Away(told(again)) from None


def _commit(connection: Connection, *, stored: bool) -> None:
    """End the transaction of the turn.

    :raises Lost: when the connection is lost, and the batch may be committed.
    """
    try:
        connection.execute("COMMIT" if stored else "ROLLBACK")
    except psycopg.Error as error:
        if connection.closed and stored:
            raise Lost(told(error)) from None
        raise
