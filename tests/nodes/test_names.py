"""The table of names: a name is one farmer's in the whole farm, and free once they have left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from granja.ledger.interface import NotStored
from tests.support.farm import Farm, Person
from tests.support.guests import guest, returns
from tests.support.village import PASSWORD, NodeFarm, Village

TAKEN = "[SERVER] Nombre ya en uso."
ARTIFACTS = "[SERVER] ¿Cuales son tus artefactos?"


class TableCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.village = Village(3, registered=("Ana",))
        self.here, self.there, self.third = self.village.farms
        self.gus = self.here.arrives("Gus", "12")
        self.beto = self.there.arrives("Beto")
        self.caro = self.third.arrives("Caro")
        self.village.quiet()

    def slowly(self, farm: NodeFarm, asks: str, seconds: float) -> None:
        """From now on, questions of this kind reach the table of names late."""
        ask = getattr(farm.shared, asks)
        self.patch(farm.shared, asks, partial(deferLater, self.village.clock, seconds, ask))

    def in_vain(self, farm: NodeFarm, asks: str) -> Callable[[], None]:
        """The table is away for questions of this kind, until somebody calls the answer."""
        ask = getattr(farm.shared, asks)
        setattr(farm.shared, asks, lambda *_: fail(NotStored("away")))
        return partial(setattr, farm.shared, asks, ask)

    def types_at_once(self, person: Person, line: str) -> None:
        """Type something, while nothing else happens."""
        person.protocol.dataReceived(line.encode() + b"\r\n")

    def comes(self, farm: Farm, name: str = "Ana") -> Person:
        person = farm.person(name)
        person.types(name, PASSWORD)
        return person

    def leaves(self, person: Person) -> None:
        person.types(":q")
        person.drops()
        self.village.settle()


class Claiming(TableCase):
    def test_two_who_type_one_name_at_the_same_moment(self) -> None:
        """One of them has it."""
        first, second = self.here.person(), self.here.person()
        first.hears(), second.hears()
        self.types_at_once(first, "Nuevo")
        self.types_at_once(second, "Nuevo")
        self.village.settle()
        self.assertIn(TAKEN, second.hears())
        first.types("", "si")
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Nuevo"]] * 3)

    def test_a_name_whose_visitor_is_just_leaving(self) -> None:
        """Whoever types it waits for a moment, and has it."""
        self.slowly(self.there, "free", 0.2)
        self.leaves(self.beto)
        new = self.there.person()
        new.hears()
        new.types("Beto")
        self.assertEqual(new.hears(), [])
        self.village.pass_time(0.3)
        new.types("", "si")
        self.assertEqual(self.village.lists(), [["Gus", "Caro", "Beto"]] * 3)

    def test_a_name_that_cannot_be_freed(self) -> None:
        """It is in use, after a second at the most; and free as soon as it can be."""
        again = self.in_vain(self.there, "free")
        self.leaves(self.beto)
        new = self.there.person()
        new.hears()
        new.types("Beto")
        self.village.pass_time(1.1)
        self.assertEqual(new.hears(), [TAKEN, "[SERVER] Ingresa tu nombre:"])
        again()
        self.village.pass_time(1.1)
        new.types("Beto", "", "si")
        self.assertEqual(self.village.lists(), [["Gus", "Caro", "Beto"]] * 3)

    def test_a_name_of_which_a_node_hears_only_then(self) -> None:
        """It was somebody's for a moment, at another node.  It is in use, and then free."""
        self.here.bus.delay = 0.5
        beto = self.third.arrives("Dora")
        self.village.pass_time(0.3)
        self.leaves(beto)
        self.slowly(self.here, "claim", 0.3)
        new = self.here.person()
        new.hears()
        new.types("Dora")
        self.village.pass_time(0.35)
        self.assertIn(TAKEN, new.hears())
        self.village.pass_time(1.0)
        new.types("Dora")
        self.village.pass_time(0.4)
        new.types("", "si")
        self.here.bus.delay = 0.0
        self.village.pass_time(1.0)
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Dora"]] * 3)

    def test_a_node_hears_of_somebody_whose_name_is_a_newcomers_by_now(self) -> None:
        """Nothing comes of it: they had left."""
        self.here.bus.delay = 0.5
        self.leaves(self.third.arrives("Dora"))
        new = self.here.person("Dora")
        new.hears()
        new.types("Dora")
        self.village.pass_time(1.0)
        new.types("", "si")
        self.here.bus.delay = 0.0
        self.village.pass_time(1.0)
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Dora"]] * 3)

    def test_a_name_that_is_registered_while_a_node_asks_for_it(self) -> None:
        """It asks for the password."""
        self.third.bus.cut()
        dora = self.here.arrives("Dora")
        self.slowly(self.third, "claim", 0.3)
        new = self.third.person()
        new.hears()
        new.types("Dora")
        dora.types(f":registrar {PASSWORD}")
        self.village.pass_time(0.4)
        self.assertEqual(new.hears(), ["[SERVER] Contraseña:"])

    def test_an_owner_whose_registration_a_node_has_not_read_yet(self) -> None:
        """They come in there, and take over there, as anywhere."""
        watcher: Any = self.third.shared.watcher
        self.third.bus.cut()
        self.patch(watcher, "others", lambda *_: None)
        dora = self.here.arrives("Dora")
        dora.types(f":registrar {PASSWORD}")
        self.leaves(dora)
        first = self.comes(self.third, "Dora")
        self.assertIn("[SERVER] ¡OK!", first.hears())
        second = self.comes(self.third, "Dora")
        self.assertIn("[SERVER] ¡OK!", second.hears())
        self.assertEqual(first.hears()[-1], "[SERVER] Entraste desde otro lugar.")


class Entering(TableCase):
    def test_who_comes_again_after_moving_on_and_leaving_is_announced(self) -> None:
        """This node had her from another one, earlier."""
        for farm in (self.there, self.here, self.third):
            ana = self.comes(farm)
        self.leaves(ana)
        self.village.quiet()
        self.comes(self.here)
        told = ["[SERVER] Cliente Ana conectado."]
        self.assertEqual([self.gus.hears(), self.caro.hears()], [told, told])

    def test_who_comes_again_before_the_leaving_is_on_record_is_announced(self) -> None:
        """All have heard that she left."""
        ana = self.comes(self.here)
        self.here.shared.away = True
        self.leaves(ana)
        self.village.quiet()
        self.here.shared.away = False
        self.comes(self.here)
        told = ["[SERVER] Cliente Ana conectado."]
        self.assertEqual([self.gus.hears(), self.caro.hears()], [told, told])

    def test_whose_node_has_died_is_announced_elsewhere(self) -> None:
        """All have heard that she left; the table still has her there."""
        self.comes(self.there)
        for farm in (self.here, self.third):
            self.slowly(farm, "free", 5.0)
        self.there.dies()
        self.there.is_buried()
        self.assertIn("[SERVER] Ana desconectado.", self.gus.hears())
        self.village.quiet()
        self.comes(self.third)
        told = ["[SERVER] Cliente Ana conectado."]
        self.assertEqual([self.gus.hears(), self.caro.hears()], [told, told])

    def test_who_comes_again_to_a_node_that_has_lost_its_lease_is_announced(self) -> None:
        """The others have heard that she left; the table still has her at the old lease."""
        self.comes(self.there)
        for farm in (self.here, self.third):
            self.slowly(farm, "free", 5.0)
        self.there.is_buried()
        self.there.shared.fence()
        self.village.quiet()
        self.comes(self.there)
        told = ["[SERVER] Cliente Ana conectado."]
        self.assertEqual([self.gus.hears(), self.caro.hears()], [told, told])

    def test_who_comes_again_while_their_name_is_being_freed_keeps_it(self) -> None:
        """The name could not be freed; the next try must not free it from under her."""
        ana = self.comes(self.here)
        again = self.in_vain(self.here, "free")
        self.leaves(ana)
        again()
        enter = self.here.shared.enter

        def answered_late(*asked: Any) -> Deferred[Any]:
            late = partial(deferLater, self.village.clock, 1.5, lambda row: row)
            return enter(*asked).addCallback(late)

        self.patch(self.here.shared, "enter", answered_late)
        self.comes(self.here)
        self.village.pass_time(2.0)
        (row,) = (row for row in self.village.record.rows.values() if row.spelling == "Ana")
        self.assertEqual(row.writer, self.here.writer)

    def test_a_name_that_was_left_is_freed_although_they_could_not_come_in_again(self) -> None:
        ana = self.comes(self.here)
        free, enter = self.in_vain(self.here, "free"), self.in_vain(self.here, "enter")
        self.leaves(ana)
        self.slowly(self.here, "enter", 1.5)
        again = self.comes(self.here)
        self.village.pass_time(2.0)
        self.assertIn("[SERVER] Ahora no se puede entrar", again.hears()[-2])
        again.drops()
        free(), enter()
        self.village.pass_time(2.5)
        (row,) = (row for row in self.village.record.rows.values() if row.spelling == "Ana")
        self.assertIsNone(row.writer)


class Leaving(TableCase):
    def test_a_leaving_that_could_not_be_stored_is_on_record_later(self) -> None:
        """Of somebody who came to this node with a pass from another one."""
        eva = guest(self.there, "Eva", "21")
        back = returns(self.third, eva.secret)
        self.gus.types(":offer Eva 12 21")
        self.village.quiet()
        self.third.shared.away = True
        self.leaves(back)
        self.assertEqual(self.gus.hears(), ["[SERVER] Eva desconectado."])
        self.third.shared.away = False
        self.village.pass_time(6.0)
        told = ["[SERVER] La oferta #1 ya no es válida: Eva se fue."]
        self.assertEqual(self.gus.hears(), told)

    def test_a_name_that_could_not_be_freed_is_free_a_second_later(self) -> None:
        again = self.in_vain(self.there, "free")
        self.leaves(self.beto)
        again()
        self.village.pass_time(1.1)
        self.assertFalse(self.third.arrives("Beto").is_closed)
        self.assertEqual(self.village.lists(), [["Gus", "Caro", "Beto"]] * 3)

    def test_each_name_is_freed_once(self) -> None:
        freed: list[list[int]] = []
        free = self.there.shared.free

        def noting(holders: Any) -> Deferred[None]:
            freed.append([holder.farmer for holder in holders])
            return free(holders)

        self.patch(self.there.shared, "free", noting)
        dora = self.there.arrives("Dora")
        numbers = [person.protocol.farmer.id for person in (self.beto, dora)]
        self.leaves(self.beto)
        self.leaves(dora)
        self.assertEqual(freed, [[number] for number in numbers])

    def test_a_node_that_has_stopped_tries_no_more(self) -> None:
        """The ledger is closed by then."""
        self.in_vain(self.there, "free")
        self.leaves(self.beto)
        self.there.factory.say_goodbye()
        self.village.settle()
        tried: list[Any] = []
        self.patch(self.there.shared, "free", tried.append)
        self.village.pass_time(3.0)
        self.assertEqual(tried, [])
