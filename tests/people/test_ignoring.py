"""Whom a farmer does not hear, and whose offers they do not take (PROTOCOL §3, §4)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from granja.people import ignoring as room
from granja.settings import Settings
from tests.support.farm import Farm, Person
from tests.support.guests import guest, returns

PASSWORD = "girasoles al sol"
SUBJECTS = ("ignored", "closed-doors")


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
        self.assertEqual(len(self.ledger.kept["ignored"]), 2)
        visitor.drops()
        self.farm.pass_time(1.0)
        self.assertEqual(len(self.ledger.kept["ignored"]), 1)
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

    def test_a_visitor_need_not_wait_for_it(self) -> None:
        """What they set last is kept as soon as there is room."""
        faulty = FaultyLedger(self.ledger)
        self.farm = Farm(ledger=faulty)
        ana, _, _ = self.farm.arrives("Ana"), self.farm.arrives("Beto"), self.farm.arrives("Caro")
        faulty.fill()
        self.assertEqual(self.asks(ana, ":ignorar Beto"), ["[SERVER] Ya no escuchas a Beto."])
        self.assertEqual(self.asks(ana, ":escuchar Beto"), ["[SERVER] Escuchas a Beto otra vez."])
        self.assertEqual(self.ledger.kept.get("ignored", {}), {})
        faulty.empty()
        self.asks(ana, ":ignorar Caro")
        self.assertEqual(self.ledger.kept["ignored"], {"1:3": True})

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
        self.assertEqual([self.ledger.kept[each] for each in SUBJECTS], [{}, {}])
        ana.drops()
        self.farm.pass_time(1.0)
        self.assertEqual(ignoring._gone, {})

    def test_few_of_them_are_remembered(self) -> None:
        """Their old lines drop out of the history by then."""
        self.patch(room, "MOST_GONE", 2)
        ana = self.farm.arrives("Ana")
        for n in range(3):
            visitor = self.farm.arrives(f"V{n}")
            self.asks(ana, f":ignorar V{n}")
            visitor.types(f"soy {n}")
            visitor.drops()
            self.farm.pass_time(1.0)
        heard = self.asks(ana, ":historial")
        self.assertEqual([line.partition(" ")[2] for line in heard[1:]], ["V0: soy 0"])


class LaterOn(SynchronousTestCase):
    """Ana has a pass and ignores Beto, a visitor."""

    def setUp(self) -> None:
        self.ledger = MemoryLedger()
        self.farm = Farm(ledger=self.ledger)
        self.ana, self.caro = guest(self.farm, "Ana", "21"), self.farm.arrives("Caro")
        self.beto = guest(self.farm, "Beto", "12")
        self.ana.types(":ignorar Beto")
        self.ana.hears()

    def test_what_he_said_is_not_told_after_he_has_left(self) -> None:
        self.ana.drops()
        self.beto.types("spam", ":p Ana spam", ":yo da spam", ":q")
        self.beto.drops()
        self.caro.types("se fue")
        ana = returns(self.farm, self.ana.secret, self.ana.n)
        told = ["[SERVER] Beto desconectado.", "Caro: se fue"]
        self.assertEqual(ana.hears()[3:], told)
        ana.types(":historial")
        self.assertEqual([line.partition(" ")[2] for line in ana.hears()[1:]], ["Caro: se fue"])

    def test_a_restart_ends_neither_the_visit_nor_the_silence(self) -> None:
        """His door is closed after it too."""
        self.beto.types(":ofertas no")
        self.caro.types(":ignorar Beto", ":ofertas no")  # Caro has no pass.
        kept = self.ledger.kept
        self.assertEqual({key: len(kept[key]) for key in SUBJECTS}, dict.fromkeys(SUBJECTS, 2))
        self.farm.factory.presence.stop()  # The clock is the same, and the process is not.
        self.farm.people = []
        self.farm.open()
        ana = returns(self.farm, self.ana.secret, self.ana.n)
        beto = returns(self.farm, self.beto.secret, self.beto.n)
        ana.hears(), beto.hears()
        kept = self.ledger.kept
        self.assertEqual({key: len(kept[key]) for key in SUBJECTS}, dict.fromkeys(SUBJECTS, 1))
        beto.types("hola", ":p Ana hola", ":offer Ana 12 21")
        self.assertEqual(ana.hears(), [])
        refused = "[SERVER] Error de Intercambio: {} no recibe ofertas por ahora."
        self.assertEqual(beto.hears(), [refused.format("Ana")])
        ana.types(":offer Beto 21 12")
        self.assertEqual(ana.hears(), [refused.format("Beto")])


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
