"""Every play under ``tests/plays`` goes as it is written."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.commands import TABLE
from tests.support.play import PLAYS, Mistake, act


class Plays(SynchronousTestCase):
    """One test for each play, named after it."""

    def tearDown(self) -> None:
        """No play may put an error into the log."""
        self.assertEqual(self.flushLoggedErrors(), [])


def _test_of(text: str):  # type: ignore[no-untyped-def]
    return lambda self: act(text)


for _path in sorted(PLAYS.glob("*.play")):
    setattr(Plays, f"test_{_path.stem}", _test_of(_path.read_text("utf-8")))


class EveryCommand(SynchronousTestCase):
    def test_each_has_a_play(self) -> None:
        """A play types it, so there is a conversation to read for it."""
        typed = "\n".join(path.read_text("utf-8") for path in PLAYS.glob("*.play")).casefold()
        for row in TABLE:
            self.assertRegex(typed, rf"(?m)^\w+> {row.word}( |$)")


class TheStage(SynchronousTestCase):
    """The runner notices mistakes.  Otherwise the plays would prove nothing."""

    def test_something_else_is_heard(self) -> None:
        with self.assertRaisesRegex(Mistake, "line 2.*\n.*Ingresa tu nombre"):
            act("* Ana connects\nAna< Hola")

    def test_more_is_heard(self) -> None:
        with self.assertRaisesRegex(Mistake, "Ana also hears"):
            act("* Ana connects")

    def test_nothing_is_heard(self) -> None:
        with self.assertRaisesRegex(Mistake, "Ana hears nothing"):
            act("* Ana arrives with 6\nAna< Hola")

    def test_an_unknown_direction(self) -> None:
        with self.assertRaisesRegex(Mistake, "no such direction"):
            act("* Ana flies")
