"""An archive takes a ledger's chain, and the ledger goes on from its end."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.chain import digest
from granja.ledger.interface import Kept
from granja.ledger.sqlite import database, names
from granja.market.facts import (
    Begun,
    Declared,
    Departed,
    Expired,
    Fact,
    Left,
    Offered,
    Posted,
    Registered,
    Returned,
    Traded,
    Wished,
)
from granja.operations import cli
from tests.support.ledgers import (
    ANA,
    ARROW,
    BETO,
    GUS,
    SPOON,
    STORY,
    forge_body,
    ledger_at,
    market_of,
    read,
    tamper,
    verifiers,
    write,
)
from tests.support.operator_case import OperatorCase

ZOE = FarmerId(4)
AXE = ArtifactId(7)

#: Everything that a state can hold: an offer, a swap, a wish, news of an absence.
FIRST: list[Fact] = [
    *STORY,
    Declared(GUS, "Gus", (SPOON, SPOON)),
    Departed(GUS, (SPOON, SPOON)),
    Registered(BETO, "Beto"),
    Left(ANA, unseen=()),
    Posted(OfferId(4), BETO, (SPOON,), (AXE,), False, 2e9),
    Wished(BETO, (AXE,), None),
    Offered(OfferId(10), ANA, BETO, ARROW, SPOON, 3e9),
]

#: What goes on with it.
SECOND: list[Fact] = [
    Returned(ANA),
    Declared(ZOE, "Zoë", (AXE,)),
    Traded(OfferId(3)),
    Offered(OfferId(11), ZOE, ANA, AXE, SPOON, 2e9),
    Left(ANA, unseen=()),
    Expired(OfferId(11)),
    Departed(ZOE, (AXE,)),
]


class Archiving(OperatorCase):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / "2026.db"

    def archive(self, file: Path | None = None) -> str:
        """The output of a finished archive."""
        status, out, err = self.granja("archive", f"sqlite:{self.path}", str(file or self.file))
        self.assertEqual((status, err), (0, ""))
        return out

    def refused(self, *words: str) -> str:
        status, out, err = self.granja(*words)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"\Agranja: [^\n]+\n\Z")
        return err

    def granja(self, *words: str) -> tuple[int, str, str]:
        """Run the command.  Returns its exit status, its output and its stderr."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = cli.main(words)
        self.assertNotIn("Traceback", err.getvalue())
        return status, out.getvalue(), err.getvalue()

    def audit(self, *archives: Path) -> str:
        status, out, err = self.granja(
            "audit", "--ledger", f"sqlite:{self.path}", "--archives", *map(str, archives)
        )
        self.assertEqual((status, err), (0, ""))
        return out

    def audit_fails(self, *archives: Path) -> str:
        return self.refused(
            "audit", "--ledger", f"sqlite:{self.path}", "--archives", *map(str, archives)
        )

    async def append(self, facts: Iterable[Fact], kept: tuple[Kept, ...] = ()) -> None:
        ledger = ledger_at(self.path)
        last = ledger.open().sequence
        facts = list(facts)
        await ledger.append(facts, last, verifiers(facts), kept)
        await ledger.close()


class ArchiveTests(Archiving):
    async def test_it_goes_on_from_the_end(self) -> None:
        """It keeps its state and continues the numbers.  All else stays."""
        await write(self.path, FIRST, snapshot_at=6)
        await self.append([], (Kept("bans", "x", {"until": 2.5}),))
        before, facts = await read(self.path)
        said = self.archive()
        self.assertRegex(
            said, rf"2026.db holds the entries of .*granja.db up to number {len(FIRST)}"
        )
        after, begun = await read(self.path)
        self.assertEqual((after.sequence, len(begun)), (len(FIRST) + 1, 1))
        self.assertEqual(market_of(after, begun).snapshot(), market_of(before, facts).snapshot())
        self.assertEqual((after.credentials, after.kept), (before.credentials, before.kept))
        await self.append(SECOND)
        self.assertEqual((await read(self.path))[0].sequence, len(FIRST) + 1 + len(SECOND))

    async def test_both_are_audited_together(self) -> None:
        """Each alone can be audited too.  Then the audit says what it did not look at."""
        await write(self.path, FIRST)
        whole = self.audit_alone()
        self.archive()
        self.assertEqual(self.table(self.audit_alone()), self.table(whole))
        await self.append(SECOND)
        both, alone = self.audit(self.file), self.audit_alone()
        self.assertIn("23 entries; 3 trades; 2 registered farmers", both)
        self.assertIn("The 2 files follow one another without a gap.", both)
        self.assertEqual(self.table(both), self.table(alone))
        self.assertRegex(alone, r"It goes on from an archive that ends in entry 15, [0-9a-f]{64}: ")
        status, out, _ = self.granja("audit", "--ledger", f"sqlite:{self.file}")
        self.assertEqual((status, "15 entries; 2 trades" in out), (0, True))
        self.assertIn("It is an archive", out)

    def audit_alone(self) -> str:
        status, out, err = self.granja("audit", "--ledger", f"sqlite:{self.path}")
        self.assertEqual((status, err), (0, ""))
        return out

    def table(self, report: str) -> str:
        return report.partition("\n\n")[0]

    async def test_one_after_the_other(self) -> None:
        """They may come in any order.  Without the oldest, the audit begins with the next one's
        state."""
        second = self.folder / "2027.db"
        await write(self.path, FIRST)
        self.archive()
        await self.append(SECOND)
        self.archive(second)
        await self.append([Returned(ANA)])
        self.assertIn("25 entries", self.audit(second, self.file))
        self.assertIn("The 3 files follow one another", self.audit(self.file, second))
        self.assertIn("goes on from an archive that ends in entry 15,", self.audit(second))
        said = self.audit_fails(self.file)
        self.assertIn("goes on from entry 23, but ", said)
        self.assertIn("2026.db ends in entry 15", said)

    async def test_a_way_is_traced_through_both(self) -> None:
        """With the names, which stand in the ledger alone."""
        await write(self.path, FIRST)
        self.archive()
        await self.append(SECOND)
        words = ("trace", "--ledger", f"sqlite:{self.path}", str(SPOON))
        alone, both = self.granja(*words)[1], self.granja(*words, "--archives", str(self.file))[1]
        self.assertIn("Beto (farmer 2) declared", both)
        self.assertNotIn("Beto (farmer 2) declared", alone)
        self.assertIn("Ana (farmer 1) handed", alone)
        self.assertTrue(both.endswith(alone))

    async def test_an_archive_holds_no_name(self) -> None:
        """It holds no password either.  So what the ledger forgets later, the archive does not
        show."""
        await write(self.path, [*FIRST, Declared(ZOE, "Zoë-Ñandú", (AXE,))])
        self.archive()
        content = self.file.read_bytes()
        for secret in ("Zoë-Ñandú", "Beto", "argon2"):
            self.assertNotIn(secret.encode(), content)
        ledger = ledger_at(self.path)
        ledger.open()
        self.assertEqual(await ledger.forget([ZOE, GUS]), 2)
        await ledger.close()
        files = b"".join(path.read_bytes() for path in self.folder.iterdir())
        self.assertNotIn("Zoë-Ñandú".encode(), files)
        self.assertIn("All is in order.", self.audit(self.file))
        out = self.granja(
            *("trace", "--ledger", f"sqlite:{self.path}", str(SPOON)),
            *("--archives", str(self.file)),
        )[1]
        self.assertIn("  farmer 3 left the granja with ", out)

    async def test_names_that_were_forgotten_before_are_no_obstacle(self) -> None:
        await write(self.path, FIRST)
        ledger = ledger_at(self.path)
        ledger.open()
        await ledger.forget([GUS])
        await ledger.close()
        self.archive()
        self.assertIn("All is in order.", self.audit(self.file))

    async def test_nothing_is_overwritten(self) -> None:
        """Neither a file that is none of ours, nor a ledger, nor an archive of something else."""
        await write(self.path, FIRST)
        other = self.folder / "other.db"
        self.archive(other)
        await self.append(SECOND)
        self.file.write_text("mine")
        backup = self.folder / "backup.db"
        self.granja("backup", str(backup), "--ledger", f"sqlite:{self.path}")
        before = self.path.read_bytes()
        stranger = self.folder / "stranger.db"
        self.path.rename(stranger)
        await write(self.path, FIRST[:3])
        for file in (self.file, backup, other):
            content = file.read_bytes()
            said = self.refused("archive", f"sqlite:{self.path}", str(file))
            self.assertIn("is there already; an archive overwrites nothing", said)
            self.assertEqual(file.read_bytes(), content)
        self.assertEqual(stranger.read_bytes(), before)

    async def test_what_has_nothing_to_archive(self) -> None:
        """A new ledger, one that has just begun, an archive, one with names in plain."""
        await write(self.path, [])
        words = ("archive", f"sqlite:{self.path}", str(self.file))
        self.assertIn("nothing has happened in it", self.refused(*words))
        await self.append(FIRST)
        self.archive()
        again = self.refused("archive", f"sqlite:{self.path}", str(self.folder / "new.db"))
        self.assertIn("nothing has happened in it", again)
        said = self.refused("archive", f"sqlite:{self.file}", str(self.folder / "new.db"))
        self.assertIn("it is an archive already", said)
        with closing(sqlite3.connect(self.path)) as connection, connection:
            names.note(connection, names.PLAIN)
        said = self.refused("archive", f"sqlite:{self.path}", str(self.folder / "new.db"))
        self.assertIn("granja rewrite it first", said)
        self.assertIn("there is nothing to archive", self.refused("archive", "memory:", "x"))

    async def test_a_server_that_runs_is_in_the_way(self) -> None:
        await write(self.path, FIRST)
        ledger = ledger_at(self.path)
        ledger.open()
        said = self.refused("archive", f"sqlite:{self.path}", str(self.file))
        self.assertIn("in use by another server", said)
        await ledger.close()
        self.archive()

    async def test_an_archive_is_for_good(self) -> None:
        """No server goes on with it, and no command makes anything else of it."""
        await write(self.path, FIRST)
        self.archive()
        with self.assertRaisesRegex(Exception, "is an archive, which is closed for good"):
            ledger_at(self.file).open()
        for command in ("copy", "rewrite"):
            words = (command, f"sqlite:{self.file}", f"sqlite:{self.folder}/x.db")
            self.assertIn("archive", self.refused(*words))
        said = self.refused("rewrite", f"sqlite:{self.path}", f"sqlite:{self.folder}/x.db")
        self.assertIn("has hashes for names already", said)

    async def test_a_copy_of_what_goes_on_is_the_same(self) -> None:
        await write(self.path, FIRST)
        self.archive()
        await self.append(SECOND)
        new = self.folder / "new.db"
        self.assertEqual(self.granja("copy", f"sqlite:{self.path}", f"sqlite:{new}")[0], 0)
        self.path = new
        self.assertIn("23 entries", self.audit(self.file))


class ForgedArchiveTests(Archiving):
    async def archived(self) -> None:
        await write(self.path, FIRST)
        self.archive()
        await self.append(SECOND)
        self.audit(self.file)

    async def test_an_edit_in_the_archive_is_located(self) -> None:
        await self.archived()
        tamper(self.file, "UPDATE entries SET body = replace(body, '13', '12') WHERE sequence = 1")
        self.assertIn("entry 1 is damaged: it does not fit its hash", self.audit_fails(self.file))

    async def test_an_end_that_was_forged_is_found(self) -> None:
        """With hashes that fit: what goes on from it knows the hash that was there."""
        await self.archived()
        tamper(self.file, "DELETE FROM entries WHERE sequence = 15")
        forge_body(self.file, "wished", '{"farmer":2,"gives":null,"seeks":[6]}')
        self.assertIn("goes on from another entry 15 than that", self.audit_fails(self.file))

    async def test_one_that_lacks_its_end_is_found(self) -> None:
        await self.archived()
        tamper(self.file, "DELETE FROM entries WHERE sequence > 12")
        self.assertIn("but ", self.audit_fails(self.file))

    async def test_the_wrong_file_is_named(self) -> None:
        """That of another farm, a backup, a ledger that was never archived."""
        await self.archived()
        ours, theirs = self.path, self.folder / "theirs.db"
        self.path, self.file = theirs, self.folder / "their-archive.db"
        await write(theirs, [*FIRST[:-1], Wished(BETO, None, None)])
        self.archive()
        self.path = ours
        self.assertIn("goes on from another entry 15", self.audit_fails(self.file))
        backup = self.folder / "backup.db"
        self.granja("backup", str(backup), "--ledger", f"sqlite:{ours}")
        self.assertIn("backup.db is no archive", self.audit_fails(backup))
        self.path = self.folder / "new.db"
        await write(self.path)
        self.assertIn("new.db goes on from no archive", self.audit_fails(self.file))

    async def test_a_state_that_was_forged_is_found(self) -> None:
        """Or a count: the ledger alone fits, both together do not."""
        for old, new, why in (
            ("[2,[[14,1]]]", "[2,[[14,2]]]", "the state that the archive ends in"),
            ('"last_offer":10', '"last_offer":9', "the state that the archive ends in"),
            ("[6,1,0,0]", "[6,2,1,0]", "the counts that the archive ends in"),
        ):
            await self.archived()
            self.forge_beginning(old, new)
            self.assertIn(why, self.audit_fails(self.file))
            for path in self.folder.iterdir():
                path.unlink()

    def forge_beginning(self, old: str, new: str) -> None:
        """Let the first entry say something else, and all hashes fit."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            rows = connection.execute("SELECT * FROM entries ORDER BY sequence").fetchall()
            sequence, time, kind, body, _ = rows[0]
            self.assertIn(old, body)
            rows[0] = (sequence, time, kind, body.replace(old, new), b"")
            with closing(sqlite3.connect(self.file)) as archive:
                (before,) = archive.execute(
                    "SELECT hash FROM entries ORDER BY sequence DESC"
                ).fetchone()
            connection.execute("DELETE FROM entries")
            for row in rows[:1]:
                before = digest(before, *row[:4])
                connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (*row[:4], before))

    async def test_a_beginning_in_the_middle_is_found(self) -> None:
        """Nobody can put another state in the place of what happened."""
        await self.archived()
        _, facts = await read(self.path)
        [begun] = [fact for fact in facts if isinstance(fact, Begun)]
        await self.append([begun])
        self.assertIn("only the first one goes on from an archive", self.audit_fails(self.file))

    async def test_a_damaged_beginning_is_never_trimmed(self) -> None:
        """The same holds for the end of a ledger: without it nothing would be left."""
        await write(self.path, FIRST)
        self.archive()
        changes = (
            "UPDATE entries SET body = replace(body, '13', '12')",
            "UPDATE entries SET kind = 'wished'",
            "UPDATE entries SET hash = zeroblob(32)",
        )
        await self.refuses(changes)
        self.path = self.folder / "short.db"
        await write(self.path, FIRST[:1])  # The beginning is entry 2 then.
        self.archive(self.folder / "archive-of-one.db")
        await self.refuses(changes)

    async def refuses(self, changes: Iterable[str]) -> None:
        """Check that no server starts on the ledger after any of these changes."""
        for change in changes:
            content = self.path.read_bytes()
            tamper(self.path, change)
            with self.assertRaisesRegex(Exception, "is damaged"):
                ledger_at(self.path).open()
            self.assertEqual(
                self.refused("audit", "--ledger", f"sqlite:{self.path}")[:7], "granja:"
            )
            self.path.write_bytes(content)

    async def test_what_no_granja_would_write_is_named(self) -> None:
        """A state that is none does not end the server with a traceback."""
        for body in (
            '{"head":"00","state":{}}',
            '{"head":"00","state":{"names":[[1]]}}',
            '{"head":"zz","state":[]}',
            '{"head":7,"state":{"x":1}}',
            "[]",
        ):
            await write(self.path)
            tamper(self.path, "DELETE FROM entries")
            entry = (16, 1763848001.0, "begun", body)
            tamper(
                *(self.path, "INSERT INTO entries VALUES (?, ?, ?, ?, ?)", *entry),
                digest(b"\0", *entry),
            )
            self.assertIn("entry", self.refused("audit", "--ledger", f"sqlite:{self.path}"))
            self.path.unlink()


#: Statements and calls at which the process is ended, one after the other.
_STEPS = ("COMMIT", "DELETE", "VACUUM")


class CrashTests(Archiving):
    async def test_a_crash_leaves_the_old_or_the_new(self) -> None:
        """This holds at any moment of the crash.  The same command then does the rest."""
        await write(self.path, FIRST, snapshot_at=9)
        pristine = self.path.read_bytes()
        found, facts = await read(self.path)
        wanted = market_of(found, facts).snapshot()
        seen = set()
        for step in range(1000):
            if self.killed_at(step) == 0:
                break
            found, facts = await read(self.path)
            self.assertEqual(market_of(found, facts).snapshot(), wanted)
            self.assertIn(found.sequence, (15, 16))
            seen.add((found.sequence, self.file.exists()))
            self.archive()
            self.assertIn("All is in order.", self.audit(self.file))
            self.assertFalse([*self.folder.glob("*-wal"), *self.folder.glob("*-lock")])
            for path in self.folder.iterdir():
                path.unlink()
            self.path.write_bytes(pristine)
        self.assertGreater(step, 5)
        self.assertEqual(seen, {(15, False), (15, True), (16, True)})

    def killed_at(self, step: int) -> int:
        """Archive in a process that dies silently at that step.  Returns its exit status."""
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        try:
            self._archive_until(step)
        finally:
            os._exit(1)

    def _archive_until(self, step: int) -> None:
        left = step

        def count() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(9)

        def note(statement: str) -> None:
            if statement.startswith(_STEPS):
                count()

        def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection = real_connect(*arguments, **options)
            connection.set_trace_callback(note)
            return connection

        def link(*arguments: Any) -> None:
            count()
            real_link(*arguments)
            count()

        real_connect, real_link = database.connect, os.link
        with mock.patch.object(database, "connect", connect), mock.patch("os.link", link):
            os._exit(cli.main(["archive", f"sqlite:{self.path}", str(self.file)]))
