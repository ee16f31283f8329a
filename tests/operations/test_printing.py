"""How programs print to a reader who leaves, and to a full disk."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.house.test_imports import ROOT

#: Each prints more than one line, and needs no ledger and no server.
PROGRAMS = (["config"], ["admin", "--help"], ["audit", "--help"])


class Readers(SynchronousTestCase):
    def run_into(self, redirection: str, program: list[str]) -> tuple[int, str]:
        """The exit status, and what stands on stderr."""
        command = [sys.executable, "-m", "granja", *program]
        shell = ["sh", "-c", f'"$@" {redirection}', "sh", *command]
        done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_one_who_has_seen_enough_is_no_error(self) -> None:
        for program in PROGRAMS:
            self.assertEqual(self.run_into("| true", program)[1], "", program)

    def test_a_full_disk_is_a_sentence(self) -> None:
        status, said = self.run_into(">/dev/full", ["config"])
        self.assertEqual(
            (status, said),
            (1, "granja: the output cannot be written: No space left on device\n"),
        )
