"""The command that changes code in one place at a time sees each place, and puts it back."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tools.mutate import PROJECT, ROOMS, changes

MODULE = '''
"""A page of 3 sentences."""

LIMIT: int = 5
SLICE: Final = 512


def room(at: int, of: list[int]) -> bool:
    """Whether there is some."""
    assert at > 0
    log.info("there are 7", n=7)
    pairs(zip(of, of, strict=True))
    if of and at <= LIMIT - 1:
        of.append(at)
        return at in of
    while not done(of):
        at += 1
    raise ValueError(8)
'''

CHANGES = [
    "LIMIT: int = 6",
    "None",
    "if of or at <= LIMIT - 1:",
    "if of and at < LIMIT - 1:",
    "if of and at <= LIMIT + 1:",
    "if of and at <= LIMIT - 2:",
    "None",
    "return None",
    "return at not in of",
    "while done(of):",
    "at -= 1",
    "at += 2",
]


class Changes(SynchronousTestCase):
    def test_each_place_is_changed_once_and_put_back(self) -> None:
        """Texts for people, type hints and assertions stay unchanged."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        path = folder / "room.py"
        path.write_text(MODULE, "utf-8")
        found = list(changes(path))
        self.assertEqual([change.after.splitlines()[0] for change in found], CHANGES)
        whole = ast.unparse(ast.parse(MODULE))
        for change in found:
            self.assertNotEqual(change.source, whole)
            differing = [
                (before, after)
                for before, after in zip(
                    whole.splitlines(), change.source.splitlines(), strict=True
                )
                if before != after
            ]
            self.assertEqual(len(differing), 1, change.after)

    def test_the_rooms_and_their_tests_exist(self) -> None:
        for room, tests in ROOMS.items():
            self.assertTrue((PROJECT / "granja" / room).is_dir(), room)
            for test in tests:
                self.assertTrue((PROJECT / test).exists(), test)
