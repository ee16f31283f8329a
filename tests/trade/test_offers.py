"""Offers that are decided together, while trading stops, or by somebody who does not read."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import Kept
from granja.ledger.memory import MemoryLedger
from granja.settings import Settings
from granja.trade.doors import SUBJECT
from tests.support.farm import Farm, Person

FROZEN = "[SERVER] Error de Intercambio: los intercambios están detenidos por ahora."


class OfferCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.ledger = FaultyLedger(self.memory)
        self.farm = Farm(Settings(rate=None), self.ledger)

    def asks(self, person: Person, *lines: str) -> list[str]:
        person.hears()
        person.types(*lines)
        return person.hears()


class Together(OfferCase):
    def test_what_is_decided_at_once_has_numbers_of_its_own(self) -> None:
        """Two offers and two swaps wait for the disk.  None has a number that another one has."""
        people = [self.farm.arrives(f"Gente{n}", f"{n}, {n}") for n in range(1, 7)]
        self.ledger.hold()
        people[0].types(":agregar 9")  # The others wait for this one.
        people[1].types(":offer Gente3 2 3")
        people[3].types(":offer Gente5 4 5")
        people[0].types(":cambio 1 por 11")
        people[5].types(":cambio 6 por 11")
        for _ in range(3):
            self.ledger.release_first()
            self.farm.settle()
        self.ledger.release()
        self.farm.settle()
        said = [people[n].hears()[-1] for n in (1, 3, 5, 0)]
        numbers = [line.split("#")[1].split()[0] for line in said]
        self.assertEqual(sorted(numbers), ["1", "2", "3", "4"], said)


class Frozen(OfferCase):
    def test_it_is_said_before_anything_else_that_is_wrong(self) -> None:
        self.farm.factory.freezing.set(None, True)
        ana = self.farm.arrives("Ana", "6")
        for line in (":offer Nadie 6 12", ":offer Ana 6 6", ":accept", ":accept 99"):
            self.assertEqual(self.asks(ana, line), [FROZEN], line)

    def test_what_waited_for_its_turn_is_refused_too(self) -> None:
        """Somebody typed an offer or a swap before, and its decision comes after."""
        for line in (":offer Beto 6 12", ":cambio 6 por 12"):
            with self.subTest(line=line):
                self.setUp()
                ana = self.farm.arrives("Ana", "6")
                self.farm.arrives("Beto", "12")
                self.ledger.hold()
                self.farm.factory.freezing.set(None, True)
                self.assertEqual(self.asks(ana, line), [])
                self.ledger.release()
                self.farm.settle()
                self.assertEqual(ana.hears(), [FROZEN])


class NotReading(OfferCase):
    def test_what_became_of_ones_own_commands_is_never_dropped(self) -> None:
        """Ana reads nothing, and more waits for her than is kept.  Later she reads what became of
        her own commands, and how many lines she missed of what others did."""
        ana, beto = self.farm.arrives("Ana", "1, 3"), self.farm.arrives("Beto", "2, 4, 8")
        caro = self.farm.arrives("Caro", "5")
        beto.types(":cambio 2 por 1")
        wire: Any = ana.wire.producer
        wire.pauseProducing()  # Ana does not read, and there is no more room.
        for _ in range(80):
            caro.types(f":p Ana {'x' * 1000}")
        caro.sends(b"".join(b"%d %b\r\n" % (n, b"x" * 900) for n in range(1400)))
        self.farm.pass_time(1)
        caro.types(":offer Ana 5 3")  # Ana misses this one,
        ana.types(":offer Beto 3 4", ":cambio 1 por 2", ":retirar 3", ":cambio 3 por 8")
        beto.types(":cambio 8 por 3")  # and what this does to her swap and to that offer.
        wire.resumeProducing()
        self.farm.settle()
        news = [line for line in ana.hears() if "susurra" not in line]
        self.assertEqual(
            news,
            [
                "[SERVER] Te perdiste 1401 líneas.",
                "[SERVER] Oferta #3 enviada a Beto.",
                "[SERVER] Cambio #4 puesto: tu Rollo enano I por Rollo enano II.",
                "[SERVER] Cambio #4: diste Rollo enano I a Beto y recibiste Rollo enano II de "
                "Beto; ahora tus artefactos son: Rollo enano II, Rollo enano III",
                "[SERVER] Retiraste la oferta #3.",
                "[SERVER] Cambio #5 puesto: tu Rollo enano III por Joyería élfica.",
                "[SERVER] Te perdiste 2 líneas.",
            ],
        )


class Doors(OfferCase):
    def test_what_nobody_understands_in_the_ledger_closes_no_door(self) -> None:
        """The farm opens with it all the same, and knows who has closed theirs."""
        ana = self.farm.arrives("Ana", "6")
        ana.types(":registrar girasoles", ":ofertas no", ":q")
        self.ledger.append([], self.farm.factory.lane.sequence, {}, [Kept(SUBJECT, "²", True)])
        self.farm.open()
        beto = self.farm.arrives("Beto", "12")
        closed = "[SERVER] Error de Intercambio: Ana no recibe ofertas por ahora."
        self.assertEqual(self.asks(beto, ":offer Ana 12 6"), [closed])
