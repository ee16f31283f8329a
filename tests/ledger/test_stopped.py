"""``granja audit``, ``trace`` and ``backup`` of a ledger that no server has open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from unittest import SkipTest

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite import wal as tail
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.market.facts import PasswordChanged
from tests.support.folders import folder_for
from tests.support.ledgers import (
    ANA,
    AnyThread,
    dump,
    ledger_at,
    verifiers,
    wait_for,
    write,
)
from tests.support.operator_case import LONG_STORY, OperatorCase
from tests.support.server import environment


class CrashedTests(OperatorCase):
    """A ledger as ``kill -9`` left it, before the next start."""

    async def crash(self) -> Path:
        """Fifteen transactions, the last ones only in SQLite's log.  Returns the log's path."""
        ledger = ledger_at(self.path)
        ledger.open()
        for n, fact in enumerate(LONG_STORY):
            await ledger.append([fact], n, verifiers([fact]))
        crashed = self.folder / "crashed"
        crashed.mkdir()
        for name in ("granja.db", "granja.db-wal"):
            shutil.copy(self.folder / name, crashed / name)
        await ledger.close()
        self.path = crashed / "granja.db"
        return crashed / "granja.db-wal"

    async def test_what_a_server_refuses_is_refused(self) -> None:
        """Each command refuses in the same words, copies nothing and changes nothing."""
        log = await self.crash()
        with log.open("r+b") as file:
            file.seek(-5 * 4120 + 2000, os.SEEK_END)
            file.write(b"?" * 20)
        before = {p.name: p.read_bytes() for p in self.path.parent.iterdir()}
        for words in (("audit",), ("trace", "13"), ("backup", str(self.folder / "copy.db"))):
            self.assertIn("2 finished writes stand behind the damage", self.complaint(*words))
        self.assertEqual({p.name: p.read_bytes() for p in self.path.parent.iterdir()}, before)
        self.assertFalse((self.folder / "copy.db").exists())
        with self.assertRaisesRegex(LedgerRefused, "2 finished writes"):
            ledger_at(self.path).open()

    async def test_a_torn_end_is_in_order(self) -> None:
        """Nobody has heard of it.  The server reports and trims it later."""
        log = await self.crash()
        os.truncate(log, log.stat().st_size - 100)
        before = self.path.read_bytes(), log.read_bytes()
        self.assertIn("14 entries", self.run_granja("audit")[1])
        self.assertEqual(self.run_granja("backup", str(self.folder / "copy.db"))[0], 0)
        self.assertEqual((self.path.read_bytes(), log.read_bytes()), before)

    async def test_what_is_written_meanwhile_is_no_damage(self) -> None:
        """A live server begins its log again during an audit.  There is no alarm."""
        reactor: Any = AnyThread()
        ledger = SQLiteLedger(self.path, reactor, lambda: 1.0)
        ledger.open()
        self.addCleanup(lambda: wait_for(ledger.close()))
        for n, fact in enumerate(LONG_STORY):
            if n == len(LONG_STORY) - 1:
                ledger._writer._log_pages = 10**6  # type: ignore[union-attr]
            wait_for(ledger.append([fact], n, verifiers([fact])))
        frames, looks = tail._frames, []

        def while_it_is_written(log: BinaryIO) -> Iterator[Any]:
            found = frames(log)
            yield next(found)
            looks.append(log)
            for n in range(15, 20) if len(looks) == 1 else ():
                wait_for(ledger.append([PasswordChanged(ANA)], n, {}))
            yield from found

        self.patch(tail, "_frames", while_it_is_written)
        self.assertIn("20 entries", self.run_granja("audit")[1])
        self.assertEqual(len(looks), 2, "the first one saw something that the second one did not")


class ReadOnlyTests(OperatorCase):
    """A ledger on a medium that nobody can write to, such as an old backup's."""

    def run_there(self, *words: str) -> tuple[int, str]:
        """The exit status and all that is said, the ledger's folder being mounted read-only."""
        mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'
        unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
        try:
            subprocess.run([*unshare, mount, "sh", str(self.folder)], check=True)
        except (OSError, subprocess.CalledProcessError):
            raise SkipTest("there is no mounting here, not even in a namespace") from None
        granja = [sys.executable, "-m", "granja", *words, "--ledger", f"sqlite:{self.path}"]
        done = subprocess.run(
            [*unshare, f'{mount} && shift && exec "$@"', "sh", str(self.folder), *granja],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    async def test_it_can_be_looked_at_and_copied(self) -> None:
        """Nobody can make a log there, and nobody needs one.  An empty log is as good as none."""
        await write(self.path, LONG_STORY)
        copies = folder_for(self)
        for name in ("1.db", "2.db"):
            status, said = self.run_there("audit")
            self.assertEqual(status, 0, said)
            self.assertIn("All is in order.", said)
            self.assertEqual(self.run_there("trace", "13")[0], 0)
            self.assertEqual(self.run_there("backup", str(copies / name))[0], 0)
            self.assertEqual(dump(copies / name), dump(self.path))
            (self.folder / "granja.db-wal").touch()

    async def test_a_log_there_is_not_passed_over(self) -> None:
        """The audit sees what a server has written and not yet moved, or says that it can't."""
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        await ledger.append(LONG_STORY, 0, verifiers(LONG_STORY))
        self.assertIn("15 entries", self.run_there("audit")[1])
        copied = folder_for(self)
        for name in ("granja.db", "granja.db-wal"):
            shutil.copy(self.folder / name, copied / name)
        self.folder, self.path = copied, copied / "granja.db"
        status, said = self.run_there("audit")
        self.assertEqual((status, said.count("\n")), (1, 1), said)
