"""The small parts of the terminal client: pauses, drafts, names, its history, its command line."""

from __future__ import annotations

import socket
import ssl
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from granja.client import sentences as notes
from granja.client.arguments import Address, Arguments, UsageMistake, parse
from granja.client.compare import fold, mentions, starts_a_word
from granja.client.drafts import CHAT, SECRET, Drafts
from granja.client.history import KEPT, LineHistory, history_path
from granja.client.passwords import password_start
from granja.client.pauses import LONGEST, Pauses
from tests.support.folders import folder_for


class PausesTests(SynchronousTestCase):
    def test_they_grow_up_to_a_limit(self) -> None:
        pauses = Pauses(lambda: 1.0)
        self.assertEqual([pauses.next() for _ in range(7)], [1, 2, 4, 8, 16, LONGEST, LONGEST])

    def test_chance_spreads_them(self) -> None:
        """A village does not knock in the same instant."""
        self.assertEqual(Pauses(lambda: 0.0).next(), 0.5)
        self.assertEqual(Pauses(lambda: 0.5).next(), 0.75)

    def test_a_long_stay_starts_over(self) -> None:
        pauses = Pauses(lambda: 1.0)
        pauses.next(), pauses.next()
        pauses.stayed(1.0)
        self.assertEqual(pauses.next(), 4)
        pauses.stayed(60.0)
        self.assertEqual(pauses.next(), 1)


class DraftsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.drafts = Drafts()

    def test_a_question_in_the_midst_of_a_sentence(self) -> None:
        """Half a sentence does not become a password, and is there again afterwards."""
        self.drafts.entered(CHAT)
        self.assertEqual(self.drafts.move(SECRET, "hola a to"), "")
        self.assertEqual(self.drafts.move(CHAT, ""), "hola a to")

    def test_half_a_password_is_dropped(self) -> None:
        for place in (CHAT, None, "name"):
            self.drafts.entered(SECRET)
            self.assertEqual(self.drafts.move(place, "secre"), "", place)
            self.assertEqual(self.drafts.move("artifacts", ""), "", place)

    def test_typing_ahead(self) -> None:
        """A person who types faster than the server asks loses no letter."""
        self.drafts.entered(None)
        self.assertEqual(self.drafts.move("artifacts", "6, 1"), "6, 1")

    def test_a_half_typed_list_waits_for_its_question(self) -> None:
        self.drafts.entered("artifacts")
        self.assertEqual(self.drafts.move(None, "6, 13"), "6, 13")
        self.assertEqual(self.drafts.move("name", "6, 13"), "")
        self.drafts.entered(None)
        self.assertEqual(self.drafts.move("artifacts", ""), "6, 13")

    def test_what_is_typed_now_goes_before_what_was_kept(self) -> None:
        self.drafts.entered(CHAT)
        self.drafts.move("name", "vieja")
        self.drafts.entered(None)
        self.assertEqual(self.drafts.move(CHAT, "nueva"), "nueva")

    def test_nothing_changes(self) -> None:
        self.drafts.entered(CHAT)
        self.assertEqual(self.drafts.move(CHAT, "hol"), "hol")


class FoldTests(SynchronousTestCase):
    def test_accents_and_case(self) -> None:
        self.assertEqual(fold("ÁNFORA Ñandú"), fold("anfora nandu"))

    def test_starts_a_word(self) -> None:
        for fragment in ("disco", "DISCO R", "raro", "Rár"):
            self.assertTrue(starts_a_word(fragment, "Disco raro"), fragment)
        self.assertFalse(starts_a_word("isco", "Disco raro"))

    def test_mentions(self) -> None:
        for text in ("ana", "¿Ana?", "hola,ÁNA!", "Ana: hola"):
            self.assertTrue(mentions("Ana", text), text)
        for text in ("mañana", "anas", "ana_", ""):
            self.assertFalse(mentions("Ana", text), text)
        self.assertTrue(mentions("a.b", "oye a.b"))
        self.assertFalse(mentions("a.b", "oye axb"))
        self.assertFalse(mentions("", "hola"))


class PasswordStartTests(SynchronousTestCase):
    def test_where_the_password_starts(self) -> None:
        self.assertEqual(password_start(":registrar secreto"), len(":registrar "))
        self.assertEqual(password_start("  :CLAVE   x y"), len("  :CLAVE   "))
        self.assertEqual(password_start(":registrar"), len(":registrar"))
        for text in ("registrar secreto", ":p Ana hola", ":registrare x", "", ":)"):
            self.assertIsNone(password_start(text), text)


class HistoryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = folder_for(self) / "state" / "granja" / "historial"
        self.complaints: list[OSError] = []

    def history(self) -> LineHistory:
        return LineHistory(self.path, lambda line: "secreto" not in line, self.complaints.append)

    def recall(self) -> list[str]:
        """Newest first, as the Up key gives them."""
        return list(self.history().load_history_strings())

    def test_the_next_session_remembers(self) -> None:
        first = self.history()
        for line in ("hola", "ñandú", "dos\nlíneas"):
            first.append_string(line)
        self.assertEqual(self.recall(), ["dos líneas", "ñandú", "hola"])
        self.assertEqual(self.complaints, [])

    def test_passwords_are_not_even_in_memory(self) -> None:
        history = self.history()
        history.append_string(":registrar secreto99")
        self.assertEqual(history.get_strings(), [])
        self.assertEqual(self.recall(), [])
        self.assertFalse(self.path.exists())

    def test_nobody_else_reads_it(self) -> None:
        self.history().append_string("hola")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)

    def test_it_does_not_grow_for_ever(self) -> None:
        self.path.parent.mkdir(parents=True)
        self.path.write_text("".join(f"{n}\n" for n in range(2 * KEPT + 1)), "utf-8")
        self.assertEqual(len(self.recall()), KEPT)
        self.assertEqual(self.recall()[0], str(2 * KEPT))
        self.assertEqual(self.path.read_text("utf-8").count("\n"), KEPT)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_where_nothing_can_be_written(self) -> None:
        """One complaint, and the session goes on with a history of its own."""
        self.path.parent.parent.mkdir(parents=True)
        self.path.parent.write_text("a file in the way", "utf-8")
        history = self.history()
        self.assertEqual(list(history.load_history_strings()), [])
        history.append_string("hola")
        history.append_string("chao")
        self.assertEqual(history.get_strings(), ["hola", "chao"])
        self.assertEqual(len(self.complaints), 1)

    def test_where_it_is(self) -> None:
        self.assertEqual(history_path({"XDG_STATE_HOME": "/s"}), Path("/s/granja/historial"))
        home = Path("/home/ana/.local/state/granja/historial")
        self.assertEqual(history_path({"HOME": "/home/ana"}), home)
        self.assertEqual(history_path({"HOME": "/home/ana", "XDG_STATE_HOME": "s"}), home)


class CommandLine(SynchronousTestCase):
    def test_addresses(self) -> None:
        for text, host, port in (
            ("granja.cl", "granja.cl", 5555),
            ("granja.cl:6000", "granja.cl", 6000),
            ("[::1]", "::1", 5555),
            ("[::1]:1", "::1", 1),
            ("10.0.0.1:65535", "10.0.0.1", 65535),
        ):
            self.assertEqual(parse([text]).address, Address(host, port), text)
        self.assertEqual(parse([]), Arguments(Address("127.0.0.1", 5555)))

    def test_an_address_is_written_as_it_is_typed(self) -> None:
        self.assertEqual(str(Address("::1", 7)), "[::1]:7")
        self.assertEqual(str(Address("granja.cl", 7)), "granja.cl:7")

    def test_options(self) -> None:
        self.assertTrue(parse(["--tls", "granja.cl"]).tls)
        secure = parse(["granja.cl", "--cafile", "ca.pem"])
        self.assertEqual((secure.tls, secure.cafile), (True, "ca.pem"))
        self.assertEqual(parse(["-h"]).action, "help")
        self.assertEqual(parse(["granja.cl", "--help"]).action, "help")
        self.assertEqual(parse(["--version"]).action, "version")

    def test_mistakes_are_said_in_spanish(self) -> None:
        for argv, sentence in (
            (["--nada"], "No conozco la opción --nada."),
            (["-x"], "No conozco la opción -x."),
            (["--cafile"], "A --cafile le falta su archivo."),
            (["--tls=1"], "--tls no lleva ningún valor."),
            (["a", "b"], "Sobra «b»"),
            (["::1"], "entre corchetes: [::1]:5555"),
            (["[::1"], "No entiendo la dirección"),
            (["[::1]x"], "No entiendo la dirección"),
            ([":6000"], "Falta el nombre del servidor"),
            ([""], "Falta el nombre del servidor"),
            (["a b"], "Falta el nombre del servidor"),
            (["a:"], "El puerto debe ser un número"),
            (["a:0"], "El puerto debe ser un número"),
            (["a:65536"], "El puerto debe ser un número"),
            (["a:" + "9" * 5000], "El puerto debe ser un número"),
            (["a:٣"], "El puerto debe ser un número"),
        ):
            with self.assertRaises(UsageMistake) as caught:
                parse(argv)
            self.assertIn(sentence, str(caught.exception), argv)


class Explaining(SynchronousTestCase):
    def test_every_failure_has_its_sentence(self) -> None:
        expired = ssl.SSLCertVerificationError()
        expired.verify_code, expired.verify_message = 10, "certificate has expired"
        other = ssl.SSLCertVerificationError()
        other.verify_code, other.verify_message = 62, "Hostname mismatch"
        rare = ssl.SSLCertVerificationError()
        rare.verify_code, rare.verify_message = 24, "invalid CA certificate"
        for error, sentence in (
            (ConnectionRefusedError(111, "refused"), "No hay ninguna granja en granja.cl:5555"),
            (socket.gaierror(-2, "unknown"), "No encuentro el servidor granja.cl"),
            (UnicodeError("label too long"), "No encuentro el servidor granja.cl"),
            (TimeoutError(), "no responde"),
            (ssl.SSLError(1, "wrong version number"), "no habla TLS"),
            (expired, "está vencido"),
            (other, "es de otro servidor, no de granja.cl"),
            (rare, "invalid CA certificate"),
            (ConnectionResetError(), "cerró la conexión"),
            (OSError("Multiple exceptions: …"), "por ninguna de sus direcciones"),
            (OSError(101, "Network is unreachable"), "Network is unreachable"),
            (PermissionError(13, "denied"), "no tengo permiso"),
        ):
            said = notes.explain(error, Address("granja.cl"))
            self.assertIn(sentence, said)
            self.assertTrue(said.endswith((".", "?", "--tls.")), said)

    def test_seconds(self) -> None:
        self.assertIn("1 segundo.", notes.dropped(0.5))
        self.assertIn("8 segundos.", notes.dropped(7.6))
