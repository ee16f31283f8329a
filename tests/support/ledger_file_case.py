"""What all tests of the ledger's file need."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import TestCase

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite.ledger import SQLiteLedger
from tests.support.folders import folder_for
from tests.support.ledgers import ledger_at
from tests.support.logs import sentences


class LedgerFileCase(TestCase):
    """Has a path for a ledger, and keeps the ledger's log."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.path = self.folder / "granja.db"
        self.logged = sentences(self, "granja.ledger")

    def refusal(self, path: Path | None = None) -> str:
        """The sentence that the ledger says when it refuses to open."""
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
