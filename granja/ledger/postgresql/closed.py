"""Begins a new chain in a PostgreSQL ledger, after an archive took the old one; no node runs."""

from __future__ import annotations

import psycopg
from zope.interface import implementer

from granja.ledger.archive import IArchive, IClosed, NotCopied
from granja.ledger.chain import Head, extend
from granja.ledger.interface import LedgerRefused
from granja.ledger.postgresql import pseudonyms, reading, schema
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.archive import PostgreSQLArchive, connect_patiently
from granja.ledger.postgresql.session import Session, told
from granja.market.facts import Begun


@implementer(IClosed)
class ClosedPostgreSQL:
    """A PostgreSQL ledger that no node uses.  A node that starts waits for its lease meanwhile.

    :param address: of the database.
    :raises LedgerRefused: when a node runs, or there is no ledger of this version.
    """

    def __init__(self, address: Address) -> None:
        self.name = str(address)
        self._address = address
        self._session = Session(address, "granja archive")
        self._connection = connect_patiently(address, self._session)
        try:
            self._close()
        except psycopg.Error as error:
            self.close()
            raise LedgerRefused(f"the ledger cannot be read: {told(error)}") from None
        except BaseException:
            self.close()
            raise

    def _close(self) -> None:
        if schema.recognise(self._connection, self.name) is None:
            raise LedgerRefused(f"the database {self.name} has no ledger yet")
        self._connection.execute("BEGIN")
        self._connection.execute("LOCK TABLE granja.leases IN EXCLUSIVE MODE")
        row = self._connection.execute(
            "SELECT node FROM granja.leases WHERE until > clock_timestamp()"
        ).fetchone()
        if row is not None:
            raise LedgerRefused(f"a node of {self.name} runs, {row[0]}: stop all of them first")

    def look(self) -> IArchive:
        return PostgreSQLArchive(self._address)

    def begin(self, begun: Begun, head: Head, time: float) -> None:
        """Use the transaction of :meth:`_close`, which keeps nodes out."""
        try:
            if reading.head(self._connection) != head:
                raise NotCopied("it has changed meanwhile")
            written = pseudonyms.read(self._connection).body
            [first] = extend(head.hash, head.sequence, time, [begun], written)
            self._connection.execute("TRUNCATE granja.entries, granja.snapshots")
            self._connection.execute(
                "INSERT INTO granja.entries (sequence, time, kind, body, hash) "
                "VALUES (%s, %s, %s, %s, %s)",
                first,
            )
            self._connection.execute(
                "UPDATE granja.head SET sequence = %s, hash = %s", (first.sequence, first.hash)
            )
            self._connection.execute("COMMIT")
        except psycopg.Error as error:
            raise NotCopied(told(error)) from None

    def shrink(self) -> None:
        """Do nothing: TRUNCATE has already given the room back."""

    def close(self) -> None:
        self._session.drop()
