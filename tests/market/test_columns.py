"""Sets of slots as whole numbers: what is put in comes out, lowest first."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId
from granja.market import columns
from granja.market.columns import Columns

ANCLA, DISCO = ArtifactId(21), ArtifactId(12)


class Sets(SynchronousTestCase):
    def test_the_slots_of_a_set_are_told_lowest_first(self) -> None:
        """Also of one that is longer than a byte, and of one that fills its bytes."""
        for wanted in ([], [0], [0, 1, 2], [7], [8], [3, 7, 8, 9, 15, 16, 41], list(range(16))):
            bits = sum(1 << slot for slot in wanted)
            self.assertEqual(list(columns.slots(bits)), wanted)
            self.assertEqual(list(columns.chosen(bits, range(50))), wanted)
            if wanted:
                self.assertEqual(columns.first(bits), wanted[0])

    def test_an_artifact_without_slots_is_left_out(self) -> None:
        """What is not there can be dropped."""
        of: Columns = {}
        columns.put(of, ANCLA, 0b0100)
        columns.put(of, ANCLA, 0b0001)
        columns.put(of, DISCO, 0b0001)
        self.assertEqual(of, {ANCLA: 0b0101, DISCO: 0b0001})
        columns.drop(of, ANCLA, 0b1000)
        columns.drop(of, ANCLA, 0b0001)
        for bit in (0b0001, 0b0001, 0b1000):
            columns.drop(of, DISCO, bit)
        self.assertEqual(of, {ANCLA: 0b0100})
