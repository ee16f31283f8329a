"""``--declarations once``: each registered farmer answers once where their artifacts come from."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from granja.market.facts import Declared
from granja.settings import Settings
from tests.support.farm import Farm, Person
from tests.support.village import PASSWORD, Village

ASKED = "[SERVER] Cuéntame, ¿qué artefactos tienes?"
ONCE = "[SERVER] Error: en esta granja los artefactos se declaran una sola vez."


class Once(SynchronousTestCase):
    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.disk = FaultyLedger(self.memory)
        self.farm = Farm(Settings(rate=None, declare_once=True), self.disk)
        self.ana = self.farm.person("Ana")
        self.ana.types("Ana")
        self.ana.hears()

    def registers(self) -> None:
        self.ana.types(":registrar girasoles")
        self.assertEqual(self.ana.hears()[-1], ASKED)

    def takes_over(self) -> Person:
        person = self.farm.person("Ana")
        person.types("Ana", "girasoles")
        return person

    def declared(self) -> list[tuple[int, ...]]:
        return [fact.artifacts for fact in self.memory.facts if isinstance(fact, Declared)]

    def release(self) -> None:
        self.disk.release()
        self.farm.settle()

    def test_a_visitor_owns_nothing_and_is_refused_all_of_it(self) -> None:
        self.ana.types(":artefactos", ":agregar 21", ":agregar 999", ":quitar 21")
        nothing = "[SERVER] Tus artefactos son: (ninguno)"
        self.assertEqual(
            self.ana.hears(), [nothing, ONCE, ONCE, "[SERVER] Error: no tienes Ancla."]
        )
        self.ana.drops()
        self.assertEqual(self.declared(), [])

    def test_a_registered_farmer_is_asked_once(self) -> None:
        self.registers()
        self.ana.types("ninguno", "si", ":agregar 21", "hola")
        self.assertEqual(self.ana.hears()[-2:], ["[SERVER] ¡OK!", ONCE])
        self.ana.drops()
        again = self.takes_over()
        self.assertEqual(again.hears()[-1], "[SERVER] ¡OK!")
        self.assertEqual(self.declared(), [()])

    def test_whoever_takes_over_is_asked_instead(self) -> None:
        self.registers()
        self.ana.types("21")
        newcomer = self.takes_over()
        self.assertEqual(newcomer.hears()[-1], ASKED)
        newcomer.types("22", "si")
        self.assertEqual(newcomer.hears()[-1], "[SERVER] ¡OK!")
        self.assertEqual(self.declared(), [(22,)])

    def test_a_yes_that_was_given_before_the_takeover_counts(self) -> None:
        """It is being written while the newcomer comes in, so the newcomer need not answer."""
        self.registers()
        self.ana.types("21")
        self.disk.hold()
        self.ana.types("si")
        newcomer = self.takes_over()
        self.release()
        newcomer.hears()
        newcomer.types(":artefactos", "hola", ":u")
        self.assertEqual(
            newcomer.hears(),
            ["[SERVER] Tus artefactos son: Ancla", "[SERVER] Usuarios conectados: Ana"],
        )
        self.assertEqual(self.declared(), [(21,)])

    def test_two_yeses_are_one_declaration(self) -> None:
        """The first is being written when the second is given, on the connection that took over."""
        self.registers()
        newcomer = self.takes_over()
        newcomer.types("22")
        self.assertEqual(newcomer.hears()[-1], "[SERVER] ¿Está Bien? (Sí/No)")
        self.disk.hold()
        presence = self.farm.factory.presence
        farmer = self.farm.factory.roster.find("Ana")
        assert farmer is not None
        first = presence.declaring.declare(farmer, [])
        newcomer.types("si")
        self.release()
        self.successResultOf(first)
        self.assertIn(ONCE, newcomer.hears())
        newcomer.types("hola", ":u")
        self.assertEqual(newcomer.hears(), ["[SERVER] Usuarios conectados: Ana"])
        self.assertEqual(self.declared(), [()])

    def test_a_full_disk_asks_the_confirmation_again(self) -> None:
        self.registers()
        self.ana.types("21")
        self.disk.fill()
        self.ana.types("si")
        heard = self.ana.hears()
        self.assertTrue(any("no se pudo guardar" in line for line in heard), heard)
        self.disk.empty()
        self.ana.types(":artefactos", "si")
        self.assertEqual(
            self.ana.hears(), ["[SERVER] Tus artefactos son: (ninguno)", "[SERVER] ¡OK!"]
        )
        self.assertEqual(self.declared(), [(21,)])


class AtTwoNodes(SynchronousTestCase):
    def test_a_yes_that_the_next_node_has_not_heard_of_counts(self) -> None:
        """It asks again.  The answer is refused, and ends the question."""
        settings = Settings(rate=None, declare_once=True)
        village = Village(2, settings=settings, registered=("Ana",))
        here, there = village.farms
        for farm, answer in ((here, "21"), (there, "22")):
            ana = farm.person("Ana")
            ana.types("Ana", PASSWORD)
            village.settle()
            self.assertEqual(ana.hears()[-1], ASKED)
            self.patch(there.shared.watcher, "others", lambda *_: None)
            ana.types(answer, "si")
            village.settle()
        self.assertEqual(ana.hears()[-1], ONCE)
        ana.types("hola", ":artefactos")
        self.assertEqual(ana.hears(), ["[SERVER] Tus artefactos son: Ancla"])
