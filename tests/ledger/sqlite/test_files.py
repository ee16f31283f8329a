"""The ledger's file: who may open it, and which files are ledgers."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from granja.contract.errors import ConfigurationError
from granja.ledger import open_ledger
from granja.ledger.interface import Halted, NotStored, Opened
from granja.ledger.memory import MemoryLedger
from granja.ledger.sqlite import database, files as place
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.market.facts import Left, PasswordChanged
from granja.market.offers import News
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import (
    ANA,
    BETO,
    STORY,
    dump,
    forge,
    forge_body,
    ledger_at,
    market_of,
    reactor,
    read,
    tamper,
    write,
)


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
        for wrong in ("granja.db", "sqlite:", "sqlite", "memory:x", "postgre://x", "", ":"):
            with self.assertRaisesRegex(ConfigurationError, "memory: or sqlite:PATH"):
                open_ledger(wrong, reactor, lambda: 1.0)

    def test_the_home_of_somebody_unknown_is_a_sentence(self) -> None:
        """``~ana`` is not a folder of that name."""
        with self.assertRaisesRegex(ConfigurationError, "nobody knows the folder ~nobodyhere"):
            open_ledger("sqlite:~nobodyhere/granja.db", reactor, lambda: 1.0)


class RecognitionTests(LedgerFileCase):
    """Which files are ledgers, and whose."""

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
        """It does not harm another program's database."""
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
        """It is a pipe or a device.  Nobody waits for it, and its mode stays unchanged."""
        os.mkfifo(self.path, 0o644)
        for path in (self.path, Path("/dev/null")):
            mode = path.stat().st_mode
            self.assertIn("is not a regular file", self.refusal(path))
            self.assertEqual(path.stat().st_mode, mode)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    def test_links_in_a_circle_are_refused(self) -> None:
        """A mistyped ``ln -s`` makes them."""
        other = self.folder / "other.db"
        self.path.symlink_to(other)
        other.symlink_to(self.path)
        self.assertIn("a link that leads back to itself", self.refusal())
        other.unlink()
        (self.folder / "here").symlink_to("here")
        self.assertIn("symbolic links", self.refusal(self.folder / "here" / "granja.db"))

    def test_a_lock_that_leads_elsewhere_is_refused(self) -> None:
        """A person who may write into the folder could make us empty any file of the server's
        user."""
        letter, lock = self.folder / "letter.txt", self.folder / "granja.db-lock"
        letter.write_text("Querida Ana")
        for make in (lock.symlink_to, lock.hardlink_to):
            make(letter)
            self.assertIn(f"the lock {lock} is a ", self.refusal())
            self.assertEqual(letter.read_text(), "Querida Ana")
            lock.unlink()
        lock.symlink_to(self.folder / "nowhere")
        self.assertIn(f"the lock {lock} is a link", self.refusal())
        lock.unlink()
        os.mkfifo(lock)
        self.assertIn("not a regular file", self.refusal())
        self.assertEqual({p.name for p in self.folder.iterdir()}, {letter.name, lock.name})

    async def test_a_log_that_leads_elsewhere_is_refused(self) -> None:
        """SQLite would write over that file."""
        await write(self.path)
        letter = self.folder / "letter.txt"
        letter.write_text("Querida Ana")
        for end in ("-wal", "-shm"):
            link = self.folder / f"granja.db{end}"
            link.symlink_to(letter)
            self.assertIn(f"{link} is a link", self.refusal())
            self.assertEqual(letter.read_text(), "Querida Ana")
            link.unlink()

    async def test_what_is_refused_is_named(self) -> None:
        """The lock, the log or the folder: the ledger is in order, and nobody need look at it."""
        folder = self.folder / "nowhere"
        self.assertIn(f"opened: {folder}: No such file", self.refusal(folder / "granja.db"))
        await write(self.path)
        for end in ("-lock", "-wal"):
            inside = self.folder / f"granja.db{end}"
            inside.mkdir()
            self.assertIn(str(inside), self.refusal())
            inside.rmdir()

    async def test_a_log_without_its_ledger_is_refused_and_left_alone(self) -> None:
        """Somebody moved the ledger.  SQLite would begin an empty one and delete the log."""
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        log = self.folder / "granja.db-wal"
        crashed = log.read_bytes()
        await ledger.close()
        kept = self.path.rename(self.folder / "elsewhere.db")
        for empty in (False, True):
            log.write_bytes(crashed)
            if empty:
                self.path.touch()
            self.assertIn(f"its log {log} is there", self.refusal())
            self.assertEqual((log.read_bytes(), self.path.exists()), (crashed, empty))
        kept.rename(self.path)
        self.assertEqual((await read(self.path))[1], STORY)

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
        """``mktemp`` makes such files."""
        self.path.touch()
        await write(self.path)
        self.assertEqual((await read(self.path))[1], STORY)


class UpgradeTests(LedgerFileCase):
    """Ledgers of older granjas."""

    def make_old(self, version: int = 1) -> None:
        schema = Path(__file__).with_name(f"schema_{version}.sql").read_text()
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
        await read(fresh)
        forge(fresh, STORY)  # with the names in plain, as older granjas wrote them
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
        """A person who goes back to the old file and upgrades again loses nothing either."""
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
        """This includes another name of the same file.  The first server goes on."""
        ledger = self.open()
        link = self.folder / "link.db"
        link.symlink_to(self.path)
        for path in (self.path, link):
            sentence = self.refusal(path)
            self.assertIn(f"in use by another server (process {os.getpid()})", sentence)
        self.assertEqual(await ledger.append(STORY, 0, {}), len(STORY))

    async def test_a_second_server_is_refused_whatever_happened_to_the_lock_file(self) -> None:
        """An operator removed it after a crash.  The ledger itself knows that a server runs."""
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

    async def test_a_second_server_that_is_refused_leaves_nothing_open(self) -> None:
        """It may try again and again."""
        self.open()
        before = os.listdir("/proc/self/fd")
        self.refusal()
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    async def test_a_server_that_ends_while_the_next_one_starts(self) -> None:
        """It removes its lock file when the next one has opened it: that one makes another."""
        really_lock, locked = fcntl.flock, list[int]()

        def lock(descriptor: int, how: int) -> None:
            if not locked:
                (self.folder / "granja.db-lock").unlink()
            locked.append(descriptor)
            really_lock(descriptor, how)

        self.patch(fcntl, "flock", lock)
        ledger = self.open()
        self.assertEqual(locked, locked[:1] * 2, "the first is closed: its number is free again")
        self.assertEqual((self.folder / "granja.db-lock").read_text(), f"{os.getpid()}\n")
        await ledger.close()

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
            "from granja.ledger.sqlite.ledger import SQLiteLedger\n"
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
    """Files vanish while a server has them open.  Later writes would go nowhere."""

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
        """Nobody hears that a trade is on record when the file has no name any more."""
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
        """For example, somebody restores a backup while a server runs."""
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

    async def test_a_ledger_that_somebody_else_writes_to_halts(self) -> None:
        """The next trade is not refused for ever, as with a full disk: the operator hears that the
        ledger is halted."""
        refuse = "BEGIN SELECT RAISE(ABORT, 'no'); END"
        changes = {
            "PRIMARYKEY": "UPDATE entries SET sequence = 9 WHERE sequence = 1",
            "TRIGGER": f"CREATE TRIGGER stop BEFORE INSERT ON entries {refuse}",
            "no such table": "DROP TABLE entries",
        }
        for n, (why, sql) in enumerate(changes.items()):
            path = self.folder / f"{n}.db"
            await write(path)
            ledger = ledger_at(path)
            ledger.open()
            tamper(path, sql)
            for _ in range(2):
                with self.assertRaisesRegex(Halted, f"somebody else has changed the ledger.*{why}"):
                    await ledger.append([PasswordChanged(ANA)], len(STORY), {})
            await ledger.close()
            self.assertIn("The ledger has halted: somebody else", self.logged.pop())

    async def test_a_ledger_that_somebody_else_holds_does_not(self) -> None:
        """Nothing is stored meanwhile, and all goes on when they let it go."""
        really_connect = sqlite3.connect

        def hasty(*arguments: Any, **more: Any) -> sqlite3.Connection:
            made: sqlite3.Connection = really_connect(*arguments, **{**more, "timeout": 0.05})
            return made

        self.patch(sqlite3, "connect", hasty)
        ledger = self.open()
        await ledger.append(STORY[:4], 0, {})
        with closing(sqlite3.connect(self.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            ledger.checkpoint(market_of(Opened(), STORY[:4]).snapshot(), 4)
            for answer in (ledger.append(STORY[4:], 4, {}), ledger.forget([ANA])):
                with self.assertRaisesRegex(NotStored, "SQLITE_BUSY"):
                    await answer
        self.assertEqual(await ledger.append(STORY[4:], 4, {}), len(STORY))
        self.assertEqual(await ledger.forget([BETO]), 1)

    async def test_a_log_that_begins_anew_does_not(self) -> None:
        """SQLite writes over it.  It is the same file."""
        ledger = self.open()
        for n in range(3):
            ledger._writer._log_pages = 10**6  # type: ignore[union-attr]
            await ledger.append([PasswordChanged(ANA)], n, {})
