"""The history keeps talk in memory: how much of it, and in which order."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.board.history import History
from granja.contract.messages import Acted, Arrived, Said

ANA, BETO = 1, 2


def texts(history: History, count: int = 100, but: tuple[int, ...] = ()) -> list[str]:
    return [remark.text for remark in history.last(count, but)]


class Keeping(SynchronousTestCase):
    def test_the_last_lines_oldest_first(self) -> None:
        history = History(10)
        history.add(ANA, "Ana", b"uno", 1, 5.0, place=0)
        history.add(BETO, "Beto", "dos\n¿tres?".encode(), 2, 6.0, place=0)
        self.assertEqual(texts(history), ["uno", "dos", "¿tres?"])
        self.assertEqual(texts(history, 2), ["dos", "¿tres?"])
        first, *_, last = history.last(3)
        self.assertEqual((first.number, first.time, first.name), (1, 5.0, "Ana"))
        self.assertEqual((last.number, last.time, last.by), (3, 6.0, BETO))

    def test_never_more_than_it_should_keep(self) -> None:
        """A block that is older in part shows its newer part, and goes when it has none."""
        history = History(3)
        history.add(ANA, "Ana", b"1\n2\n3\n4\n5", 5, 0.0, place=0)
        self.assertEqual(texts(history), ["3", "4", "5"])
        history.add(ANA, "Ana", b"6", 1, 0.0, place=0)
        self.assertEqual(texts(history), ["4", "5", "6"])
        for number in range(7, 10):
            history.add(ANA, "Ana", str(number).encode(), 1, 0.0, place=0)
        self.assertEqual(texts(history), ["7", "8", "9"])
        self.assertEqual(len(history._blocks), 3)

    def test_some_are_left_out(self) -> None:
        """The search for the last two lines of others goes past the lines that are left out."""
        history = History(10)
        for by, text in ((ANA, b"1"), (BETO, b"2"), (BETO, b"3"), (ANA, b"4"), (BETO, b"5")):
            history.add(by, "?", text, 1, 0.0, place=0)
        self.assertEqual(texts(history, 2, (BETO,)), ["1", "4"])

    def test_what_came_after_a_line(self) -> None:
        history = History(3)
        for number in range(1, 6):
            history.add(ANA, "Ana", str(number).encode(), 1, 0.0, place=number)
        self.assertEqual(history.since(4), [(4, Said("Ana", "5"))])
        said = [(place, Said("Ana", str(place + 1))) for place in (2, 3, 4)]
        self.assertEqual(history.since(0), said)
        self.assertEqual(history.since(5), [])

    def test_announcements_and_deeds_keep_their_place(self) -> None:
        history = History(3)
        history.add(ANA, "Ana", b"hola", 1, 0.0, place=1)
        history.announce(Arrived("Eva"), 1)
        history.add(ANA, "Ana", b"baila", 1, 0.0, acted=True, place=3)
        told = [(0, Said("Ana", "hola")), (1, Arrived("Eva")), (2, Acted("Ana", "baila"))]
        self.assertEqual(history.since(0), told)
        self.assertEqual(history.since(0, (ANA,)), told[1:2])
        self.assertEqual(history.since(1), told[1:])

    def test_what_is_kept_no_more_is_counted(self) -> None:
        """After any line, and without the lines of some."""
        history, said = History(7), []
        for number in range(60):
            by, lines = (ANA, BETO)[number % 2], number % 5 + 1
            said += [by] * lines
            history.add(by, "?", b"\n".join([b"x"] * lines), lines, 0.0, place=len(said))
        for place in range(len(said) + 1):
            for but in ((), (ANA,), (ANA, BETO)):
                after = sum(by not in but for by in said[place:])
                kept = len(history.since(place, but))
                self.assertEqual(history.lost(place, but), after - kept, (place, but))

    def test_nothing_is_kept_if_nothing_should_be(self) -> None:
        history = History(0)
        history.add(ANA, "Ana", b"hola", 1, 0.0, place=0)
        self.assertEqual((texts(history), history.said), ([], 1))
