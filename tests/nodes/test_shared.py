"""Nodes that share a ledger: trades, names, sanctions, leases, and nodes that end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.passwords import PlainAccounts
from granja.contract.ids import FarmerId
from granja.market.facts import Expired, Fact, Left, Posted, Returned
from granja.market.market import Limits
from granja.settings import Settings
from tests.support.farm import Farm, Person
from tests.support.guests import guest, returns
from tests.support.village import PASSWORD, NodeFarm, Village, missed

CANNOT = "[SERVER] Ahora no se puede entrar; inténtalo en un momento."
LOST = "[SERVER] Se perdió la conexión con la granja; vuelve a entrar."


def number_of(person: Person) -> FarmerId:
    """The number of the farmer on a connection."""
    return FarmerId(person.protocol.farmer.id)


class OldAccounts(PlainAccounts):
    """Accounts that know a verifier of :data:`PASSWORD` from when passwords cost less."""

    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

    def verify(self, verifier: str, password: str, address: str = "") -> Deferred[bool]:
        if verifier == self.old:
            return succeed(password == PASSWORD)
        return super().verify(verifier, password, address)


class VillageCase(SynchronousTestCase):
    registered: tuple[str, ...] = ("Ana", "Mod")

    def setUp(self) -> None:
        settings = Settings(rate=None, moderators=("Mod",))
        self.village = Village(3, registered=self.registered, settings=settings)
        self.here, self.there, self.third = self.village.farms
        self.gus = self.here.arrives("Gus", "12")
        self.beto = self.there.arrives("Beto", "32")
        self.caro = self.third.arrives("Caro")
        self.village.quiet()

    def comes(self, farm: Farm, name: str) -> Person:
        person = farm.person(name)
        person.types(name, PASSWORD)
        self.village.quiet()
        return person


class Expiring(SynchronousTestCase):
    """Offers end by the clock that all nodes share, and the oldest node ends them."""

    def setUp(self) -> None:
        settings = Settings(rate=None, limits=Limits(lifetime=100.0))
        self.village = Village(3, settings=settings)
        self.ends: list[int] = []
        for farm in self.village.farms:
            self.listen(farm)
        self.here, self.there, self.third = self.village.farms
        self.gus = self.here.arrives("Gus", "12")
        self.beto = self.there.arrives("Beto", "32")
        self.village.quiet()

    def listen(self, farm: NodeFarm) -> None:
        """Note who wants to write that an offer ended."""
        ledger: Any = farm.shared
        append = ledger.append

        def noting(facts: Sequence[Fact], *rest: Any) -> Any:
            self.ends += [farm.writer for fact in facts if isinstance(fact, Expired)]
            return append(facts, *rest)

        ledger.append = noting

    def test_the_oldest_node_ends_an_offer_and_the_others_need_not_try(self) -> None:
        self.beto.types(":offer Gus 32 12")
        self.village.quiet()
        self.village.pass_time(99.5)
        self.village.pass_time(5)
        self.assertEqual(self.ends, [self.here.writer])
        self.assertEqual(self.beto.hears(), ["[SERVER] La oferta #1 venció."])

    def test_when_the_oldest_cannot_the_next_does_after_a_second(self) -> None:
        self.beto.types(":offer Gus 32 12")
        self.village.quiet()
        self.village.pass_time(99.5)
        self.here.shared.away = True
        self.village.pass_time(1)
        self.assertEqual(self.ends, [self.here.writer])
        self.assertEqual(self.beto.hears(), [])
        self.village.pass_time(1)
        self.assertEqual(self.ends, [self.here.writer, self.there.writer])
        self.assertEqual(self.beto.hears(), ["[SERVER] La oferta #1 venció."])

    def test_a_node_that_waits_for_two_others_ends_nothing_too_soon(self) -> None:
        """Two older nodes cannot end offers.  The third ends each two seconds after its time."""
        caro, dora = self.third.arrives("Caro", "1, 2"), self.third.arrives("Dora", "3")
        caro.types(":offer Dora 1 3")
        self.village.pass_time(3)
        caro.types(":offer Dora 2 3")
        self.village.quiet()
        self.here.shared.away = self.there.shared.away = True
        self.village.pass_time(98.9)
        self.assertEqual(dora.hears(), [])
        self.village.pass_time(0.2)
        self.assertEqual(dora.hears(), ["[SERVER] La oferta #1 venció."])
        self.village.pass_time(2.8)
        self.assertEqual(dora.hears(), [])
        self.village.pass_time(0.2)
        self.assertEqual(dora.hears(), ["[SERVER] La oferta #2 venció."])

    def test_a_node_whose_clock_is_late(self) -> None:
        """An offer that is made there lives as long as any other."""
        self.there.set_forward = -50
        self.there.shared.clock_ahead = 50
        self.beto.types(":offer Gus 32 12")
        self.village.quiet()
        self.village.pass_time(99.5)
        self.assertEqual(self.ends, [])
        self.village.pass_time(5)
        self.assertEqual(self.ends, [self.here.writer])


class Trades(VillageCase):
    def test_an_offer_between_nodes(self) -> None:
        """With the lines of one node, each told where its farmer is."""
        self.beto.types(":offer Gus 32 12")
        self.assertEqual(self.beto.hears(), ["[SERVER] Oferta #1 enviada a Gus."])
        self.assertEqual(
            self.gus.hears(),
            [
                "[SERVER] Beto quiere intercambiar su Escápula prehistórica por tu Disco raro "
                "(#1: :accept o :reject)"
            ],
        )
        self.gus.types(":accept")
        self.assertEqual(
            self.gus.hears(),
            ["[SERVER] Intercambio aceptado, ahora tus artefactos son: Escápula prehistórica"],
        )
        self.assertEqual(
            self.beto.hears(),
            ["[SERVER] Intercambio realizado, tus artefactos ahora son: Disco raro"],
        )
        self.assertEqual(self.caro.hears(), [])
        states = [farm.factory.market.snapshot() for farm in self.village.farms]
        self.assertEqual(states, [states[0]] * 3)

    def test_offers_end_with_who_leaves_another_node(self) -> None:
        self.beto.types(":offer Gus 32 12")
        self.village.quiet()
        self.gus.types(":q")
        self.assertIn("[SERVER] La oferta #1 ya no es válida: Gus se fue.", self.beto.hears())

    def test_who_has_moved_hears_of_a_swap_where_they_are(self) -> None:
        """Three who could close it used to be at this node: they are told at the other."""
        people = []
        for n in range(3):
            person = self.here.arrives(f"G{n}", "2")
            person.types(f":registrar {PASSWORD}", ":doy 2")
            people.append(self.comes(self.there, f"G{n}"))
        poster = self.here.arrives("Paz", "1")
        self.village.quiet()
        poster.types(":cambio 1 por 2")
        self.village.pass_time(1.0)
        told = (
            "[SERVER] Puedes recibir Rollo enano I por tu Rollo enano II: escribe :cambio 2 por 1"
        )
        self.assertEqual([person.hears() for person in people], [[told]] * 3)

    def test_what_was_missed_is_told_once_at_whatever_node(self) -> None:
        """Whether the node had somebody absent on record or not."""
        for farm in self.village.farms:
            ana = self.comes(self.here, "Ana")
            ana.types(":agregar 1")
            self.beto.types(":offer Ana 32 1")
            ana.types(":q")
            self.village.settle()
            self.beto.types(":retirar")
            self.village.settle()
            again = farm.person()
            again.types("Ana", PASSWORD)
            self.village.settle()
            told = [line for line in again.hears() if "retiró" in line]
            self.assertEqual(len(told), 1, told)

    def test_three_hear_of_a_swap_that_they_could_close_at_whatever_node(self) -> None:
        """The poster's node comes first, then the others in turn, once they know the swap."""
        people = [farm.arrives(f"G{n}", "2") for n, farm in enumerate(self.village.farms[1:] * 2)]
        for person in people:
            person.types(":doy 2")
        self.village.quiet()
        told = "[SERVER] Puedes recibir Rollo enano {} por tu Rollo enano II: escribe :cambio 2 por"
        poster = self.here.arrives("Paz", "1, 3")
        self.village.quiet()
        poster.types(":cambio 1 por 2")
        self.village.pass_time(1.0)
        heard = [person.hears() for person in people]
        self.assertEqual(heard, [[told.format("I") + " 1"]] * 3 + [[]])
        poster.types(":cambio 3 por 2", ":cambio 1 por 9")
        self.village.pass_time(1.0)
        heard = [person.hears() for person in people]
        self.assertEqual(heard, [[]] * 3 + [[told.format("III") + " 3"]])

    def test_a_node_where_nobody_uses_these_commands_hands_a_swap_on(self) -> None:
        """It lies between the poster's node and that of one who could close it."""
        gil = self.third.arrives("Gil", "2")
        gil.types(":doy 2")
        poster = self.here.arrives("Paz", "1")
        self.village.quiet()
        poster.types(":cambio 1 por 2")
        self.village.pass_time(1.0)
        self.assertEqual(len(gil.hears()), 1)

    def test_a_ring_with_somebody_of_whom_this_node_had_not_heard(self) -> None:
        """Without the bus nobody knows that Eva came in.  Her swap settles as soon as it is
        back."""
        self.here.bus.cut()
        eva, zoe = self.here.arrives("Eva", "1"), self.there.arrives("Zoe", "2")
        self.village.quiet()
        eva.types(":cambio 1 por 2")
        zoe.types(":cambio 2 por 1")
        self.village.settle()
        self.assertEqual((len(eva.hears()), len(zoe.hears())), (1, 1))
        self.here.bus.mend()
        self.village.pass_time(5)
        for person in (eva, zoe):
            done = [line for line in person.hears() if "recibiste" in line]
            self.assertEqual(len(done), 1)


class Names(VillageCase):
    def test_a_name_that_was_just_left_is_free(self) -> None:
        """It is free at every node as soon as the leaving is on record."""
        self.beto.types(":q")
        for farm in (self.third, self.there):
            again = farm.arrives("Beto")
            again.types(":q")
            again.drops()
        self.assertEqual(self.village.lists(), [["Gus", "Caro"]] * 3)

    def test_whoever_registers_is_asked_for_the_password_everywhere(self) -> None:
        self.beto.types(f":registrar {PASSWORD}", ":q")
        again = self.third.person("Beto")
        again.types("BETO", "falsa", PASSWORD)
        self.assertEqual(again.hears()[-1], "[SERVER] ¡OK!")

    def test_while_the_ledger_is_away(self) -> None:
        """Talk goes on.  Nobody new comes in, and the question comes again."""
        self.there.shared.away = True
        new, owner = self.there.person(), self.there.person()
        new.hears(), owner.hears()
        new.types("Nuevo")
        owner.types("Ana")
        owner.hears()
        owner.types(PASSWORD)
        self.assertEqual(new.hears(), [CANNOT, "[SERVER] Ingresa tu nombre:"])
        self.assertEqual(owner.hears(), [CANNOT, "[SERVER] Contraseña:"])
        self.beto.types("sigo aquí")
        self.assertEqual(self.gus.hears(), ["Beto: sigo aquí"])
        self.there.shared.away = False
        owner.types(PASSWORD)
        new.types("Nuevo", "", "si")
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Ana", "Nuevo"]] * 3)

    def test_while_the_fate_of_a_write_is_not_known(self) -> None:
        """Trades at that node are refused, and those at others go on."""
        watcher = self.there.shared.watcher
        assert watcher is not None
        watcher.unsure()
        self.beto.types(":offer Gus 32 12")
        self.gus.types(":offer Caro 12 1")
        self.assertEqual(
            self.beto.hears(), ["[SERVER] Error de Intercambio: no se pudo guardar; nada cambió."]
        )
        self.assertNotIn("guardar", self.gus.hears()[0])
        watcher.sure()
        self.beto.types(":offer Gus 32 12")
        self.assertIn("enviada a Gus", self.beto.hears()[0])

    def test_who_comes_back_while_the_fate_of_a_write_is_not_known(self) -> None:
        """The name is held already: they come in, and the record follows."""
        eva = guest(self.third, "Eva", "21")
        eva.types(":registrar una contraseña larga")
        self.village.quiet()
        eva.reads()
        eva.drops()
        self.village.pass_time(121)
        watcher = self.there.shared.watcher
        assert watcher is not None
        watcher.unsure()
        ana, back = self.there.person(), returns(self.there, eva.secret)
        ana.types("Ana", PASSWORD)
        self.village.settle()
        self.assertEqual(ana.hears()[-1], "[SERVER] ¡OK!")
        told = [message["line"] for message in back.reads() if "line" in message]
        self.assertIn("[SERVER] ¡OK!", told)
        watcher.sure()
        self.village.pass_time(6.0)
        states = [farm.factory.market.snapshot() for farm in self.village.farms]
        self.assertEqual(states, [states[0]] * 3)
        self.assertEqual(self.here.factory.market.away.keys() & {number_of(ana)}, set())

    def test_a_password_of_another_node_is_stored_at_todays_cost(self) -> None:
        """Here, at the first login; it was changed after this node began."""
        accounts = OldAccounts()
        self.there.factory.registration.accounts = accounts
        (ana,) = (id for id, row in self.village.record.rows.items() if row.spelling == "Ana")
        credentials = self.village.record.record.credentials
        credentials[ana] = accounts.old
        ana_here = self.comes(self.there, "Ana")
        self.assertEqual(number_of(ana_here), ana)
        self.assertEqual(credentials[ana], f"plain:{PASSWORD}")

    def test_a_name_that_could_not_be_freed_is_freed_later(self) -> None:
        self.there.shared.away = True
        self.beto.types(":q")
        self.there.shared.away = False
        self.village.pass_time(6.0)
        self.assertEqual(self.here.arrives("Beto").protocol.farmer.elsewhere, None)

    def test_who_hangs_up_while_the_table_is_asked_holds_nothing(self) -> None:
        person = self.here.person()
        person.protocol.dataReceived(b"Fugaz\r\n")
        person.drops()
        self.village.settle()
        held = [row.spelling for row in self.village.record.rows.values()]
        self.assertNotIn("Fugaz", held)


class Sanctions(VillageCase):
    def test_a_mute_holds_at_every_node(self) -> None:
        mod = self.comes(self.here, "Mod")
        mod.types(":callar Beto 10m spam")
        self.beto.types("hola")
        self.assertIn("no puedes hablar hasta", self.beto.hears()[0])
        mod.types(":callar Beto 0")
        self.beto.types("hola")
        self.assertEqual(self.beto.hears(), [])

    def test_a_mute_of_a_name_that_looks_like_it_ends_at_every_node(self) -> None:
        mod, dara = self.comes(self.here, "Mod"), self.there.arrives("Dara")
        mod.types(":callar Dara 10m")
        dara.types(":q")
        dara.drops()
        self.village.pass_time(1.0)
        clara = self.there.arrives("clara")
        clara.types("hola")
        self.assertEqual(clara.hears(), ["[SERVER] Error: no puedes hablar hasta las 22:23."])
        mod.types(":callar clara 0")
        clara.types("hola")
        self.assertEqual(clara.hears(), [])

    def test_a_ban_puts_out_at_every_node(self) -> None:
        mod = self.comes(self.here, "Mod")
        mod.types(":vetar Beto 10m spam")
        self.village.settle()
        self.assertIn("spam", self.beto.hears()[0])
        self.assertTrue(self.beto.is_closed)
        again = self.third.person("Beto")
        again.types("Beto")
        self.assertTrue(again.is_closed)
        mod.types(":perdonar Beto")
        self.third.arrives("Beto")

    def test_who_is_ignored_at_one_node_is_at_the_next(self) -> None:
        ana = self.comes(self.here, "Ana")
        mod = self.comes(self.here, "Mod")
        ana.types(":ignorar Mod")
        again = self.comes(self.there, "Ana")
        mod.types("¿me oyes?")
        self.assertEqual((again.hears(), self.gus.hears()), ([], ["Mod: ¿me oyes?"]))

    def test_whom_visitors_ignore_and_their_doors_hold_at_every_node(self) -> None:
        refused = "[SERVER] Error de Intercambio: {} no recibe ofertas por ahora."
        eva, paz = self.here.arrives("Eva", "21"), self.there.arrives("Paz", "12")
        eva.types(":ignorar Paz")
        self.village.quiet()
        paz.types(":offer Eva 12 21", ":ofertas no")
        self.assertEqual(paz.hears(), [refused.format("Eva"), "[SERVER] Ya no recibes ofertas."])
        eva.types(":offer Paz 21 12")
        self.assertEqual(eva.hears(), [refused.format("Paz")])
        eva.types(":escuchar Paz")
        paz.types(":ofertas si", ":offer Eva 12 21")
        self.assertEqual(paz.hears()[-1], "[SERVER] Oferta #1 enviada a Eva.")
        for visitor in (self.gus, self.caro):  # One has artifacts, the other has none.
            visitor.types(":ignorar Beto", ":ofertas no")
        eva.types(":ignorar Caro")
        self.third.dies()
        self.third.is_buried()
        self.gus.drops()
        self.village.pass_time(1.0)
        kept = self.village.record.record.kept
        self.assertEqual((kept["ignored"], kept["closed-doors"]), ({}, {}))

    def test_trading_that_is_frozen_is_frozen_everywhere(self) -> None:
        mod = self.comes(self.here, "Mod")
        mod.types(":congelar")
        self.beto.types(":offer Gus 32 12")
        self.assertNotIn("[SERVER] Oferta #1 enviada a Gus.", self.beto.hears())
        mod.types(":descongelar")
        self.beto.types(":offer Gus 32 12")
        self.assertIn("[SERVER] Oferta #1 enviada a Gus.", self.beto.hears())


class Ends(VillageCase):
    def test_a_node_that_dies(self) -> None:
        """Its visitors leave on record, at every node.  Its registered farmers are away."""
        ana = self.comes(self.there, "Ana")
        beto = self.beto.protocol.farmer.id
        self.there.dies()
        self.there.is_buried()
        said = ["[SERVER] Beto desconectado.", "[SERVER] Ana desconectado."]
        self.assertEqual((self.gus.hears(), self.caro.hears()), (said, said))
        for farm in (self.here, self.third):
            self.assertEqual(list(farm.factory.roster.names()), ["Gus", "Caro"])
            self.assertNotIn(beto, farm.factory.market.held)
            self.assertIn(ana.protocol.farmer.id, farm.factory.market.away)
        self.assertEqual(self.here.arrives("Beto").protocol.farmer.elsewhere, None)
        self.assertIn("¡OK!", self._ok(self.third))

    def test_a_node_that_dies_between_a_swap_and_its_ring(self) -> None:
        """The others settle it."""
        zoe, eva = self.there.arrives("Zoe", "2"), self.here.arrives("Eva", "1")
        eva.types(f":registrar {PASSWORD}")
        zoe.types(":cambio 2 por 1")
        self.village.quiet()
        ledger: Any = self.here.shared
        append = ledger.append

        def last(facts: Sequence[Fact], *rest: Any) -> Any:
            stored = append(facts, *rest)
            if not any(isinstance(fact, Posted) for fact in facts):
                return stored
            self.here.dies()
            return Deferred()

        ledger.append = last
        eva.types(":cambio 1 por 2")
        self.village.settle()
        self.here.is_buried()
        told = [line for line in zoe.hears() if "recibiste" in line]
        self.assertEqual(len(told), 1)

    def test_what_was_heard_at_a_node_that_dies_is_not_told_again(self) -> None:
        """The others record that somebody left, and nothing that they had missed."""
        ana = self.comes(self.there, "Ana")
        ana.types(":agregar 1")
        self.gus.types(":offer Ana 12 1")
        ana.types(":accept")
        self.gus.types(":offer Ana 1 12")
        self.village.quiet()
        self.there.dies()
        self.there.is_buried()
        left = [f for f in self.village.record.record.facts if isinstance(f, Left)][-1]
        self.assertEqual((left.farmer, left.missed, left.unseen), (number_of(ana), (), ()))
        again = self.comes(self.here, "Ana")
        self.assertFalse([line for line in again.hears() if "aceptado" in line])

    def _ok(self, farm: NodeFarm) -> str:
        again = farm.person("Ana")
        again.types("Ana", PASSWORD)
        return " ".join(again.hears())

    def test_all_hear_of_it_from_the_node_that_the_ledger_tells(self) -> None:
        """At once.  The ledger tells only one of them."""
        self.third.shared.watcher = None
        self.there.dies()
        self.village.record.end(self.there.writer)
        self.village.record.renew()
        self.village.settle()
        said = ["[SERVER] Beto desconectado."]
        self.assertEqual((self.gus.hears(), self.caro.hears()), (said, said))

    def test_a_node_that_is_cut_off_from_the_bus_lists_who_was_known(self) -> None:
        """Until the bus is back.  A ledger that is away meanwhile is asked later."""
        self.third.bus.cut()
        self.third.shared.watcher = None
        self.there.dies()
        self.village.record.end(self.there.writer)
        self.village.pass_time(9.0)
        self.assertEqual(self.village.lists()[2], ["Gus", "Beto", "Caro"])
        self.third.bus.mend()
        self.third.shared.away = True
        self.village.pass_time(9.0)
        self.assertEqual(self.village.lists()[2], ["Gus", "Beto", "Caro"])
        self.third.shared.away = False
        self.village.pass_time(2.0)
        self.assertEqual(self.village.lists()[2], ["Gus", "Caro"])

    def test_where_nobody_lingers_all_leave_with_it(self) -> None:
        for farm in self.village.farms:
            farm.settings.linger = farm.factory.presence.lingering.seconds = 0
        guest(self.there, "Eva", "21")
        self.village.quiet()
        self.there.dies()
        self.village.record.end(self.there.writer)
        self.village.record.renew()
        self.village.settle()
        said = ["[SERVER] Beto desconectado.", "[SERVER] Eva desconectado."]
        self.assertEqual(self.gus.hears(), said)

    def test_a_node_that_dies_while_another_is_cut_off_from_the_bus(self) -> None:
        """That one finds out by itself: it is not heard, and the ledger knows nobody there."""
        self.third.bus.cut()
        self.there.dies()
        self.village.record.end(self.there.writer)
        self.third.shared.watcher, theirs = None, self.third.shared.watcher
        self.village.record.renew()
        self.village.settle()
        self.third.shared.watcher = theirs
        self.assertEqual(self.gus.hears(), ["[SERVER] Beto desconectado."])
        self.third.bus.mend()
        self.village.pass_time(3.0)
        self.assertEqual(self.village.lists()[2], ["Gus", "Beto", "Caro"])
        self.village.pass_time(6.0)
        self.assertEqual(self.village.lists()[2], ["Gus", "Caro"])
        self.assertIn("[SERVER] Beto desconectado.", self.caro.hears())

    def test_an_answer_of_a_node_that_is_buried_meanwhile(self) -> None:
        """It hung in the network.  The people that it lists are gone."""
        self.third.bus.to_lose = 1
        self.there.arrives("Dora")
        self.third.bus.delay = 0.5
        asked: list[str] = []
        bus: Any = self.third.bus
        request = bus.request

        def requested(subject: str, *rest: Any) -> Any:
            asked.append(subject)
            return request(subject, *rest)

        bus.request = requested
        while not asked:
            self.village.pass_time(0.2)
        self.there.dies()
        self.village.record.end(self.there.writer)
        self.village.record.renew()
        self.village.settle()
        for _ in range(100):
            self.village.clock.advance(0.01)
            self.assertEqual(self.village.lists()[2], ["Gus", "Caro"])

    def test_a_node_without_people_that_is_cut_off_from_the_bus_has_not_ended(self) -> None:
        """The ledger knows its lease, though nobody there."""
        self.beto.types(":q")
        self.village.settle()
        self.there.bus.cut()
        self.village.pass_time(9.0)
        self.there.bus.mend()
        self.village.pass_time(2.0)
        self.village.quiet()
        self.there.arrives("Dora").types("¿me oís?")
        said = ["[SERVER] Cliente Dora conectado.", "Dora: ¿me oís?"]
        self.assertEqual(self.gus.hears(), said)
        self.assertEqual(self.village.lists(), [["Gus", "Caro", "Dora"]] * 3)

    def test_a_node_whose_lease_is_over(self) -> None:
        """It puts its people out.  What they say after that reaches nobody.  Then it goes on."""
        ana = self.comes(self.there, "Ana")
        arriving = self.there.person()
        arriving.types("Nueva")
        arriving.hears()
        self.village.record.end(self.there.writer)
        self.village.record.renew()
        self.village.settle()
        self.gus.hears()
        self.beto.types("¿hay alguien?")
        self.assertEqual(self.gus.hears(), [])
        self.village.quiet()
        self.there.shared.fence()
        for person in (self.beto, ana, arriving):
            self.assertEqual(person.hears(), [LOST])
            self.assertTrue(person.is_closed)
            person.drops()
        self.assertEqual(self.village.lists(), [["Gus", "Caro"]] * 3)
        again = self.there.arrives("Beto", "32")
        again.types("he vuelto")
        self.assertEqual(self.gus.hears()[-1], "Beto: he vuelto")
        self.assertEqual(self.village.lists(), [["Gus", "Caro", "Beto"]] * 3)
        self.here.bus.to_lose = 1
        again.types("perdida", "no perdida")
        self.assertEqual(self.gus.hears(), [missed(1), "Beto: no perdida"])

    def test_what_is_said_just_when_a_node_hears_that_its_lease_is_over(self) -> None:
        """It is heard nowhere else, either."""
        self.village.record.end(self.there.writer)
        self.village.record.renew()
        self.village.settle()
        self.village.quiet()
        self.beto.protocol.dataReceived("¿hay alguien?\r\n".encode())
        self.there.shared.fence()
        self.village.pass_time(2.0)
        self.assertEqual((self.gus.hears(), self.caro.hears()), ([], []))

    def test_a_node_that_has_said_goodbye_says_nothing_more(self) -> None:
        published = self.there.bus.published
        self.there.factory.say_goodbye()
        published += 1  # At once: the process may be gone in a moment.
        self.assertEqual(self.there.bus.published, published)
        self.beto.drops()
        self.village.pass_time(3.0)
        self.assertEqual(self.there.bus.published, published)

    def test_who_has_a_pass_lingers_and_comes_back_at_another_node(self) -> None:
        """Nobody notices."""
        eva = guest(self.there, "Eva", "21")
        self.village.quiet()
        self.there.dies()
        self.there.is_buried()
        self.assertEqual(self.gus.hears(), ["[SERVER] Beto desconectado."])
        self.assertEqual(self.village.lists()[0], ["Gus", "Caro", "Eva"])
        back = returns(self.third, eva.secret)
        self.assertIn("ready", [message["type"] for message in back.reads()])
        self.assertEqual(self.gus.hears(), [])
        back.types("aquí sigo")
        self.assertEqual(self.gus.hears(), ["Eva: aquí sigo"])
        self.assertEqual(self.village.lists()[0], ["Gus", "Caro", "Eva"])

    def test_who_does_not_come_back_leaves(self) -> None:
        """When the time is over."""
        guest(self.there, "Eva", "21")
        self.village.quiet()
        self.there.dies()
        self.there.is_buried()
        self.gus.hears()
        self.village.pass_time(121.0)
        self.assertEqual(self.gus.hears(), ["[SERVER] Eva desconectado."])
        self.assertEqual(self.village.lists()[2], ["Gus", "Caro"])

    def test_who_does_not_come_back_while_another_node_is_cut_off_from_the_bus(self) -> None:
        """Another node takes Eva in, and lets her go; the third hears neither."""
        guest(self.there, "Eva", "21")
        self.village.quiet()
        self.there.dies()
        self.third.bus.cut()
        self.there.is_buried()
        self.village.pass_time(121.0)
        self.third.bus.mend()
        self.village.pass_time(9.0)
        self.assertEqual(self.village.lists()[2], ["Gus", "Caro"])

    def test_a_node_that_loses_its_lease_just_as_it_takes_somebody_in(self) -> None:
        """The table must not have them at its next lease: then nobody would let them go."""
        guest(self.there, "Eva", "21")
        self.there.dies()
        self.village.record.end(self.there.writer)
        self.village.record.renew()
        self.village.record.end(self.here.writer)
        self.here.shared.fence()
        for _ in range(130):
            self.village.pass_time(1.0)
            self.village.record.renew()
        self.assertEqual(self.village.lists()[2], ["Caro"])
        self.third.arrives("Eva")
        self.assertEqual(self.village.lists()[2], ["Caro", "Eva"])

    def test_a_pass_serves_at_another_node_while_the_first_lives(self) -> None:
        """The old connection hears it."""
        eva = guest(self.there, "Eva", "21")
        self.village.quiet()
        back = returns(self.third, eva.secret)
        self.assertIn("ready", [message["type"] for message in back.reads()])
        self.assertTrue(eva.is_closed)
        self.assertEqual(self.gus.hears(), [])
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Eva"]] * 3)

    def test_a_node_that_did_not_know_where_somebody_went_on(self) -> None:
        """It records that Ana left, while she is inside elsewhere: her node puts that right."""
        ana = self.comes(self.here, "Ana")
        farmer = number_of(ana)
        self.third.factory.lane.submit([farmer], lambda: [Left(farmer, unseen=())])
        self.village.settle()
        self.assertEqual(
            self.village.record.record.facts[-2:], [Left(farmer, unseen=()), Returned(farmer)]
        )
        for farm in self.village.farms:
            self.assertNotIn(farmer, farm.factory.market.away)
        self.assertEqual(ana.hears(), [])

    def test_nor_while_her_node_does_not_reach_the_ledger(self) -> None:
        """It puts that right later."""
        ana = self.comes(self.here, "Ana")
        farmer = number_of(ana)
        self.here.shared.away = True
        self.third.factory.lane.submit([farmer], lambda: [Left(farmer, unseen=())])
        self.village.settle()
        self.here.shared.away = False
        self.village.pass_time(6.0)
        self.assertEqual(
            self.village.record.record.facts[-2:], [Left(farmer, unseen=()), Returned(farmer)]
        )
        self.assertEqual(ana.hears(), [])

    def test_who_lingers_since_the_last_run_of_a_node(self) -> None:
        """She is at the new one, in the table as well: at once, or when the table is there."""
        for away in (False, True):
            name = "Eva" if away else "Ida"
            eva = guest(self.there, name, "21")
            self.there.dies()
            self.village.record.end(self.there.writer)
            if away:
                self.village.clock.callLater(0, self.loses_table)
            self.there = self.village.starts()
            self.assertIn(name, self.village.lists()[-1])
            if away:
                self.there.shared.away = False
                self.village.record.renew()
                self.village.settle()
            (row,) = (row for row in self.village.record.rows.values() if row.spelling == name)
            self.assertEqual(row.writer, self.there.writer)
            back = returns(self.there, eva.secret)
            self.assertIn("ready", [message["type"] for message in back.reads()])

    def loses_table(self) -> None:
        self.village.record.nodes[-1].away = True

    def test_a_node_that_starts_does_not_take_others_for_absent(self) -> None:
        """It does not restore people who are inside elsewhere."""
        guest(self.there, "Eva", "21")
        self.comes(self.here, "Ana")
        self.village.starts()
        self.village.pass_time(3.0)
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Eva", "Ana"]] * 4)
        for person in (self.gus, self.beto):
            self.assertIn(person.protocol.farmer.id, self.here.factory.market.held)
