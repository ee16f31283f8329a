"""A ledger that no server uses, and one that is only read, whatever its version is."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest import mock

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite import recovery
from granja.ledger.sqlite.archive import SQLiteArchive
from granja.ledger.sqlite.closed import ClosedSQLite
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import dump, read, write


class Closed(LedgerFileCase):
    def refused(self, path: Path | None = None) -> str:
        with self.assertRaises(LedgerRefused) as caught:
            ClosedSQLite(path or self.path)
        return str(caught.exception)

    async def test_a_ledger_that_a_server_uses_is_refused(self) -> None:
        """By whatever name it is called; the sentence says by which process, if it can be known."""
        await write(self.path)
        other = self.folder / "other.db"
        os.link(self.path, other)
        ledger = self.open()
        self.assertIn(f"in use by another server (process {os.getpid()})", self.refused())
        self.assertIn("under another name", self.refused(other))
        await ledger.close()

    async def test_no_server_can_use_it_meanwhile(self) -> None:
        """And one can as soon as it is let go; the lock that was beside it is gone."""
        await write(self.path)
        closed = ClosedSQLite(self.path)
        self.assertIn(f"in use by another server (process {os.getpid()})", self.refusal())
        closed.close()
        await read(self.path)
        self.assertFalse((self.folder / "granja.db-lock").exists())

    async def test_one_that_is_refused_is_not_locked(self) -> None:
        """Whatever the reason: a file that may not be written to, or a log that is not whole."""
        await write(self.path)
        really_open = os.open

        def refuse(path: object, *arguments: int) -> int:
            if path == self.path:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return really_open(path, *arguments)  # type: ignore[arg-type]

        with mock.patch.object(os, "open", refuse):
            self.assertIn("granja.db cannot be opened: ", self.refused())
        with mock.patch.object(recovery, "check_log", return_value=True):
            self.assertIn("ends in a write that is not whole", self.refused())
        self.assertFalse((self.folder / "granja.db-lock").exists())
        await read(self.path)


class ToRead(LedgerFileCase):
    async def test_an_old_one_can_be_copied(self) -> None:
        """It has no table of names, so its names are in plain, and no chain was closed in it."""
        schema = Path(__file__).with_name("schema_1.sql").read_text()
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(schema)
        archive = SQLiteArchive(self.path, any_version=True)
        self.addCleanup(archive.close)
        self.assertTrue(archive.pseudonyms.plain)
        self.assertFalse(archive.closed)
        copy = self.folder / "copy.db"
        self.assertEqual(archive.copy(copy), 0)
        self.assertEqual(dump(copy), dump(self.path))

    def test_an_old_one_is_not_read(self) -> None:
        """Only this version's entries are known here."""
        schema = Path(__file__).with_name("schema_1.sql").read_text()
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(schema)
        with self.assertRaises(LedgerRefused):
            SQLiteArchive(self.path)
