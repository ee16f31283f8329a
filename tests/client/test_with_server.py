"""The terminal client's conversation with the real factory, in memory."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.catalog_file import read_catalog
from granja.client import sentences as notes
from granja.client.conversation import Conversation
from granja.contract.catalog import Catalog
from granja.settings import Settings
from tests.support import farm
from tests.support.farm import Farm, Person

STONES = Catalog({1: "Piedra lunar", 2: "Piedra pómez"})


class Visitor:
    """Somebody with the terminal client, wired to the farm in memory."""

    def __init__(self, farm: Farm, name: str) -> None:
        names = {number: artifact.name for number, artifact in read_catalog(None).items()}
        self.farm = farm
        self.name = name
        self.talk = Conversation(names, secure=True)
        self.lines: list[str] = []
        self.connects()

    def connects(self) -> None:
        self.person: Person = self.farm.person(self.name)
        self.talk.connect()
        self.looks()

    def types(self, *lines: str) -> None:
        for line in lines:
            self.talk.type(line)
            self.looks()

    def looks(self) -> None:
        """Let everything that is on its way arrive."""
        quiet = False
        while not quiet:
            sent = self.talk.take_outgoing()
            if sent:
                self.person.sends(sent)
            heard = self.person.hears_bytes()
            self.lines += [shown.line for shown in self.talk.receive(heard)]
            quiet = not sent and not heard

    def sees(self) -> list[str]:
        """The lines on the screen since the last look."""
        self.looks()
        lines, self.lines = self.lines, []
        return lines

    def arrives(self, artifacts: str) -> Visitor:
        self.types(self.name, artifacts, "si")
        self.sees()
        return self

    def loses_the_line(self) -> None:
        self.person.drops()
        self.talk.disconnect()

    def suggested(self, before: str) -> list[str]:
        return [suggestion.text for suggestion in self.talk.suggestions(before)]


class Case(SynchronousTestCase):
    settings = Settings(rate=None)

    def setUp(self) -> None:
        self.farm = Farm(self.settings)

    def visitor(self, name: str, artifacts: str = "") -> Visitor:
        return Visitor(self.farm, name).arrives(artifacts)


class AVisit(Case):
    def test_arriving(self) -> None:
        """The first question comes as a line, before GMCP.  All the rest comes as data, shown
        once."""
        ana = Visitor(self.farm, "Ana")
        ana.types("Ana", "6, 13", "si")
        self.assertEqual(
            ana.sees(),
            [
                "[SERVER] Ingresa tu nombre:",
                "¡Bienvenid@ al chat de Granjerxs!",
                "[SERVER] Cuéntame, ¿qué artefactos tienes?",
                f"[granja] {notes.HOW_TO_LIST}",
                "[SERVER] Tus artefactos son: Punta de flecha, Espada antigua",
                "[SERVER] ¿Está Bien? (Sí/No)",
                "[SERVER] ¡OK!",
                f"[granja] {notes.HOW_TO_TALK}",
                "[SERVER] Usuarios conectados: Ana",
            ],
        )
        self.assertTrue(ana.talk.arrived)

    def test_talk_between_all_kinds(self) -> None:
        ana = self.visitor("Ana")
        beto = self.farm.person("Beto").arrives()
        ana.sees()
        beto.types("hola Ana", ":p Ana psst", ":larva")
        self.assertEqual(
            ana.sees(), ["Beto: hola Ana", "Beto te susurra: psst", "Beto: ¡Larva! (:o)OOOooo"]
        )
        ana.types("hola", ":catalogo")
        self.assertEqual(beto.hears(), ["Ana: hola"])
        self.assertEqual(len(ana.sees()), len(read_catalog(None)))

    def test_who_is_here(self) -> None:
        beto = self.farm.person("Beto").arrives()
        ana = self.visitor("Ana")
        self.farm.person("Bea").arrives()
        ana.looks()
        self.assertEqual(ana.suggested(":p b"), ["Beto ", "Bea "])  # room for the words
        beto.types(":q")
        beto.drops()
        ana.looks()
        self.assertEqual(ana.suggested(":p b"), ["Bea "])

    def test_a_trade(self) -> None:
        """The whole way of an offer: proposed by name, suggested by number, done."""
        ana, gus = self.visitor("Ana", "21"), self.visitor("Gus", "12")
        self.assertEqual(ana.suggested(":offer Gus ancla"), ["21 "])
        ana.types(":offer Gus 21 12")
        ana.sees()
        (offer,) = gus.sees()
        self.assertIn("Ana quiere intercambiar su Ancla por tu Disco raro", offer)
        (number,) = gus.suggested(":accept ")
        gus.types(f":accept {number}")
        self.assertEqual(
            gus.sees(), ["[SERVER] Intercambio aceptado, ahora tus artefactos son: Ancla"]
        )
        self.assertEqual(
            ana.sees(), ["[SERVER] Intercambio realizado, tus artefactos ahora son: Disco raro"]
        )
        self.assertEqual(ana.suggested(":offer Gus "), ["12 "])
        self.assertEqual(gus.suggested(":offer Ana "), ["21 "])
        self.assertEqual(gus.suggested(":accept "), [])

    def test_a_farm_with_its_own_catalog(self) -> None:
        """The client suggests this farm's artifacts, not the ones that came with the client."""
        self.patch(farm, "read_catalog", lambda _: STONES)
        self.farm = Farm(self.settings)
        ana = self.visitor("Ana", "1")
        self.assertEqual(ana.suggested(":artefacto piedra"), ["1", "2"])

    def test_leaving(self) -> None:
        ana = self.visitor("Ana")
        ana.talk.leave()
        self.assertEqual(ana.sees(), ["[SERVER] ¡Adiós y suerte completando tu colección!"])
        self.assertTrue(ana.person.is_closed)
        self.assertTrue(ana.talk.over)


class ComingBack(Case):
    def test_a_visitor(self) -> None:
        """After a drop one has what one last held, which is not what one came with."""
        ana, gus = self.visitor("Ana", "21, 21"), self.farm.person("Gus").arrives("12")
        ana.types(":offer Gus 21 12")
        gus.types(":accept")
        ana.sees()
        ana.loses_the_line()
        ana.connects()
        self.assertEqual(
            ana.sees(),
            [
                "[SERVER] Hola de nuevo, Ana.",
                "[SERVER] Tus artefactos son: Disco raro, Ancla",
                "[SERVER] ¡OK!",
                "[SERVER] Usuarios conectados: Ana, Gus",
            ],
        )
        self.assertEqual(
            gus.hears()[-1:], ["[SERVER] Intercambio aceptado, ahora tus artefactos son: Ancla"]
        )

    def test_what_was_said_meanwhile(self) -> None:
        """The client shows it once, in order, no matter what came before the connection was
        lost."""
        ana, gus = self.visitor("Ana", "21"), self.farm.person("Gus").arrives("12")
        gus.types("uno")
        self.assertIn("Gus: uno", ana.sees())
        ana.loses_the_line()
        gus.types("dos", ":p Ana tres")
        ana.connects()
        seen = ana.sees()
        self.assertEqual(
            [line for line in seen if line.startswith("Gus")], ["Gus: dos", "Gus te susurra: tres"]
        )

    def test_when_the_pass_serves_no_more(self) -> None:
        """After a long time in a tunnel one comes in by name, with what one last held."""
        ana, gus = self.visitor("Ana", "21, 21"), self.farm.person("Gus").arrives("12")
        ana.types(":offer Gus 21 12")
        gus.types(":accept")
        ana.sees()
        ana.loses_the_line()
        self.farm.pass_time(150)
        ana.connects()
        seen = ana.sees()
        self.assertEqual(seen[0], "¡Bienvenid@ al chat de Granjerxs!")
        self.assertIn("[SERVER] Tus artefactos son: Disco raro, Ancla", seen)

    def test_a_registered_farmer(self) -> None:
        ana = self.visitor("Ana", "21")
        ana.types(":registrar secreto99")
        ana.sees()
        ana.loses_the_line()
        ana.connects()
        seen = ana.sees()
        self.assertIn("[SERVER] Tus artefactos son: Ancla", seen)
        self.assertIn("[SERVER] ¡OK!", seen)
        self.assertNotIn("[SERVER] Contraseña:", seen)
        self.assertFalse(ana.talk.hidden)

    def test_somebody_took_the_name(self) -> None:
        ana = self.visitor("Ana", "21")
        ana.loses_the_line()
        self.farm.pass_time(150)
        self.farm.person("ana").arrives()
        ana.connects()
        self.assertEqual(ana.sees()[0], "[SERVER] Nombre ya en uso.")
        ana.types("Anita", "21", "si")
        self.assertIn("[SERVER] ¡OK!", ana.sees())
        self.assertEqual(ana.talk.name, "Anita")

    def test_taken_over(self) -> None:
        """The client does not fight with the same person at another terminal."""
        ana = self.visitor("Ana", "21")
        ana.types(":registrar secreto99")
        other = self.farm.person("Ana")
        other.types("Ana", "secreto99")
        self.assertEqual(ana.sees()[-1], "[SERVER] Entraste desde otro lugar.")
        self.assertTrue(ana.talk.over)

    def test_three_wrong_passwords(self) -> None:
        self.visitor("Ana").types(":registrar secreto99", ":q")
        ana = Visitor(self.farm, "Ana")
        ana.types("Ana")
        self.assertTrue(ana.talk.hidden)
        ana.types("errada01", "errada02", "errada03")
        self.assertEqual(ana.sees()[-1], "[SERVER] Error: contraseña incorrecta.")
        self.assertTrue(ana.person.is_closed)
        self.assertTrue(ana.talk.over)

    def test_too_slow(self) -> None:
        ana = Visitor(self.farm, "Ana")
        self.farm.pass_time(61)
        self.assertEqual(ana.sees()[-1], "[SERVER] Tiempo agotado.")
        self.assertTrue(ana.talk.over)


class DeclaringOnce(Case):
    settings = Settings(rate=None, declare_once=True)

    def test_the_list_is_the_farmers_own_business(self) -> None:
        ana = Visitor(self.farm, "Ana")
        ana.types("Ana", ":registrar secreto99")
        self.assertEqual(ana.talk.question, "artifacts")
        ana.loses_the_line()
        ana.connects()
        self.assertEqual(ana.talk.question, "artifacts")
        ana.types("21", "si")
        self.assertEqual(ana.talk.question, "")
        self.assertEqual(ana.suggested(":offer Gus "), ["21 "])
