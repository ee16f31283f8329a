"""What the tests of an operator's commands have in common."""

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
from tests.support.ledgers import ANA, GUS, SPOON, STORY, folder_for

#: The story, and then a visitor, a gift to the museum and an answer.
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
    """Has a ledger's path, and a shell."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.path = self.folder / "granja.db"

    def run_granja(self, *words: str, path: Path | None = None) -> tuple[int, str, str]:
        """The exit status, what is printed, and what is said on stderr."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = audit.main([*words, "--ledger", f"sqlite:{path or self.path}"])
        self.assertNotIn("Traceback", err.getvalue())
        return status, out.getvalue(), err.getvalue()

    def complaint(self, *words: str, path: Path | None = None) -> str:
        """One sentence, and nothing else."""
        status, out, err = self.run_granja(*words, path=path)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"\Agranja: [^\n]+\n\Z")
        return err
