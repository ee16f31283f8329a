"""Who comes back, or gets a pass, while the connection or the disk gives way (PROTOCOL §5b)."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred

from granja.contract.ids import FarmerId
from granja.people.passes import PASSES, VISITS
from tests.people.test_passes import BAD, HELLO, HOLDS, NAME, OK, SETTINGS, PassCase
from tests.support.farm import Person
from tests.support.guests import Guest, guest

PASSWORD = "girasoles al sol"
NEWS = "[SERVER] Mientras no estabas: Beto retiró la oferta #1."


class RegisteredCase(PassCase):
    def setUp(self) -> None:
        super().setUp()
        self.ana.types(f":registrar {PASSWORD}")
        self.ana.reads()
        self.number = FarmerId(self.ana.protocol.farmer.id)

    def misses_something(self) -> None:
        """Ana has left, and an offer to her was taken back."""
        self.beto.types(":offer Ana 12 21")
        self.ana.reads()
        self.ana.drops()
        self.farm.pass_time(121)
        self.beto.types(":retirar 1")

    def by_password(self) -> Person:
        person = self.farm.person("Ana")
        person.types("Ana", PASSWORD)
        return person

    def drops_while_a_second_is_stored(self) -> str:
        """Ana changes the password, and loses the line.  Returns her first pass."""
        first = self.ana.secret
        self.disk.hold()
        self.ana.types(":clave tulipanes rojos")
        self.disk.release_first()
        self.ana.drops()
        self.disk.release()
        self.farm.settle()
        return first


class CutOff(RegisteredCase):
    def test_while_a_return_with_a_pass_is_stored(self) -> None:
        """The news wait for the next time, and the record has her away."""
        self.misses_something()
        self.disk.hold()
        back = self.back()
        self.assertEqual(back.hears(), [])
        back.drops()
        self.disk.release()
        self.farm.pass_time(6)
        self.assertIn(self.number, self.farm.factory.market.away)
        self.assertEqual(self.here(), "Beto")
        self.assertIn(NEWS, self.by_password().hears())

    def test_while_a_return_with_the_password_is_stored(self) -> None:
        """The same: the record has her away."""
        self.misses_something()
        self.disk.hold()
        self.by_password().drops()
        self.disk.release()
        self.farm.pass_time(6)
        self.assertIn(self.number, self.farm.factory.market.away)
        self.assertEqual(self.here(), "Beto")

    def test_while_a_visitors_list_is_stored(self) -> None:
        """What they declared is on record, so the record says that they left."""
        eva = self.farm.person("Eva")
        eva.types("Eva", "13")
        self.disk.hold()
        eva.types("si")
        number = eva.protocol.farmer.id
        eva.drops()
        self.disk.release()
        self.farm.settle()
        self.assertNotIn(number, self.farm.factory.market.held)
        self.assertEqual(self.farm.arrives("Eva").is_closed, False, "the name is free")

    def test_while_she_is_inside_elsewhere(self) -> None:
        """Only the new connection ends: she stays on the old one."""
        self.disk.hold()
        self.beto.types(":agregar 6")  # The lane has work.
        back = self.back()
        back.drops()
        self.disk.release()
        self.farm.pass_time(6)
        self.assertEqual(self.here(), "Beto, Ana")
        self.assertNotIn(self.number, self.farm.factory.market.away)
        self.assertFalse(self.ana.is_closed)

    def test_a_visitor_who_lingers_still_gives_what_they_have(self) -> None:
        """Only the new connection ended: they are expected back."""
        eva = guest(self.farm, "Eva", "6, 6")
        eva.drops()
        self.disk.hold()
        self.back(None, eva.secret).drops()
        self.disk.release()
        self.farm.settle()
        self.beto.hears()
        self.beto.types(":quien 6")
        self.assertIn("quién lo da: Eva", self.beto.hears()[0])

    def test_what_was_told_with_a_pass_is_not_told_again(self) -> None:
        """Also if that could not be stored."""
        self.misses_something()
        self.disk.fill()
        self.assertIn(NEWS, self.back().hears())
        self.farm.people[-1].drops()
        self.farm.pass_time(121)
        self.assertNotIn(NEWS, self.by_password().hears())


class Goes(RegisteredCase):
    def test_on_hearing_after_coming_back(self) -> None:
        self.ana.drops()
        back = self.back()
        self.assertEqual(back.hears(), [HELLO, HOLDS, OK])
        self.beto.types("¿sigues ahí?")
        self.assertEqual(back.hears(), ["Beto: ¿sigues ahí?"])

    def test_on_counting_from_one_after_having_left(self) -> None:
        self.ana.drops()
        self.farm.pass_time(121)
        back = self.back()
        numbers = [message["n"] for message in back.reads() if "n" in message]
        self.assertEqual(numbers[0], 1)

    def test_on_counting_from_one_where_nobody_knows_what_she_heard(self) -> None:
        """The server has crashed since.  A client that says no number begins anew."""
        self.restart(crash=True)
        numbers = [message["n"] for message in self.back().reads() if "n" in message]
        self.assertEqual(numbers[0], 1)

    def test_on_from_the_number_that_she_names(self) -> None:
        self.ana.drops()
        self.farm.pass_time(121)
        back = self.back(40)
        back.n = 40
        numbers = [message["n"] for message in back.reads() if "n" in message]
        self.assertEqual(numbers[0], 41)


class WhileItIsStored(PassCase):
    """A pass is told once its hash is stored.  Meanwhile much can happen."""

    def setUp(self) -> None:
        super().setUp()
        self.eva = Guest(self.farm)
        self.eva.types("Eva", "")
        self.disk.hold()
        self.eva.types("si")

    def test_who_drops_has_none_and_is_not_expected(self) -> None:
        number = str(self.eva.protocol.farmer.id)
        self.eva.drops()
        self.disk.release()
        self.farm.settle()
        self.assertEqual(self.here(), "Beto, Ana")
        owners = {str(value["farmer"]) for value in self.memory.kept[PASSES].values()}  # type: ignore[index,call-overload]
        self.assertNotIn(number, owners)
        self.assertNotIn(number, self.memory.kept[VISITS])

    def test_who_wants_none_after_all_leaves_at_once(self) -> None:
        self.eva.types(":olvidar")
        self.disk.release()
        self.farm.settle()
        self.assertEqual(self.eva.reads()[-1]["code"], "passes-ended")
        self.eva.drops()
        self.assertEqual(self.here(), "Beto, Ana")


class WhileANameIsRegistered(PassCase):
    """Ana and Eva type ``:registrar``, and the disk is slow.  Eva has no pass."""

    def setUp(self) -> None:
        super().setUp()
        self.eva = self.farm.arrives("Eva", "13")

    def registers(self, person: Person) -> None:
        person.types(f":registrar {PASSWORD}")

    def asked(self, name: str) -> str:
        """What somebody is asked who types this name."""
        person = self.farm.person()
        person.types(name)
        return person.hears()[-1]

    def test_who_drops_is_away_on_record_and_reads_the_answer_on_coming_back(self) -> None:
        self.disk.hold()
        self.registers(self.ana)
        self.ana.drops()
        self.disk.release()
        self.farm.settle()
        self.assertIn(self.ana.protocol.farmer.id, self.farm.factory.market.away)
        self.assertIn("[SERVER] Ana, tu nombre quedó registrado.", self.back(self.ana.n).hears())

    def test_who_drops_while_the_password_is_hashed_is_away_on_record(self) -> None:
        """That takes a moment, and then the name is registered all the same."""
        hashed: Deferred[str] = Deferred()
        self.patch(self.farm.factory.registration.accounts, "hash", lambda *_: hashed)
        self.registers(self.ana)
        self.ana.drops()
        hashed.callback(f"plain:{PASSWORD}")
        self.farm.settle()
        self.assertIn(self.ana.protocol.farmer.id, self.farm.factory.market.away)

    def test_nobody_else_gets_the_name_of_who_leaves(self) -> None:
        self.disk.hold()
        self.registers(self.eva)
        self.eva.drops()
        self.assertEqual(self.asked("Eva"), "[SERVER] Contraseña:")
        self.disk.release()
        self.farm.settle()
        self.assertEqual(self.asked("Eva"), "[SERVER] Contraseña:")

    def test_the_name_of_who_left_is_free_if_that_was_in_vain(self) -> None:
        self.disk.hold()
        self.disk.fill()
        self.registers(self.eva)
        self.eva.drops()
        self.disk.empty()
        self.disk.release()
        self.farm.settle()
        self.assertEqual(self.asked("Eva"), "[SERVER] Cuéntame, ¿qué artefactos tienes?")

    def test_who_could_not_register_tries_again(self) -> None:
        self.disk.fill()
        self.registers(self.eva)
        self.assertEqual(self.eva.hears(), ["[SERVER] Error: no se pudo guardar; nada cambió."])
        self.disk.empty()
        self.registers(self.eva)
        self.assertEqual(self.eva.hears(), ["[SERVER] Eva, tu nombre quedó registrado."])


class ASecondOne(RegisteredCase):
    def test_who_drops_while_it_is_stored_lingers_with_the_first(self) -> None:
        first = self.drops_while_a_second_is_stored()
        self.assertEqual(self.here(), "Beto, Ana")
        self.assertEqual(self.back(None, first).hears()[0], HELLO)

    def test_a_new_password_spares_those_of_this_connection(self) -> None:
        first = self.ana.secret
        self.ana.types(":clave tulipanes rojos")
        self.ana.reads()
        self.ana.drops()
        self.assertEqual(self.back(None, first).hears()[0], HELLO)

    def test_and_ends_those_of_the_others(self) -> None:
        other = self.ana.secret
        there = Guest(self.farm)
        there.types("Ana", PASSWORD)
        there.reads()
        there.types(":clave tulipanes rojos")
        there.reads()
        self.assertEqual(self.back(None, other).hears(), [BAD, NAME])


class ASecondOneOfAForgetfulFarm(RegisteredCase):
    """Passes serve only while somebody lingers."""

    settings = replace(SETTINGS, remember=0.0)

    def test_who_drops_while_it_is_stored_lingers_with_the_first(self) -> None:
        first = self.drops_while_a_second_is_stored()
        self.assertEqual(self.back(None, first).hears()[0], HELLO)


class AskedOnce(PassCase):
    settings = replace(SETTINGS, declare_once=True)

    def test_who_has_not_answered_is_asked_after_coming_back_and_then_gets_a_pass(self) -> None:
        self.ana.types(f":registrar {PASSWORD}")
        self.ana.reads()
        self.ana.drops()
        back = self.back()
        told = [message["type"] for message in back.reads()]
        self.assertEqual(told[-1], "prompt")
        back.types("21", "si")
        told = [message["type"] for message in back.reads()]
        self.assertEqual(told[-2:], ["ready", "pass"])
