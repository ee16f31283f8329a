"""A dropped line is not a goodbye (PROTOCOL §5b)."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from granja.people.passes import GRACE, hash_of
from granja.settings import Settings
from granja.wire.encodings import GMCP
from tests.support.farm import Farm, Person
from tests.support.guests import Guest, guest, returns

SETTINGS = Settings(rate=None)
BAD = "[SERVER] Error: ese pase ya no sirve."
HELLO = "[SERVER] Hola de nuevo, Ana."
OK = "[SERVER] ¡OK!"
NAME = "[SERVER] Ingresa tu nombre:"
HOLDS = "[SERVER] Tus artefactos son: Ancla"
BETO = "[SERVER] Cliente Beto conectado."
REPLACED = "[SERVER] Entraste desde otro lugar."


class PassCase(SynchronousTestCase):
    """Beto is at a terminal.  Ana hears data."""

    settings = SETTINGS

    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.disk = FaultyLedger(self.memory)
        self.farm = Farm(self.settings, self.disk)
        self.beto = self.farm.arrives("Beto", "12")
        self.ana = guest(self.farm, "Ana", "21")

    def back(self, n: int | None = None, secret: str = "") -> Guest:
        person = returns(self.farm, secret or self.ana.secret, n)
        person.secret = secret or self.ana.secret
        return person

    def here(self) -> str:
        self.beto.hears()
        self.beto.types(":u")
        return self.beto.hears()[-1].removeprefix("[SERVER] Usuarios conectados: ")

    def restart(self, *, crash: bool = False) -> None:
        if not crash:
            self.successResultOf(self.farm.factory.finish_begun())
            self.farm.factory.say_goodbye()
            self.farm.settle()
        self.farm.factory.presence.stop()  # The clock is the same, and the process is not.
        self.farm.people = []
        self.farm.open()
        self.beto = self.farm.person("Beto").arrives("12")


class GettingOne(PassCase):
    def test_who_hears_data_gets_one_after_ok(self) -> None:
        eva = Guest(self.farm)
        eva.types("Eva", "", "si")
        told = [message["type"] for message in eva.reads()]
        self.assertEqual(told[-2:], ["ready", "pass"])
        self.assertRegex(eva.secret, r"\A[0-9a-f]{32}\Z")

    def test_for_how_long_it_serves(self) -> None:
        eva = Guest(self.farm)
        eva.types("Eva", "", "si")
        self.assertEqual(eva.reads()[-1]["seconds"], 120)
        eva.types(":registrar girasoles")
        registered, given = eva.reads()
        self.assertEqual((registered["type"], given["seconds"]), ("registered", 30 * 86400))
        eva.types(":clave tulipanes")
        changed, another = eva.reads()
        self.assertEqual((changed["code"], another["type"]), ("password-changed", "pass"))
        self.assertNotEqual(given["pass"], another["pass"])

    def test_only_a_hash_of_it_is_kept(self) -> None:
        kept = str(self.memory.kept)
        self.assertIn(hash_of(self.ana.secret), kept)
        self.assertNotIn(self.ana.secret, kept)

    def test_it_is_told_once_it_is_stored(self) -> None:
        eva = Guest(self.farm)
        eva.types("Eva", "")
        self.disk.hold()
        eva.types("si")
        self.assertEqual([m["type"] for m in eva.reads()][-1], "ready")
        self.disk.release()
        self.assertEqual([m["type"] for m in eva.reads()], ["pass"])

    def test_without_room_there_is_none_and_one_comes_in_as_before(self) -> None:
        self.disk.fill()
        eva = Guest(self.farm)
        eva.types("Eva", "", "si")
        self.assertEqual([m["type"] for m in eva.reads()][-1], "ready")
        eva.drops()
        self.assertEqual(self.here(), "Beto, Ana")

    def test_a_mud_client_gets_one_too(self) -> None:
        eva = self.farm.person("Eva")
        eva.sends(b"\xff\xfd\xc9Eva\n\nsi\n")
        heard = eva.hears_bytes()
        self.assertIn(b'Granja.Pass {"type":"pass","pass":"', heard)
        self.assertTrue(heard.endswith(b"}\xff\xf0"), "it is no line")

    def test_a_plain_connection_gets_none_and_leaves_at_once(self) -> None:
        self.ana.drops()
        eva = self.farm.arrives("Eva")
        eva.drops()
        self.assertEqual(self.beto.hears(), ["[SERVER] Eva desconectado."])


class ComingBack(PassCase):
    def test_nothing_is_asked_and_nobody_notices(self) -> None:
        n = self.ana.n
        self.ana.drops()
        self.assertEqual(self.here(), "Beto, Ana")
        ana = self.back(n)
        self.assertEqual(ana.hears(), [HELLO, HOLDS, OK])
        self.assertNotEqual(ana.secret, self.ana.secret, "coming back gives a new one")
        self.assertGreater(ana.n, n)
        self.assertEqual(self.beto.hears(), [])
        self.assertEqual(self.here(), "Beto, Ana")
        ana.types("hola")
        self.assertEqual(self.beto.hears(), ["Ana: hola"])

    def test_what_was_missed_is_told_in_its_order(self) -> None:
        self.ana.drops()
        self.beto.types("uno", ":p Ana dos", ":yo baila", ":offer Ana 12 21", "cinco")
        gus = self.farm.arrives("Gus")
        gus.types("seis")
        offer = (
            "[SERVER] Beto quiere intercambiar su Disco raro por tu Ancla (#1: :accept o :reject)"
        )
        missed = [
            "Beto: uno",
            "Beto te susurra: dos",
            "* Beto baila",
            offer,
            "Beto: cinco",
            "[SERVER] Cliente Gus conectado.",
            "Gus: seis",
        ]
        for n in (self.ana.n, None):
            self.assertEqual(self.back(n).hears(), [HELLO, HOLDS, OK, *missed])

    def test_what_was_written_into_a_dead_socket_was_not_heard(self) -> None:
        self.beto.types("uno")
        self.ana.hears()
        n = self.ana.n
        self.beto.types("dos", ":p Ana tres")
        self.ana.types("yo misma")
        self.beto.types("cuatro")
        self.ana.drops()
        self.beto.types("cinco")
        missed = ["Beto: dos", "Beto te susurra: tres", "Beto: cuatro", "Beto: cinco"]
        self.assertEqual(self.back(n).hears(), [HELLO, HOLDS, OK, *missed])

    def test_any_line_can_be_the_last_that_was_read(self) -> None:
        """It may be a repeated line too, on a connection that was lost as well."""
        self.beto.types("uno", ":p Ana dos", "tres")
        self.ana.types("yo", ":u")
        self.beto.types("cuatro", ":offer Ana 12 21", "cinco", ":p Ana seis", ":yo siete")
        read = [m for m in self.ana.reads() if m["type"] != "here"]
        secret = self.ana.secret
        for person in (self.ana, self.back(self.ana.n - 3)):
            person.drops()
        for at, message in enumerate(read):
            again = self.back(message["n"], secret)
            expected = [m["line"] for m in read[at + 1 :]]
            heard = again.reads()
            lines = [m["line"] for m in heard if "line" in m]
            self.assertEqual(lines, [HELLO, HOLDS, OK, *expected])
            again.drops()
            numbered = [m for m in heard if "n" in m]
            for index in range(2, len(numbered)) if at in (0, 3) else ():
                once_more = self.back(numbered[index]["n"], secret)
                told = once_more.hears()
                self.assertEqual(told, [HELLO, HOLDS, OK, *expected[index - 2 :]], index)
                once_more.drops()

    def test_more_than_is_kept_is_counted(self) -> None:
        self.farm.factory.board.history.most = 3
        self.ana.types("yo")
        n = self.ana.n
        self.ana.drops()
        self.beto.types(*(str(number) for number in range(10)))
        lost = "[SERVER] Te perdiste 7 líneas."
        kept = ["Beto: 7", "Beto: 8", "Beto: 9"]
        self.assertEqual(self.back(n).hears(), [HELLO, HOLDS, OK, lost, *kept])

    def test_whispers_are_kept_to_a_bound(self) -> None:
        n = self.ana.n
        self.ana.drops()
        self.beto.types(*(f":p Ana {number} {'x' * 4000}" for number in range(20)))
        heard = self.back(n).hears()
        self.assertEqual(heard[3], "[SERVER] Te perdiste 4 líneas.")
        self.assertEqual([line.split()[3] for line in heard[4:]], [str(n) for n in range(4, 20)])

    def test_who_is_ignored_by_now_is_not_told_again(self) -> None:
        """Neither what they said nor what they whispered, on a line that was lost."""
        gus = self.farm.arrives("Gus")
        n = self.ana.n
        self.ana.drops()
        gus.types("uno", ":p Ana dos")
        back = self.back(n)
        back.types(":ignorar Gus")
        back.drops()
        self.assertEqual([s for s in self.back(n).hears() if s.startswith("Gus")], [])

    def test_ignored_people_are_neither_told_nor_counted(self) -> None:
        self.farm.factory.board.history.most = 2
        gus = self.farm.arrives("Gus")
        self.ana.types(":ignorar Gus")
        self.ana.hears()
        self.ana.drops()
        gus.types("uno", ":p Ana dos", "tres")
        self.beto.types("cuatro", "cinco", "seis")
        gus.types("siete")
        lost = "[SERVER] Te perdiste 2 líneas."
        self.assertEqual(self.back(self.ana.n).hears(), [HELLO, HOLDS, OK, lost, "Beto: seis"])

    def test_the_answer_may_be_lost(self) -> None:
        """The pass that was used serves for a minute more, and tells the same again."""
        n, secret = self.ana.n, self.ana.secret
        self.ana.drops()
        self.beto.types("uno")
        self.back(n, secret).drops()
        again = self.back(n, secret)
        self.assertEqual(again.hears(), [HELLO, HOLDS, OK, "Beto: uno"])
        self.farm.pass_time(GRACE + 1)
        self.assertEqual(self.back(n, secret).hears(), [BAD, NAME])
        self.assertEqual(self.back(again.n, again.secret).hears(), [HELLO, HOLDS, OK])

    def test_the_old_connection_may_still_stand(self) -> None:
        self.beto.types("uno")
        self.ana.hears()
        n = self.ana.n
        self.beto.types("dos")
        ana = self.back(n)
        self.assertEqual(ana.hears(), [HELLO, HOLDS, OK, "Beto: dos"])
        self.assertEqual(self.ana.hears()[-1], REPLACED)
        self.assertTrue(self.ana.is_closed)
        self.ana.drops()
        self.assertEqual(self.beto.hears(), [])
        self.assertEqual(self.here(), "Beto, Ana")

    def test_what_was_asked_before_the_drop_is_answered(self) -> None:
        """A trade is accepted, and the line drops before it is stored."""
        self.beto.types(":offer Ana 12 21")
        self.ana.hears()
        n = self.ana.n
        self.disk.hold()
        self.ana.types(":accept")
        self.ana.drops()
        self.disk.release()
        self.farm.settle()
        traded = "[SERVER] Intercambio aceptado, ahora tus artefactos son: Disco raro"
        told = [HELLO, "[SERVER] Tus artefactos son: Disco raro", OK, traded]
        self.assertEqual(self.back(n).hears(), told)

    def test_a_wrong_pass(self) -> None:
        eva = self.farm.person()
        eva.hears()
        eva.types(":volver abc", f":volver {self.ana.secret} 1 2")
        self.assertEqual(eva.hears(), [BAD, NAME, BAD, NAME])
        eva.types(*[":volver abc"] * 7)
        self.assertEqual(eva.hears()[-2:], [BAD, NAME])
        self.assertFalse(eva.is_closed)
        eva.types(":volver abc")
        self.assertEqual(eva.hears(), [BAD])
        self.assertTrue(eva.is_closed, "the tenth closes")

    def test_the_time_for_arriving_goes_on_after_a_wrong_one(self) -> None:
        eva = self.farm.person()
        self.farm.pass_time(40)
        eva.types(":volver abc")
        self.farm.pass_time(19)
        self.assertFalse(eva.is_closed)
        self.farm.pass_time(2)
        self.assertEqual(eva.hears()[-1], "[SERVER] Tiempo agotado.")

    def test_a_plain_connection_comes_back_too_but_lingers_no_more(self) -> None:
        self.ana.drops()
        self.beto.types("uno")
        ana = self.farm.person()
        ana.types(f":volver {self.ana.secret} {self.ana.n}")
        self.assertEqual(ana.hears(), [NAME, HELLO, HOLDS, OK, "Beto: uno"])
        ana.drops()
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])

    def test_it_is_gone_with_the_line_that_came_back(self) -> None:
        """The line drops while the return is being stored: they linger on."""
        self.ana.types(":registrar girasoles")
        self.ana.hears()
        self.ana.drops()
        self.disk.hold()
        self.back(self.ana.n).drops()
        self.disk.release()
        self.farm.settle()
        self.assertEqual(self.here(), "Beto, Ana")
        self.assertEqual(self.back(self.ana.n).hears(), [HELLO, HOLDS, OK])


class WithoutANumber(PassCase):
    """A client that names no line is told what was not sent to it."""

    def says(self, text: str) -> None:
        """Beto says something, and no tick happens yet."""
        self.beto.protocol.dataReceived(text.encode() + b"\r\n")

    def told(self) -> list[str]:
        """What Ana reads after ``¡OK!`` on coming back with her first pass."""
        return self.back().hears()[3:]

    def test_what_was_sent_is_not_told_again(self) -> None:
        self.beto.types("uno")
        self.ana.drops()
        self.beto.types("dos")
        self.assertEqual(self.told(), ["Beto: dos"])

    def test_nor_while_the_old_line_stands(self) -> None:
        self.beto.types("uno", "dos")
        self.assertEqual(self.told(), [])
        self.assertEqual(self.ana.hears(), ["Beto: uno", "Beto: dos", REPLACED])

    def test_what_is_said_as_she_comes_back_is_told_once(self) -> None:
        """On the old line, which still stands, or on the new one."""
        new = self.farm.person()
        new.hears()
        self.says("uno")
        new.protocol.dataReceived(f":volver {self.ana.secret}\r\n".encode())
        self.says("dos")
        heard = [line for line in (*self.ana.hears(), *new.hears()) if "Beto" in line]
        self.assertEqual(heard, ["Beto: uno", "Beto: dos"])

    def test_what_is_said_as_the_line_is_cut_is_told_later(self) -> None:
        self.says("uno")
        self.ana.drops()
        self.assertEqual(self.told(), ["Beto: uno"])

    def test_what_is_said_as_she_closes_it_was_sent(self) -> None:
        self.says("uno")
        self.ana.ends_input()
        self.assertEqual(self.ana.hears(), ["Beto: uno"])
        self.assertEqual(self.told(), [])

    def test_what_a_plain_line_heard_between_was_not_sent_as_data(self) -> None:
        self.ana.types(":registrar girasoles")
        self.beto.types("uno")
        self.ana.hears()
        plain = self.farm.person()
        plain.types("Ana", "girasoles")
        self.beto.types("dos")
        self.assertEqual(plain.hears()[-1], "Beto: dos")
        self.assertEqual(self.told(), ["Beto: dos"])


class Lingering(PassCase):
    def test_after_two_minutes_they_leave(self) -> None:
        self.ana.drops()
        self.farm.pass_time(119)
        self.assertEqual(self.beto.hears(), [])
        self.farm.pass_time(2)
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])
        self.assertEqual(self.back(self.ana.n).hears(), [BAD, NAME])
        self.assertEqual(self.farm.arrives("Ana").is_closed, False, "the name is free")

    def test_offers_last_as_long(self) -> None:
        self.ana.types(":offer Beto 21 12")
        self.ana.drops()
        self.beto.types(":accept")
        self.assertIn("Intercambio aceptado", self.beto.hears()[-1])
        done = "[SERVER] Intercambio realizado, tus artefactos ahora son: Disco raro"
        self.assertEqual(self.back(self.ana.n).hears()[-1], done)

    def test_the_name_is_theirs_meanwhile(self) -> None:
        self.ana.drops()
        eva = self.farm.person()
        eva.types("ana")
        self.assertEqual(eva.hears()[1], "[SERVER] Nombre ya en uso.")

    def test_whoever_says_goodbye_does_not_linger(self) -> None:
        self.ana.types(":q")
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])
        self.assertEqual(self.back(self.ana.n).hears(), [BAD, NAME])

    def test_whoever_forgets_their_passes_does_not_linger(self) -> None:
        self.ana.types(":olvidar")
        self.assertEqual(self.ana.hears(), ["[SERVER] Tus pases ya no sirven."])
        self.ana.drops()
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])

    def test_forgetting_that_cannot_be_stored_changes_nothing(self) -> None:
        self.disk.fill()
        self.ana.types(":olvidar")
        self.assertEqual(self.ana.hears(), ["[SERVER] Error: no se pudo guardar; nada cambió."])
        self.ana.drops()
        self.assertEqual(self.back(self.ana.n).hears(), [HELLO, HOLDS, OK])

    def test_at_most_so_many_of_one_network(self) -> None:
        people = [guest(self.farm, f"F{number}") for number in range(64)]
        self.ana.drops()
        for person in people[:-1]:
            person.drops()
        self.assertEqual(self.beto.hears(), [])
        people[-1].ends_input()
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."], "she is the oldest")
        self.assertEqual(people[-1].hears(), [], "who closes the line hears no more")

    def test_whoever_looks_after_the_farm_puts_them_out(self) -> None:
        farmer = self.farm.factory.roster.find("Ana")
        assert farmer is not None
        self.ana.drops()
        self.farm.factory.presence.issuing.put_out(farmer)
        self.farm.settle()
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])
        self.assertEqual(self.back(self.ana.n).hears(), [BAD, NAME])

    def test_a_visitor_leaves_nothing_behind(self) -> None:
        self.ana.drops()
        self.farm.pass_time(130)
        self.assertEqual(self.memory.kept.get("passes"), {})
        self.assertEqual(self.memory.kept.get("visits"), {})


class NoLingering(PassCase):
    settings = replace(SETTINGS, linger=0.0)

    def test_they_leave_at_once(self) -> None:
        self.ana.drops()
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])
        self.assertEqual(self.back(self.ana.n).hears(), [BAD, NAME])

    def test_a_registered_farmers_pass_serves_all_the_same(self) -> None:
        self.ana.types(":registrar girasoles")
        self.ana.hears()
        self.ana.drops()
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])
        self.assertEqual(self.back(self.ana.n).hears(), [HELLO, HOLDS, OK])
        self.assertEqual(self.beto.hears(), ["[SERVER] Cliente Ana conectado."])

    def test_after_a_restart_nobody_is_expected(self) -> None:
        """The record forgets that they were inside."""
        self.restart(crash=True)
        self.assertEqual(self.here(), "Beto")
        self.assertEqual(self.memory.kept["visits"], {})

    def test_after_a_restart_nobody_is_in_the_chat(self) -> None:
        self.farm.factory.presence.stop()
        self.farm.open()
        self.assertEqual(self.farm.factory.roster.names(), ())


class ASecondOfLingering(PassCase):
    settings = replace(SETTINGS, linger=1.0)

    def test_after_a_second_they_leave(self) -> None:
        self.ana.drops()
        self.farm.pass_time(0.9)
        self.assertEqual(self.beto.hears(), [])
        self.farm.pass_time(0.2)
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])

    def test_after_a_restart_too(self) -> None:
        self.restart(crash=True)
        self.assertEqual(self.here(), "Ana, Beto")
        self.farm.pass_time(1.1)
        self.assertEqual(self.here(), "Beto")


class RegisteredFarmers(PassCase):
    def setUp(self) -> None:
        super().setUp()
        self.ana.types(":registrar girasoles")
        self.ana.hears()

    def by_password(self, *before: str) -> Guest:
        """She comes in on another device, which hears data, after these lines."""
        other = Guest(self.farm)
        other.hears()
        other.types(*before, "Ana", "girasoles")
        return other

    def test_another_device_goes_on_with_the_visit(self) -> None:
        """So the first one, back with its pass, is told what it has missed."""
        for lingers in (False, True):
            self.setUp()
            if lingers:
                self.ana.drops()
            self.by_password().hears()
            self.beto.types("uno")
            self.assertEqual(self.back(self.ana.n).hears(), [HELLO, HOLDS, OK, "Beto: uno"])

    def test_a_pass_of_an_earlier_visit_tells_nothing_of_this_one(self) -> None:
        self.ana.drops()
        self.farm.pass_time(130)
        self.by_password().hears()
        self.beto.types("uno")
        self.assertEqual(self.back(1).hears(), [HELLO, HOLDS, OK])

    def test_numbers_go_on_after_those_of_both_devices(self) -> None:
        """The new one has read more lines than the old one.  No number comes twice there."""
        other = self.by_password(*["?"] * 40)
        self.assertEqual(other.hears()[-1], OK)
        self.beto.types("uno")
        self.assertEqual(other.hears(), ["Beto: uno"])
        self.assertGreater(other.n, 80)

    def test_the_talk_begins_when_she_takes_over_from_a_plain_line(self) -> None:
        """What was said before that was not for this device, whatever it says to have read."""
        self.ana.types(":q")
        self.ana.drops()
        self.farm.person().types("Ana", "girasoles")
        other = Guest(self.farm)
        self.beto.types("uno")
        other.types("Ana", "girasoles")
        self.beto.types("dos")
        other.hears()
        other.drops()
        self.assertEqual(self.back(0, other.secret).hears()[-2:], [OK, "Beto: dos"])

    def test_they_come_back_for_a_month(self) -> None:
        """A person who had left hears the news and no talk.  Others hear the arrival."""
        self.ana.types(":offer Beto 21 12")
        self.ana.hears()
        self.ana.drops()
        self.farm.pass_time(130)
        self.beto.types("nadie lo oye", ":accept")
        self.farm.pass_time(29 * 86400)
        self.beto.hears()
        ana = self.back(self.ana.n)
        news = "Mientras no estabas: Beto aceptó la oferta #1: tu Ancla por su Disco raro."
        told = [HELLO, "[SERVER] Tus artefactos son: Disco raro", OK, f"[SERVER] {news}"]
        self.assertEqual(ana.hears(), told)
        self.assertGreater(ana.n, self.ana.n)
        self.assertEqual(self.beto.hears(), ["[SERVER] Cliente Ana conectado."])
        ana.drops()
        self.farm.pass_time(130)
        self.farm.pass_time(31 * 86400)
        self.assertEqual(self.back(ana.n, ana.secret).hears(), [BAD, NAME])

    def test_goodbye_ends_those_of_the_connection_and_where_it_came_from(self) -> None:
        first = self.ana.secret
        self.ana.drops()
        ana = self.back(self.ana.n)
        ana.hears()
        other = Guest(self.farm)
        other.types("Ana", "girasoles")
        other.hears()
        other.types(":q")
        other.hears()
        for secret in (first, ana.secret):
            self.assertEqual(self.back(None, secret).hears()[0], HELLO, "another's goodbye")
        last = self.back(None, ana.secret)
        last.hears()
        last.types(":q")
        for secret in (first, ana.secret, last.secret, other.secret):
            self.assertEqual(self.back(None, secret).hears(), [BAD, NAME])

    def test_another_password_ends_all_others(self) -> None:
        other = Guest(self.farm)
        other.types("Ana", "girasoles")
        other.hears()
        other.types(":clave tulipanes")
        other.hears()
        self.assertEqual(self.back(None, self.ana.secret).hears(), [BAD, NAME])
        self.assertEqual(self.back(None, other.secret).hears()[0], HELLO)

    def test_forgetting_ends_all(self) -> None:
        other = Guest(self.farm)
        other.types("Ana", "girasoles")
        other.hears()
        other.types(":olvidar")
        for secret in (self.ana.secret, other.secret):
            self.assertEqual(self.back(None, secret).hears(), [BAD, NAME])

    def test_the_password_ends_the_lingering_too(self) -> None:
        """Nobody notices, and what was whispered meanwhile is not lost."""
        self.ana.drops()
        self.beto.types(":p Ana hola")
        ana = self.farm.person()
        ana.types("Ana", "girasoles")
        self.assertEqual(ana.hears()[-3:], [HOLDS, OK, "Beto te susurra: hola"])
        self.assertEqual(self.beto.hears(), [])
        ana.drops()
        self.assertEqual(self.beto.hears(), ["[SERVER] Ana desconectado."])

    def test_news_are_told_once(self) -> None:
        """They hear it with the pass, and then not with the password; or the other way round."""
        self.ana.types(":offer Beto 21 12")
        self.ana.hears()
        self.ana.drops()
        self.beto.types(":reject")
        ana = self.back(self.ana.n)
        self.assertEqual(ana.hears()[-1], "[SERVER] Intercambio rechazado")
        ana.drops()
        self.farm.pass_time(130)
        again = self.farm.person()
        again.types("Ana", "girasoles")
        self.assertEqual([line for line in again.hears() if "#1" in line], [])

    def test_who_lingers_out_has_the_news(self) -> None:
        self.ana.types(":offer Beto 21 12")
        self.ana.hears()
        self.ana.drops()
        self.beto.types(":reject")
        self.farm.pass_time(130)
        ana = self.farm.person()
        ana.types("Ana", "girasoles")
        self.assertIn("[SERVER] Mientras no estabas: Beto rechazó la oferta #1.", ana.hears())


class Restarts(PassCase):
    def test_neither_a_stop_nor_a_crash_is_a_goodbye(self) -> None:
        for crash in (False, True):
            for lingers in (False, True):
                self.setUp()
                gus = guest(self.farm, "Gus")
                n = self.ana.n
                if lingers:
                    self.ana.drops()
                self.restart(crash=crash)
                self.assertEqual(self.here(), "Ana, Gus, Beto", "in the same place")
                self.beto.types("hola")
                ana = self.back(n)
                self.assertEqual(ana.hears(), [HELLO, HOLDS, OK, BETO, "Beto: hola"])
                self.assertGreater(ana.n, n)
                self.assertEqual(self.beto.hears(), [])
                self.farm.pass_time(125)
                self.assertEqual(self.beto.hears(), ["[SERVER] Gus desconectado."])
                self.assertEqual(self.here(), "Ana, Beto")
                self.assertEqual(self.back(gus.n, gus.secret).hears(), [BAD, NAME])

    def test_who_lingers_when_the_server_ends_is_expected_by_the_next(self) -> None:
        """However long nobody starts it."""
        self.ana.drops()
        factory = self.farm.factory
        self.successResultOf(factory.finish_begun())
        factory.say_goodbye()
        self.successResultOf(Deferred.fromCoroutine(factory.close()))
        self.farm.pass_time(130)
        self.farm.open()
        self.assertEqual(self.back(self.ana.n).hears(), [HELLO, HOLDS, OK])

    def test_offers_stand_and_what_visitors_held_does_not_leave(self) -> None:
        self.ana.types(":offer Beto 21 12")
        gus = guest(self.farm, "Gus", "13")
        gus.types(":offer Ana 13 21")
        self.restart(crash=True)
        offer = "[SERVER] #2 de Gus: su Espada antigua por tu Ancla"
        ana = self.back(self.ana.n)
        ana.hears()
        ana.types(":ofertas", ":accept 2")
        self.assertEqual(ana.hears()[0], offer)
        done = "[SERVER] Intercambio realizado, tus artefactos ahora son: Ancla"
        self.assertEqual(self.back(gus.n, gus.secret).hears()[3:], [BETO, done])

    def test_a_registered_farmers_news_are_not_told_twice(self) -> None:
        self.ana.types(":registrar girasoles")
        gus = guest(self.farm, "Gus", "12 13")
        self.ana.types(":offer Gus 21 12")
        self.ana.hears()
        self.ana.drops()
        gus.types(":reject")
        self.restart(crash=True)
        gus = self.back(gus.n, gus.secret)
        gus.types(":offer Ana 13 21")
        heard = [line for line in self.back(self.ana.n).hears() if "#" in line]
        news = "[SERVER] Mientras no estabas: Gus rechazó la oferta #1."
        self.assertEqual(heard[0], news)
        self.assertEqual(len(heard), 2, heard)
        self.assertIn("#2: :accept o :reject", heard[1])

    def test_news_between_a_restart_and_coming_back_are_told_once(self) -> None:
        """The record has them, and so has the memory since the start."""
        gus = guest(self.farm, "Gus", "12")
        self.ana.types(":registrar girasoles", ":offer Gus 21 12")
        self.ana.hears()
        self.restart(crash=True)
        self.back(gus.n, gus.secret).types(":reject")
        heard = [line for line in self.back(self.ana.n).hears() if "rechaz" in line]
        self.assertEqual(heard, ["[SERVER] Mientras no estabas: Gus rechazó la oferta #1."])

    def test_whoever_was_muted_is_still(self) -> None:
        mod = self.farm.arrives("Marta")
        mod.types(":registrar girasoles")
        self.farm.factory.moderators.appoint(["Marta"])
        mod.types(":callar Ana 10m")
        self.restart(crash=True)
        back = self.back(self.ana.n)
        back.hears()
        back.types("hola")
        self.assertIn("no puedes hablar hasta", back.hears()[-1])
        self.assertEqual(self.beto.hears(), [])

    def test_those_who_used_swaps_hear_of_them_still(self) -> None:
        self.ana.types(":doy 21")
        self.ana.hears()
        self.restart(crash=True)
        back = self.back(self.ana.n)
        back.hears()
        self.beto.types(":cambio 12 por 21")
        self.farm.settle()
        told = "[SERVER] Puedes recibir Disco raro por tu Ancla: escribe :cambio 21 por 12"
        self.assertEqual(back.hears(), [told])

    def test_who_lingers_is_among_those_who_give(self) -> None:
        self.ana.types(":doy 21")
        self.restart(crash=True)
        self.beto.types(":quien 21")
        told = "[SERVER] 21 Ancla: quién lo da: Ana; quién lo busca: nadie"
        self.assertEqual(self.beto.hears()[-1], told)

    def test_as_many_linger_as_were_here(self) -> None:
        """Nobody knows their networks any more, so they are not counted."""
        for number in range(70):
            guest(self.farm, f"F{number}")
        self.farm.factory.presence.stop()
        self.farm.open()
        self.assertEqual(len(self.farm.factory.roster), 71)

    def test_numbers_of_farmers_are_not_given_twice(self) -> None:
        """A visitor without artifacts is on no other record."""
        eva = guest(self.farm, "Eva")
        known = eva.protocol.farmer
        assert known is not None
        self.restart(crash=True)
        newcomer = self.farm.arrives("Rosa").protocol.farmer
        assert newcomer is not None
        self.assertGreater(newcomer.id, known.id)

    def test_damage_in_what_is_kept_is_forgotten(self) -> None:
        self.memory.kept["passes"].update({"ab": "?", "cd": {"farmer": "x"}})
        self.memory.kept["visits"].update({"x": [1, "Eva"], "7": "?"})
        self.restart(crash=True)
        self.assertEqual(self.back(self.ana.n).hears(), [HELLO, HOLDS, OK, BETO])
        self.assertNotIn("ab", self.memory.kept["passes"])
        self.assertNotIn("x", self.memory.kept["visits"])


class GMCPClients(PassCase):
    def test_they_come_back_as_well(self) -> None:
        eva = self.farm.person()
        eva.sends(b"\xff\xfd\xc9Eva\n\nsi\n")
        secret = eva.hears_bytes().split(b'"pass":"')[1][:32].decode()
        eva.drops()
        self.assertEqual(self.here(), "Beto, Ana, Eva")
        again: Person = self.farm.person()
        again.protocol.listener.carry(GMCP)
        again.types(f":volver {secret}")
        self.assertEqual(again.hears()[-1], OK)
