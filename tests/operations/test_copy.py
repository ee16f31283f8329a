"""A ledger goes to another engine and back, chain and all."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing, redirect_stderr, redirect_stdout

from granja.ledger.interface import Kept
from granja.ledger.url import open_ledger, open_shared
from granja.operations import cli
from granja.text import names
from tests.support.ledgers import forge, ledger_at, reactor, tamper, verifiers, write
from tests.support.operator_case import LONG_STORY, OperatorCase
from tests.support.postgresql import database, name_of, server


class Copying(OperatorCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = database(self)

    def granja(self, *words: str) -> tuple[int, str, str]:
        """Run the command.  Returns its exit status, its output and its stderr."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = cli.main(words)
        self.assertNotIn("Traceback", err.getvalue())
        self.assertNotIn("contrase", out.getvalue() + err.getvalue())
        return status, out.getvalue(), err.getvalue()

    def granja_fails(self, *words: str) -> str:
        status, out, err = self.granja(*words)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"\Agranja: [^\n]+\n\Z")
        return err

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        return server().sql(*statements, database=name_of(self.url))

    async def test_there_and_back(self) -> None:
        """Entries, hashes, verifiers and kept values are the same.  The audit says the same about
        both."""
        await write(self.path, LONG_STORY)
        ledger = ledger_at(self.path)
        ledger.open()
        await ledger.append([], len(LONG_STORY), {}, [Kept("bans", "x", {"until": 2.5})])
        await ledger.close()
        there = self.granja("copy", f"sqlite:{self.path}", self.url)
        self.assertEqual(there[0], 0, there[2])
        self.assertRegex(there[1], r"holds 15 entries of .*granja.db, which were audited")
        back = f"sqlite:{self.folder / 'back.db'}"
        self.assertEqual(self.granja("copy", self.url, back)[0], 0)
        reports = [
            self.granja("audit", "--ledger", url)[1]
            for url in (f"sqlite:{self.path}", self.url, back)
        ]
        self.assertIn("All is in order.", reports[0])
        self.assertEqual(reports[0], reports[1])
        self.assertEqual(reports[0], reports[2])
        self.assertEqual(self.dump(self.path), self.dump(self.folder / "back.db"))
        self.assertEqual(
            self.sql("SELECT spelling, registered, writer FROM granja.names"), [("Ana", True, None)]
        )

    def dump(self, path: object) -> list[list[tuple[object, ...]]]:
        with closing(sqlite3.connect(str(path))) as connection:
            return [
                connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
                for table in ("entries", "credentials", "kept")
            ]

    async def test_the_copy_is_a_ledger_to_go_on_with(self) -> None:
        """Numbers go on where they were."""
        await write(self.path, LONG_STORY)
        self.granja("copy", f"sqlite:{self.path}", self.url)
        ledger = open_shared(self.url, reactor, lambda: 1763848002.0, "norte")
        self.addCleanup(ledger.close)
        found = ledger.open()
        self.assertEqual((found.sequence, found.snapshot_sequence), (15, 15))
        eva = await ledger.claim(names.parse("Eva"))
        self.assertEqual(eva.farmer, 4)

    async def test_a_live_ledger_in_a_database_is_audited_traced_and_backed_up(self) -> None:
        """A node writes meanwhile.  The backup is a ledger that one node can run."""
        ledger = open_ledger(self.url, reactor, lambda: 1763848002.0, "norte")
        self.addCleanup(ledger.close)
        ledger.open()
        await ledger.append(LONG_STORY, 0, verifiers(LONG_STORY))
        status, out, _ = self.granja("audit", "--ledger", self.url)
        self.assertEqual((status, "15 entries; 2 trades;" in out), (0, True))
        status, out, _ = self.granja("trace", "--ledger", self.url, "Ana")
        self.assertIn("Ana", out)
        backup = self.folder / "backup.db"
        status, out, _ = self.granja("backup", "--ledger", self.url, str(backup))
        self.assertIn("backup.db holds 15 entries of postgresql://granja@127.0.0.1", out)
        self.assertIn("15 entries", self.granja("audit", "--ledger", f"sqlite:{backup}")[1])
        self.assertIn(
            "there is something already",
            self.granja_fails("backup", "--ledger", self.url, str(backup)),
        )

    async def test_nothing_is_overwritten(self) -> None:
        """Neither a file nor a database that has anything in it, were it a node without a fact."""
        await write(self.path)
        with closing(sqlite3.connect(self.folder / "other.db")):
            pass
        (self.folder / "other.db").touch()
        said = self.granja_fails("copy", f"sqlite:{self.path}", f"sqlite:{self.folder}/other.db")
        self.assertIn("there is something already; a copy overwrites nothing", said)
        ledger = open_ledger(self.url, reactor, lambda: 1763848002.0, "norte")
        self.addCleanup(ledger.close)
        ledger.open()
        said = self.granja_fails("copy", f"sqlite:{self.path}", self.url)
        self.assertIn("there is something already; a copy overwrites nothing", said)
        self.assertEqual(self.sql("SELECT count(*) FROM granja.entries"), [(0,)])

    async def test_a_ledger_that_does_not_add_up_is_not_copied(self) -> None:
        """Nothing appears where it was to be."""
        await write(self.path)
        forge(self.path, [LONG_STORY[2]])
        tamper(self.path, "UPDATE entries SET body = replace(body, '13', '12') WHERE sequence = 1")
        said = self.granja_fails("copy", f"sqlite:{self.path}", self.url)
        self.assertIn("entry 1 is damaged: it does not fit its hash", said)
        self.assertEqual(self.sql("SELECT to_regnamespace('granja')"), [(None,)])

    async def test_what_somebody_changed_in_the_database_is_found(self) -> None:
        """A body, the head, a trigger: the audit says which."""
        await write(self.path)
        for change, wanted in (
            ("UPDATE granja.entries SET body = '{}' WHERE sequence = 2", "entry 2 is damaged"),
            ("DELETE FROM granja.entries WHERE sequence = 8", "entry 8 is damaged: it is missing"),
            ("DELETE FROM granja.entries WHERE sequence = 3", "entry 3 is damaged: it is missing"),
            ("UPDATE granja.head SET hash = 'x'", "its head says that entry 8 is the last"),
            ("DELETE FROM granja.credentials", "farmer 1 is registered, but has no password"),
            ("UPDATE granja.snapshots SET state = '{}'", "the snapshot at entry 8 is off"),
            (
                "CREATE TRIGGER odd BEFORE DELETE ON granja.kept FOR EACH ROW "
                "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                "the trigger odd is not granja's",
            ),
        ):
            self.granja("copy", f"sqlite:{self.path}", self.url)
            self.assertEqual(self.granja("audit", "--ledger", self.url)[0], 0)
            self.sql(change)
            self.assertIn(wanted, self.granja_fails("audit", "--ledger", self.url))
            self.sql("DROP SCHEMA granja CASCADE")

    def test_a_database_without_a_ledger(self) -> None:
        said = self.granja_fails("audit", "--ledger", self.url)
        self.assertIn("has no ledger yet", said)
