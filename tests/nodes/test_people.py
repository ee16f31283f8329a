"""The list of people is the same at every node."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId
from granja.market.facts import Left, Returned
from granja.nodes.people import Census
from granja.people.roster import Farmer
from granja.settings import Settings
from granja.text.names import recall
from granja.trade.wishing import FEW
from tests.support.farm import Farm, Person
from tests.support.guests import guest, returns
from tests.support.village import PASSWORD, Village


class Here(SynchronousTestCase):
    def setUp(self) -> None:
        self.village = Village(2)
        self.here, self.there = self.village.farms

    def test_everybody_is_listed_at_every_node_in_order_of_arrival(self) -> None:
        """Whichever node they came to."""
        self.here.arrives("Ana"), self.there.arrives("Beto"), self.here.arrives("Caro")
        for farm in self.village.farms:
            dora = farm.people[0]
            dora.hears()
            dora.types(":u")
            self.assertEqual(dora.hears(), ["[SERVER] Usuarios conectados: Ana, Beto, Caro"])

    def test_who_leaves_is_listed_nowhere(self) -> None:
        """The name is free everywhere."""
        _, beto = self.village.arrive("Ana", "Beto")
        beto.types(":q")
        self.village.settle()
        self.assertEqual(self.village.lists(), [["Ana"], ["Ana"]])
        self.assertEqual(self.here.arrives("Beto").protocol.farmer.elsewhere, None)
        self.assertEqual(self.village.lists(), [["Ana", "Beto"]] * 2)

    def test_a_node_that_comes_later_lists_everybody(self) -> None:
        """It asks."""
        self.here.arrives("Ana"), self.there.arrives("Beto"), self.here.arrives("Caro")
        self.village.starts()
        self.village.settle()
        self.assertEqual(self.village.lists(), [["Ana", "Beto", "Caro"]] * 3)

    def test_two_who_arrive_at_the_same_moment(self) -> None:
        """They are listed in one order."""
        ana, beto = self.here.person("Ana"), self.there.person("Beto")
        for person in (beto, ana):
            person.types(person.name, "")
        for person in (beto, ana):
            person.protocol.dataReceived(b"si\r\n")
        self.village.settle()
        first, second = self.village.lists()
        self.assertEqual((first, sorted(first)), (second, ["Ana", "Beto"]))

    def test_one_who_comes_again_unheard_is_listed_last(self) -> None:
        """As at their own node."""
        _, beto = self.village.arrive("Ana", "Beto")
        self.here.arrives("Caro")
        self.here.bus.to_lose = 100
        beto.types(":q")
        beto.drops()
        self.village.settle()
        self.there.arrives("Beto")
        self.here.bus.to_lose = 0
        self.village.pass_time(2.0)
        self.assertEqual(self.village.lists(), [["Ana", "Caro", "Beto"]] * 2)

    def test_a_registered_one_who_comes_again_unheard_is_listed_last(self) -> None:
        _, beto = self.village.arrive("Ana", "Beto")
        beto.types(f":registrar {PASSWORD}")
        self.here.arrives("Caro")
        self.here.bus.to_lose = 100
        beto.types(":q")
        beto.drops()
        self.village.settle()
        self.there.person().types("Beto", PASSWORD)
        self.here.bus.to_lose = 0
        self.village.pass_time(2.0)
        self.assertEqual(self.village.lists(), [["Ana", "Caro", "Beto"]] * 2)

    def test_who_is_ignored_stays_so_when_a_node_asks_who_is_there(self) -> None:
        ana, beto = self.village.arrive("Ana", "Beto")
        ana.types(":ignorar Beto")
        self.here.bus.to_lose = 1
        self.there.arrives("Caro")
        self.village.pass_time(2.0)
        self.village.quiet()
        beto.types("hola")
        self.assertEqual(ana.hears(), [])
        self.assertEqual(self.village.lists(), [["Ana", "Beto", "Caro"]] * 2)

    def test_a_node_that_knows_who_is_there_does_not_ask(self) -> None:
        """Whoever comes and goes."""
        asked: list[str] = []
        for farm in self.village.farms:
            bus: Any = farm.bus
            self.patch(bus, "request", self.noting(asked, bus.request))
        _, beto = self.village.arrive("Ana", "Beto")
        self.village.pass_time(3.0)
        asked.clear()
        self.there.arrives("Caro")
        beto.types(":q")
        beto.drops()
        self.village.settle()
        self.there.arrives("Beto")
        self.village.pass_time(5.0)
        self.assertEqual(asked, [])

    def noting(self, asked: list[str], request: Any) -> Any:
        def requested(subject: str, *rest: Any) -> Any:
            asked.append(subject)
            return request(subject, *rest)

        return requested

    def test_many_who_give_an_artifact_are_told_in_order_of_arrival(self) -> None:
        """More than are looked at one by one; and the first ones."""
        names = [f"P{number}" for number in range(FEW + 2)]
        for number, name in enumerate(names):
            self.village.farms[number % 2].arrives(name, "12, 12")
        farm = self.village.starts()
        self.village.settle()
        dora = farm.arrives("Dora")
        dora.types(":quien 12")
        (told,) = dora.hears()
        self.assertIn(", ".join(names[:20]), told)

    def test_who_gives_an_artifact_is_told_in_order_of_arrival(self) -> None:
        """Also at a node that comes later, and hears of each node's people together."""
        for farm, name in ((self.here, "Ana"), (self.there, "Beto"), (self.here, "Caro")):
            farm.arrives(name, "12, 12")
        farm = self.village.starts()
        self.village.settle()
        dora = farm.arrives("Dora")
        dora.types(":quien 12")
        told = "[SERVER] 12 Disco raro: quién lo da: Ana, Beto, Caro; quién lo busca: nadie"
        self.assertEqual(dora.hears(), [told])

    def test_a_name_of_another_node_is_taken(self) -> None:
        """A name that looks like it is taken too."""
        self.there.arrives("Beto")
        for name in ("Beto", "BETO", "Bet0"):
            person = self.here.person(name)
            person.hears()
            person.types(name)
            self.assertEqual(person.hears()[0], "[SERVER] Nombre ya en uso.", name)

    def test_what_was_lost_of_comings_and_goings_is_asked_for(self) -> None:
        """At the next renewal each node compares the number of people and a checksum."""
        _, beto = self.village.arrive("Ana", "Beto")
        self.here.bus.to_lose = 2
        beto.types(":q")
        self.there.arrives("Caro")
        self.village.pass_time(3.0)
        self.assertEqual(self.village.lists(), [["Ana", "Caro"]] * 2)

    def test_lists_agree_after_the_bus_was_away(self) -> None:
        """The nodes find those who came and went meanwhile."""
        ana, beto = self.village.arrive("Ana", "Beto")
        self.there.bus.cut()
        self.here.arrives("Caro"), self.there.arrives("Dora")
        beto.types(":q")
        ana.types(":q")
        self.assertEqual(self.village.lists(), [["Beto", "Caro"], ["Ana", "Dora"]])
        self.there.bus.mend()
        self.village.pass_time(2.0)
        self.assertEqual(self.village.lists(), [["Caro", "Dora"]] * 2)

    def test_a_node_that_stops_takes_its_people_along(self) -> None:
        """The others hear it."""
        ana, _ = self.village.arrive("Ana", "Beto")
        self.there.arrives("Caro")
        ana.hears()
        self.there.factory.say_goodbye()
        self.village.settle()
        self.assertEqual(
            ana.hears(), ["[SERVER] Beto desconectado.", "[SERVER] Caro desconectado."]
        )
        self.assertEqual(self.village.lists()[0], ["Ana"])

    def test_a_node_that_is_known_to_have_died(self) -> None:
        """Each node tells its own people the same."""
        ana, _ = self.village.arrive("Ana", "Beto")
        self.there.dies()
        self.there.is_buried()
        self.assertEqual(ana.hears(), ["[SERVER] Beto desconectado."])
        self.assertEqual(self.village.lists()[0], ["Ana"])


class Counting(SynchronousTestCase):
    """Two nodes compare how many people one of them has, and a sum of who they are."""

    def census(self, *numbers: int) -> Census:
        made = Census()
        for number in numbers:
            made.add(Farmer(FarmerId(number), recall(f"P{number}")))
        return made

    def test_the_same_people_in_any_order(self) -> None:
        """However one has come to know them."""
        went = self.census(5, 3, 4)
        went.remove(Farmer(FarmerId(4), recall("P4")))
        went.remove(Farmer(FarmerId(9), recall("P9")))
        self.assertEqual(went.count(), self.census(3, 5).count())

    def test_as_many_others(self) -> None:
        self.assertNotEqual(self.census(4).count(), self.census(5).count())
        self.assertNotEqual(self.census(3, 4).count(), self.census(3, 5).count())


class Whispers(SynchronousTestCase):
    def setUp(self) -> None:
        self.village = Village(2)
        self.here, self.there = self.village.farms
        self.ana, self.beto = self.village.arrive("Ana", "Beto")

    def test_a_whisper_reaches_another_node(self) -> None:
        """It comes after earlier talk.  The whisperer hears nothing, as usual."""
        self.ana.types("primero", ":p beto ¿me oyes?", "después")
        heard = ["Ana: primero", "Ana te susurra: ¿me oyes?", "Ana: después"]
        self.assertEqual(self.beto.hears(), heard)
        self.assertEqual(self.ana.hears(), [])

    def test_it_comes_after_what_was_said_before_in_the_same_moment(self) -> None:
        self.ana.sends(b"primero\r\n:p Beto hola\r\ntercero\r\n")
        self.village.settle()
        heard = ["Ana: primero", "Ana te susurra: hola", "Ana: tercero"]
        self.assertEqual(self.beto.hears(), heard)

    def test_a_node_that_does_not_answer(self) -> None:
        """After two seconds, in which the next line waits."""
        self.there.dies()
        self.ana.types(":p Beto hola", ":u")
        self.village.pass_time(2.1)
        self.assertEqual(
            self.ana.hears(),
            [
                "[SERVER] Error: no se pudo entregar a Beto; inténtalo en un momento.",
                "[SERVER] Usuarios conectados: Ana, Beto",
            ],
        )

    def test_an_answer_that_is_late(self) -> None:
        """The node does not wait for it any longer."""
        self.here.bus.delay = 3.0
        self.ana.types(":p Beto hola")
        self.village.pass_time(1.9)
        self.assertEqual(self.ana.hears(), [])
        self.village.pass_time(0.2)
        self.assertIn("no se pudo entregar a Beto", self.ana.hears()[0])
        self.village.pass_time(5.0)
        self.assertEqual(self.beto.hears(), ["Ana te susurra: hola"])

    def test_without_the_bus(self) -> None:
        """It says so at once."""
        self.here.bus.cut()
        self.ana.types(":p Beto hola")
        self.assertIn("no se pudo entregar a Beto", self.ana.hears()[0])

    def test_who_is_ignored_does_not_notice(self) -> None:
        """It is not heard, and answered like any other."""
        self.beto.types(":ignorar Ana")
        self.beto.hears()
        self.ana.types(":p Beto hola")
        self.assertEqual((self.ana.hears(), self.beto.hears()), ([], []))

    def test_who_has_left_meanwhile(self) -> None:
        """The word of that is on its way."""
        self.here.bus.delay = 1.0
        self.beto.types(":q")
        self.ana.types(":p Beto hola")
        self.village.pass_time(2.5)
        self.assertIn(
            "[SERVER] Error: no se pudo entregar a Beto; inténtalo en un momento.", self.ana.hears()
        )

    def test_lines_that_were_lost_are_told_before_it(self) -> None:
        """The whisper says what was said before."""
        self.there.bus.to_lose = 1
        self.ana.types("perdida", ":p Beto hola", "más")
        self.assertEqual(
            self.beto.hears(),
            ["[SERVER] Te perdiste 1 línea.", "Ana te susurra: hola", "Ana: más"],
        )


class Taken(SynchronousTestCase):
    """A registered farmer comes in at another node."""

    def setUp(self) -> None:
        self.village = Village(3, registered=("Ana", "Mod"),
                               settings=Settings(rate=None, moderators=("Mod",)))  # fmt: skip
        self.here, self.there, self.third = self.village.farms
        self.ana = self.comes(self.here, "Ana")
        self.beto = self.there.arrives("Beto")
        self.caro = self.third.arrives("Caro")
        self.village.quiet()

    def comes(self, farm: Farm, name: str) -> Person:
        person = farm.person(name)
        person.types(name, PASSWORD)
        return person

    def test_she_takes_over_from_another_node(self) -> None:
        """The old connection hears it and closes.  Nobody else notices.  She keeps her place."""
        again = self.comes(self.there, "Ana")
        self.assertIn("¡OK!", again.hears()[-1])
        self.assertEqual(self.ana.hears(), ["[SERVER] Entraste desde otro lugar."])
        self.assertTrue(self.ana.is_closed)
        self.ana.drops()
        self.assertEqual((self.beto.hears(), self.caro.hears()), ([], []))
        self.assertEqual(self.village.lists(), [["Ana", "Beto", "Caro"]] * 3)
        again.types("sigo aquí")
        self.assertEqual(self.caro.hears(), ["Ana: sigo aquí"])
        self.caro.types(":p Ana hola")
        self.assertEqual(again.hears(), ["Caro te susurra: hola"])

    def test_who_lingers_and_comes_in_elsewhere_does_not_leave(self) -> None:
        """However long she stays at the other node."""
        eva = guest(self.here, "Eva")
        eva.types(f":registrar {PASSWORD}")
        self.village.settle()
        eva.reads()
        eva.drops()
        self.village.settle()
        self.village.quiet()
        again = self.comes(self.there, "Eva")
        self.village.pass_time(121)
        self.assertEqual((self.beto.hears(), self.caro.hears()), ([], []))
        self.assertEqual(self.village.lists(), [["Ana", "Beto", "Caro", "Eva"]] * 3)
        self.assertFalse(again.is_closed)

    def test_she_goes_on_before_a_node_has_heard_where_she_came_in(self) -> None:
        """Everybody hears once that she came."""
        self.ana.types(":q")
        self.village.settle()
        self.village.quiet()
        self.there.bus.delay = 0.5
        self.comes(self.here, "Ana")
        self.comes(self.there, "Ana")
        self.there.bus.delay = 0.0
        self.village.pass_time(2.0)
        told = ["[SERVER] Cliente Ana conectado."]
        self.assertEqual((self.beto.hears(), self.caro.hears()), (told, told))

    def test_she_comes_in_before_a_node_has_heard_that_she_left(self) -> None:
        """There she has never been away, as far as anybody knows."""
        self.there.bus.to_lose = 1
        self.ana.types(":q")
        self.comes(self.there, "Ana")
        self.assertNotIn("[SERVER] Cliente Ana conectado.", self.beto.hears())

    def test_and_back_again(self) -> None:
        """She may do so as often as she likes."""
        for farm in (self.there, self.third, self.here, self.there):
            last = self.comes(farm, "Ana")
        last.types(":q")
        self.village.settle()
        self.assertEqual(self.village.lists(), [["Beto", "Caro"]] * 3)
        self.assertEqual(self.caro.hears(), ["[SERVER] Ana desconectado."])

    def test_without_the_bus_she_is_at_two_nodes_until_it_is_back(self) -> None:
        """After that, the later connection is hers."""
        self.here.bus.cut()
        again = self.comes(self.there, "Ana")
        self.assertEqual(self.ana.hears(), [])
        self.here.bus.mend()
        self.village.pass_time(2.0)
        self.assertEqual(self.ana.hears()[-1], "[SERVER] Entraste desde otro lugar.")
        self.assertFalse(again.is_closed)
        self.assertEqual(self.village.lists(), [["Ana", "Beto", "Caro"]] * 3)

    def test_without_the_bus_she_goes_on_and_leaves_and_is_still_here(self) -> None:
        """On record as well, and in the table of names."""
        self.there.bus.cut()
        self.comes(self.there, "Ana").drops()
        self.there.bus.mend()
        self.village.pass_time(3.0)
        self.assertFalse(self.ana.is_closed)
        self.assertEqual(self.village.lists(), [["Ana", "Beto", "Caro"]] * 3)
        rows = self.village.record.rows.values()
        (row,) = (row for row in rows if row.spelling == "Ana")
        self.assertEqual(row.writer, self.here.writer)
        self.assertNotIn(row.farmer, self.here.factory.market.away)

    def test_she_goes_on_and_leaves_before_a_node_has_heard_either(self) -> None:
        """It takes her for present, and puts it on record, until it hears the rest."""
        self.here.bus.delay = 1.5
        self.comes(self.there, "Ana").drops()
        self.village.pass_time(1.0)
        self.assertIsInstance(self.village.record.record.facts[-1], Returned)
        self.village.pass_time(7.0)
        self.assertIsInstance(self.village.record.record.facts[-1], Left)
        self.assertEqual(self.village.lists(), [["Beto", "Caro"]] * 3)

    def test_without_the_bus_a_visitor_goes_on_and_leaves(self) -> None:
        """The visit is over: the name may be somebody else's by now."""
        eva = guest(self.here, "Eva")
        self.there.bus.cut()
        back = returns(self.there, eva.secret)
        back.types(":q")
        back.drops()
        self.there.bus.mend()
        self.village.pass_time(3.0)
        told = "[SERVER] Se perdió la conexión con la granja; vuelve a entrar."
        self.assertEqual(eva.hears()[-1], told)
        self.assertTrue(eva.is_closed)
        eva.drops()
        self.assertEqual(self.village.lists(), [["Ana", "Beto", "Caro"]] * 3)
        self.third.arrives("Eva")
        self.assertEqual(self.village.lists(), [["Ana", "Beto", "Caro", "Eva"]] * 3)

    def test_a_moderator_sees_who_lingers_at_another_node(self) -> None:
        """A node that comes later sees it too."""

        def paused(moderator: Person) -> list[str]:
            moderator.hears()
            moderator.types(":gente")
            return [row.split()[1] for row in moderator.hears() if row.endswith(", en pausa")]

        mod = self.comes(self.here, "Mod")
        eva = guest(self.there, "Eva")
        self.village.settle()
        self.assertEqual(paused(mod), [])
        eva.drops()
        self.village.settle()
        self.assertEqual(paused(mod), ["Eva"])
        late = self.village.starts()
        self.village.pass_time(2.0)
        mod = self.comes(late, "Mod")
        self.assertEqual(paused(mod), ["Eva"])
        returns(self.there, eva.secret, eva.n)
        self.village.settle()
        self.assertEqual(paused(mod), [])

    def test_a_moderator_sees_since_when_somebody_is_here_at_whatever_node(self) -> None:
        self.village.pass_time(120)
        self.comes(self.there, "Ana")
        for farm in (self.here, self.there):
            mod = self.comes(farm, "Mod")
            self.village.settle()
            mod.hears()
            mod.types(":gente")
            self.assertIn("Ana (registrada) desde 127.0.0.1, hace 2 min", mod.hears()[0])

    def test_who_has_registered_before_a_node_hears_that_they_came(self) -> None:
        """The record is quicker than the bus."""
        self.here.bus.delay = 1.0
        dora = self.there.arrives("Dora")
        dora.types(f":registrar {PASSWORD}")
        self.village.pass_time(2.5)
        self.here.bus.delay = 0.0
        mod = self.comes(self.here, "Mod")
        mod.hears()
        mod.types(":gente")
        self.assertIn("Dora (registrada)", " ".join(mod.hears()))

    def test_a_moderator_expels_somebody_whose_node_does_not_answer(self) -> None:
        """Or who has left it: nothing comes of it, and the others hear nothing."""
        mod = self.comes(self.here, "Mod")
        self.there.bus.delay = self.here.bus.delay = 0.5
        self.beto.types(":q")
        mod.types(":expulsar Beto grita")
        self.village.pass_time(3.0)
        self.assertEqual(self.caro.hears()[-1], "[SERVER] Beto desconectado.")
        dora = self.there.arrives("Dora")
        self.village.pass_time(1.0)
        self.village.quiet()
        self.there.bus.cut()
        mod.types(":expulsar Dora grita")
        self.village.pass_time(3.0)
        self.assertFalse(dora.is_closed)
        self.assertEqual(self.caro.hears(), [])

    def test_a_moderator_expels_somebody_at_another_node(self) -> None:
        """The person there reads why.  Everybody hears that they have left."""
        mod = self.comes(self.here, "Mod")
        self.village.quiet()
        mod.types(":expulsar Beto grita", ":anunciar Silencio", ":expulsar Nadie")
        self.assertIn("grita", self.beto.hears()[0])
        self.assertTrue(self.beto.is_closed)
        self.assertEqual(
            self.caro.hears(), ["[SERVER] Beto desconectado.", "[SERVER] Aviso: Silencio"]
        )
        self.assertEqual(self.village.lists(), [["Ana", "Caro", "Mod"]] * 3)
