"""How the test of a whole farm counts lines: it would notice."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.whole.cluster.counting import Ear, Round
from tests.whole.told import Broken

HERE, THERE = (0, 1), (1, 1)
ONE, TWO, THREE = (("said", "Rosa1", n) for n in (1, 2, 3))
CAME = ("came", "Paso7", 0)


def hearing(*lines: str) -> Ear:
    ear = Ear("Vigía")
    for line in lines:
        ear.hear(line, {"Rosa1"})
    return ear


class Ears(SynchronousTestCase):
    def test_what_is_heard(self) -> None:
        ear = hearing(
            "[SERVER] Cliente Paso7 conectado.",
            "Rosa1: línea 1",
            "[SERVER] Te perdiste 12 líneas.",
            "[SERVER] Te perdiste 1 línea.",
            "Rosa1 te susurra: psst",
            "Rosa1: línea 14",
            "[SERVER] Paso7 desconectado.",
        )
        self.assertEqual(
            ear.heard, [CAME, ("said", "Rosa1", 1), ("said", "Rosa1", 14), ("went", "Paso7", 0)]
        )
        self.assertEqual(ear.missed, 13)
        ear.forget()
        self.assertEqual((ear.heard, ear.missed), ([], 0))

    def test_what_is_heard_late_or_twice(self) -> None:
        for lines in (
            ("Rosa1: línea 2", "Rosa1: línea 1"),
            ("Rosa1: línea 2", "Rosa1: línea 2"),
            ("[SERVER] Paso7 desconectado.", "[SERVER] Paso7 desconectado."),
            ("[SERVER] Cliente Paso7 conectado.", "[SERVER] Cliente Paso7 conectado."),
        ):
            with self.assertRaises(Broken):
                hearing(*lines)
        hearing("[SERVER] Rosa1 desconectado.", "[SERVER] Rosa1 desconectado.")


class Counting(SynchronousTestCase):
    def check(self, round: Round, heard: tuple[object, ...], missed: int) -> None:
        ear = Ear("Vigía", list(heard), missed)  # type: ignore[arg-type]
        round.check(HERE, ear)

    def test_among_the_living_to_the_line(self) -> None:
        """A line said here is not missed here."""
        round = Round({HERE: [("said", "Rosa2", 1)], THERE: [CAME, ONE, TWO]}, {}, {}, 0)
        self.assertTrue(round.exact)
        self.check(round, (CAME, ONE, TWO), 0)
        self.check(round, (TWO,), 2)
        for missed in (1, 3):
            with self.assertRaisesRegex(Broken, "missed 2 lines of others, but was told of "):
                self.check(round, (TWO,), missed)

    def test_of_the_dead_what_was_before_the_last_that_was_heard(self) -> None:
        """After it, nobody can know."""
        round = Round({HERE: []}, {THERE: [ONE, TWO, THREE]}, {THERE: 1}, 0)
        self.assertFalse(round.exact)
        self.assertEqual(round.limits(HERE, [TWO]), (1, 3))
        self.assertEqual(round.limits(HERE, []), (0, 4))
        with self.assertRaisesRegex(Broken, "missed 1 to 3 lines of others, but was told of 0"):
            self.check(round, (TWO,), 0)
        self.check(round, (TWO,), 3)

    def test_of_those_who_moved_nobody_knows(self) -> None:
        round = Round({HERE: [], THERE: [ONE]}, {}, {}, 2)
        self.assertEqual(round.limits(HERE, []), (1, 3))
