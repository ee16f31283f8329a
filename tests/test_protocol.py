"""One connection: any cut of the bytes, hostile bytes, half-closed lines, hurried people."""

from __future__ import annotations

import json
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from granja.board.listener import REPLIES
from granja.settings import Settings
from granja.text.clean import clean
from granja.wire import telnet
from granja.wire.rate import Rate, TokenBucket
from tests.support.farm import Farm, Person
from tests.support.nasty import DECENT, NASTY, NOT_UTF8

UNLIMITED = Settings(rate=None)

CONVERSATION = (
    b"\xff\xfb\x1f"  # a telnet client says WILL NAWS,
    b"\xff\xfa\x1f\x00P\xff\xff\x00\x18\xff\xf0"  # and that its window has 80 columns
    b"Ana\r\n"
    b"6, 13;14\r\0"
    b"si\r"
    b"hola, \xc2\xbfqu\xc3\xa9 tal?\n"
    b"\x1b[31mrojo\x1b[0m\n"
    b":p Beto \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8c\xbe\r\n"
    b"ma\xf1ana\n"
    b"\xff\xf1:ARTE\xff\xf6FACTOS\r\n"
    b":offer Beto 6 12\n:accept\n:quiero\n\n\r\n"
    b"fin\n"
    b":q\n"
    b"a medias"
)


class QuietCase(SynchronousTestCase):
    """Fails when anything is logged as an error."""

    def setUp(self) -> None:
        self.errors: list[str] = []
        globalLogPublisher.addObserver(self._observe)  # type: ignore[arg-type]
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)  # type: ignore[arg-type]

    def _observe(self, event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            self.errors.append(str(event))

    def tearDown(self) -> None:
        self.assertEqual(self.errors, [])

    def assertFit(self, lines: list[str]) -> None:  # noqa: N802
        """Nothing in what somebody hears could harm their terminal, or was ever two lines."""
        for line in lines:
            self.assertEqual(line, clean(line))


class AnyCut(QuietCase):
    """PROTOCOL §1: any cut of the byte stream into segments gives the same result."""

    def transcript(self, *segments: bytes) -> tuple[list[str], list[str], bool]:
        farm = Farm(UNLIMITED)
        beto = farm.arrives("Beto", "12")
        ana = farm.person("Ana")
        for segment in segments:
            ana.protocol.dataReceived(segment)
        return ana.hears(), beto.hears(), ana.is_closed

    def test_every_cut_in_two(self) -> None:
        whole = self.transcript(CONVERSATION)
        self.assertTrue(whole[2])
        for at in range(1, len(CONVERSATION)):
            cut = self.transcript(CONVERSATION[:at], CONVERSATION[at:])
            self.assertEqual(cut, whole, f"cut at {at}")

    def test_a_byte_at_a_time(self) -> None:
        whole = self.transcript(CONVERSATION)
        self.assertEqual(self.transcript(*(bytes([b]) for b in CONVERSATION)), whole)

    def test_the_conversation_is_the_expected_one(self) -> None:
        ana, beto, _ = self.transcript(CONVERSATION)
        self.assertEqual(
            ana[5:],
            [
                "[SERVER] ¡OK!",
                "[SERVER] Error: texto no válido (no es UTF-8); no se envió.",
                "[SERVER] Aquí estoy.",
                "[SERVER] Tus artefactos son: Punta de flecha, Espada antigua, Cuchara oxidada",
                "[SERVER] Oferta #1 enviada a Beto.",
                "[SERVER] No tienes ofertas pendientes.",
                "[SERVER] Error: comando desconocido: :quiero. "
                "Escribe :help para ver los comandos.",
                "[SERVER] ¡Adiós y suerte completando tu colección!",
            ],
        )
        self.assertEqual(
            beto,
            [
                "[SERVER] Cliente Ana conectado.",
                "Ana: hola, ¿qué tal?",
                "Ana: rojo",
                "Ana te susurra: 👩‍🌾",
                "[SERVER] Ana quiere intercambiar su Punta de flecha por tu Disco raro "
                "(#1: :accept o :reject)",
                "Ana: fin",
                "[SERVER] Ana desconectado.",
                "[SERVER] La oferta #1 ya no es válida: Ana se fue.",
            ],
        )


class Hostile(QuietCase):
    """Nothing that anybody types can hurt anybody else."""

    def setUp(self) -> None:
        super().setUp()
        self.farm = Farm(UNLIMITED)
        self.beto = self.farm.arrives("Beto", "12")

    def test_every_pair_of_bytes_after_iac(self) -> None:
        ana = self.farm.arrives("Ana", "6")
        self.beto.hears()
        for first in range(256):
            for second in range(256):
                ana.protocol.dataReceived(
                    bytes((telnet.IAC, first, second)) + b"\xff\xf0\xff\xf0\nfin\n"
                )
            heard = self.beto.hears()
            self.assertFit(heard)
            self.assertEqual(heard.count("Ana: fin"), 256, f"after IAC {first}")
            self.assertFit(ana.hears())
        self.assertFalse(ana.is_closed)

    def test_nasty_talk(self) -> None:
        ana = self.farm.arrives("Ana")
        self.beto.hears()
        for nasty in NASTY + DECENT:
            if "\n" in nasty.typed or "\r" in nasty.typed or not _encodable(nasty.typed):
                continue
            ana.types(nasty.typed)
            expected = [f"Ana: {nasty.shown}"] if nasty.shown.strip() else []
            self.assertEqual(self.beto.hears(), expected, nasty.what)

    def test_nasty_strings_in_every_field(self) -> None:
        fields = [
            "{}",
            ":p Beto {}",
            ":p {} hola",
            ":{}",
            ":artefacto {}",
            ":offer {} 6 12",
            ":offer Beto {} 12",
            ":offer Beto 6 {}",
            ":accept {}",
            ":reject {}",
            ":retirar {}",
            ":agregar {}",
            ":quitar {}",
            ":clave {}",
            ":registrar {}",
            ":clave {}",
        ]
        ana = self.farm.arrives("Ana", "6")
        for nasty in NASTY + DECENT:
            for place in fields:
                ana.sends(place.format(nasty.typed).encode("utf-8", "surrogatepass") + b"\n")
            self.assertFit(self.beto.hears())
            self.assertFit(ana.hears())
            self.assertFalse(ana.is_closed)
        ana.types("fin")
        self.assertEqual(self.beto.hears(), ["Ana: fin"])

    def test_nasty_answers(self) -> None:
        for nasty in NASTY + DECENT:
            for before in ([], ["Eva"], ["Eva", "6"]):
                eva = self.farm.person("Eva")
                eva.types(*before)
                eva.sends(nasty.typed.encode("utf-8", "surrogatepass") + b"\n")
                self.assertFit(eva.hears())
                eva.drops()
            self.assertFit(self.beto.hears())

    def test_what_is_not_utf8(self) -> None:
        ana = self.farm.arrives("Ana")
        self.beto.hears()
        refusal = "[SERVER] Error: texto no válido (no es UTF-8); no se envió."
        for data in NOT_UTF8:
            ana.sends(b"hola " + data.replace(b"\xff", b"\xff\xff") + b" fin\r\n")
            self.assertEqual(ana.hears(), [refusal], data)
        self.assertEqual(self.beto.hears(), [])

    def test_an_endless_line_costs_nothing(self) -> None:
        """A megabyte without an end is refused once.  The next line is heard."""
        ana = self.farm.arrives("Ana")
        self.beto.hears()
        for _ in range(256):
            ana.sends(b"x" * 4096)
        self.assertEqual(
            ana.hears(),
            ["[SERVER] Error: línea demasiado larga (máximo 4096 bytes); no se envió."],
        )
        ana.sends(b"\nhola\n")
        self.assertEqual(self.beto.hears(), ["Ana: hola"])

    def test_a_line_of_exactly_the_limit(self) -> None:
        ana = self.farm.arrives("Ana")
        self.beto.hears()
        for end in (b"\n", b"\r\n", b"\r\0", b"\r"):
            ana.sends(b"x" * 4096 + end)
            self.assertEqual(self.beto.hears(), ["Ana: " + "x" * 4096])


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Ends(QuietCase):
    """PROTOCOL §1 and §6: how a connection ends."""

    def setUp(self) -> None:
        super().setUp()
        self.farm = Farm(UNLIMITED)

    def test_a_half_closed_line_hears_every_reply(self) -> None:
        ana = self.farm.person()
        ana.protocol.dataReceived(b"Ana\n6\nsi\n:u\n")
        ana.protocol.readConnectionLost()
        self.assertEqual(ana.hears()[-1], "[SERVER] Usuarios conectados: Ana")
        self.assertTrue(ana.is_closed)

    def test_waiting_lines_are_obeyed_for_60_s_at_the_most(self) -> None:
        """PROTOCOL §6: 1 MB of lines would be a ghost of 27 hours."""
        farm = Farm(Settings(rate=Rate(5, 20)))
        ana, gus = farm.arrives("Ana"), farm.arrives("Gus")
        ana.sends(b"hola\n" * 10_000)
        ana.ends_input()
        farm.pass_time(59)
        self.assertFalse(ana.is_closed)
        farm.pass_time(2)
        self.assertTrue(ana.is_closed)
        self.assertEqual(gus.hears()[-1], "[SERVER] Ana desconectado.")
        farm.pass_time(60)
        self.assertEqual(gus.hears(), [])

    def test_a_hurried_half_closed_line_hears_every_reply(self) -> None:
        """This includes lines that wait because of the rate."""
        self.farm = Farm(Settings(rate=Rate(1, 4)))
        ana = self.farm.person()
        ana.protocol.dataReceived(b"Ana\n6\nsi\n:u\n:artefacto 1\n:artefacto 2\n")
        ana.protocol.readConnectionLost()
        self.farm.settle()
        self.assertFalse(ana.is_closed)
        self.farm.pass_time(2)
        self.assertEqual(ana.hears()[-1], "[SERVER] El artefacto es: Rollo enano II")
        self.assertTrue(ana.is_closed)

    def test_a_partial_line_at_the_end_is_not_obeyed(self) -> None:
        beto = self.farm.arrives("Beto")
        ana = self.farm.arrives("Ana")
        beto.hears()
        ana.sends(b"hola\n:p Beto a med")
        ana.ends_input()
        self.assertEqual(beto.hears(), ["Ana: hola", "[SERVER] Ana desconectado."])

    def test_nothing_after_the_goodbye_is_obeyed(self) -> None:
        beto = self.farm.arrives("Beto")
        ana = self.farm.arrives("Ana")
        beto.hears()
        ana.types(":q\r\nhola", "hola")
        ana.drops()
        self.assertEqual(beto.hears(), ["[SERVER] Ana desconectado."])

    def test_whoever_cannot_hear_any_more_is_gone(self) -> None:
        ana = self.farm.arrives("Ana")
        ana.protocol.writeConnectionLost()
        self.assertTrue(ana.wire.aborted)

    def test_a_name_that_was_only_claimed_is_free_again(self) -> None:
        ana = self.farm.person()
        ana.types("Ana")
        ana.drops()
        again = self.farm.person()
        again.types("Ana")
        self.assertIn("¡Bienvenid@ al chat de Granjerxs!", again.hears())


class Manners(QuietCase):
    """PROTOCOL §6: too fast a client is slowed down, and nobody else notices."""

    def test_reading_stops_while_lines_wait(self) -> None:
        farm = Farm(Settings(rate=Rate(5, 20)))
        ana = farm.arrives("Ana")
        ana.sends(b"hola\n" * 30)
        self.assertEqual(ana.wire.producerState, "paused")
        farm.pass_time(10)
        self.assertEqual(ana.wire.producerState, "producing")

    def test_the_allowance_comes_back_with_time(self) -> None:
        bucket = TokenBucket(Rate(2, 3), now=0.0)
        self.assertEqual([bucket.wait(0.0) for _ in range(4)], [0.0, 0.0, 0.0, 0.5])
        self.assertEqual(bucket.wait(0.25), 0.25)
        self.assertEqual(bucket.wait(0.5), 0.0)
        self.assertEqual([bucket.wait(100.0) for _ in range(4)], [0.0, 0.0, 0.0, 0.5])

    def test_several_at_once_are_taken_whole_or_not_at_all(self) -> None:
        bucket = TokenBucket(Rate(1, 5), now=0.0)
        self.assertFalse(bucket.take(6, 0.0))
        self.assertFalse(bucket.take(0, 0.0))
        self.assertTrue(bucket.take(4, 0.0))
        self.assertTrue(bucket.take(1, 0.0))
        self.assertFalse(bucket.take(1, 0.0))
        self.assertTrue(TokenBucket(None, 0.0).take(1000, 0.0))

    def test_a_clock_that_goes_back_gives_nothing(self) -> None:
        bucket = TokenBucket(Rate(1, 1), now=10.0)
        self.assertEqual(bucket.wait(10.0), 0.0)
        self.assertEqual(bucket.wait(5.0), 1.0)

    def test_a_long_paste_lets_the_others_have_their_turn(self) -> None:
        """Thousands of lines in one segment are obeyed over several ticks."""
        farm = Farm(UNLIMITED)
        beto = farm.arrives("Beto")
        ana = farm.arrives("Ana")
        beto.hears()
        ana.protocol.dataReceived(b":artefacto 1\n" * 1000)
        waiting = len(ana.protocol._inbox._lines)
        self.assertGreater(waiting, 0)
        beto.types(":u")
        self.assertEqual(beto.hears(), ["[SERVER] Usuarios conectados: Beto, Ana"])
        farm.pass_time(1)
        self.assertEqual(len(ana.hears()), 1000)


def slow_hashing(farm: Farm) -> list[Deferred[str]]:
    """Passwords take until the test says so: the Deferreds that are waited for."""
    waiting: list[Deferred[str]] = []

    def hash_slowly(password: str, address: str = "") -> Deferred[str]:
        waiting.append(Deferred())
        return waiting[-1]

    farm.factory.accounts.hash = hash_slowly  # type: ignore[method-assign]
    return waiting


class Replies(QuietCase):
    """PROTOCOL §6: replies are never dropped.  The server stops obeying instead."""

    def test_no_command_is_obeyed_while_its_answers_pile_up(self) -> None:
        farm = Farm(UNLIMITED)
        ana = farm.arrives("Ana")
        ana.protocol.hold(REPLIES)
        ana.sends(b":artefacto 22\n" * 3)
        ana.sends(b":artefacto 22\n")
        self.assertEqual(ana.hears(), [])
        ana.protocol.release(REPLIES)
        self.assertEqual(ana.hears(), ["[SERVER] El artefacto es: Trocitos de cristal"] * 4)


class Waiting(QuietCase):
    """One command finishes before the next of that farmer begins."""

    def test_lines_wait_for_the_one_that_takes_time(self) -> None:
        farm = Farm(UNLIMITED)
        hashing = slow_hashing(farm)
        ana = farm.arrives("Ana")
        ana.types(":registrar girasoles", ":artefactos")
        self.assertEqual(ana.hears(), [])
        hashing[0].callback("a verifier")
        self.assertEqual(
            ana.hears(),
            ["[SERVER] Ana, tu nombre quedó registrado.", "[SERVER] Tus artefactos son: (ninguno)"],
        )

    def test_leaving_while_the_password_is_made_registers_nothing(self) -> None:
        farm = Farm(UNLIMITED)
        hashing = slow_hashing(farm)
        ana = farm.arrives("Ana", "21")
        ana.types(":registrar girasoles")
        ana.drops()
        other = farm.arrives("Ana", "6")
        hashing[0].callback("a verifier")
        self.assertEqual(farm.factory.market.registered, {})
        other.types(":artefactos")
        self.assertEqual(other.hears(), ["[SERVER] Tus artefactos son: Punta de flecha"])


class Withheld(QuietCase):
    """A person who guesses at a password must not keep its owner out."""

    def test_time_does_not_run_out_while_the_answer_is_withheld(self) -> None:
        farm = Farm(UNLIMITED)
        ana = farm.arrives("Ana", "21")
        ana.types(":registrar girasoles", ":q")
        ana.drops()
        answers: list[Deferred[bool]] = []

        def login(*_: object) -> Deferred[bool]:
            answers.append(Deferred())
            return answers[-1]

        farm.factory.accounts.login = login  # type: ignore[method-assign, assignment]
        ana = farm.person()
        farm.pass_time(50)
        ana.types("Ana", "girasoles")
        farm.pass_time(59)
        answers[0].callback(True)
        self.assertEqual(ana.hears()[-1], "[SERVER] ¡OK!")

    def test_and_goes_on_after_it(self) -> None:
        farm = Farm(UNLIMITED)
        ana = farm.arrives("Ana")
        ana.types(":registrar girasoles", ":q")
        ana.drops()
        other = farm.person()
        farm.pass_time(50)
        other.types("Ana", "tulipanes")
        farm.pass_time(11)
        self.assertEqual(other.hears()[-1], "[SERVER] Tiempo agotado.")

    def test_a_password_nobody_waits_for_is_not_checked(self) -> None:
        farm = Farm(UNLIMITED)
        ana = farm.arrives("Ana")
        ana.types(":registrar girasoles", ":q")
        ana.drops()
        dropped: list[object] = []
        checking: Deferred[bool] = Deferred(dropped.append)
        farm.factory.accounts.login = lambda *_: checking  # type: ignore[method-assign]
        other = farm.person()
        other.types("Ana", "girasoles")
        other.drops()
        self.assertEqual(len(dropped), 1)


class Passes(QuietCase):
    def test_one_that_is_no_pass(self) -> None:
        """PROTOCOL §5b: the question for the name comes again."""
        person = Farm(UNLIMITED).person()
        person.hears()
        person.types(":volver abc")
        again = ["[SERVER] Error: ese pase ya no sirve.", "[SERVER] Ingresa tu nombre:"]
        self.assertEqual(person.hears(), again)


class Telnet(QuietCase):
    """Clients that have negotiated something do not echo passwords."""

    def registered(self, settings: Settings = UNLIMITED) -> Farm:
        farm = Farm(settings)
        ana = farm.arrives("Ana")
        ana.types(":registrar girasoles", ":q")
        ana.drops()
        return farm

    def test_the_password_is_hidden_and_the_rest_is_not(self) -> None:
        person: Person = self.registered().person()
        person.hears()
        person.sends(b"\xff\xfd\x03Ana\r\n")
        prompt = "[SERVER] Contraseña:\r\n".encode()
        self.assertEqual(person.hears_bytes(), b"\xff\xfc\x03" + prompt + b"\xff\xfb\x01")
        person.types("mal")
        self.assertNotIn(b"\xff", person.hears_bytes())
        person.types("girasoles")
        self.assertEqual(person.hears_bytes().count(b"\xff\xfc\x01"), 1)

    def test_netcat_gets_no_telnet(self) -> None:
        person = self.registered().person()
        person.types("Ana", "girasoles")
        self.assertNotIn(b"\xff", person.hears_bytes())


class GMCP(QuietCase):
    """The same as data, for telnet clients that ask for it (option 201)."""

    def test_a_client_that_asks_first_gets_packages_before_the_lines(self) -> None:
        farm = Farm(UNLIMITED)
        ana = farm.person("Ana")
        ana.hears()
        ana.sends(b"\xff\xfd\xc9Ana\r\n")
        heard = ana.hears_bytes()
        self.assertTrue(heard.startswith(b"\xff\xfb\xc9\xff\xfa\xc9Granja.Welcome {"), heard)
        self.assertIn(b"\xff\xf0" + "¡Bienvenid@ al chat de Granjerxs!\r\n".encode(), heard)
        self.assertIn(b'"question":"artifacts"', heard.replace(b": ", b":"))

    def test_talk_comes_as_data_and_as_a_line(self) -> None:
        farm = Farm(UNLIMITED)
        beto = farm.arrives("Beto")
        ana = farm.person("Ana")
        ana.sends(b"\xff\xfd\xc9Ana\n\nsi\n")
        ana.hears_bytes()
        beto.types("¡hola!")
        heard = ana.hears_bytes()
        package, line = heard.split(b"\xff\xf0")
        self.assertEqual(line.decode(), "Beto: ¡hola!\r\n")
        name, _, body = package.removeprefix(b"\xff\xfa\xc9").partition(b" ")
        self.assertEqual(name, b"Granja.Said")
        said = json.loads(body)
        self.assertEqual(said.pop("n"), 6, "it is the sixth line of data that she hears")
        self.assertEqual(
            said, {"type": "said", "from": "Beto", "text": "¡hola!", "line": "Beto: ¡hola!"}
        )

    def test_in_the_chat_it_is_too_late_and_other_options_are_refused(self) -> None:
        farm = Farm(UNLIMITED)
        ana = farm.arrives("Ana")
        ana.sends(b"\xff\xfd\xc9\xff\xfd\x01\xff\xfb\x1f\xff\xfa\xc9Core.Hello {}\xff\xf0:u\n")
        refused = b"\xff\xfc\xc9\xff\xfc\x01\xff\xfe\x1f"
        self.assertEqual(ana.hears_bytes(), refused + b"[SERVER] Usuarios conectados: Ana\r\n")


class MessageOfTheDay(QuietCase):
    def test_it_is_told_after_the_ok(self) -> None:
        farm = Farm(replace(UNLIMITED, motd=("Hoy hay feria.",)))
        ana = farm.person()
        ana.types("Ana", "", "s")
        self.assertEqual(ana.hears()[-2:], ["[SERVER] ¡OK!", "[SERVER] Hoy hay feria."])
