"""``granja trace``: who gave what to whom, and when."""

from __future__ import annotations

import subprocess
import sys

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.market.facts import Declared, Registered, Traded
from tests.support.ledgers import ANA, SPADE, forge, reactor, tamper, write
from tests.support.operator_case import LONG_STORY, OperatorCase
from tests.support.server import environment


class TraceTests(OperatorCase):
    """``granja trace``."""

    async def test_an_artifact_by_number_or_name(self) -> None:
        """The trace shows who gave it to whom, in order, with the hour."""
        await write(self.path, LONG_STORY)
        status, by_number, err = self.run_granja("trace", "13")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(self.run_granja("trace", "espada ANTIGUA")[1], by_number)
        hours, texts = zip(*(line.split("  ", 1) for line in by_number.splitlines()), strict=True)
        self.assertRegex(hours[0], r"^2025-11-2\d \d\d:\d\d:\d\d[+-]\d\d:\d\d$")
        self.assertEqual(
            texts,
            (
                "Ana (farmer 1) declared Punta de flecha, Espada antigua",
                "Ana (farmer 1) handed Espada antigua to Beto (farmer 2) for Cuchara oxidada "
                "(offer #1)",
                "Beto (farmer 2) handed Espada antigua to Ana (farmer 1) for Cuchara oxidada "
                "(offer #2)",
            ),
        )

    async def test_a_hostile_name_does_nothing_to_the_terminal(self) -> None:
        """The trace reads a ledger that somebody else has written, and obeys nothing in it."""
        name = "Ana\x1b[2J\x1b]0;root\x07\x9b31m\nBeto\u202e"
        await write(self.path, [Declared(ANA, name, (SPADE,))])
        status, out, err = self.run_granja("trace", "13")
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out[:-1].isprintable(), out)
        spelt = "Ana\\x1b[2J\\x1b]0;root\\x07\\x9b31m\\nBeto\\u202e"
        self.assertTrue(out.endswith(f"{spelt} (farmer 1) declared Espada antigua\n"), out)
        complaint = self.complaint("audit")
        self.assertTrue(complaint[:-1].isprintable(), complaint)
        self.assertIn("was never a name", complaint)

    async def test_a_hostile_name_in_a_complaint(self) -> None:
        """The words of the question do nothing, either."""
        await write(self.path, [Declared(ANA, "Ana", (SPADE,))])
        self.assertIn("about \\x1b[2J", self.complaint("trace", "\x1b[2J"))

    async def test_a_farmer_by_name(self) -> None:
        """Names compare as in the chat: case and the composition of accents do not matter."""
        await write(self.path, LONG_STORY)
        out = self.run_granja("trace", "GUS")[1]
        self.assertEqual(
            [line.split("  ", 1)[1] for line in out.splitlines()],
            [
                "Gus (farmer 3) declared 2 × Cuchara oxidada",
                "Gus (farmer 3) gave away for good Cuchara oxidada",
                "Gus (farmer 3) left the granja with Cuchara oxidada",
            ],
        )
        self.assertEqual(len(self.run_granja("trace", "beto")[1].splitlines()), 3)

    async def test_a_farmer_whose_name_is_a_number(self) -> None:
        """``--farmer`` says which is meant."""
        await write(self.path, [Declared(FarmerId(1), "13", (ArtifactId(1),))])
        self.assertIn("nothing is on record about 13", self.complaint("trace", "13"))
        self.assertIn("declared", self.run_granja("trace", "13", "--farmer")[1])

    async def test_a_number_without_end_is_no_artifact(self) -> None:
        """A key got stuck.  The answer is the same as for any unknown number."""
        await write(self.path, LONG_STORY)
        for stuck in ("9" * 5000, "0" * 5000):
            self.assertIn("nothing is on record about", self.complaint("trace", stuck))
        self.assertIn("Espada antigua", self.run_granja("trace", "0013")[1])

    async def test_an_hour_that_no_calendar_has(self) -> None:
        """A broken clock may have written it.  The trace shows the deed all the same."""
        ledger = SQLiteLedger(self.path, reactor, lambda: 1e300)
        ledger.open()
        await ledger.append([Declared(ANA, "Ana", (SPADE,))], 0, {})
        await ledger.close()
        status, out, err = self.run_granja("trace", "13")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, "1e+300  Ana (farmer 1) declared Espada antigua\n")

    async def test_a_screen_without_the_letters(self) -> None:
        """cron often has none beyond ASCII: what it lacks is spelt, and nothing is left out."""
        await write(self.path, [Registered(ANA, "Ñandú"), Declared(ANA, "Ñandú", (SPADE,))])
        for words in (("trace", "13"), ("trace", "ñandú"), ("audit",), ("backup", "copia-ñ.db")):
            done = subprocess.run(
                [sys.executable, "-m", "granja", *words],
                cwd=self.folder,
                env=environment() | {"PYTHONIOENCODING": "ascii"},
                capture_output=True,
                timeout=60,
                check=False,
            )
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            if words[0] == "trace":
                self.assertIn(rb"  \xd1and\xfa (farmer 1) declared Espada antigua", done.stdout)

    async def test_an_output_that_takes_nothing(self) -> None:
        """A full disk behind it is no fault of the ledger.  A closed output is the caller's
        wish."""
        await write(self.path, LONG_STORY)
        full = b"granja: the output cannot be written: No space left on device\n"
        for words in ("trace 13", "audit", "backup copy.db"):
            for output, expected in (
                (">/dev/full", (1, full)),
                (">&-", (0, b"")),
                ("2>&-", (0, b"")),
            ):
                (self.folder / "copy.db").unlink(missing_ok=True)
                done = subprocess.run(
                    f'exec "{sys.executable}" -m granja {words} {output}',
                    shell=True,
                    cwd=self.folder,
                    env=environment(),
                    stderr=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    timeout=60,
                    check=False,
                )
                self.assertEqual((done.returncode, done.stderr), expected, (words, output))

    async def test_nobody_by_that_name(self) -> None:
        """A misspelt name is a sentence."""
        await write(self.path, LONG_STORY)
        self.assertIn("nothing is on record about Zoe", self.complaint("trace", "Zoe"))

    async def test_a_damaged_ledger_is_not_trusted(self) -> None:
        """The trace could be a forger's story."""
        await write(self.path, LONG_STORY)
        tamper(self.path, "UPDATE entries SET time = 0 WHERE sequence = 1")
        self.assertIn("entry 1 is damaged", self.complaint("trace", "13"))
        path = self.folder / "forged.db"
        await write(path)
        forge(path, [Traded(OfferId(77))])
        status, _, err = self.run_granja("trace", "13", path=path)
        self.assertEqual(status, 1)
        self.assertIn("entry 9 is damaged: it cannot have happened", err)
