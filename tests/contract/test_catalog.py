"""The catalog: the packaged one, an operator's own, and bad ones."""

from __future__ import annotations

import json
import unicodedata
from importlib.resources import files

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.catalog import Artifact, Catalog
from granja.contract.errors import ConfigurationError
from granja.contract.ids import ArtifactId

#: The museum's collection in Stardew Valley, 1 to 42.
COLLECTION = (
    *("Rollo enano I", "Rollo enano II", "Rollo enano III", "Rollo enano IV", "Ánfora quebrada"),
    *("Punta de flecha", "Muñeco antiguo", "Joyería élfica", "Palo de mascar"),
    *("Abanico ornamental", "Huevo de dinosaurio", "Disco raro", "Espada antigua"),
    *("Cuchara oxidada", "Espuela oxidada", "Engranaje oxidado", "Estatua de gallina"),
    *("Semilla milenaria", "Herramienta prehistórica", "Estrella de mar seca", "Ancla"),
    *("Trocitos de cristal", "Flauta de hueso", "Hacha prehistórica", "Yelmo enano"),
    *("Dispositivo enano", "Tambor antiguo", "Máscara dorada", "Reliquia dorada"),
    *("Muñeco extraño (verde)", "Muñeco extraño (amarillo)", "Escápula prehistórica"),
    *("Tibia prehistórica", "Cráneo prehistórico", "Mano esquelética", "Costilla prehistórica"),
    *("Vértebra prehistórica", "Cola esquelética", "Fósil de nautilo", "Fósil de anfibio"),
    *("Fósil de palmera", "Trilobites"),
)


class ThePackagedCatalog(SynchronousTestCase):
    def setUp(self) -> None:
        self.text = (files("granja") / "artefactos.json").read_text("utf-8")
        self.catalog = Catalog.parse(self.text)

    def test_the_names_exactly(self) -> None:
        """The 42 artifacts of the museum, each under its number and in NFC."""
        self.assertEqual(
            {number: artifact.name for number, artifact in self.catalog.items()},
            dict(enumerate(COLLECTION, 1)),
        )
        self.assertEqual(json.loads(self.text), {str(n): a.name for n, a in self.catalog.items()})
        self.assertEqual(unicodedata.normalize("NFC", self.text), self.text)

    def test_the_ones_that_the_contract_counts_by(self) -> None:
        """The numbers that the wire contract's examples use."""
        named = {6, 12, 21, 22, 32, 42}
        self.assertEqual(
            {self.catalog[number].name for number in named},
            {
                *("Punta de flecha", "Disco raro", "Ancla", "Trocitos de cristal"),
                *("Escápula prehistórica", "Trilobites"),
            },
        )

    def test_bounds(self) -> None:
        self.assertEqual((self.catalog.first, self.catalog.last, len(self.catalog)), (1, 42, 42))


class AnOperatorsCatalog(SynchronousTestCase):
    def test_in_the_order_of_the_numbers(self) -> None:
        """The file may have any order.  Numbers sort as numbers: 10 comes after 9."""
        catalog = Catalog.parse('{"10": "Diez", "9": "Nueve", "999999999": "Último"}')
        self.assertEqual(list(catalog), [9, 10, 999999999])
        self.assertEqual((catalog.first, catalog.last), (9, 999999999))

    def test_names_are_tidied(self) -> None:
        """Spaces at the ends go, and accents are composed, so names compare as they look."""
        catalog = Catalog.parse(json.dumps({"1": "  A\u0301nfora quebrada "}))
        self.assertEqual(catalog[1], Artifact(ArtifactId(1), "Ánfora quebrada"))

    def test_looking_up(self) -> None:
        catalog = Catalog({6: "Punta de flecha"})
        self.assertIn(6, catalog)
        self.assertNotIn(7, catalog)
        with self.assertRaises(KeyError):
            catalog[7]

    def test_a_number_that_was_taken_out(self) -> None:
        """People who still hold it read its number, and see no sign of an error."""
        catalog = Catalog({6: "Punta de flecha"})
        self.assertEqual(catalog.describe(6).name, "Punta de flecha")
        self.assertEqual(catalog.describe(7), Artifact(ArtifactId(7), "artefacto n.º 7"))


class BadCatalogs(SynchronousTestCase):
    def assertRefused(self, text: str, why: str) -> None:  # noqa: N802
        with self.assertRaises(ConfigurationError) as caught:
            Catalog.parse(text, "mine.json")
        sentence = str(caught.exception)
        self.assertTrue(sentence.startswith("mine.json is not a catalog: "), sentence)
        self.assertIn(why, sentence)
        self.assertNotIn("\n", sentence)

    def test_no_json(self) -> None:
        """The sentence says where."""
        self.assertRefused("", "line 1 column 1")
        self.assertRefused('{"1": "Ancla"', "line 1 column 14")
        self.assertRefused("{1: 'Ancla'}", "line 1 column 2")
        self.assertRefused("[" * 100_000, "recursion")

    def test_not_an_object_or_nothing_in_it(self) -> None:
        for text in ("[]", '["Ancla"]', '"Ancla"', "1", "null", "true", "{}"):
            self.assertRefused(text, "it must be a non-empty object")

    def test_a_number_twice(self) -> None:
        """JSON would quietly take the last."""
        self.assertRefused('{"1": "Ancla", "1": "Disco raro"}', "a number stands in it twice")

    def test_what_is_no_number(self) -> None:
        """Two spellings of one number cannot be, because zeros in front are refused."""
        for key in ("", "0", "01", "-1", "+1", "1.0", "uno", " 1", "²", "٤", "1000000000"):
            self.assertRefused(json.dumps({key: "Ancla"}), f"{key!r} is not a whole number")

    def test_what_is_no_name(self) -> None:
        """Nothing that could harm a terminal gets in by way of a catalog either."""
        names: list[object] = ["", "  ", "a\nb", "a\x1b[31mb", "a\u202eb", 1, None, ["Ancla"]]
        for name in names:
            self.assertRefused(json.dumps({"7": name}), "artifact 7 must have a name")
