"""Each odd line does what the contract promises, by itself and whole."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.settings import Settings
from tests.support.farm import Farm
from tests.support.odd_lines import LINES


class OddLines(SynchronousTestCase):
    def setUp(self) -> None:
        farm = Farm(Settings(rate=None))
        self.ana = farm.arrives("Ana", "6, 13, 14")
        self.beto = farm.arrives("Beto")
        self.ana.hears()

    def test_in_the_order_in_which_they_are_typed(self) -> None:
        for raw, said, answers in LINES:
            self.ana.sends(raw)
            heard = tuple(self.beto.hears()), tuple(self.ana.hears())
            self.assertEqual(heard, (said, answers), raw)

    def test_byte_by_byte(self) -> None:
        for raw, said, answers in LINES:
            for byte in raw:
                self.ana.sends(bytes((byte,)))
            heard = tuple(self.beto.hears()), tuple(self.ana.hears())
            self.assertEqual(heard, (said, answers), raw)

    def test_in_one_stream(self) -> None:
        """Any number may come at once: each line ends before the next begins."""
        self.ana.sends(b"".join(raw for raw, _, _ in LINES))
        self.ana.farm.pass_time(1)
        self.assertEqual(self.beto.hears(), [line for _, said, _ in LINES for line in said])
        self.assertEqual(self.ana.hears(), [line for _, _, told in LINES for line in told])
