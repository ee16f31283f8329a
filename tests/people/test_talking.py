"""Who talks to somebody that reads slowly has to wait, and so has who whispers to them."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from granja.board.slow import FAR_BEHIND
from granja.settings import Settings
from tests.support.farm import Farm, Person


def waits(person: Person) -> bool:
    """Whether the farm reads nothing of theirs now."""
    return person.wire.producerState == "paused"


class Slow(SynchronousTestCase):
    def test_a_whisperer_waits_for_one_who_is_far_behind(self) -> None:
        """Whoever whispers to somebody else goes on."""
        farm = Farm(Settings(rate=None))
        ana, beto, caro, gus = (farm.arrives(name) for name in ("Ana", "Beto", "Caro", "Gus"))
        wire: Any = beto.wire.producer
        wire.pauseProducing()  # Beto does not read, and there is no more room.
        gus.sends(b"".join(b"%d %b\r\n" % (n, b"x" * 900) for n in range(FAR_BEHIND // 800)))
        self.assertEqual([waits(each) for each in (ana, caro, gus)], [False, False, True])
        caro.types(":p Ana hola")
        ana.types(":p Beto hola")
        self.assertEqual([waits(each) for each in (ana, caro)], [True, False])
        wire.resumeProducing()
        farm.settle()
        self.assertEqual([waits(each) for each in (ana, caro, gus)], [False] * 3)
        self.assertIn("Ana te susurra: hola", beto.hears())
