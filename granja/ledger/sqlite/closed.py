"""Begins a new chain in an SQLite ledger, after an archive took the old one; no server runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from zope.interface import implementer

from granja.ledger.archive import IArchive, IClosed, NotCopied
from granja.ledger.chain import Head, extend
from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite import database, names, recovery, snapshots
from granja.ledger.sqlite.archive import SQLiteArchive
from granja.ledger.sqlite.files import refused
from granja.ledger.sqlite.lock import Lock
from granja.ledger.sqlite.writer import insert
from granja.market.facts import Begun


@implementer(IClosed)
class ClosedSQLite:
    """An SQLite ledger that no server uses.

    :param path: of the ledger.
    :raises LedgerRefused: when a server uses it, or when no server could start with it.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = database.locate(path)
        self._lock = Lock()
        if not self._path.exists():
            raise LedgerRefused(f"there is no ledger at {self._path}")
        try:
            self._lock.take(self._path)
            self._lock.take_itself(self._path)
            if recovery.check_log(self._path):
                raise LedgerRefused(
                    f"the log of {self._path} ends in a write that is not whole; start a server on "
                    "the ledger, and stop it"
                )
        except OSError as error:
            self._lock.release()
            why = refused(self._path, error)
            raise LedgerRefused(f"the ledger {self._path} cannot be opened: {why}") from None
        except BaseException:
            self._lock.release()
            raise

    def look(self) -> IArchive:
        return SQLiteArchive(self._path)

    def begin(self, begun: Begun, head: Head, time: float) -> None:
        with self._open() as connection:
            # The chain has only hashes of names, so SQLite need not overwrite what it deletes.
            # That would write the whole chain once more.
            connection.execute("PRAGMA secure_delete = OFF")
            connection.execute("BEGIN IMMEDIATE")
            if snapshots.hash_of(connection, head.sequence) != head.hash:
                raise NotCopied("it has changed meanwhile")
            written = names.read(connection).body
            connection.execute("DELETE FROM entries")
            connection.execute("DELETE FROM snapshots")
            insert(connection, [*extend(head.hash, head.sequence, time, [begun], written)])
            connection.execute("COMMIT")

    def shrink(self) -> None:
        with self._open() as connection:
            # Otherwise SQLite would write names into a file in /tmp.
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("VACUUM")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection.  Closing it empties SQLite's log."""
        try:
            with closing(database.open_to_write(self._path)) as connection:
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise NotCopied(str(error)) from None

    def close(self) -> None:
        self._lock.release()
