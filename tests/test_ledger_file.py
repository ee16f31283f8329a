"""The ledger's file: who may open it, what is recognised, trimmed and refused."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import TestCase

from granja.accounts import PlainAccounts
from granja.errors import ConfigurationError
from granja.events import Fact, Left, PasswordChanged, Rejected, Returned
from granja.factory import GranjaFactory
from granja.ids import OfferId
from granja.ledger import chain, database, open_ledger, place, recovery, snapshots, tail, writer
from granja.ledger.interface import Halted, LedgerRefused, Opened
from granja.ledger.memory import MemoryLedger
from granja.ledger.sqlite import FACTS_PER_SNAPSHOT, SQLiteLedger
from granja.market import Market
from granja.offers import News
from granja.tap import read_catalog
from tests.ledgers import (
    ANA,
    ARROW,
    SPADE,
    STORY,
    dump,
    flip_bit,
    folder_for,
    forge_body,
    ledger_at,
    market_of,
    reactor,
    read,
    spoil_page,
    tamper,
    write,
)

#: A frame of SQLite's log: a header and a page.
FRAME = 24 + 4096


class LedgerFileCase(TestCase):
    """Has a path, and listens to what is logged."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.path = self.folder / "granja.db"
        self.logged: list[str] = []
        observer: Any = self._hear
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def _hear(self, event: LogEvent) -> None:
        if str(event.get("log_namespace", "")).startswith("granja.ledger"):
            self.logged.append(str(event["log_format"]).format(**event))

    def refusal(self, path: Path | None = None) -> str:
        """The sentence with which the ledger refuses to open."""
        with self.assertRaises(LedgerRefused) as caught:
            ledger_at(path or self.path).open()
        sentence = str(caught.exception)
        self.assertNotIn("\n", sentence)
        return sentence

    def open(self) -> SQLiteLedger:
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        return ledger


class UrlTests(LedgerFileCase):
    """``--ledger URL``."""

    async def test_sqlite_is_a_file(self) -> None:
        """``sqlite:PATH`` keeps its facts there."""
        ledger = open_ledger(f"sqlite:{self.path}", reactor, lambda: 1.0)
        ledger.open()
        await ledger.close()
        self.assertTrue(self.path.exists())

    def test_memory_is_the_one_that_forgets(self) -> None:
        """``memory:`` counts, and does not grow."""
        ledger = open_ledger("memory:", reactor, lambda: 1.0)
        assert isinstance(ledger, MemoryLedger)
        self.assertEqual(self.successResultOf(ledger.append(STORY, 0, {})), len(STORY))
        self.assertEqual(ledger.facts, [])

    def test_anything_else_is_a_sentence(self) -> None:
        """A misspelt URL is not silently a new file."""
        for wrong in ("granja.db", "sqlite:", "sqlite", "memory:x", "postgres://x", "", ":"):
            with self.assertRaisesRegex(ConfigurationError, "memory: or sqlite:PATH"):
                open_ledger(wrong, reactor, lambda: 1.0)

    def test_the_home_of_somebody_unknown_is_a_sentence(self) -> None:
        """``~ana`` is not a folder of that name."""
        with self.assertRaisesRegex(ConfigurationError, "nobody knows the folder ~nobodyhere"):
            open_ledger("sqlite:~nobodyhere/granja.db", reactor, lambda: 1.0)


class RecognitionTests(LedgerFileCase):
    """What is a ledger, and whose."""

    async def test_it_belongs_to_its_owner_alone(self) -> None:
        """Nobody else on the machine can read the password verifiers."""
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        ledger = self.open()
        await ledger.append(STORY, 0, {ANA: "$argon2id$…"})
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in self.folder.iterdir()}
        self.assertEqual(set(modes.values()), {0o600}, modes)
        self.assertEqual(
            set(modes), {"granja.db", "granja.db-wal", "granja.db-shm", "granja.db-lock"}
        )

    async def test_one_that_others_could_read_is_tightened(self) -> None:
        """An operator's careless copy is repaired, and said so."""
        await write(self.path)
        self.path.chmod(0o644)
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)], len(STORY), {})
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in self.folder.iterdir()}
        self.assertEqual(set(modes.values()), {0o600}, modes)
        self.assertIn(f"{self.path} could be read by others", "".join(self.logged))

    async def test_closing_leaves_one_file(self) -> None:
        """After an orderly end, the ledger is a single file that can be carried away."""
        await write(self.path)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    def test_another_kind_of_file_is_refused_and_left_alone(self) -> None:
        """``--ledger sqlite:letter.txt`` does not harm the letter."""
        self.path.write_text("Querida Ana:\n" * 1000)
        self.path.chmod(0o664)
        self.assertIn("is not a ledger", self.refusal())
        self.assertEqual(self.path.read_text(), "Querida Ana:\n" * 1000)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o664)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    def test_somebody_elses_database_is_refused_and_left_alone(self) -> None:
        """Nor does it harm another program's database."""
        tamper(self.path, "CREATE TABLE songs (title TEXT)")
        before = self.path.read_bytes()
        self.assertIn("is not a ledger", self.refusal())
        self.assertEqual(self.path.read_bytes(), before)

    def test_a_folder_is_refused(self) -> None:
        """A folder is not a ledger."""
        self.path.mkdir()
        for path in (self.path, Path("."), Path("/")):
            self.assertIn("is a folder", self.refusal(path))

    def test_what_is_not_a_regular_file_is_refused(self) -> None:
        """A pipe or a device; nobody waits for it, and its mode stays what it was."""
        os.mkfifo(self.path, 0o644)
        for path in (self.path, Path("/dev/null")):
            mode = path.stat().st_mode
            self.assertIn("is not a regular file", self.refusal(path))
            self.assertEqual(path.stat().st_mode, mode)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    def test_links_in_a_circle_are_refused(self) -> None:
        """As a mistyped ``ln -s`` makes them."""
        other = self.folder / "other.db"
        self.path.symlink_to(other)
        other.symlink_to(self.path)
        self.assertIn("a link that leads back to itself", self.refusal())
        other.unlink()
        (self.folder / "here").symlink_to("here")
        self.assertIn("symbolic links", self.refusal(self.folder / "here" / "granja.db"))

    def test_a_folder_that_is_not_there_is_a_sentence(self) -> None:
        """Folders are not made: more often they are misspelt."""
        sentence = self.refusal(self.folder / "nowhere" / "granja.db")
        self.assertIn("No such file or directory", sentence)

    def test_a_newer_ledger_is_refused_in_a_sentence(self) -> None:
        """An old granja does not touch what a newer one wrote."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("CREATE TABLE entries (future TEXT)")
            connection.execute(f"PRAGMA application_id = {database.APPLICATION}")
            connection.execute(f"PRAGMA user_version = {database.VERSION + 1}")
        before = self.path.read_bytes()
        sentence = self.refusal()
        self.assertIn(f"has version {database.VERSION + 1}", sentence)
        self.assertIn("newer granja", sentence)
        self.assertEqual(self.path.read_bytes(), before)

    async def test_an_empty_file_becomes_a_ledger(self) -> None:
        """As ``mktemp`` makes them."""
        self.path.touch()
        await write(self.path)
        self.assertEqual((await read(self.path))[1], STORY)


class UpgradeTests(LedgerFileCase):
    """Ledgers of older granjas."""

    def make_old(self, version: int = 1) -> None:
        schema = Path(__file__).with_name(f"ledger_schema_{version}.sql").read_text()
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(schema)

    async def test_the_dump_of_an_upgraded_ledger_equals_that_of_a_fresh_one(self) -> None:
        """An upgrade misses nothing, down to the letters of the schema."""
        fresh = self.folder / "fresh.db"
        await read(fresh)
        for version in range(1, database.VERSION):
            self.path = self.folder / f"{version}.db"
            self.make_old(version)
            await read(self.path)
            self.assertEqual(dump(self.path), dump(fresh))

    async def test_the_facts_survive_and_the_old_file_is_kept(self) -> None:
        """An upgrade loses nothing, and can be undone."""
        fresh = self.folder / "fresh.db"
        await write(fresh)
        for version in range(1, database.VERSION):
            self.path = self.folder / f"{version}.db"
            self.make_old(version)
            with closing(sqlite3.connect(self.path)) as connection, connection:
                connection.execute("ATTACH ? AS fresh", (str(fresh),))
                connection.execute("INSERT INTO entries SELECT * FROM fresh.entries")
                connection.execute("INSERT INTO credentials VALUES (1, 'x')")
                if version == 1:  # whose snapshots did not say which history they belong to
                    connection.execute("INSERT INTO snapshots VALUES (3, '{}')")
            old = dump(self.path)
            found, facts = await read(self.path)
            self.assertEqual((facts, dict(found.credentials)), (STORY, {ANA: "x"}))
            kept = self.folder / f"{version}.db.version-{version}"
            self.assertEqual(dump(kept), old)
            self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
            self.assertIn(f"{version}.db.version-{version}", "".join(self.logged))

    async def test_a_leaving_that_says_nothing_of_what_was_missed_is_still_read(self) -> None:
        """Version 2 wrote it so, and an entry stays as it was written."""
        await write(self.path)
        forge_body(self.path, "left", '{"farmer":1}')
        found, facts = await read(self.path)
        self.assertEqual(facts[-1], Left(ANA))
        self.assertEqual(market_of(found, facts).away, {ANA: News()})

    async def test_a_second_copy_does_not_overwrite_the_first(self) -> None:
        """Whoever goes back to the old file and upgrades again loses nothing either."""
        self.make_old()
        (self.folder / "granja.db.version-1").write_text("precious")
        await read(self.path)
        self.assertEqual((self.folder / "granja.db.version-1").read_text(), "precious")
        self.assertTrue((self.folder / "granja.db.version-1.1").exists())

    def test_an_upgrade_that_fails_changes_nothing(self) -> None:
        """Half an upgrade does not exist."""
        self.make_old()
        tamper(self.path, "DROP TABLE snapshots")  # so that the upgrade's first statement fails
        old = dump(self.path)
        self.assertIn("no such table", self.refusal())
        self.assertEqual(dump(self.path), old)


class LockTests(LedgerFileCase):
    """One server for one ledger."""

    async def test_a_second_server_is_refused(self) -> None:
        """Also under another name of the same file; and the first goes on."""
        ledger = self.open()
        link = self.folder / "link.db"
        link.symlink_to(self.path)
        for path in (self.path, link):
            sentence = self.refusal(path)
            self.assertIn(f"in use by another server (process {os.getpid()})", sentence)
        self.assertEqual(await ledger.append(STORY, 0, {}), len(STORY))

    async def test_a_second_server_is_refused_whatever_happened_to_the_lock_file(self) -> None:
        """An operator removed it, because there had been a crash; the ledger knows better."""
        ledger = self.open()
        (self.folder / "granja.db-lock").unlink()
        self.assertIn("in use by another server", self.refusal())
        self.assertEqual(await ledger.append(STORY, 0, {}), len(STORY))
        await ledger.close()
        self.assertEqual((await read(self.path))[1], STORY)

    async def test_a_second_server_is_refused_at_a_hard_link(self) -> None:
        """It would not see SQLite's log, which has the other name."""
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        link = self.folder / "link.db"
        link.hardlink_to(self.path)
        self.assertIn("under another name", self.refusal(link))
        self.assertEqual(
            {p.name for p in self.folder.iterdir()},
            {"granja.db", "granja.db-wal", "granja.db-shm", "granja.db-lock", "link.db"},
        )
        await ledger.append([PasswordChanged(ANA)], len(STORY), {})

    async def test_sqlite_keeps_its_own_locks(self) -> None:
        """Another process that looks at a live ledger must not take itself for the only one: it
        would remove the log when it has seen enough."""
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        link = self.folder / "link.db"
        link.hardlink_to(self.path)
        self.refusal(link)
        look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version')"
        subprocess.run([sys.executable, "-c", look, str(self.path)], check=True)
        self.assertTrue((self.folder / "granja.db-wal").exists())
        await ledger.append([PasswordChanged(ANA)], len(STORY), {})

    async def test_it_may_be_opened_again_after_closing(self) -> None:
        """A restart in the same process is no second server."""
        await write(self.path)
        await write(self.path, [PasswordChanged(ANA)])
        self.assertEqual((await read(self.path))[0].sequence, len(STORY) + 1)

    async def test_a_refused_ledger_is_not_locked(self) -> None:
        """When the damage is repaired, the next start need not wait for anything."""
        self.path.write_text("not a ledger")
        self.refusal()
        self.path.unlink()
        await write(self.path)

    async def test_kill_9_leaves_no_lock(self) -> None:
        """A dead server does not keep the next one out."""
        program = (
            "import sys, time; from pathlib import Path\n"
            "from granja.ledger.sqlite import SQLiteLedger\n"
            "SQLiteLedger(Path(sys.argv[1]), None, time.time).open()\n"
            "print('open', flush=True); time.sleep(60)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(self.path)], stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            self.assertEqual(other.stdout.readline(), b"open\n")
            self.assertIn(f"process {other.pid}", self.refusal())
            other.send_signal(signal.SIGKILL)
            other.wait()
        await write(self.path)
        self.assertEqual((await read(self.path))[1], STORY)


class RemovedTests(LedgerFileCase):
    """Files that go while a server has them open: what is written then would not be found."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(place, "SELDOM", 0.0)

    async def test_it_is_looked_for_seldom(self) -> None:
        """A look takes a tenth of what a lone trade takes."""
        self.patch(place, "SELDOM", 3600.0)
        ledger = self.open()
        self.path.unlink()
        self.assertEqual(await ledger.append(STORY, 0, {}), len(STORY))

    async def assert_halts(self, ledger: SQLiteLedger, sentence: str) -> None:
        for _ in range(2):
            with self.assertRaisesRegex(Halted, sentence):
                await ledger.append([PasswordChanged(ANA)], len(STORY), {})

    async def test_a_removed_ledger_halts(self) -> None:
        """Nobody is told that a trade is recorded in a file that has no name any more."""
        for names in (["granja.db", "granja.db-wal", "granja.db-shm"], ["granja.db-wal"]):
            ledger = ledger_at(self.path)
            ledger.open()
            await ledger.append(STORY, 0, {})
            for name in names:
                (self.folder / name).unlink()
            await self.assert_halts(ledger, f"{names[0]} was removed")
            self.assertIn("Nothing is traded until the server is restarted", self.logged[-1])
            await ledger.close()
            self.path.unlink(missing_ok=True)

    async def test_a_ledger_with_another_in_its_place_halts(self) -> None:
        """As after restoring a backup under a live server."""
        other = self.folder / "other.db"
        await write(other)
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        other.rename(self.path)
        await self.assert_halts(ledger, "granja.db was replaced")

    async def test_a_folder_that_goes_halts(self) -> None:
        """Moved away, or removed with all that is in it."""
        folder = self.folder / "farm"
        folder.mkdir()
        ledger = ledger_at(folder / "granja.db")
        ledger.open()
        await ledger.append(STORY, 0, {})
        folder.rename(self.folder / "away")
        await self.assert_halts(ledger, "granja.db was removed")
        await ledger.close()

    async def test_a_log_that_begins_anew_does_not(self) -> None:
        """SQLite writes it over; that is the same file."""
        ledger = self.open()
        for n in range(3):
            ledger._writer._log_pages = 10**6  # type: ignore[union-attr]
            await ledger.append([PasswordChanged(ANA)], n, {})


class DamageTests(LedgerFileCase):
    """What was edited, torn or lost."""

    async def test_damage_in_the_middle_names_the_entry(self) -> None:
        """A trade that somebody edited keeps the server from starting, and is named."""
        for column, value in (
            ("body", '{"offer":9}'),
            ("kind", "rejected"),
            ("time", 1.0),
            ("hash", bytes(32)),
        ):
            path = self.folder / f"{column}.db"
            await write(path)
            tamper(path, f"UPDATE entries SET {column} = ? WHERE sequence = 5", value)
            self.assertIn("entry 5 is damaged", self.refusal(path))

    async def test_so_does_damage_right_before_the_last_entry(self) -> None:
        """The last trade was told and is whole; it is not trimmed with its damaged neighbour."""
        for damage in ("hash = zeroblob(32)", "time = 1.0", "body = '{}'"):
            path = self.folder / f"{len(damage)}.db"
            await write(path)
            tamper(path, f"UPDATE entries SET {damage} WHERE sequence = 7")
            before = dump(path)
            self.assertIn("entry 7 is damaged", self.refusal(path))
            self.assertEqual(dump(path), before)
        await write(self.path, STORY[:2])
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32) WHERE sequence = 1")
        self.assertIn("entry 1 is damaged", self.refusal())

    async def test_a_missing_entry_is_named(self) -> None:
        """So is one that somebody deleted."""
        await write(self.path)
        tamper(self.path, "DELETE FROM entries WHERE sequence = 4")
        self.assertIn("entry 4 is damaged: it is missing", self.refusal())

    async def test_an_edit_with_a_fitting_hash_is_found_at_the_next(self) -> None:
        """Whoever computes the hash anew gives themselves away one entry later."""
        await write(self.path)
        other = self.folder / "other.db"
        await write(other, [*STORY[:4], PasswordChanged(ANA)])
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("ATTACH ? AS other", (str(other),))
            connection.execute(
                "REPLACE INTO entries SELECT * FROM other.entries WHERE sequence = 5"
            )
        self.assertIn("entry 6 is damaged", self.refusal())

    async def test_a_torn_tail_is_trimmed_and_reported(self) -> None:
        """The last entry, cut short, goes; the server starts, says so, and keeps a copy."""
        await write(self.path)
        tamper(self.path, "UPDATE entries SET body = '{\"off' WHERE sequence = 8")
        found, facts = await read(self.path)
        self.assertEqual((found.sequence, facts), (7, STORY[:7]))
        self.assertIn("1 entries from 8 on are trimmed", "".join(self.logged))
        self.assertIn('{"off', dump(self.folder / "granja.db.torn"))
        await write(self.path, [STORY[7]])
        self.assertEqual((await read(self.path))[1], STORY)

    async def test_a_torn_tail_of_several_entries_is_trimmed_too(self) -> None:
        """As many as were written together."""
        await write(self.path)
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32) WHERE sequence >= 6")
        self.assertEqual((await read(self.path))[1], STORY[:5])

    async def test_a_ledger_whose_every_entry_is_bad_is_not_trimmed_away(self) -> None:
        """More bad entries than one write can tear are another accident, and nothing is deleted."""
        facts: list[Fact] = [PasswordChanged(ANA)] * 1500
        ledger = self.open()
        await ledger.append(facts, 0, {})
        await ledger.close()
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32)")
        self.assertIn("entry 1 is damaged", self.refusal())

    async def test_a_file_that_was_cut_off_is_refused(self) -> None:
        """Half a ledger is not taken for a whole one."""
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)] * 1500, 0, {})
        await ledger.close()
        os.truncate(self.path, 3 * 4096)
        self.assertIn("cannot be read", self.refusal())

    async def test_a_letter_with_one_bit_off_names_the_entry(self) -> None:
        """Also the bit that makes it no letter at all; at the very end it is a torn write."""
        await write(self.path)
        flip_bit(self.path, b'"name":"Beto')
        self.assertIn("entry 3 is damaged: it does not fit its hash", self.refusal())
        end = self.folder / "end.db"
        await write(end)
        flip_bit(end, b'"offer":3')
        self.assertEqual((await read(end))[1], STORY[:7])

    async def test_a_damaged_page_names_the_first_entry_on_it(self) -> None:
        """In the middle, at the very end, and with another bad entry before it."""
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)] * 3000, 0, {})
        await ledger.close()
        for n, (page, before) in enumerate(((20, 0), (-1, 0), (20, 7))):
            path = self.folder / f"{n}.db"
            shutil.copy(self.path, path)
            if before:
                tamper(path, "UPDATE entries SET time = 0 WHERE sequence = ?", before)
            first = spoil_page(path, page)
            self.assertIn(f"entry {before or first} is damaged", self.refusal(path))

    async def test_a_damaged_page_under_the_snapshot_names_the_entry_too(self) -> None:
        """The snapshot is of no use then, and from the first entry on the damage is found."""
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)] * 3000, 0, {})
        ledger.checkpoint({"names": []}, 3000)
        await ledger.close()
        first = spoil_page(self.path, -1)
        self.assertIn(f"entry {first} is damaged: it cannot be read", self.refusal())
        self.assertIn("left aside: its entry cannot be read", "".join(self.logged))


class SnapshotTests(LedgerFileCase):
    """Starting from a snapshot."""

    async def test_a_start_reads_only_what_came_after(self) -> None:
        """And comes to the same market."""
        await write(self.path, snapshot_at=6)
        found, facts = await read(self.path)
        self.assertEqual((found.snapshot_sequence, facts), (6, STORY[6:]))
        whole = market_of(Opened(), STORY)
        self.assertEqual(market_of(found, facts).snapshot(), whole.snapshot())

    async def test_a_start_is_as_quick_with_many_trades_behind_it(self) -> None:
        """With 50,000 deeds before the snapshot and three after it, three are looked at.

        Not a time, which would say more about the machine: what is hashed, read as facts, applied.
        """
        many: list[Fact] = [*STORY, *[PasswordChanged(ANA)] * 49_992]
        ledger = self.open()
        await ledger.append(many, 0, {})
        ledger.checkpoint(market_of(Opened(), many).snapshot(), len(many))
        await ledger.append([Left(ANA), Returned(ANA), Rejected(OfferId(3))], len(many), {})
        await ledger.close()
        work = [
            self.counted(chain, "digest"),
            self.counted(chain, "from_body"),
            self.counted(Market, "apply"),
            self.counted(recovery, "_entry"),
        ]
        ledger = ledger_at(self.path)
        factory = GranjaFactory(Clock(), lambda: 1.0, read_catalog(None), ledger, PlainAccounts())
        await ledger.close()
        self.assertEqual([len(calls) for calls in work], [3, 3, 3, 6])
        self.assertEqual(factory.market.inventory(ANA), [ARROW, SPADE])
        self.assertEqual(factory.market.offers, {})

    def counted(self, owner: Any, name: str) -> list[None]:
        """A list that grows with each call of something."""
        calls: list[None] = []
        really = getattr(owner, name)

        def count(*arguments: Any) -> Any:
            calls.append(None)
            return really(*arguments)

        self.patch(owner, name, count)
        return calls

    async def test_a_damaged_snapshot_is_left_aside(self) -> None:
        """All is replayed then, and the operator hears of it."""
        for damage in ("state = '{}'", "hash = zeroblob(32)", "sequence = 99"):
            path = self.folder / f"{len(damage)}.db"
            await write(path, snapshot_at=6)
            tamper(path, f"UPDATE snapshots SET {damage}")
            found, facts = await read(path)
            self.assertEqual((found.snapshot, facts), (None, STORY))
            self.assertIn("is left aside", self.logged.pop())

    async def test_a_snapshot_with_one_bit_off_is_left_aside(self) -> None:
        """Also with the bit that makes a letter no letter at all."""
        await write(self.path, snapshot_at=6)
        flip_bit(self.path, b'[2, "Beto')
        found, facts = await read(self.path)
        self.assertEqual((found.snapshot, facts), (None, STORY))
        self.assertIn("is left aside: its checksum does not fit", self.logged.pop())

    async def test_the_one_before_is_used_then(self) -> None:
        """Two are kept, the older one for such a day."""
        await write(self.path, STORY[:4], snapshot_at=2)
        ledger = self.open()
        for sequence in (3, 4):
            ledger.checkpoint(market_of(Opened(), STORY[:sequence]).snapshot(), sequence)
        await ledger.close()
        with closing(sqlite3.connect(self.path)) as connection:
            kept = connection.execute("SELECT sequence FROM snapshots ORDER BY 1").fetchall()
        self.assertEqual(kept, [(3,), (4,)])
        tamper(self.path, "UPDATE snapshots SET state = '' WHERE sequence = 4")
        self.assertEqual((await read(self.path))[0].snapshot_sequence, 3)

    async def test_a_snapshot_of_an_entry_that_is_not_there_is_ignored(self) -> None:
        """It could only be wrong."""
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        ledger.checkpoint({"names": []}, 99)
        await ledger.close()
        self.assertIsNone((await read(self.path))[0].snapshot)

    async def test_damage_before_the_snapshot_is_the_audits_business(self) -> None:
        """A start is quick because it does not look there; ``granja audit`` does."""
        await write(self.path, snapshot_at=6)
        tamper(self.path, "UPDATE entries SET kind = 'rejected' WHERE sequence = 5")
        self.assertEqual((await read(self.path))[1], STORY[6:])

    async def test_one_that_is_replaced_while_somebody_looks_is_passed_over(self) -> None:
        """An audit of a live ledger raises no alarm when the server saves a snapshot meanwhile."""
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        await self.save(ledger, 1, 2)
        with closing(database.open_to_read(self.path)) as connection:
            seen = snapshots.stored(connection)
            self.assertEqual(next(seen).sequence, 2)
            await self.save(ledger, 3, 4)
            self.assertEqual(list(seen), [])

    async def save(self, ledger: SQLiteLedger, *sequences: int) -> None:
        """Snapshots at these entries, which must be in the ledger."""
        for sequence in sequences:
            ledger.checkpoint(market_of(Opened(), STORY[:sequence]).snapshot(), sequence)
        for _ in range(2):  # The first may be answered before the snapshots that wait with it.
            await ledger.append([], len(STORY), {})

    async def test_it_is_asked_for_every_so_many_facts(self) -> None:
        """Not for each fact, and again after a restart that had many to replay."""
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)] * (FACTS_PER_SNAPSHOT - 1), 0, {})
        self.assertFalse(ledger.wants_checkpoint())
        await ledger.append([PasswordChanged(ANA)], FACTS_PER_SNAPSHOT - 1, {})
        self.assertTrue(ledger.wants_checkpoint())
        await ledger.close()
        ledger = self.open()
        self.assertTrue(ledger.wants_checkpoint())
        ledger.checkpoint({"names": []}, FACTS_PER_SNAPSHOT)
        self.assertFalse(ledger.wants_checkpoint())

    async def test_a_big_state_is_stored_whole(self) -> None:
        """Snapshots are written in pieces, and the pieces fit together."""
        state = {"names": [[n, f"Ñandú {n}"] for n in range(1701)], "empty": [], "last_offer": 7}
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        ledger.checkpoint(state, 8)
        await ledger.close()
        self.assertEqual((await read(self.path))[0].snapshot, state)


def flipped(content: bytes, at: int) -> bytes:
    """Other content there, whatever it was."""
    at %= len(content)
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


class LogTests(LedgerFileCase):
    """SQLite's own log after a crash: a copy of the files while the ledger is open is one."""

    async def crash(self, transactions: int, *, facts: int = 1, rounds: int = 1) -> Path:
        """The files as ``kill -9`` leaves them after so many transactions; the log's path.

        :param facts: in each transaction; forty are several pages.
        :param rounds: how often the log was written from its start, each time less of it.
        """
        ledger = ledger_at(self.path)
        sequence = ledger.open().sequence
        for after in reversed(range(rounds)):
            for _ in range(transactions * (after + 1)):
                sequence = await ledger.append([PasswordChanged(ANA)] * facts, sequence, {})
            if after:
                ledger._writer._log_pages = 10**6  # type: ignore[union-attr]
                await ledger.append([], sequence, {})
        other = self.path.parent / "crashed"
        other.mkdir()
        for name in ("granja.db", "granja.db-wal"):
            shutil.copy(self.path.with_name(name), other / name)
        await ledger.close()
        self.path = other / "granja.db"
        self.logged.clear()
        return other / "granja.db-wal"

    async def test_servers_that_crash_often_leave_no_longer_log_each_time(self) -> None:
        """Each of these does too little to move the log, and a start reads all of it."""
        self.patch(writer, "MOST_LOG_PAGES", 100)
        for _ in range(8):
            await self.crash(4, facts=400)
        self.assertLess(tail.pages(self.path), 200)
        self.assertEqual(len((await read(self.path))[1]), 8 * 4 * 400)

    def transactions(self, log: Path) -> list[range]:
        """Which frames of the log's present round are one transaction."""
        content, found, first = log.read_bytes(), [], 0
        for n, at in enumerate(range(32, len(content), FRAME)):
            if content[at + 8 : at + 16] != content[16:24]:
                break
            if any(content[at + 4 : at + 8]):
                found.append(range(first, n + 1))
                first = n + 1
        return found

    def overwrite(self, log: Path, frame: int, data: bytes, within: int = 0) -> None:
        """Damage a frame of the log, ``within`` bytes from its beginning."""
        with log.open("r+b") as file:
            file.seek(32 + frame * FRAME + within)
            file.write(data)

    async def test_a_whole_log_is_read_in_silence(self) -> None:
        """After ``kill -9`` between two trades there is nothing to report."""
        await self.crash(10)
        self.assertEqual((await read(self.path))[0].sequence, 10)
        self.assertEqual(self.logged, [])

    async def test_a_log_cut_short_is_trimmed_and_reported(self) -> None:
        """The transaction that was cut is gone, those before it are there."""
        log = await self.crash(10)
        os.truncate(log, log.stat().st_size - 100)
        self.assertEqual((await read(self.path))[0].sequence, 9)
        self.assertIn("was not finished", "".join(self.logged))

    async def test_a_last_write_of_which_the_middle_is_missing_is_trimmed(self) -> None:
        """A power cut may keep the end of the last write and lose its beginning."""
        log = await self.crash(10)
        self.overwrite(log, -1 + log.stat().st_size // FRAME, b"?" * 1000, within=2120)
        self.assertEqual((await read(self.path))[0].sequence, 9)
        self.assertIn("was not finished", "".join(self.logged))

    async def test_any_part_of_the_last_write_may_be_missing(self) -> None:
        """Where it should be there is nothing, or what the log held before."""
        log = await self.crash(3, facts=80, rounds=2)
        whole, last = log.read_bytes(), self.transactions(log)[-1]
        self.assertGreater(len(last), 2)
        old = whole[-FRAME:]
        self.assertNotEqual(old[8:16], whole[16:24], "the salt")
        for missing in range(1, 2 ** len(last)):
            log.write_bytes(whole)
            for n, frame in enumerate(last):
                if missing >> n & 1:
                    self.overwrite(log, frame, old if missing % 3 else bytes(FRAME))
            self.assertEqual(tail.inspect(self.path).lost, 0, (list(last), bin(missing)))
        self.assertEqual((await read(self.path))[0].sequence, 80 * (6 + 2))

    async def test_damage_anywhere_before_the_last_write_is_refused(self) -> None:
        """SQLite would forget finished trades in silence; the ledger does not let it."""
        for facts in (1, 40):
            log = await self.crash(5, facts=facts)
            whole = log.read_bytes()
            for frame in range(self.transactions(log)[-1][0]):
                for within in (5, 10, 20, 2000):
                    log.write_bytes(flipped(whole, 32 + frame * FRAME + within))
                    self.assertIn("damaged in the middle", self.refusal(), (frame, within))
            log.write_bytes(whole)
        self.assertEqual((await read(self.path))[0].sequence, 5 * (1 + 40))

    async def test_it_says_how_many_finished_trades_stand_behind_the_damage(self) -> None:
        """So that the operator knows what moving the log away would cost."""
        log = await self.crash(20)
        log.write_bytes(flipped(log.read_bytes(), -10 * FRAME + 2000))
        self.assertIn("9 finished writes stand behind", self.refusal())

    async def test_a_block_of_the_disk_that_is_lost_is_damage(self) -> None:
        """It takes the end of one commit and the beginning of the next, with its salt."""
        log = await self.crash(10)
        self.overwrite(log, -3 + log.stat().st_size // FRAME, bytes(4096), within=2000)
        self.assertIn("damaged in the middle", self.refusal())

    async def test_a_lost_beginning_of_the_log_is_damage(self) -> None:
        """Without its header SQLite would take the log for empty."""
        log = await self.crash(10)
        whole = log.read_bytes()
        for damaged in (bytes(4096) + whole[4096:], *(flipped(whole, at) for at in (2, 17, 30))):
            log.write_bytes(damaged)
            self.assertIn("damaged in the middle", self.refusal())

    async def test_a_log_that_was_only_begun_is_no_damage(self) -> None:
        """A power cut may leave the length of a new log without its content."""
        log = await self.crash(10)
        for content in (b"", bytes(20), bytes(32), bytes(3 * FRAME)):
            log.write_bytes(content)
            self.assertEqual(tail.inspect(self.path).lost, 0)

    async def test_what_is_trimmed_does_not_come_back(self) -> None:
        """After a second crash its remains are not taken for trades behind a damaged place."""
        log = await self.crash(4, facts=80)
        for _ in range(2):
            last = self.transactions(log)[-1]
            self.overwrite(log, last[0], bytes(FRAME))
            log = await self.crash(1)
            self.assertEqual((tail.inspect(self.path).torn, tail.inspect(self.path).lost), (0, 0))

    async def test_leftovers_of_an_earlier_round_are_no_damage(self) -> None:
        """The log is written over from the start; what it held before is not looked at."""
        log = await self.crash(5, rounds=3)
        self.assertGreater(log.stat().st_size // FRAME, 3 * len(self.transactions(log)))
        self.assertEqual((await read(self.path))[0].sequence, 30)
        self.assertEqual(self.logged, [])
