"""Who may use a name, even one from older rules (PROTOCOL §2, §5)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId
from granja.ledger.memory import MemoryLedger
from granja.market.facts import Left, Registered
from tests.support.farm import Farm

ASKED = "[SERVER] Contraseña:"
TAKEN = "[SERVER] Nombre ya en uso."


class OlderNames(SynchronousTestCase):
    """Names that are one, or none, since the rules know more, and were registered before."""

    def setUp(self) -> None:
        ledger = MemoryLedger()
        for number, name in enumerate(("Max", "Ma\u2cad", "Admin1", "Walter", "VValter"), 1):
            ledger.facts += [Registered(FarmerId(number), name), Left(FarmerId(number))]
            ledger.credentials[FarmerId(number)] = f"plain:girasoles {name}"
            ledger._sequence += 2
        self.farm = Farm(ledger=ledger)

    def test_each_of_them_keeps_coming_in(self) -> None:
        for name in ("Max", "Ma\u2cad", "Admin1", "Walter", "VValter"):
            typed = name.upper()
            person = self.farm.person()
            person.types(typed, f"girasoles {name}")
            self.assertIn("[SERVER] ¡OK!", person.hears(), name)
        person.types(":u")
        here = "Max, Ma\u2cad, Admin1, Walter, VValter"
        self.assertEqual(person.hears(), [f"[SERVER] Usuarios conectados: {here}"])

    def test_nobody_new_is_like_any_of_them(self) -> None:
        """With a look-alike, people must know the password of the name it looks like."""
        for typed in ("MAX", "vValter", "wa1ter", "\u041c\u0430\u0445"):
            person = self.farm.person()
            person.types(typed)
            self.assertEqual(person.hears()[-1], ASKED, typed)
        for typed in ("M\u0430\u2cad", "Admin2", "W\u0430lter"):
            person = self.farm.person()
            person.types(typed)
            self.assertTrue(person.hears()[-2].startswith("[SERVER] Nombre no válido: "), typed)

    def test_a_name_of_older_rules_is_no_visitors(self) -> None:
        """Nobody new may take an invalid name.  Its owner keeps it."""
        person = self.farm.person()
        person.types("Admin2")
        self.assertEqual(person.hears()[-2], "[SERVER] Nombre no válido: está reservado.")

    def test_a_whisper_finds_the_very_name_first(self) -> None:
        for name in ("Walter", "VValter"):
            self.farm.person(name).types(name, f"girasoles {name}")
        walter, other = self.farm.people
        gus = self.farm.arrives("Gus")
        gus.types(":p WALTER uno", ":p vvALTER dos", ":p vva1ter tres")
        self.assertEqual(walter.hears(), ["Gus te susurra: uno", "Gus te susurra: tres"])
        self.assertEqual(other.hears(), ["Gus te susurra: dos"])

    def test_who_is_meant_by_a_name_that_looks_like_two(self) -> None:
        """First the owner of the very name, then who is in the chat, then who is away."""
        gus = self.farm.arrives("Gus")

        def ignored(typed: str) -> str:
            gus.types(f":ignorar {typed}")
            return gus.hears()[-1]

        self.assertEqual(ignored("vva1ter"), "[SERVER] Ya no escuchas a Walter.")
        self.farm.person().types("VValter", "girasoles VValter")
        self.assertEqual(ignored("WALTER"), "[SERVER] Ya no escuchas a Walter.")
        self.assertEqual(ignored("vva1ter"), "[SERVER] Ya no escuchas a VValter.")


class NewNames(SynchronousTestCase):
    def test_whoever_looks_like_somebody_here_is_refused(self) -> None:
        for name, typed in (
            ("Walter", "VValter"),
            ("David", "Davicl"),
            ("beto", "\u0432\u0435\u0442\u043e"),
            ("\u0432\u0435\u0442\u043e", "beto"),
            ("Simon", "5imon"),
        ):
            farm = Farm()
            farm.arrives(name)
            person = farm.person()
            person.types(typed)
            self.assertIn(TAKEN, person.hears(), typed)
