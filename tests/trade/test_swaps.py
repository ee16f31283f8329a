"""PROTOCOL §4b: swaps stand and close in rings, and everybody with a part in them hears it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import OfferId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from granja.market.facts import Fact, Posted, Settled
from granja.market.market import Limits
from granja.market.offers import Happened
from granja.operations.audit import Audit
from granja.settings import Settings
from granja.trade import wishing
from tests.support.farm import Farm, Person

NOT_STORED = "[SERVER] Error de Intercambio: no se pudo guardar; nada cambió."


class SwapCase(SynchronousTestCase):
    settings = Settings(rate=None)

    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.ledger = FaultyLedger(self.memory)
        self.farm = Farm(self.settings, self.ledger)

    def tearDown(self) -> None:
        """Everything that happened is possible, and no ring is left open."""
        audit = Audit()
        for sequence, fact in enumerate(self.memory.facts, 1):
            audit._follow(sequence, fact)
        self.assertEqual(audit.market.snapshot(), self.farm.factory.market.snapshot())

    def assertHears(self, person: Person, *lines: str) -> None:  # noqa: N802
        self.assertEqual(person.hears(), [f"[SERVER] {line}" for line in lines], person.name)

    def swaps(self, person: Person, typed: str) -> list[str]:
        person.types(f":cambio {typed}")
        return person.hears()

    def comes_back(self, name: str, password: str) -> Person:
        person = self.farm.person(name)
        person.types(name, password)
        return person

    def rings(self) -> list[Settled]:
        return [fact for fact in self.memory.facts if isinstance(fact, Settled)]


class Rings(SwapCase):
    def test_a_ring_of_all_artifacts(self) -> None:
        """Each of 42 hears of the two beside them, and nobody of anybody else."""
        people = [self.farm.arrives(f"Gente{n}", str(n)) for n in range(1, 43)]
        for number, person in enumerate(people[:-1], 1):
            person.types(f":cambio {number} por {number + 1}")
            self.assertEqual(len(person.hears()), 1)
        people[-1].types(":cambio 42 por 1")
        heard = [person.hears() for person in people]
        self.assertEqual(len(heard[-1]), 2)
        for number, lines in enumerate(heard, 1):
            before, after = (number - 2) % 42 + 1, number % 42 + 1
            self.assertIn(f" a Gente{before} y recibiste ", lines[-1])
            self.assertIn(f" de Gente{after}; ahora tus artefactos son: ", lines[-1])
            self.assertLessEqual(len(lines), 1 + (number == 42))
        self.assertEqual(len(self.rings()), 1)

    def test_one_farmer_twice_in_a_ring(self) -> None:
        ana = self.farm.arrives("Ana", "1, 3")
        beto, caro = self.farm.arrives("Beto", "2"), self.farm.arrives("Caro", "4")
        self.swaps(ana, "1 por 2")
        self.swaps(ana, "3 por 4")
        self.swaps(beto, "2 por 3")
        self.swaps(caro, "4 por 1")
        self.assertHears(
            ana,
            "Cambio #2: diste Rollo enano III a Beto y recibiste Rollo enano IV de Caro; "
            "ahora tus artefactos son: Rollo enano II, Rollo enano IV",
            "Cambio #1: diste Rollo enano I a Caro y recibiste Rollo enano II de Beto; "
            "ahora tus artefactos son: Rollo enano II, Rollo enano IV",
        )

    def test_ones_own_swaps_never_close(self) -> None:
        ana = self.farm.arrives("Ana", "1, 3")
        self.swaps(ana, "1 por 2")
        self.assertEqual(len(self.swaps(ana, "3 por 2")), 1)
        self.assertEqual(self.rings(), [])

    def test_what_one_has_by_now_is_no_longer_asked_for(self) -> None:
        """Otherwise the first swap of this farmer could close with the second."""
        ana = self.farm.arrives("Ana", "1, 1")
        self.swaps(ana, "1 por 2, 3")
        ana.types(":agregar 2", ":cambio 2 por 1", ":cambio 2 por 3", ":ofertas")
        self.assertHears(
            ana,
            "Tus artefactos son: Rollo enano I, Rollo enano I, Rollo enano II",
            "Error de Intercambio: ya tienes Rollo enano I.",
            "Cambio #2 puesto: tu Rollo enano II por Rollo enano III.",
            "#1 cambio: tu Rollo enano I por Rollo enano III",
            "#2 cambio: tu Rollo enano II por Rollo enano III",
        )
        self.assertEqual(self.rings(), [])

    def test_the_oldest_swap_first(self) -> None:
        """Waiting gives priority: three want one copy, and one gets it."""
        people = [self.farm.arrives(name, "1") for name in ("Ana", "Beto", "Caro")]
        for person in people:
            self.swaps(person, "1 por 2")
        diego = self.farm.arrives("Diego", "2")
        self.swaps(diego, "2 por 1")
        self.assertEqual([len(person.hears()) for person in people], [1, 0, 0])

    def test_the_shortest_circle_first(self) -> None:
        self.swaps(self.farm.arrives("Ana", "1"), "1 por 3")
        self.swaps(self.farm.arrives("Beto", "3"), "3 por 2")
        caro = self.farm.arrives("Caro", "1")
        self.swaps(caro, "1 por 2")
        self.assertEqual(len(self.swaps(self.farm.arrives("Diego", "2"), "2 por 1")), 2)
        self.assertEqual(len(caro.hears()), 1)

    def test_second_copies_go_until_the_last(self) -> None:
        """There are three copies, and three who would take them.  The last copy stays."""
        ana = self.farm.arrives("Ana", "1, 1, 1")
        for name, mine in (("Beto", 2), ("Caro", 3), ("Diego", 4)):
            self.swaps(self.farm.arrives(name, str(mine)), f"{mine} por 1")
        heard = self.swaps(ana, "repetidos por 2-4")
        self.assertEqual(len(heard), 3)
        self.assertIn("Cambio #4 puesto: tus repetidos por Rollo enano II, ", heard[0])
        self.assertTrue(
            heard[2].endswith("son: Rollo enano I, Rollo enano II, Rollo enano III"), heard[2]
        )
        ana.types(":ofertas")
        self.assertHears(ana, "No tienes ofertas pendientes.")

    def test_swaps_that_cross_end(self) -> None:
        """They get each wanted artifact once, and nobody asks for what they gave."""
        ana, beto = self.farm.arrives("Ana", "1, 1"), self.farm.arrives("Beto", "2, 2")
        self.swaps(ana, "1 por 2")
        self.swaps(beto, "2 por 1")
        self.swaps(ana, "1 por 3")
        self.assertEqual(len(self.rings()), 1)
        for person in (ana, beto):
            person.hears()
        ana.types(":ofertas")
        self.assertHears(ana, "#3 cambio: tu Rollo enano I por Rollo enano III")

    def test_other_swaps_are_struck_and_end(self) -> None:
        """A ring, an accepted offer, a find or a gift to the museum does it."""
        ana, beto = self.farm.arrives("Ana", "1, 4"), self.farm.arrives("Beto", "2")
        self.swaps(ana, "1 por 2")
        self.swaps(ana, "4 por 2")
        self.swaps(ana, "1 4 por 3")
        self.swaps(beto, "2 por 1")
        self.assertHears(
            ana,
            "Cambio #1: diste Rollo enano I a Beto y recibiste Rollo enano II de Beto; "
            "ahora tus artefactos son: Rollo enano II, Rollo enano IV",
            "El cambio #2 ya no es válido: ya tienes Rollo enano II.",
        )
        ana.types(":ofertas")
        self.assertHears(ana, "#3 cambio: tu Rollo enano IV por Rollo enano III")
        ana.types(":quitar 4")
        self.assertHears(
            ana,
            "El cambio #3 ya no es válido: ya no tienes Rollo enano IV.",
            "Tus artefactos son: Rollo enano II",
        )

    def test_second_copies_that_are_gone(self) -> None:
        ana = self.farm.arrives("Ana", "1, 1")
        self.swaps(ana, "repetidos por faltantes")
        ana.types(":quitar 1")
        self.assertHears(
            ana,
            "El cambio #1 ya no es válido: ya no tienes repetidos.",
            "Tus artefactos son: Rollo enano I",
        )

    def test_an_offer_for_the_same_copy(self) -> None:
        """The one decided first gets it."""
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        caro = self.farm.arrives("Caro", "3")
        caro.types(":offer Ana 3 1")
        self.swaps(ana, "1 por 2")
        self.ledger.hold()
        beto.types(":cambio 2 por 1")
        ana.types(":accept")
        self.ledger.release()
        self.farm.settle()
        self.assertEqual(self.rings(), [])
        self.assertEqual(len(beto.hears()), 1)
        self.assertIn(
            "[SERVER] El cambio #2 ya no es válido: ya no tienes Rollo enano I.", ana.hears()
        )

    def test_an_offer_for_a_copy_that_a_ring_has_taken(self) -> None:
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        caro = self.farm.arrives("Caro", "3")
        caro.types(":offer Ana 3 1")
        caro.hears()
        self.swaps(ana, "1 por 2")
        self.ledger.hold()
        beto.types(":cambio 2 por 1")
        self.ledger.release_first()
        ana.types(":accept")
        self.ledger.release()
        self.farm.settle()
        self.assertEqual(len(self.rings()), 1)
        self.assertIn("[SERVER] Error: no hay una oferta #1 para ti.", ana.hears())
        self.assertHears(caro, "La oferta #1 ya no es válida: Ana ya no tiene Rollo enano I.")

    def test_a_member_is_lost_while_the_ring_waits(self) -> None:
        """A member leaves, retracts the swap or gives the artifact away.  Then others settle, or
        nobody."""
        for deed in (":q", ":retirar", ":quitar 1", "gone"):
            with self.subTest(deed=deed):
                self.setUp()
                ana, caro = self.farm.arrives("Ana", "1"), self.farm.arrives("Caro", "1")
                beto = self.farm.arrives("Beto", "2")
                self.swaps(ana, "1 por 2")
                self.swaps(caro, "1 por 2")
                self.ledger.hold()
                beto.types(":cambio 2 por 1")
                if deed == "gone":
                    ana.drops()
                else:
                    ana.types(deed)
                self.ledger.release()
                self.farm.settle()
                self.farm.settle()
                [ring] = self.rings()
                self.assertEqual(ring.offers, (3, 2))
                self.assertEqual(len(caro.hears()), 1 + (deed in (":q", "gone")))

    def test_a_member_expires_while_the_ring_waits(self) -> None:
        """A swap that is due by the wall clock settles no more, and the ring finds another."""
        for noticed in (True, False):
            with self.subTest(noticed=noticed):
                self.setUp()
                self.farm = Farm(Settings(rate=None, limits=Limits(lifetime=100.0)), self.ledger)
                ana = self.farm.arrives("Ana", "1")
                self.swaps(ana, "1 por 2")
                self.farm.pass_time(50)
                caro, beto = self.farm.arrives("Caro", "1"), self.farm.arrives("Beto", "2")
                self.swaps(caro, "1 por 2")
                self.ledger.hold()
                beto.types(":cambio 2 por 1")
                if noticed:
                    self.farm.pass_time(55)
                else:  # No timer knows of it yet.
                    self.farm.set_forward = 55.0
                self.ledger.release()
                self.farm.settle()
                self.farm.settle()
                [ring] = self.rings()
                self.assertEqual(ring.offers, (3, 2))
                self.assertHears(ana, *["El cambio #1 venció."] * noticed)

    def test_two_rings_that_want_one_copy(self) -> None:
        ana = self.farm.arrives("Ana", "1")
        beto, caro = self.farm.arrives("Beto", "2"), self.farm.arrives("Caro", "2")
        self.swaps(ana, "1 por 2")
        self.ledger.hold()
        beto.types(":cambio 2 por 1")
        caro.types(":cambio 2 por 1")
        self.ledger.release()
        self.farm.settle()
        self.farm.settle()
        [ring] = self.rings()
        self.assertEqual((len(beto.hears()), len(caro.hears())), (2, 1))
        self.assertEqual(ring.offers[0], 2)

    def test_whoever_took_over_is_told(self) -> None:
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        ana.types(":registrar girasoles")
        self.swaps(ana, "1 por 2")
        self.ledger.hold()
        beto.types(":cambio 2 por 1")
        again = self.comes_back("Ana", "girasoles")
        self.ledger.release()
        self.farm.settle()
        self.farm.settle()
        self.assertEqual(len(self.rings()), 1)
        told = [line for line in ana.hears() + again.hears() if "Cambio #1: diste" in line]
        self.assertEqual(len(told), 1)

    def test_five_hundred_come_and_go(self) -> None:
        """Nobody hears anything twice."""
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        beto.types(":doy 2")
        beto.hears()
        for _ in range(500):
            ana.types(":cambio 1 por 2", ":retirar")
            self.assertEqual(len(ana.hears()), 2)
        self.assertEqual(len(beto.hears()), 1)

    def test_five_hundred_come_and_one_stays(self) -> None:
        """A person who heard of a swap never hears of it again, even if many more come."""
        people = [self.farm.arrives(f"Gente{n}", "2") for n in range(4)]
        for person in people:
            person.types(":doy 2")
            person.hears()
        ana = self.farm.arrives("Ana", "1, 3")
        self.swaps(ana, "1 por 2")
        for number in range(2, 502):
            ana.types(":cambio 3 por 2", f":retirar {number}")
            self.assertEqual(ana.hears()[-1], f"[SERVER] Retiraste el cambio #{number}.")
        told = [line for person in people for line in person.hears()]
        self.assertEqual(len(told), 4)
        self.assertEqual(len([line for line in told if "Rollo enano I " in line]), 3)


class ManyRings(SwapCase):
    """Ana's second copies close ten rings."""

    def closes_ten(self, seconds: float) -> list[int]:
        """Telling of a ring takes so long.  Returns the number of rings at each turn of the
        chat."""
        farm, turns = self.farm, [0]
        tell = farm.factory.teller

        def slowly(fact: Fact, ended: list[Happened]) -> None:
            tell(fact, ended)
            if isinstance(fact, Settled):
                farm.clock.rightNow += seconds

        def chat() -> None:
            turns.append(len(self.rings()))
            if turns[-1] < 10 and len(turns) < 100:
                farm.clock.callLater(0, chat)

        ana = farm.arrives("Ana", ", ".join(["1"] * 11))
        for n in range(2, 12):
            self.swaps(farm.arrives(f"Gente{n}", str(n)), f"{n} por 1")
        self.patch(farm.factory, "teller", slowly)
        farm.clock.callLater(0, chat)
        ana.types(":cambio repetidos por 2-11")
        for _ in range(20):
            farm.settle()
        return turns

    def test_the_chat_has_its_turn_while_many_settle(self) -> None:
        self.assertEqual(self.closes_ten(0.0004), [0, 3, 6, 9, 10])

    def test_quick_ones_settle_all_at_once(self) -> None:
        self.assertEqual(self.closes_ten(0.0), [0, 10])


class Unstored(SwapCase):
    def test_a_full_disk(self) -> None:
        """The swap itself, and the ring that it would close."""
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        self.ledger.fill()
        self.assertEqual(self.swaps(ana, "1 por 2"), [NOT_STORED])
        self.ledger.empty()
        self.swaps(ana, "1 por 2")
        self.ledger.hold()
        beto.types(":cambio 2 por 1")
        self.ledger.fill()
        self.ledger.release_first()
        self.ledger.release()
        self.farm.settle()
        heard = beto.hears()
        self.assertEqual((len(heard), heard[-1]), (2, NOT_STORED))
        self.assertEqual(ana.hears(), [])
        self.farm.pass_time(30)
        self.assertEqual((ana.hears(), beto.hears()), ([], []))
        self.ledger.empty()
        self.farm.pass_time(10)
        self.assertEqual((len(ana.hears()), len(beto.hears())), (1, 1))

    def test_a_visitor_who_left_while_the_disk_was_full(self) -> None:
        """That is not on record yet, and nothing settles with them, nor is it shown."""
        ana, beto = self.farm.arrives("Ana", "1, 3, 3"), self.farm.arrives("Beto", "2")
        self.swaps(ana, "1 por 2")
        ana.types(":busco 2, 4")
        self.ledger.fill()
        ana.drops()
        beto.hears()
        self.ledger.empty()
        beto.types(":quien 3", ":quien 4", ":doy 2", ":trueques")
        self.assertHears(
            beto,
            "3 Rollo enano III: quién lo da: nadie; quién lo busca: nadie",
            "4 Rollo enano IV: quién lo da: nadie; quién lo busca: nadie",
            "Das: 2 Rollo enano II",
            "No hay trueques para ti por ahora.",
        )
        self.assertEqual(len(self.swaps(beto, "2 por 1")), 1)
        self.farm.pass_time(20)
        self.assertEqual(self.rings(), [])

    def test_a_visitor_who_left_while_registering(self) -> None:
        """Until the name is theirs on record nothing settles with them.  Then it does, even if
        they were gone when it could have."""
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        self.swaps(ana, "1 por 2")
        self.ledger.hold()
        self.farm.arrives("Caro").types(":agregar 3")  # The others wait for this one.
        beto.types(":cambio 2 por 1")
        ana.types(":registrar girasoles")
        ana.drops()
        self.ledger.release()
        self.farm.settle()
        self.assertEqual(len(self.rings()), 1)

    def test_killed_between_the_swap_and_its_ring(self) -> None:
        """The next start settles it, and tells both when they come back, once."""
        for name, mine in (("Ana", "1"), ("Beto", "2")):
            person = self.farm.arrives(name, mine)
            person.types(":registrar girasoles", ":q")
        self.farm.settle()
        market, lane = self.farm.factory.market, self.farm.factory.lane
        for number, (maker, takes) in enumerate(((1, 2), (2, 1)), 1):
            said = ((maker,), (takes,), False, self.farm.clock.seconds() + 1000)
            fact = Posted(number, maker, *said)  # type: ignore[arg-type]
            lane.submit([maker], lambda fact=fact: [fact])  # type: ignore[list-item,misc]
        self.assertEqual(self.rings(), [])
        self.farm.open()
        self.farm.settle()
        self.assertEqual(len(self.rings()), 1)
        self.assertEqual(market.snapshot() == self.farm.factory.market.snapshot(), False)
        self.farm.open()  # killed again
        for name, told in (
            ("Ana", "cambio #1: diste Rollo enano I a Beto y recibiste Rollo enano II de Beto."),
            ("Beto", "cambio #2: diste Rollo enano II a Ana y recibiste Rollo enano I de Ana."),
        ):
            heard = self.comes_back(name, "girasoles").hears()
            self.assertIn(f"[SERVER] Mientras no estabas: {told}", heard)
        self.farm.open()
        for name in ("Ana", "Beto"):
            heard = self.comes_back(name, "girasoles").hears()
            self.assertEqual([line for line in heard if "Mientras" in line], [])

    def test_a_halted_ledger(self) -> None:
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        self.swaps(ana, "1 por 2")
        self.ledger.halt(stored=False)
        heard = self.swaps(beto, "2 por 1")
        self.assertEqual(
            heard,
            [
                "[SERVER] Error de Intercambio: el libro está detenido; "
                "avisa a quien administra la granja."
            ],
        )
        self.assertEqual(ana.hears(), [])
        self.flushLoggedErrors()


class Absent(SwapCase):
    def test_somebody_is_away(self) -> None:
        ana = self.farm.arrives("Ana", "1, 5")
        ana.types(":registrar girasoles", ":cambio 1 por 2", ":cambio 5 por 6", ":q")
        beto = self.farm.arrives("Beto", "2, 6")
        heard = self.swaps(beto, "2 por 1")
        self.assertIn("diste Rollo enano II a Ana y recibiste Rollo enano I de Ana", heard[1])
        beto.types(":doy 6")
        self.farm.open()
        heard = self.comes_back("Ana", "girasoles").hears()
        self.assertEqual(
            heard[heard.index("[SERVER] ¡OK!") + 1 :],
            [
                "[SERVER] Mientras no estabas: cambio #1: diste Rollo enano I a Beto y recibiste "
                "Rollo enano II de Beto.",
                "[SERVER] #2 cambio: tu Ánfora quebrada por Punta de flecha",
            ],
        )

    def test_swaps_expire(self) -> None:
        """They expire by the wall clock, here and away.  A due swap settles no more."""
        settings = Settings(rate=None, limits=Limits(lifetime=100.0))
        self.farm = Farm(settings, self.ledger)
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "3")
        ana.types(":registrar girasoles")
        self.swaps(ana, "1 por 2")
        self.swaps(beto, "3 por 4")
        ana.drops()
        beto.hears()
        self.farm.pass_time(200)
        self.assertHears(beto, "El cambio #2 venció.")
        heard = self.comes_back("Ana", "girasoles").hears()
        self.assertIn("[SERVER] Mientras no estabas: el cambio #1 venció.", heard)

    def test_the_clock_on_the_wall_is_set_back(self) -> None:
        """The first stays first, a swap lasts by the clock, and an expired swap is gone."""
        self.farm = Farm(Settings(rate=None, limits=Limits(lifetime=100.0)), self.ledger)
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "1")
        self.swaps(ana, "1 por 2")
        self.farm.set_forward = -1000.0
        self.swaps(beto, "1 por 2")
        caro = self.farm.arrives("Caro", "2")
        self.assertEqual(len(self.swaps(caro, "2 por 1")), 2)
        self.assertEqual((len(ana.hears()), beto.hears()), (1, []))
        self.swaps(ana, "2 por 7")
        self.farm.pass_time(150)
        self.assertHears(beto, "El cambio #2 venció.")
        self.assertHears(ana, "El cambio #4 venció.")
        self.farm.set_forward = -5000.0
        self.assertEqual(len(self.swaps(self.farm.arrives("Diego", "7"), "7 por 2")), 1)

    def test_set_forward_and_back_before_anybody_looked(self) -> None:
        """Nothing has expired, and what stands can be closed."""
        self.farm = Farm(Settings(rate=None, limits=Limits(lifetime=100.0)), self.ledger)
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        self.swaps(ana, "1 por 2")
        self.farm.set_forward = 1e6
        self.farm.set_forward = 0.0
        self.assertEqual(len(self.swaps(beto, "2 por 1")), 2)
        ana.hears()

    def test_who_comes_back_hears_how_much_there_is(self) -> None:
        """Last of what follows ¡OK!, if they have used these commands, ever."""
        self.farm.arrives("Beto", "2").types(":doy 2", ":busco 1")
        for name, typed in (("Ana", ":doy 1"), ("Caro", ":falta")):
            person = self.farm.arrives(name, "1, 1")
            person.types(":registrar girasoles", typed, ":q")
        heard = self.comes_back("Ana", "girasoles").hears()
        self.assertEqual(heard[-1], "[SERVER] Hay 1 trueque para ti: escribe :trueques.")
        heard = self.comes_back("Caro", "girasoles").hears()
        self.assertEqual(heard[-1], "[SERVER] ¡OK!")


class Hints(SwapCase):
    def test_up_to_three_hear_in_turn(self) -> None:
        """They are here, have used these commands, and have not heard one just now."""
        people = [self.farm.arrives(f"Gente{n}", "2, 2") for n in range(6)]
        for person in people[:5]:
            person.types(":falta")
            person.hears()
        ana = self.farm.arrives("Ana", "1, 3")
        self.swaps(ana, "1 por 2")
        told = "Puedes recibir Rollo enano I por tu Rollo enano II: escribe :cambio 2 por 1"
        for person in people[:3]:
            self.assertHears(person, told)
        self.swaps(ana, "3 por 2")
        told = "Puedes recibir Rollo enano III por tu Rollo enano II: escribe :cambio 2 por 3"
        for person in people[3:5]:
            self.assertHears(person, told)
        for person in [*people[:3], people[5]]:
            self.assertEqual(person.hears(), [])
        self.farm.pass_time(61)
        ana.types(":retirar 1")
        self.swaps(ana, "1 por 2, 9")
        self.assertEqual([len(person.hears()) for person in people], [1, 1, 1, 0, 0, 0])

    def test_whoever_has_used_one_of_these_commands_hears(self) -> None:
        """Any of them, since they came in, and also if it found nothing."""
        lines = (":falta", ":quien 9", ":ver Ana", ":busco", ":doy", ":trueques", ":cambio 2 por 9")
        for line in lines:
            with self.subTest(line=line):
                self.setUp()
                ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2, 2")
                beto.types(line)
                beto.hears()
                self.swaps(ana, "1 por 2")
                self.assertEqual(len(beto.hears()), 1)

    def test_a_swap_that_closed_one_ring_and_stands(self) -> None:
        """Nobody hears of the rest: it has closed something."""
        self.swaps(self.farm.arrives("Beto", "2"), "2 por 1")
        caro = self.farm.arrives("Caro", "3, 3")
        caro.types(":falta")
        caro.hears()
        ana = self.farm.arrives("Ana", "1, 1, 1")
        self.assertEqual(len(self.swaps(ana, "1 por 2, 3")), 2)
        ana.types(":ofertas")
        self.assertHears(ana, "#2 cambio: tu Rollo enano I por Rollo enano III")
        self.assertEqual(caro.hears(), [])

    def test_through_swaps_that_stand(self) -> None:
        caro = self.farm.arrives("Caro", "3")
        caro.types(":doy 3")
        caro.hears()
        self.swaps(self.farm.arrives("Beto", "2"), "2 por 3")
        caro.hears()
        self.farm.pass_time(61)
        self.swaps(self.farm.arrives("Ana", "1"), "1 por 2")
        heard = caro.hears()
        self.assertEqual(
            heard[-1],
            "[SERVER] Puedes recibir Rollo enano I por tu Rollo enano III: escribe :cambio 3 por 1",
        )

    def test_the_chat_has_its_turn_between_the_search_and_the_telling(self) -> None:
        """And a swap that ends in that turn is told to nobody."""
        beto = self.farm.arrives("Beto", "2, 2")
        beto.types(":falta")
        ana = self.farm.arrives("Ana", "1")
        self.patch(self.farm.factory.hints, "tell_soon", lambda number: None)
        self.swaps(ana, "1 por 2")
        beto.hears()
        self.farm.factory.hints.tell(OfferId(1), 3, self.fail)
        self.assertEqual(beto.wire.value(), b"")
        ana.types(":retirar 1")
        self.assertEqual(beto.hears(), [])

    def test_who_never_types_one_of_these_commands(self) -> None:
        """They hear no byte of them, though they could close what stands; nor on coming back."""
        gus = self.farm.arrives("Gus", "2, 2, 3, 3")
        gus.types(":registrar girasoles")
        ana, beto = self.farm.arrives("Ana", "1, 1, 4"), self.farm.arrives("Beto", "2")
        gus.hears()
        for line in (":busco 2", ":doy 1", ":cambio 1 por 3", ":quien 2", ":ver Gus", ":trueques"):
            ana.types(line)
        ana.types(":cambio 4 por 2", ":retirar 1", ":falta")
        beto.types(":trueques", ":cambio 2 por 4")
        self.assertEqual(len(self.rings()), 1)
        self.assertEqual(gus.hears_bytes(), b"")
        gus.types(":ofertas")
        self.assertHears(gus, "No tienes ofertas pendientes.")
        gus.types(":q")
        self.swaps(ana, "1 por 3")
        self.assertEqual(self.comes_back("Gus", "girasoles").hears()[-1], "[SERVER] ¡OK!")

    def test_who_is_not_here_any_more(self) -> None:
        """A visitor used them, left, and came again under the same name.  That one has not used
        them."""
        beto = self.farm.arrives("Beto", "2, 2")
        beto.types(":falta", ":q")
        beto.drops()
        again = self.farm.arrives("Beto", "2, 2")
        self.swaps(self.farm.arrives("Ana", "1"), "1 por 2")
        self.assertEqual(again.hears(), [])

    def test_who_is_away_takes_nobodys_turn(self) -> None:
        """Three who could close it have left, and the fourth hears of it."""
        people = [self.farm.arrives(f"Gente{n}", "2") for n in range(4)]
        for person in people:
            person.types(":registrar girasoles", ":doy 2")
            person.hears()
        for person in people[:3]:
            person.types(":q")
            person.drops()
        people[3].hears()
        self.swaps(self.farm.arrives("Ana", "1"), "1 por 2")
        told = "Puedes recibir Rollo enano I por tu Rollo enano II: escribe :cambio 2 por 1"
        self.assertEqual(people[3].hears()[-1], f"[SERVER] {told}")

    def test_who_used_them_hears_of_swaps_after_coming_back(self) -> None:
        """Without typing one of these commands again."""
        beto = self.farm.arrives("Beto", "2")
        beto.types(":registrar girasoles", ":doy 2", ":q")
        beto.drops()
        beto = self.comes_back("Beto", "girasoles")
        beto.hears()
        self.swaps(self.farm.arrives("Ana", "1"), "1 por 2")
        told = "Puedes recibir Rollo enano I por tu Rollo enano II: escribe :cambio 2 por 1"
        self.assertEqual(beto.hears()[-1], f"[SERVER] {told}")


class Who(SwapCase):
    def who(self, person: Person) -> str:
        person.types(":quien 1")
        return person.hears()[-1].removeprefix("[SERVER] 1 Rollo enano I: ")

    def test_order_and_most_names(self) -> None:
        """It is the same for few, who are sorted, and for many, of whom only the first are
        looked at."""
        for few in (200, 0):
            self.setUp()
            self.patch(wishing, "FEW", few)
            self.check_that_those_who_are_away_are_last()
            self.setUp()
            self.check_that_it_names_twenty_on_each_side()

    def check_that_those_who_are_away_are_last(self) -> None:
        """And they are in order of arrival, as those who are here are."""
        for name in ("Ana", "Beto"):
            self.farm.arrives(name, "1, 1").types(":registrar girasoles")
        caro = self.farm.arrives("Caro", "1, 1")
        for person in self.farm.people[:2]:
            person.types(":q")
        self.farm.settle()
        self.assertEqual(self.who(caro), "quién lo da: Caro, Ana, Beto; quién lo busca: nadie")
        self.comes_back("Beto", "girasoles")
        self.assertEqual(self.who(caro), "quién lo da: Caro, Beto, Ana; quién lo busca: nadie")

    def check_that_it_names_twenty_on_each_side(self) -> None:
        """Those who are away fill what is left of them."""
        for name in ("Ana", "Beto"):
            self.farm.arrives(name, "1, 1").types(":registrar girasoles", ":q")
        givers = [self.farm.arrives(f"G{n}", "1, 1") for n in range(18)]
        seekers = [self.farm.arrives(f"S{n}", "2") for n in range(21)]
        for person in seekers:
            person.types(":busco 1")
        names = ", ".join(person.name for person in givers)
        sought = ", ".join(person.name for person in seekers[:20])
        told = f"quién lo da: {names}, Ana, Beto; quién lo busca: {sought} y 1 más"
        self.assertEqual(self.who(givers[0]), told)
        self.farm.arrives("Zoe", "1, 1")
        told = f"quién lo da: {names}, Zoe, Ana y 1 más; quién lo busca: {sought} y 1 más"
        self.assertEqual(self.who(givers[0]), told)


class Chances(SwapCase):
    def test_rows_and_their_order(self) -> None:
        """Rows that close a ring come first, then pairs, then rings of three; one for each
        artifact."""
        ana = self.farm.arrives("Ana", "9, 9, 10, 10")
        self.swaps(self.farm.arrives("Beto", "3"), "3 por 9, 10")
        self.farm.arrives("Caro", "2, 2, 10")
        self.farm.arrives("Diego", "1, 1, 5-10")
        self.farm.arrives("Elsa", "4, 4, 9, 10")
        self.farm.arrives("Fede", "10").types(":doy nada", ":busco nada")
        ana.types(":trueques")
        self.assertHears(
            ana,
            "Ya: tu Palo de mascar por Rollo enano III. Escribe :cambio 9 por 3",
            "Alguien da Rollo enano II y busca tu Palo de mascar. Escribe :cambio 9 por 2",
            "Entre tres: tu Palo de mascar por Rollo enano I. Escribe :cambio 9 por 1",
            "Entre tres: tu Palo de mascar por Rollo enano IV. Escribe :cambio 9 por 4",
        )
        self.swaps(ana, "9 por 2")  # is not said again
        ana.types(":trueques")
        self.assertEqual([line for line in ana.hears() if line.endswith("por 2")], [])

    def test_ten_at_most(self) -> None:
        ana = self.farm.arrives("Ana", "42, 42")
        self.farm.arrives("Beto", "1-15, 1-15")
        ana.types(":trueques")
        heard = ana.hears()
        self.assertEqual((len(heard), heard[-1]), (11, "[SERVER] Y 5 trueques más."))
        ana.types(":busco 1-10", ":trueques")
        self.assertEqual(len(ana.hears()), 11)
        ana.types(":busco 1-11", ":trueques")
        self.assertEqual(ana.hears()[-1], "[SERVER] Y 1 trueque más.")


class Limited(SwapCase):
    settings = Settings(rate=None, limits=Limits(offers=2, artifacts=3))

    def test_offers_and_swaps_count_together(self) -> None:
        ana = self.farm.arrives("Ana", "1, 2, 3")
        self.farm.arrives("Beto", "4")
        most = (
            "Error de Intercambio: llegaste al máximo de ofertas sin respuesta (2); "
            "retira alguna con :retirar <n>."
        )
        ana.types(":offer Beto 1 4", ":cambio 1 por 5")
        ana.hears()
        ana.types(":cambio 2 por 5", ":offer Beto 2 4", ":retirar")
        self.assertHears(
            ana,
            most,
            most,
            "#1 para Beto: tu Rollo enano I por su Rollo enano IV",
            "#2 cambio: tu Rollo enano I por Ánfora quebrada",
            "Error: tienes 2 ofertas pendientes; escribe :retirar <n>.",
        )
        ana.types(":retirar 2", ":cambio 1 2 3 por 5-9")
        self.assertHears(
            ana,
            "Retiraste el cambio #2.",
            "Error: son demasiados artefactos (máximo 3).",
        )

    def test_as_many_artifacts_as_one_may_have(self) -> None:
        """One for one: nobody has more than before."""
        ana, beto = self.farm.arrives("Ana", "1, 2, 3"), self.farm.arrives("Beto", "4, 5, 6")
        self.swaps(ana, "1 por 4")
        self.assertEqual(len(self.swaps(beto, "4 por 1")), 2)
        ana.hears()


class Frozen(SwapCase):
    def test_swaps_settle_when_trading_goes_on(self) -> None:
        frozen = "[SERVER] Error de Intercambio: los intercambios están detenidos por ahora."
        ana, beto = self.farm.arrives("Ana", "1"), self.farm.arrives("Beto", "2")
        self.swaps(ana, "1 por 2")
        freezing = self.farm.factory.freezing
        self.ledger.hold()
        beto.types(":cambio 2 por 1")
        self.ledger.fill()
        self.ledger.release_first()
        self.ledger.release()
        self.assertEqual(beto.hears()[-1], NOT_STORED)
        self.ledger.empty()
        freezing.set(None, True)
        self.farm.pass_time(30)
        self.assertEqual(self.rings(), [])
        self.assertEqual(self.swaps(ana, "1 por 3"), [frozen])
        ana.types(":cambio algo")
        self.assertHears(ana, "Uso: :cambio <míos> por <suyos>")
        freezing.set(None, False)
        self.farm.settle()
        self.assertEqual(len(self.rings()), 1)
