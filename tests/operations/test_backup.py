"""``granja backup``: a consistent copy, also of a live ledger."""

from __future__ import annotations

import errno
import os
import re
import resource
import sqlite3
import stat
import subprocess
import sys
from unittest.mock import Mock

from twisted.trial.unittest import SkipTest

from granja.ledger.sqlite import database
from granja.market.facts import PasswordChanged
from tests.support.ledgers import ANA, VERIFIER, dump, ledger_at, read, tamper, verifiers, write
from tests.support.operator_case import LONG_STORY, OperatorCase
from tests.support.server import environment


class BackupTests(OperatorCase):
    """``granja backup``."""

    async def test_a_copy_of_a_live_ledger_is_consistent(self) -> None:
        """The server writes during the copy.  The copy passes the audit and opens."""
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        await ledger.append(LONG_STORY, 0, {ANA: VERIFIER})
        copy = self.folder / "copy.db"
        waiting = [ledger.append([PasswordChanged(ANA)], 15 + n, {}) for n in range(50)]
        status, out, err = self.run_granja("backup", str(copy))
        self.assertEqual((status, err), (0, ""))
        for answer in waiting:
            await answer
        held = int(re.search(r"holds ([\d,]+) entries", out)[1])  # type: ignore[index]
        self.assertTrue(15 <= held <= 65, out)
        self.assertIn(f"{held} entries", self.run_granja("audit", path=copy)[1])
        found, facts = await read(copy)
        self.assertEqual((facts[:15], dict(found.credentials)), (LONG_STORY, {ANA: VERIFIER}))

    async def test_it_is_the_whole_ledger_in_one_private_file(self) -> None:
        """Nothing beside it, and nobody else may read it."""
        await write(self.path, LONG_STORY, snapshot_at=9)
        copy = self.folder / "copies" / "copy.db"
        copy.parent.mkdir()
        self.run_granja("backup", str(copy))
        self.assertEqual(dump(copy), dump(self.path))
        self.assertEqual(stat.S_IMODE(copy.stat().st_mode), 0o600)
        self.assertEqual([p.name for p in copy.parent.iterdir()], ["copy.db"])

    async def test_the_ledger_may_be_named_by_a_link(self) -> None:
        """Then the operator reads about the link, and the command reads the log beside the file."""
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        await ledger.append(LONG_STORY, 0, verifiers(LONG_STORY))
        link = self.folder / "links" / "link.db"
        link.parent.mkdir()
        link.symlink_to(self.path)
        _, out, _ = self.run_granja("backup", str(self.folder / "copy.db"), path=link)
        self.assertIn(f"holds 15 entries of {link}.", out)
        self.assertEqual([p.name for p in link.parent.iterdir()], ["link.db"])

    async def test_it_overwrites_nothing(self) -> None:
        """Neither another file nor the ledger itself."""
        await write(self.path, LONG_STORY)
        other = self.folder / "letter.txt"
        other.write_text("Querida Ana")
        for target in (other, self.path):
            before = target.read_bytes()
            self.assertIn("a backup overwrites nothing", self.complaint("backup", str(target)))
            self.assertEqual(target.read_bytes(), before)

    async def test_one_that_fails_leaves_nothing_behind(self) -> None:
        """Nothing that is no backup looks like one."""
        await write(self.path, LONG_STORY)
        tamper(self.path, "DROP TABLE entries")
        self.assertIn("no such table", self.complaint("backup", str(self.folder / "copy.db")))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    async def test_an_interrupted_one_has_no_name(self) -> None:
        """Killed in the middle, it leaves nothing that looks like last night's backup."""
        await write(self.path, LONG_STORY)
        target = self.folder / "copy.db"
        program = (
            "import os, sys; from granja.ledger.sqlite import database\n"
            "fill = database.fill\n"
            "database.fill = lambda *all: (fill(*all), os.kill(os.getpid(), 9))\n"
            "from granja.operations.cli import main; main(sys.argv[1:])"
        )
        command = [sys.executable, "-c", program, "backup", str(target)]
        subprocess.run(
            [*command, "--ledger", f"sqlite:{self.path}"], env=environment(), check=False
        )
        left = [p.name for p in self.folder.iterdir() if not p.name.startswith("granja.db")]
        self.assertEqual([name[:9] for name in left], [".copy.db."])
        self.assertEqual(self.run_granja("backup", str(target))[0], 0)
        self.assertEqual(dump(target), dump(self.path))

    async def test_where_files_have_one_name_only(self) -> None:
        """On some memory cards and network folders there are no hard links."""
        await write(self.path, LONG_STORY)
        self.patch(os, "link", Mock(side_effect=OSError(errno.EPERM, "no links here")))
        target = self.folder / "copy.db"
        self.assertEqual(self.run_granja("backup", str(target))[0], 0)
        self.assertEqual(dump(target), dump(self.path))
        self.assertEqual({p.name for p in self.folder.iterdir()}, {"granja.db", "copy.db"})
        self.assertIn("overwrites nothing", self.complaint("backup", str(target)))

    async def test_a_link_is_not_followed(self) -> None:
        """The backup does not follow a link that leads nowhere, either."""
        await write(self.path, LONG_STORY)
        link = self.folder / "copy.db"
        link.symlink_to(self.folder / "elsewhere.db")
        self.assertIn("overwrites nothing", self.complaint("backup", str(link)))
        self.assertEqual({p.name for p in self.folder.iterdir()}, {"granja.db", "copy.db"})

    async def test_a_disk_without_room_for_it(self) -> None:
        """It is the copy's fault, and not the ledger's."""
        await write(self.path, LONG_STORY)
        for farmer in range(100, 200):
            tamper(self.path, "INSERT INTO credentials VALUES (?, ?)", farmer, "x" * 1000)
        target = self.folder / "copy.db"
        room, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, most))  # the log's index takes 32,768
        try:
            complaint = self.complaint("backup", str(target))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
        self.assertIn(f"{target} cannot be written: ", complaint)
        self.assertFalse(target.exists())

    async def test_a_ledger_that_cannot_be_read(self) -> None:
        """Whichever disk it is that fails, the operator looks at that one."""
        await write(self.path, LONG_STORY)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_READ"
        self.patch(database, "fill", Mock(side_effect=error))
        copy = str(self.folder / "copy.db")
        self.assertIn("the ledger cannot be read: disk I/O error", self.complaint("backup", copy))

    async def test_a_file_of_somebody_elses_is_named(self) -> None:
        """A user asks for the audit of a file of root's server.  SQLite does not name the file."""
        if os.getuid():
            raise SkipTest("only root can try what others may not do")
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        await ledger.append(LONG_STORY, 0, verifiers(LONG_STORY))
        self.folder.chmod(0o755)
        for end in ("", "-wal"):
            os.chown(f"{self.path}{end}", 65534, 65534)
        program = (
            "import os, sys; from granja.operations import cli; catalog = cli.read_catalog(None)\n"
            "cli.read_catalog = lambda path: catalog  # that user may not even read the package\n"
            "os.setgid(65534); os.setuid(65534); cli.main(sys.argv[1:])"
        )
        command = [sys.executable, "-c", program, "audit", "--ledger", f"sqlite:{self.path}"]
        done = subprocess.run(command, env=environment(), capture_output=True, check=False)
        wanted = f"granja: the ledger cannot be read: {self.path}-shm: Permission denied\n"
        self.assertEqual(done.stderr.decode(), wanted)

    async def test_a_folder_that_is_not_there(self) -> None:
        """A sentence with the path in it."""
        await write(self.path, LONG_STORY)
        target = self.folder / "nowhere" / "copy.db"
        self.assertIn(f"{target}: No such file or directory", self.complaint("backup", str(target)))
