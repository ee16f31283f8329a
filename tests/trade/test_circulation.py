"""Artifacts that the catalog lacks still belong to the people who hold them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.catalog import Catalog
from tests.support.farm import Farm, Person

LACKING = "artefacto n.º 5"


class OutOfTheCatalog(SynchronousTestCase):
    """Ana has two of number 5, and then the operator takes it out of the catalog."""

    def setUp(self) -> None:
        self.farm = Farm()
        self.ana = self.arrives("Ana", "5 5 6")
        self.gus = self.arrives("Gus", "7")
        catalog = self.farm.factory.catalog
        names = {number: artifact.name for number, artifact in catalog.items()}
        names.pop(5)
        catalog.become(Catalog(names))
        self.ana.hears()

    def arrives(self, name: str, artifacts: str) -> Person:
        person = Person(self.farm, name).arrives(artifacts)
        person.hears()
        return person

    def test_it_is_shown(self) -> None:
        self.ana.types(":artefactos", ":artefacto 5")
        self.assertEqual(
            self.ana.hears(),
            [
                f"[SERVER] Tus artefactos son: {LACKING}, {LACKING}, Punta de flecha",
                f"[SERVER] El artefacto es: {LACKING}",
            ],
        )

    def test_it_can_be_offered_and_traded(self) -> None:
        self.ana.types(":offer Gus 5 7")
        self.assertEqual(self.ana.hears(), ["[SERVER] Oferta #1 enviada a Gus."])
        (heard,) = self.gus.hears()
        self.assertIn(LACKING, heard)
        self.gus.types(":accept")
        (heard,) = self.gus.hears()
        self.assertTrue(heard.endswith(f"ahora tus artefactos son: {LACKING}"), heard)
        self.gus.types(":offer Ana 5 7")
        self.assertEqual(self.gus.hears(), ["[SERVER] Oferta #2 enviada a Ana."])

    def test_it_can_be_asked_for(self) -> None:
        self.gus.types(":offer Ana 7 5")
        self.assertEqual(self.gus.hears(), ["[SERVER] Oferta #1 enviada a Ana."])

    def test_it_can_be_given_away(self) -> None:
        self.ana.types(":quitar 5", ":quitar 5", ":quitar 5")
        last = "[SERVER] Tus artefactos son: Punta de flecha"
        self.assertEqual(self.ana.hears()[1:], [last, f"[SERVER] Error: no tienes {LACKING}."])

    def test_nobody_finds_another_one(self) -> None:
        """Neither in the chat nor on arriving."""
        wanted = "[SERVER] Error: el artefacto 5 no existe. Elige números del 1 al 42."
        self.gus.types(":agregar 5")
        self.assertEqual(self.gus.hears(), [wanted])
        beto = Person(self.farm, "Beto")
        beto.types("Beto", "5")
        self.assertIn(wanted, beto.hears())

    def test_it_is_no_longer_in_the_catalog(self) -> None:
        self.ana.types(":catalogo")
        self.assertNotIn(LACKING, "".join(self.ana.hears()))

    def test_what_nobody_holds_is_not_there(self) -> None:
        names = {n: a.name for n, a in self.farm.factory.catalog.items() if n != 9}
        self.farm.factory.catalog.become(Catalog(names))
        self.ana.types(":artefacto 9", ":offer Gus 9 7")
        heard = self.ana.hears()
        self.assertEqual(len(heard), 2)
        for line in heard:
            self.assertIn("9", line)
            self.assertIn("Error", line)
