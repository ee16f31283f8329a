"""A ledger, a log or a folder that this user may not read or write: the sentence names it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite.archive import SQLiteArchive
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import STORY, ledger_at, write
from tests.support.rights import as_anybody

DENIED = "Permission denied"


class RightsTests(LedgerFileCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder.chmod(0o777)
        self.addCleanup(self.folder.chmod, 0o700)

    def refused(self) -> str:
        """What a start says to a user without rights."""
        ledger = ledger_at(self.path)
        with as_anybody(), self.assertRaises(LedgerRefused) as caught:
            ledger.open()
        return str(caught.exception)

    def look(self) -> int:
        """The last entry, as a user without rights reads it."""
        with as_anybody(), closing(SQLiteArchive(self.path)) as archive:
            return archive.end()

    def shut(self, path: Path, mode: int = 0o000) -> None:
        path.chmod(mode)
        self.addCleanup(path.chmod, 0o700)

    async def test_a_ledger_that_may_not_be_opened(self) -> None:
        await write(self.path)
        self.shut(self.path)
        self.assertEqual(self.refused(), f"the ledger {self.path} cannot be opened: {DENIED}")
        self.assertFalse((self.folder / "granja.db-lock").exists(), "it locks nothing")

    async def test_a_ledger_that_may_only_be_read(self) -> None:
        """A server needs more; whoever only looks does not."""
        await write(self.path)
        self.shut(self.path, 0o444)
        self.assertIn(DENIED, self.refused())
        self.assertEqual(self.look(), len(STORY))

    async def test_a_folder_where_nothing_may_be_made(self) -> None:
        """Neither a lock nor a new ledger.  A ledger in it can be read, as on a read-only disk."""
        await write(self.path)
        self.path.chmod(0o444)
        self.shut(self.folder, 0o555)
        self.assertEqual(
            self.refused(), f"the ledger {self.path} cannot be opened: {self.folder}: {DENIED}"
        )
        self.assertEqual(self.look(), len(STORY))

    async def test_whatever_else_a_start_needs(self) -> None:
        """For example, root started the server once, and now its own user starts it.  SQLite does
        not say which file it cannot open.  The ledger is not locked after that."""
        await write(self.path)
        self.path.chmod(0o666)
        for end, what in (("lock", "opened"), ("wal", "opened"), ("shm", "read")):
            file = self.folder / f"granja.db-{end}"
            file.touch(0o000)
            why = f"the ledger {self.path} cannot be {what}: {file}: {DENIED}"
            self.assertEqual(self.refused(), why)
            file.unlink()
            self.assertFalse((self.folder / "granja.db-lock").exists())

    async def test_a_log_that_may_not_be_read(self) -> None:
        """Its newest trades would be missing, so nobody reads on without it."""
        await write(self.path)
        self.open()
        self.path.chmod(0o444)
        log = self.folder / "granja.db-wal"
        self.shut(log)
        with as_anybody(), self.assertRaises(LedgerRefused) as caught:
            SQLiteArchive(self.path)
        self.assertEqual(str(caught.exception), f"the ledger cannot be read: {log}: {DENIED}")

    async def test_a_folder_where_a_log_that_a_crash_left_cannot_be_read(self) -> None:
        """SQLite makes an index to read it, and nothing may be made there."""
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        log = self.folder / "granja.db-wal"
        crashed = log.read_bytes()
        await ledger.close()
        log.write_bytes(crashed)
        for file in (self.path, log):
            file.chmod(0o444)
        self.shut(self.folder, 0o555)
        with as_anybody(), self.assertRaises(LedgerRefused) as caught:
            SQLiteArchive(self.path)
        self.assertEqual(
            str(caught.exception), f"the ledger cannot be read: {self.folder}: {DENIED}"
        )

    async def test_an_index_of_the_log_that_is_a_folder(self) -> None:
        """SQLite does not say which file it cannot open."""
        await write(self.path)
        index = self.folder / "granja.db-shm"
        index.mkdir()
        self.assertIn(f"{index} is not a regular file", self.refusal())
