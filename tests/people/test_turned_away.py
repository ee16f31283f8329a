"""What people hear when there are too many, at every door, and how their connections end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.logger import capturedLogs, eventAsText
from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.doorkeeper import DoorLimits
from granja.reactor.seeing_off import MOST
from granja.settings import Settings
from tests.support.farm import Farm, Person, Wire
from tests.support.web_visitor import Visit, WebFarmer

STRANGER, OTHER = "192.0.2.7", "198.51.100.7"
NETWORK_FULL = "[SERVER] Hay demasiadas conexiones desde tu red; inténtalo más tarde."
FARM_FULL = "[SERVER] La granja está llena; inténtalo más tarde."
ASKED = "[SERVER] Ingresa tu nombre:"


class DoorCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm(replace(Settings(rate=None), doors=DoorLimits(per_network=2)))

    def fill(self) -> list[Person]:
        """Two from one network come in."""
        people = [self.farm.person(address=STRANGER) for _ in range(2)]
        self.assertEqual([person.hears() for person in people], [[ASKED]] * 2)
        return people


class OneTooMany(DoorCase):
    def test_from_one_network(self) -> None:
        """The one too many reads why, and is closed.  Others come in.  When one goes there is room
        again."""
        first, _ = self.fill()
        third = self.farm.person(address=STRANGER)
        self.assertEqual(third.hears(), [NETWORK_FULL])
        self.assertTrue(third.is_closed)
        self.assertEqual(self.farm.person(address=OTHER).hears(), [ASKED])
        third.drops()
        first.drops()
        self.assertEqual(self.farm.person(address=STRANGER).hears(), [ASKED])

    def test_what_it_says_is_heard_by_nobody(self) -> None:
        self.fill()
        third = self.farm.person(address=STRANGER)
        third.types("Ana", "", "si", ":q")
        third.ends_input()
        self.assertEqual(third.hears(), [NETWORK_FULL])
        self.assertEqual(len(self.farm.factory.connections), 2)

    def test_in_all(self) -> None:
        """This includes loopback."""
        descriptors = self.farm.factory.doorkeeper.descriptors
        descriptors.most, descriptors.held = 0, 1
        person = self.farm.person()
        self.assertEqual(person.hears(), [FARM_FULL])
        self.assertTrue(person.is_closed)

    def test_who_does_not_go_is_cut(self) -> None:
        """It is cut after three seconds.  A connection that goes leaves no timer."""
        self.fill()
        stays, goes = (self.farm.person(address=STRANGER) for _ in range(2))
        goes.drops()
        self.farm.pass_time(3.1)
        self.assertEqual([stays.wire.aborted, goes.wire.aborted], [True, False])

    def test_a_crowd_of_them_holds_no_descriptors(self) -> None:
        """We wait for a limited number of them.  None of them writes a line to the log."""
        self.fill()
        with capturedLogs() as logged:
            crowd = [self.farm.person(address=STRANGER) for _ in range(100)]
            self.farm.pass_time(1.1)
        self.assertEqual(sum(not person.wire.aborted for person in crowd), MOST)
        lines = [eventAsText(event, includeTimestamp=False) for event in logged]
        told = [line for line in lines if "Turned away" in line]
        self.assertEqual(len(told), 2, told)
        self.assertIn(f"from {STRANGER}: network-full (and 98 more)", told[-1])

    def test_they_do_not_keep_the_server_from_stopping(self) -> None:
        people = self.fill()
        third = self.farm.person(address=STRANGER)
        self.successResultOf(self.farm.factory.finish_begun())
        self.farm.factory.say_goodbye()
        empty = self.farm.factory.when_empty()
        for person in people:
            person.drops()
        self.successResultOf(empty)
        self.farm.factory.hang_up()
        self.assertTrue(third.wire.aborted)

    def test_who_hangs_up_is_not_waited_for(self) -> None:
        """We close our half, and all of it as soon as they close theirs."""

        class Halves(Wire):
            def close_for_now(self) -> None:
                """Close our half."""

        self.fill()
        wire = Halves(STRANGER)
        third: Any = self.farm.factory.buildProtocol(wire.getPeer())
        third.makeConnection(wire)
        self.assertFalse(wire.disconnecting)
        third.readConnectionLost()
        self.assertTrue(wire.disconnecting)


class OnTheWeb(DoorCase):
    """192.0.2.7 is where browsers come from in these tests."""

    def test_at_ws_as_the_first_line_in_both_forms(self) -> None:
        """Then comes Close 1013.  The peer has a moment to answer it."""
        self.fill()
        plain, data = WebFarmer(self.farm), WebFarmer(self.farm, protocol="granja.json")
        self.assertEqual(plain.hears(), [NETWORK_FULL])
        [said] = data.hears_data()
        self.assertEqual((said["type"], said["code"], said["n"]), ("notice", "network-full", 1))
        self.assertEqual(said["line"], NETWORK_FULL)
        self.assertEqual([plain.close_code, data.close_code], [1013, 1013])
        self.assertFalse(plain.wire.disconnecting)
        self.farm.pass_time(3.1)
        self.assertTrue(plain.wire.aborted)

    def test_those_in_the_chat_and_those_at_the_page_have_their_own_places(self) -> None:
        """A person who goes on to the chat makes room at the page."""
        web = [WebFarmer(self.farm) for _ in range(2)]
        self.assertEqual([one.hears() for one in web], [[ASKED]] * 2)
        self.assertEqual(self.farm.person(address=STRANGER).hears(), [NETWORK_FULL])
        first, second = Visit(self.farm), Visit(self.farm)
        self.assertEqual(first.asks("/").status, 200)
        response = Visit(self.farm).takes()
        self.assertTrue(response.startswith(b"HTTP/1.1 503 Service Unavailable\r\n"))
        self.assertTrue(
            response.decode().endswith(
                "\r\n\r\nHay demasiadas conexiones desde tu red; inténtalo más tarde.\n"
            )
        )
        second.drops()
        self.assertEqual(Visit(self.farm).asks("/").status, 200)

    def test_whoever_a_proxy_speaks_for_is_counted_and_the_proxy_is_not(self) -> None:
        proxies: Any = self.farm.settings.proxies

        class Proxied(WebFarmer):
            peer = IPv4Address("TCP", "127.0.0.1", 50000)

        options = {"proxies": proxies}
        for address, said in ((STRANGER, ASKED), (STRANGER, ASKED), (STRANGER, NETWORK_FULL)):
            visitor = Proxied(self.farm, site_options=options, x_forwarded_for=address)
            self.assertEqual(visitor.hears(), [said])
        visitor = Proxied(self.farm, site_options=options, x_forwarded_for=OTHER)
        self.assertEqual(visitor.hears(), [ASKED])

    def test_when_the_farm_is_full(self) -> None:
        """At ``/ws`` it reads the chat's words, as long as there is room to say them."""
        descriptors = self.farm.factory.doorkeeper.descriptors
        descriptors.most, descriptors.held = 0, 1
        visitor = WebFarmer(self.farm)
        self.assertEqual((visitor.hears(), visitor.close_code), ([FARM_FULL], 1013))
        descriptors.held = 9
        self.assertIn("La granja está llena", Visit(self.farm).takes().decode())


class AtTheDoor(SynchronousTestCase):
    """The sixty-first connection of a network within a minute waits for its question."""

    def setUp(self) -> None:
        self.farm = Farm()
        for _ in range(60):
            person = self.farm.person(address=STRANGER)
            self.assertEqual(person.hears(), [ASKED])
            person.drops()

    def test_it_hears_the_question_later(self) -> None:
        """It then has its whole time to arrive.  Nobody else waits."""
        late = self.farm.person(address=STRANGER)
        self.assertEqual(late.hears(), [])
        self.assertEqual(self.farm.person(address=OTHER).hears(), [ASKED])
        self.farm.pass_time(19)
        self.assertEqual(late.hears(), [])
        self.farm.pass_time(1.1)
        self.assertEqual(late.hears(), [ASKED])
        self.farm.pass_time(59)
        self.assertEqual(late.hears(), [])
        self.farm.pass_time(2)
        self.assertEqual(late.hears(), ["[SERVER] Tiempo agotado."])

    def test_what_it_says_meanwhile_is_obeyed_then(self) -> None:
        late = self.farm.person(address=STRANGER)
        late.types("Ana", "", "si")
        self.farm.pass_time(21)
        self.assertEqual(late.hears()[-1], "[SERVER] ¡OK!")

    def test_also_after_the_end_of_its_input(self) -> None:
        late = self.farm.person(address=STRANGER)
        late.types("Ana")
        late.ends_input()
        self.farm.pass_time(21)
        self.assertEqual(late.hears()[1], "¡Bienvenid@ al chat de Granjerxs!")
        self.assertTrue(late.is_closed)

    def test_who_hangs_up_leaves_nothing_behind(self) -> None:
        late = self.farm.person(address=STRANGER)
        late.drops()
        self.farm.pass_time(21)
        self.assertEqual(late.hears(), [])
        self.assertEqual(self.farm.factory.connections, set())

    def test_the_server_does_not_wait_for_it_to_stop(self) -> None:
        late = self.farm.person(address=STRANGER)
        self.successResultOf(self.farm.factory.finish_begun())
        self.farm.factory.say_goodbye()
        self.assertEqual(late.hears(), ["[SERVER] El servidor se apaga. ¡Hasta pronto!"])


class TooManyRegistrations(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm()

    def register(self, name: str, address: str, password: str = "tulipanes") -> Person:
        person = self.farm.arrives(name, address=address)
        person.types(f":registrar {password}")
        return person

    def test_the_eleventh_within_an_hour(self) -> None:
        """It stays a visitor.  Elsewhere, and an hour later, people register as usual."""
        for n in range(10):
            name = f"Granjera{n}"
            told = [f"[SERVER] {name}, tu nombre quedó registrado."]
            self.assertEqual(self.register(name, STRANGER).hears(), told)
        refused = self.register("Ana", STRANGER)
        too_many = "[SERVER] Error: hay demasiados registros desde tu red; inténtalo más tarde."
        self.assertEqual(refused.hears(), [too_many])
        self.assertEqual(
            self.register("Beto", OTHER).hears()[-1],
            "[SERVER] Beto, tu nombre quedó registrado.",
        )
        refused.types("hola", ":u")
        self.assertIn("Ana", refused.hears()[-1])
        self.farm.pass_time(3601)
        refused.types(":registrar tulipanes")
        self.assertEqual(refused.hears()[-1], "[SERVER] Ana, tu nombre quedó registrado.")

    def test_bad_passwords_are_not_counted(self) -> None:
        ana = self.farm.arrives("Ana", address=STRANGER)
        ana.types(*[":registrar corta"] * 20)
        ana.hears()
        ana.types(":registrar tulipanes")
        self.assertEqual(ana.hears(), ["[SERVER] Ana, tu nombre quedó registrado."])
