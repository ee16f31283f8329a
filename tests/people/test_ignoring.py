"""Whom a farmer does not hear, and whose offers they do not take (PROTOCOL §3, §4)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from granja.settings import Settings
from tests.support.farm import Farm, Person

PASSWORD = "girasoles al sol"


class KeptWithAName(SynchronousTestCase):
    def setUp(self) -> None:
        self.ledger = MemoryLedger()
        self.farm = Farm(ledger=self.ledger)

    def registered(self, name: str) -> Person:
        person = self.farm.arrives(name, "6")
        person.types(f":registrar {PASSWORD}")
        person.hears()
        return person

    def asks(self, person: Person, line: str) -> list[str]:
        person.hears()
        person.types(line)
        return person.hears()

    def restart(self) -> None:
        for person in self.farm.people:
            person.drops()
        self.farm.people.clear()
        self.farm.open()

    def back(self, name: str) -> Person:
        person = self.farm.person(name)
        person.types(name, PASSWORD)
        person.hears()
        return person

    def test_a_registered_farmer_goes_on_ignoring_one(self) -> None:
        """After a restart, and whether or not the other is here."""
        ana, _ = self.registered("Ana"), self.registered("Beto")
        visitor = self.farm.arrives("Visita")
        self.asks(ana, ":ignorar Beto")
        self.asks(ana, ":ignorar Visita")
        names = ["[SERVER] No escuchas a: Beto, Visita"]
        self.assertEqual(self.asks(ana, ":ignorar"), names)
        self.assertEqual(len(self.ledger.kept["ignored"]), 1)
        visitor.drops()
        self.restart()
        ana = self.back("Ana")
        self.assertEqual(self.asks(ana, ":ignorar"), ["[SERVER] No escuchas a: Beto"])
        self.back("Beto").types("hola")
        self.assertEqual(ana.hears(), ["[SERVER] Cliente Beto conectado."])
        self.asks(ana, ":escuchar Beto")
        self.assertEqual(self.ledger.kept["ignored"], {})

    def test_what_a_visitor_set_is_kept_once_they_register(self) -> None:
        """Their door, the people they ignore, and the people who ignore them."""
        ana, beto = self.farm.arrives("Ana"), self.registered("Beto")
        self.asks(ana, ":ignorar Beto")
        self.asks(ana, ":ofertas no")
        self.asks(beto, ":ignorar Ana")
        self.assertEqual(self.ledger.kept.get("ignored", {}), {})
        self.asks(ana, f":registrar {PASSWORD}")
        self.restart()
        for name, ignored in (("Ana", "Beto"), ("Beto", "Ana")):
            person = self.back(name)
            said = self.asks(person, ":ignorar")
            self.assertEqual(said, [f"[SERVER] No escuchas a: {ignored}"])
        caro = self.farm.arrives("Caro", "6")
        refused = "[SERVER] Error de Intercambio: Ana no recibe ofertas por ahora."
        self.assertEqual(self.asks(caro, ":offer Ana 6 6"), [refused])

    def test_nothing_changes_while_it_cannot_be_kept(self) -> None:
        faulty = FaultyLedger(self.ledger)
        self.farm = Farm(ledger=faulty)
        ana, _ = self.registered("Ana"), self.registered("Beto")
        faulty.fill()
        refused = ["[SERVER] Error: no se pudo guardar; nada cambió."]
        for line in (":ignorar Beto", ":ofertas no"):
            self.assertEqual(self.asks(ana, line), refused)
        self.assertEqual(self.asks(ana, ":ignorar"), ["[SERVER] Escuchas a todos."])

    def test_what_is_damaged_ignores_nobody(self) -> None:
        self.registered("Ana")
        self.ledger.kept = {"ignored": {"1:": 1, "x:y": 1, "1:99": 1}, "closed-doors": {"²": 1}}
        self.restart()
        self.assertEqual(self.asks(self.back("Ana"), ":ignorar"), ["[SERVER] Escuchas a todos."])

    def test_a_visit_leaves_nothing_behind(self) -> None:
        """The numbers of visitors are never used again, so they must not pile up."""
        ana = self.farm.arrives("Ana")
        for n in range(5):
            visitor = self.farm.arrives(f"V{n}", "6")
            self.asks(ana, f":ignorar V{n}")
            self.asks(visitor, ":ignorar Ana")
            self.asks(visitor, ":ofertas no")
            visitor.drops()
        ignoring, doors = self.farm.factory.ignoring, self.farm.factory.doors
        self.assertEqual((ignoring._ignored, ignoring._ignored_by, doors._closed), ({}, {}, set()))


class InTheRoom(SynchronousTestCase):
    def test_the_others_hear_pasted_lines_and_who_ignores_hears_their_own_place(self) -> None:
        """Several lines at once, among those of others: each in its place, for each listener."""
        farm = Farm(Settings(rate=None))
        ana, beto, caro = farm.arrives("Ana"), farm.arrives("Beto"), farm.arrives("Caro")
        ana.types(":ignorar Beto")
        ana.hears()
        for person, lines in ((beto, b"1\n2\n"), (caro, b"3\n"), (ana, b"4\n"), (beto, b"5\n")):
            person.protocol.dataReceived(lines)
        self.assertEqual(ana.hears(), ["Caro: 3"])
        self.assertEqual(caro.hears(), ["Beto: 1", "Beto: 2", "Ana: 4", "Beto: 5"])
        self.assertEqual(beto.hears(), ["Caro: 3", "Ana: 4"])

    def test_who_ignores_is_not_made_to_wait(self) -> None:
        """Only a talker waits for listeners that are far behind."""
        farm = Farm(Settings(rate=None))
        ana, beto = farm.arrives("Ana"), farm.arrives("Beto")
        ana.types(":ignorar Beto")
        farm.settle()
        farm.factory.board.slow._far[beto.protocol.listener] = None
        farm.factory.board.slow._behind[beto.protocol.listener] = None
        beto.protocol.dataReceived(b"hola\n")
        farm.settle()
        self.assertNotIn(ana.protocol.listener, farm.factory.board.slow._held)
