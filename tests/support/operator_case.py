"""What all tests of an operator's commands need."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from twisted.trial.unittest import TestCase

from granja.contract.ids import OfferId
from granja.market.facts import (
    Declared,
    Departed,
    Fact,
    Left,
    PasswordChanged,
    Rejected,
    Returned,
    Withdrawn,
)
from granja.operations import cli as audit
from tests.support.folders import folder_for
from tests.support.ledgers import ANA, GUS, SPOON, STORY

#: The story, and after it a visitor, a gift to the museum and an answer.
LONG_STORY: list[Fact] = [
    *STORY,
    Rejected(OfferId(3)),
    Left(ANA),
    Returned(ANA),
    PasswordChanged(ANA),
    Declared(GUS, "Gus", (SPOON, SPOON)),
    Withdrawn(GUS, (SPOON,)),
    Departed(GUS, (SPOON,)),
]


class OperatorCase(TestCase):
    """Has a ledger's path, and runs commands."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.path = self.folder / "granja.db"

    def run_granja(self, *words: str, path: Path | None = None) -> tuple[int, str, str]:
        """Run a command.  Returns its exit status, its output and its stderr."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = audit.main([*words, "--ledger", f"sqlite:{path or self.path}"])
        self.assertNotIn("Traceback", err.getvalue())
        return status, out.getvalue(), err.getvalue()

    def complaint(self, *words: str, path: Path | None = None) -> str:
        """Run a command that fails.  Returns the one sentence that it says."""
        status, out, err = self.run_granja(*words, path=path)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"\Agranja: [^\n]+\n\Z")
        return err
