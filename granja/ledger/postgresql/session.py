"""Connections to the database, and the meaning of their errors."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import psycopg
from psycopg.errors import Diagnostic
from psycopg.pq import TransactionStatus
from twisted.logger import Logger

from granja.ledger.interface import LedgerRefused
from granja.ledger.postgresql import schema
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.schema import Connection

_log = Logger()

#: What every connection sets first.  We never cancel a statement: a commit that waits for the
#: standby would answer a cancel with success (docs/cluster.md).  A node that stands still while it
#: has the turn loses the turn.
_SETTINGS = (
    "SET client_encoding = 'UTF8'; SET statement_timeout = 0; SET lock_timeout = 0; "
    "SET default_transaction_isolation = 'read committed'; SET bytea_output = 'hex'; "
    "SET extra_float_digits = 1; SET idle_in_transaction_session_timeout = 500"
)

#: Answers of a database that will not change by waiting.
_FINAL = (
    *("password authentication failed", "no password supplied", "no pg_hba.conf entry"),
    *("does not exist", "permission denied for database", "certificate", "is not permitted to log"),
    *("peer authentication failed", "ident authentication failed"),
)


class Away(Exception):
    """We cannot reach the database now.  The text says why, in half a sentence."""


class Session:
    """At most one connection to a database, always of the same farm.

    :param name: the database shows it.
    """

    def __init__(self, address: Address, name: str) -> None:
        self.address = address
        self.farm: str | None = None
        #: Whether the last statement was answered with a warning: then its outcome is unknown.
        self.warned = False
        self._name = name
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection.

        :raises Away: when there is none at the moment.
        """
        if self._connection is None or self._connection.closed:
            raise Away("the connection is lost")
        return self._connection

    def check(self) -> None:
        """Find out whether the server has hung up, before we send anything.

        :raises Away: if it has: then nothing was sent.
        """
        connection = self.connection
        try:
            for _ in range(2):  # The server's last words come first, and then the end.
                connection.pgconn.consume_input()
        except psycopg.Error as error:
            raise Away(told(error)) from None

    @property
    def is_up(self) -> bool:
        return self._connection is not None and not self._connection.closed

    def connect(self) -> Connection:
        """Open a new connection in autocommit mode, and drop the old one.

        :raises Away: when another attempt may succeed.
        :raises LedgerRefused: when another attempt is useless.
        """
        self.drop()
        try:
            opened = psycopg.connect(self.address.conninfo(self._name), autocommit=True)
        except psycopg.Error as error:
            raise self._not_reached(error) from None
        self._connection = opened
        try:
            opened.execute(_SETTINGS)
            opened.add_notice_handler(self._notice)
            self._check_farm(opened)
        except psycopg.Error as error:
            self.drop()
            raise Away(told(error)) from None
        except BaseException:
            self.drop()
            raise
        return opened

    def _not_reached(self, error: psycopg.Error) -> Exception:
        why = told(error)
        if any(phrase in why for phrase in _FINAL) and "refused" not in why:
            return LedgerRefused(f"the database {self.address} cannot be opened: {why}")
        return Away(why)

    def _check_farm(self, opened: Connection) -> None:
        """Check that this is still the same farm.

        :raises LedgerRefused: when a failover has led to somebody else's database.
        """
        if self.farm is not None and schema.recognise(opened, str(self.address)) != self.farm:
            raise LedgerRefused(f"the database {self.address} has become that of another granja")

    def _notice(self, notice: Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self.warned = True
            _log.warn("The database warns: {what}.", what=notice.message_primary)

    def drop(self) -> None:
        """Close the connection, even in the middle of a statement."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def waits_for(self) -> int:
        """The server process that works on our statement; 0 if there is none.

        Any thread may call this.
        """
        connection = self._connection
        try:
            if connection is not None and not connection.closed:
                info = connection.info
                if info.transaction_status is TransactionStatus.ACTIVE:
                    return info.backend_pid
        except psycopg.Error:
            pass  # Another thread has just closed it.
        return 0

    def cut(self) -> None:
        """Cut the connection from another thread, so that nobody waits for an answer.

        This does not ask the database to cancel anything.
        """
        connection = self._connection
        if connection is None:
            return
        with (
            suppress(psycopg.Error, OSError),
            socket.socket(fileno=os.dup(connection.fileno())) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)


def told(error: Exception) -> str:
    """What the database or libpq says, in one line, without a password."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return f"{error.diag.message_primary} ({error.sqlstate})"
    return " ".join(str(error).split()) or type(error).__name__


def is_strange(error: psycopg.Error) -> bool:
    """Whether the tables are not as granja left them: then another attempt is useless."""
    return (error.sqlstate or "")[:2] in ("22", "23", "42", "0A", "P0")


def complaints(connection: Connection) -> list[str]:
    """Half sentences about settings of the database that may lose trades when a machine dies."""
    found = []
    value = {
        str(name): str(setting)
        for name, setting in connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN "
            "('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')"
        )
    }
    if not value.get("synchronous_standby_names"):
        found.append("it has no synchronous standby: what is told is on one machine only")
    if (how := value.get("synchronous_commit")) in ("off", "local", "remote_write"):
        found.append(f"synchronous_commit is {how}: the last trades may be lost with the primary")
    for name in ("fsync", "full_page_writes"):
        if value.get(name) == "off":
            found.append(f"{name} is off: a power cut may damage it")
    return found
