"""What a power cut must find: names on the disk, SQLite's own promises, and no half of a trim."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite import database, files, ledger as engine, recovery
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import STORY, ledger_at, read, snap, tamper, write


class NameTests(LedgerFileCase):
    """A new file is safe when the folder knows its name."""

    errno = 0

    def steps(self) -> list[str]:
        """A list that grows with each sync and each link."""
        found: list[str] = []
        really_sync, really_link = os.fsync, os.link

        def sync(descriptor: int) -> None:
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            found.append("the folder is synced" if is_folder else "the file is synced")
            really_sync(descriptor)

        def link(*paths: Path) -> None:
            found.append("the file gets its name")
            really_link(*paths)

        self.patch(os, "fsync", sync)
        self.patch(os, "link", link)
        return found

    def test_a_copy_is_synced_then_named_and_then_the_name_is_synced(self) -> None:
        """In another order, a power cut leaves an empty file, or none after somebody was told."""
        steps, before = self.steps(), os.listdir("/proc/self/fd")
        with files.appearing(self.path) as part:
            part.write_bytes(b"copy")
        self.assertEqual(
            steps, ["the file is synced", "the file gets its name", "the folder is synced"]
        )
        self.assertEqual(os.listdir("/proc/self/fd"), before, "no descriptor is left open")

    def test_a_file_system_without_links_has_copies_too(self) -> None:
        """A stick with FAT, for example.  There, too, nothing is overwritten, and every other error
        is told."""

        def refuse(*_: Path) -> None:
            if self.errno == errno.EEXIST:  # Somebody else was quicker.
                self.path.write_bytes(b"another")
                self.errno = errno.EPERM
            raise OSError(self.errno, os.strerror(self.errno))

        self.patch(os, "link", refuse)
        for number, error in ((errno.EIO, OSError), (errno.EEXIST, FileExistsError)):
            self.errno = number
            with self.assertRaises(error), files.appearing(self.path) as part:
                part.write_bytes(b"copy")
        self.assertEqual(self.path.read_bytes(), b"another")
        self.path.unlink()
        self.errno = errno.EPERM
        with files.appearing(self.path) as part:
            part.write_bytes(b"copy")
        self.assertEqual(self.path.read_bytes(), b"copy")
        self.assertEqual(list(self.folder.iterdir()), [self.path])

    async def test_a_new_ledger_has_its_name_on_the_disk(self) -> None:
        """Else its first trades would be in a file that nobody finds after a power cut."""
        steps = self.steps()
        database.create(self.path)
        self.assertEqual(steps, ["the folder is synced"])

    async def test_a_start_lets_no_old_journal_come_back(self) -> None:
        """A power cut must not bring back a journal that SQLite has deleted."""
        await write(self.path)
        steps = self.steps()
        with closing(database.open_to_write(self.path)):
            self.assertEqual(steps[-1:], ["the folder is synced"])


class PromiseTests(LedgerFileCase):
    """What a ledger asks of SQLite, whatever that library was built with."""

    async def test_it_syncs_each_commit_and_overwrites_what_it_deletes(self) -> None:
        """Debian's SQLite does both by itself; others do not."""
        really = database.connect

        def careless(path: Path, **how: Any) -> sqlite3.Connection:
            connection = really(path, **how)
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA secure_delete = OFF")
            return connection

        self.patch(database, "connect", careless)
        with closing(database.open_to_write(self.path)) as connection:
            for name, value in (("synchronous", 2), ("secure_delete", 1)):
                self.assertEqual(connection.execute(f"PRAGMA {name}").fetchone()[0], value, name)

    async def test_who_only_reads_cannot_write(self) -> None:
        """Not even when no log is there, and SQLite opens the file for writing."""
        await write(self.path)
        reading = closing(database.open_to_read(self.path))
        with reading as connection, self.assertRaisesRegex(sqlite3.OperationalError, "readonly"):
            connection.execute("DELETE FROM entries")

    async def test_a_reader_too_refuses_a_ledger_that_was_cut_off(self) -> None:
        """An audit of half a ledger must not say that all is well."""
        await write(self.path)
        os.truncate(self.path, self.path.stat().st_size - 1)
        with self.assertRaisesRegex(LedgerRefused, "was cut off"):
            database.open_to_read(self.path)

    def test_another_programs_file_is_not_touched(self) -> None:
        """Neither with a version like ours, nor with our number and no version."""
        for application, version in ((7, database.VERSION), (database.APPLICATION, 0)):
            with closing(sqlite3.connect(self.path)) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS recipes (name)")
                connection.execute(f"PRAGMA application_id = {application}")
                connection.execute(f"PRAGMA user_version = {version}")
            before = self.path.read_bytes()
            self.assertIn("is not a ledger of a granja", self.refusal())
            self.assertEqual(self.path.read_bytes(), before)

    async def test_a_refused_start_leaves_no_lock(self) -> None:
        """Once the file is mended, the same process can open it."""
        await write(self.path)
        whole = self.path.read_bytes()
        tamper(self.path, "UPDATE entries SET time = 1.0 WHERE sequence = 3")
        self.assertIn("entry 3 is damaged", self.refusal())
        self.path.write_bytes(whole)
        self.assertEqual((await read(self.path))[1], STORY)

    async def test_a_lock_names_only_its_present_holder(self) -> None:
        """A longer number of an earlier process leaves no digits behind."""
        (self.folder / "granja.db-lock").write_text("4194303999\n")
        self.open()
        self.assertIn(f"process {os.getpid()})", self.refusal())

    async def test_a_snapshot_counts_for_what_stands_behind_it(self) -> None:
        """A start asks for a new one by the facts that it had to replay, not by all."""
        self.patch(engine, "FACTS_PER_SNAPSHOT", 3)
        await write(self.path, snapshot_at=6)
        for sequence, wanted in ((8, False), (9, True)):
            ledger = ledger_at(self.path)
            found = ledger.open()
            self.assertEqual((found.sequence, ledger.wants_checkpoint()), (sequence, wanted))
            await ledger.append(STORY[-1:], sequence, {})
            await ledger.close()


class TrimTests(LedgerFileCase):
    """The end of a ledger is trimmed once, and wholly."""

    async def test_no_snapshot_is_left_ahead_of_the_end(self) -> None:
        """One that proves nothing does not keep a torn end, and must not outlive it: the two
        newest are kept, and a number far ahead would hold a place for ever."""
        await write(self.path)
        await snap(self.path, [4, 8])
        tamper(self.path, "UPDATE snapshots SET state = '{}' WHERE sequence = 8")
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32) WHERE sequence >= 7")
        found, facts = await read(self.path)
        self.assertEqual((found.sequence, found.snapshot_sequence, facts), (6, 4, STORY[4:6]))
        self.assertIn("2 entries from 7 on are trimmed", self.logged[-1])
        with closing(sqlite3.connect(self.path)) as connection:
            left = connection.execute("SELECT sequence FROM snapshots").fetchall()
        self.assertEqual(left, [(4,)])

    async def test_how_much_is_torn_is_counted_from_the_first_bad_entry(self) -> None:
        """Not from the beginning: an old ledger may lose as much as a young one, and no more."""
        self.patch(recovery, "MOST_TORN", 2)
        for bad, trimmed in ((2, True), (3, False)):
            path = self.folder / f"{bad}.db"
            await write(path)
            tamper(path, "UPDATE entries SET hash = zeroblob(32) WHERE sequence > ?", 8 - bad)
            if trimmed:
                self.assertEqual((await read(path))[1], STORY[:-bad])
            else:
                self.assertIn(f"entry {9 - bad} is damaged", self.refusal(path))
