"""What the terminal client does for the person: it learns, hides, and comes back."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.client import sentences as notes
from granja.client.conversation import Conversation
from granja.client.display import Kind, Shown
from granja.contract import messages
from granja.contract.catalog import Artifact
from granja.contract.ids import ArtifactId
from tests.client.test_hearing import WILL_GMCP, package

ASK_GMCP = b"\xff\xfd\xc9"
ANCLA = Artifact(ArtifactId(21), "Ancla")
DISCO = Artifact(ArtifactId(12), "Disco raro")


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.talk = Conversation({12: "Disco raro", 21: "Ancla"}, secure=True)
        self.connect()

    def connect(self) -> None:
        self.talk.connect()
        self.assertEqual(self.talk.take_outgoing(), ASK_GMCP)
        self.told(b"[SERVER] Ingresa tu nombre:\r\n" + WILL_GMCP)

    def told(self, *parts: messages.Message | bytes) -> list[str]:
        return [shown.line for shown in self.shown(*parts)]

    def shown(self, *parts: messages.Message | bytes) -> list[Shown]:
        data = b"".join(p if isinstance(p, bytes) else package(p) for p in parts)
        return self.talk.receive(data)

    def types(self, line: str) -> None:
        self.talk.type(line)

    def sent(self) -> list[str]:
        return self.talk.take_outgoing().decode().splitlines()

    def arrive(self, name: str = "Ana", *artifacts: Artifact) -> None:
        """Come in as a visitor."""
        self.types(name)
        self.told(messages.Welcome(), messages.ASK_ARTIFACTS)
        self.types(", ".join(str(artifact.id) for artifact in artifacts))
        self.told(messages.Inventory(artifacts), messages.ASK_CONFIRMATION)
        self.types("si")
        self.told(messages.Ready(name), messages.Here((name,)))
        self.sent()

    def drop(self) -> None:
        self.talk.disconnect()


class Arriving(Case):
    def test_what_is_typed_goes_out_as_lines(self) -> None:
        self.types("Ana")
        self.types("¿ñandú?")
        self.assertEqual(self.talk.take_outgoing(), "Ana\r\n¿ñandú?\r\n".encode())

    def test_pasted_lines_are_lines(self) -> None:
        self.types("uno\ndos")
        self.assertEqual(self.sent(), ["uno", "dos"])

    def test_what_cannot_be_encoded_does_no_harm(self) -> None:
        self.types("a\udcffb")
        self.assertEqual(self.sent(), ["a?b"])

    def test_the_catalog_and_the_people_are_asked_for(self) -> None:
        """At arrival the client asks who is here, and silently which artifacts there are."""
        self.types("Ana")
        self.sent()
        lines = self.told(
            messages.Ready("Ana"),
            messages.CatalogEntry(Artifact(ArtifactId(99), "Piedra nueva")),
            messages.Said("Beto", "hola"),
            messages.Here(("Ana", "Beto")),
            messages.CatalogEntry(ANCLA),
        )
        self.assertEqual(self.sent(), [":catalogo", ":u"])
        self.assertEqual(
            lines,
            [
                "[SERVER] ¡OK!",
                f"[granja] {notes.HOW_TO_TALK}",
                "Beto: hola",
                "[SERVER] Usuarios conectados: Ana, Beto",
                "[SERVER] 21: Ancla",  # a later one was asked for by the person
            ],
        )
        self.assertEqual([s.text for s in self.talk.suggestions(":artefacto pied")], ["99"])

    def test_a_plain_server_is_asked_nothing(self) -> None:
        """There the answers could not be told from what the person asked for."""
        talk = Conversation({})
        talk.connect()
        talk.take_outgoing()
        talk.receive(b"[SERVER] Ingresa tu nombre:\r\n")
        talk.type("Ana")
        talk.take_outgoing()
        talk.receive("[SERVER] ¡OK!\r\n".encode())
        self.assertEqual((talk.take_outgoing(), talk.arrived, talk.name), (b"", True, "Ana"))


class Proposed(Case):
    def test_a_notice_is_typed_with_one_key(self) -> None:
        """It says once how.  It does not propose typed lines again."""
        self.arrive("Ana", ANCLA)
        told = messages.ChanceTold(ANCLA, Artifact(ArtifactId(12), "Disco raro"))
        first, again = self.told(told), self.told(told)
        self.assertEqual(first[1:], [f"[granja] {notes.HOW_TO_SWAP}"])
        self.assertEqual(len(again), 1)
        (row,) = self.talk.suggestions("", asked=True)
        self.assertEqual(row.text, ":cambio 21 por 12")
        self.types(row.text)
        self.assertNotIn(row, self.talk.suggestions("", asked=True))


class Hiding(Case):
    def test_the_password_question_hides_what_is_typed(self) -> None:
        self.types("Ana")
        self.assertFalse(self.talk.hidden)
        self.told(messages.ASK_PASSWORD)
        self.assertTrue(self.talk.hidden)
        self.assertFalse(self.talk.may_be_kept("secreto99"))
        self.told(messages.Welcome(), messages.Ready("Ana"))
        self.assertFalse(self.talk.hidden)

    def test_a_plain_server_asks_too(self) -> None:
        self.told("[SERVER] Contraseña:\r\n".encode())
        self.assertTrue(self.talk.hidden)

    def test_a_server_that_echoes(self) -> None:
        """WILL ECHO is how telnet servers say that typing must not be seen (RFC 857)."""
        self.told(b"\xff\xfb\x01")
        self.assertTrue(self.talk.hidden)
        self.told(b"\xff\xfc\x01")
        self.assertFalse(self.talk.hidden)

    def test_only_the_chat_is_kept(self) -> None:
        """Passwords, even in mistyped commands, and answers never reach the history."""
        self.assertFalse(self.talk.may_be_kept("Ana"))
        self.arrive()
        for line in ("hola", ":p Beto hola", ":)", ":q", " :u"):
            self.assertTrue(self.talk.may_be_kept(line), line)
        for line in (
            ":registrar secreto99",
            ":REGISTRAR secreto99",
            "  :clave  nueva secreta",
            ":registar secreto99",
            ":claves secreto99",
        ):
            self.assertFalse(self.talk.may_be_kept(line), line)

    def test_nothing_is_suggested_for_a_password(self) -> None:
        self.told(messages.ASK_PASSWORD)
        self.assertEqual(self.talk.suggestions(":p", asked=True), [])


class ArrivingAgain(Case):
    def test_a_visitor_comes_back_with_what_they_last_held(self) -> None:
        self.arrive("Ana", ANCLA)
        self.told(messages.TradeAccepted(7, (DISCO, DISCO)))
        self.drop()
        self.connect()
        lines = self.told(messages.Welcome(), messages.ASK_ARTIFACTS)
        lines += self.told(messages.Inventory((DISCO, DISCO)), messages.ASK_CONFIRMATION)
        self.assertFalse(self.talk.listening)
        lines += self.told(messages.Ready("Ana"))
        self.assertEqual(self.sent(), ["Ana", "12, 12", "sí", ":catalogo", ":u"])
        self.assertEqual(
            lines,
            [
                "¡Bienvenid@ al chat de Granjerxs!",
                "[SERVER] Tus artefactos son: Disco raro, Disco raro",
                "[SERVER] ¡OK!",
            ],
        )
        self.assertTrue(self.talk.listening)

    def test_who_held_nothing_comes_back_with_nothing(self) -> None:
        self.arrive("Ana")
        self.drop()
        self.connect()
        self.told(messages.ASK_ARTIFACTS)
        self.assertEqual(self.sent(), ["Ana", "ninguno"])

    def test_a_registered_farmer_is_not_asked_again(self) -> None:
        """The password that the server took is remembered, in memory only."""
        self.types("Ana")
        self.told(messages.ASK_PASSWORD)
        self.types("errada99")
        self.told(messages.Failure("WrongPassword", "Error: …"), messages.ASK_PASSWORD)
        self.types(" secreto99 ")
        self.told(messages.Ready("Ana"))
        self.sent()
        self.drop()
        self.connect()
        self.told(messages.ASK_PASSWORD)
        self.assertEqual(self.sent(), ["Ana", "secreto99"])

    def test_a_password_is_not_handed_over_on_a_plain_line(self) -> None:
        """Anybody may answer at an address, so without TLS the client asks the person again."""
        self.talk = Conversation({}, secure=False)
        self.connect()
        self.types("Ana")
        self.told(messages.ASK_PASSWORD)
        self.types("secreto99")
        self.told(messages.Ready("Ana"))
        self.sent()
        self.drop()
        self.connect()
        self.told(messages.ASK_PASSWORD)
        self.assertEqual(self.sent(), ["Ana"])

    def test_a_name_registered_meanwhile(self) -> None:
        self.arrive("Ana", ANCLA)
        self.types(":registrar   secreto uno ")
        self.told(messages.NameRegistered("Ana"))
        self.types(":clave corta")
        self.told(messages.Failure("BadPassword", "Error: …"))
        self.sent()
        self.drop()
        self.connect()
        self.told(messages.ASK_PASSWORD)
        self.assertEqual(self.sent(), ["Ana", "secreto uno"])

    def test_a_changed_password(self) -> None:
        self.arrive("Ana", ANCLA)
        self.types(":registrar secreto uno")
        self.told(messages.NameRegistered("Ana"))
        self.types(":clave secreto dos")
        self.told(messages.PASSWORD_CHANGED)
        self.sent()
        self.drop()
        self.connect()
        self.told(messages.ASK_PASSWORD)
        self.assertEqual(self.sent(), ["Ana", "secreto dos"])

    def test_a_refused_answer_becomes_the_persons_turn(self) -> None:
        """Somebody took the name: the client does not insist, it says so and asks."""
        self.arrive("Ana", ANCLA)
        self.drop()
        self.connect()
        taken = messages.Failure("NameTaken", "Nombre ya en uso.")
        lines = self.told(taken, messages.ASK_NAME)
        self.assertEqual(self.sent(), ["Ana"])
        self.assertEqual(lines[0], "[SERVER] Nombre ya en uso.")
        self.assertIn("contestes", lines[1])
        self.assertEqual(lines[2], "[SERVER] Ingresa tu nombre:")
        self.assertTrue(self.talk.listening)
        self.types("Anita")
        self.told(messages.ASK_ARTIFACTS)
        self.assertEqual(self.sent(), ["Anita"])

    def test_a_password_that_is_not_known_is_asked_for(self) -> None:
        self.arrive("Ana", ANCLA)
        self.drop()
        self.connect()
        self.told(messages.ASK_PASSWORD)
        self.assertEqual(self.sent(), ["Ana"])
        self.assertTrue(self.talk.hidden)

    def test_nothing_final_is_declared_unasked(self) -> None:
        """With `--declarations once` a registered farmer's list is the farmer's own business."""
        self.arrive("Ana")
        self.types(":registrar secreto99")
        self.told(messages.NameRegistered("Ana"), messages.ASK_ARTIFACTS)
        self.sent()
        self.drop()
        self.connect()
        self.told(messages.ASK_PASSWORD, messages.ASK_ARTIFACTS)
        self.assertEqual(self.sent(), ["Ana", "secreto99"])
        self.assertEqual(self.talk.question, "artifacts")

    def test_another_name_does_not_inherit_the_password(self) -> None:
        self.arrive("Ana")
        self.types(":registrar secreto99")
        self.told(messages.NameRegistered("Ana"))
        self.drop()
        self.connect()
        self.told(messages.ASK_PASSWORD)
        self.told(messages.ASK_NAME)  # a server that asks anew
        self.arrive("Beto", DISCO)
        self.drop()
        self.connect()
        self.told(messages.ASK_ARTIFACTS)
        self.assertEqual(self.sent(), ["Beto", "12"])

    def test_last_words_that_mean_it(self) -> None:
        """Replaced, too late, sent away or gone by oneself: coming back would be a quarrel."""
        wrong = messages.Failure("WrongPassword", "Error: contraseña incorrecta.")
        for last in (messages.GOODBYE, messages.REPLACED, messages.TIME_UP, wrong):
            self.told(last)
            self.drop()
            self.assertTrue(self.talk.over, last)
            self.connect()
        self.told(b"[SERVER] Entraste desde otro lugar.\r\n")
        self.drop()
        self.assertTrue(self.talk.over)

    def test_other_last_words(self) -> None:
        """If a server restarts, it is worth waiting for it."""
        for last in (messages.SHUTDOWN, messages.Said("Beto", "[SERVER] Tiempo agotado.")):
            self.told(last)
            self.drop()
            self.assertFalse(self.talk.over, last)
            self.connect()


class Leaving(Case):
    def test_from_the_chat(self) -> None:
        self.arrive()
        self.talk.leave()
        self.assertEqual(self.sent(), [":q"])

    def test_at_a_question_it_would_be_an_answer(self) -> None:
        self.talk.leave()
        self.assertEqual(self.sent(), [])


class Places(Case):
    """Where a half-typed line belongs."""

    def test_on_the_way(self) -> None:
        self.assertEqual(self.talk.place, "name")
        self.types("Ana")
        self.assertIsNone(self.talk.place)
        self.told(messages.ASK_PASSWORD)
        self.assertEqual(self.talk.place, "password")
        self.types("x")
        self.told(messages.Ready("Ana"))
        self.assertEqual(self.talk.place, "")
        self.drop()
        self.assertEqual(self.talk.place, "")
        self.connect()
        self.assertEqual(self.talk.place, "")


class Showing(Case):
    def kinds(self, *parts: messages.Message | bytes) -> list[Kind]:
        return [shown.kind for shown in self.shown(*parts)]

    def test_every_kind_has_its_mark(self) -> None:
        """Whispers, offers, errors and the server are told apart without colour."""
        marks = [kind.value for kind in Kind]
        self.assertEqual(len(set(marks)), len(marks))
        self.assertEqual({len(mark) for mark in marks}, {2})

    def test_kinds(self) -> None:
        kinds = self.kinds(
            messages.Said("Beto", "hola"),
            messages.Whispered("Beto", "hola"),
            messages.Arrived("Gus"),
            messages.OfferReceived(7, "Beto", ANCLA, DISCO),
            messages.OfferEnded(7, "expired", "La oferta #7 venció.", "Ana", "Gus", ANCLA, DISCO),
            messages.Failure("X", "Error: …"),
            messages.ASK_NAME,
            b"[SERVER] algo nuevo\r\n",
            b"Beto: hola\r\n",
        )
        self.assertEqual(
            [kind.name for kind in kinds],
            ["TALK", "WHISPER", "SERVER", "OFFER", "OFFER", "ERROR", "QUESTION", "SERVER", "TALK"],
        )

    def test_the_bell_rings_for_ones_name(self) -> None:
        self.arrive("Ána")
        rings = (
            messages.Said("Beto", "oye ana, ¿estás?"),
            messages.Whispered("Beto", "psst"),
            messages.OfferReceived(7, "Beto", ANCLA, DISCO),
            "Beto: ¡ANA!\r\n".encode(),
        )
        silent = (
            messages.Said("Beto", "mañana hay anacardos"),
            messages.Said("Ána", "soy yo"),
            messages.Arrived("Ána"),
            "Ána: hola\r\n".encode(),
        )
        self.assertEqual([s.bell for s in self.shown(*rings)], [True] * 4)
        self.assertEqual([s.bell for s in self.shown(*silent)], [False] * 4)

    def test_a_name_alone_is_the_speaker(self) -> None:
        said, whispered = self.shown(
            messages.Said("Beto", "a: b"), messages.Whispered("Gus", "hola")
        )
        self.assertEqual((said.speaker, whispered.speaker), ("Beto", "Gus"))
