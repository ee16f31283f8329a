"""What the terminal client makes of the server's bytes."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from granja.client.incoming import LIMIT, Hearing
from granja.client.lines import Lines
from granja.contract import messages
from granja.wire.encodings import GMCP as PACKAGES
from tests.support.numbers import with_numbers

WILL_GMCP = b"\xff\xfb\xc9"


def package(message: messages.Message) -> bytes:
    """A message as a package alone, without a line after it."""
    name = "".join(word.capitalize() for word in message.type.split("-"))
    return b"\xff\xfa\xc9Granja.%b %b\xff\xf0" % (
        name.encode(),
        json.dumps(message.data()).encode(),
    )


class HearingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.replies = bytearray()
        self.hearing = Hearing(self.replies.extend)

    def hear(self, data: bytes) -> list[tuple[str, str]]:
        return [(heard.type, heard.line) for heard in self.hearing.feed(data)]

    def test_a_plain_server(self) -> None:
        """A server without GMCP is understood line by line."""
        heard = self.hear(b"[SERVER] Ingresa tu nombre:\r\nAna: hola\r\n")
        self.assertEqual(heard, [("prompt", "[SERVER] Ingresa tu nombre:"), ("plain", "Ana: hola")])
        self.assertFalse(self.hearing.structured)

    def test_a_farmer_forges_no_prompt(self) -> None:
        """Only the server's own line is its question, not a farmer's talk about it."""
        heard = self.hear("Ana: [SERVER] Contraseña:\r\n".encode())
        self.assertEqual(heard, [("plain", "Ana: [SERVER] Contraseña:")])

    def test_packages(self) -> None:
        said = messages.Said("Ana", "¿qué tal?")
        self.assertEqual(self.hear(WILL_GMCP + package(said)), [("said", "Ana: ¿qué tal?")])
        self.assertTrue(self.hearing.structured)

    def test_a_package_with_its_line_is_shown_once(self) -> None:
        """Granja's own carrier sends each message as data and as a line."""
        said = messages.Said("Ana", "hola")
        heard = self.hear(WILL_GMCP + with_numbers(PACKAGES.encode(said)) * 2)
        self.assertEqual(heard, [("said", "Ana: hola")] * 2)

    def test_every_cut(self) -> None:
        """However the network cuts the stream, the same is heard in the same order."""
        stream = (
            b"[SERVER] Ingresa tu nombre:\r\n"
            + WILL_GMCP
            + package(messages.Said("Ana", "ñandú"))
            + b"una: suelta\r\n"
            + with_numbers(PACKAGES.encode(messages.Arrived("Beto")))
        )
        whole = self.hear(stream)
        self.assertEqual([kind for kind, _ in whole], ["prompt", "said", "plain", "arrived"])
        for size in range(1, len(stream)):
            self.setUp()
            pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
            self.assertEqual([h for piece in pieces for h in self.hear(piece)], whole, size)

    def test_harmful_lines_are_cleaned(self) -> None:
        """A hostile server moves no cursor and forges no second line."""
        evil = json.dumps({"type": "said", "line": "Ana: \x1b[2J\nBeto: hola\u202e"})
        heard = self.hear(
            b"\xff\xfa\xc9Granja.Said " + evil.encode() + b"\xff\xf0\x1b]0;x\x07y\r\n"
        )
        self.assertEqual(heard, [("said", "Ana: Beto: hola"), ("plain", "y")])

    def test_nonsense_is_passed_over(self) -> None:
        for payload in (
            b"",
            b"Granja.Said",
            b"Granja.Said {",
            b"Granja.Said []",
            b"Granja.Said 7",
            b'Granja.Said {"type":"said"}',
            b'Granja.Said {"type":1,"line":2}',
            b"Granja.Said \xfe\xfe",
            b"Granja.Said " + b"[" * 3000,
            b'Core.Goodbye {"type":"said","line":"x"}',
        ):
            self.assertEqual(self.hear(b"\xff\xfa\xc9" + payload + b"\xff\xf0"), [], payload)
        self.assertEqual(self.hear(b"\xff\xfa\xff\xf0\xff\xfa\x18\x01\xff\xf0"), [])

    def test_long_packages(self) -> None:
        """A hundred artifacts, or thousands of people: all of it is learnt."""
        here = messages.Here(tuple(f"Granjera_número_{n}" for n in range(10_000)))
        (heard,) = self.hearing.feed(package(here))
        self.assertEqual(len(heard.data["names"]), 10_000)

    def test_a_package_that_never_ends(self) -> None:
        """Memory stays bounded, and what comes after it is heard."""
        self.hear(b"\xff\xfa\xc9Granja.Said ")
        for _ in range(LIMIT // 100_000 + 2):
            self.hear(b"x" * 100_000)
        self.assertEqual(self.hear(b"\xff\xf0hola\n"), [("plain", "hola")])

    def test_echo_is_answered_once(self) -> None:
        """RFC 854: a change is acknowledged, a repetition is not, or it would never end."""
        self.hear(b"\xff\xfb\x01" * 3)
        self.assertTrue(self.hearing.echoes)
        self.hear(b"\xff\xfc\x01" * 3)
        self.assertFalse(self.hearing.echoes)
        self.assertEqual(bytes(self.replies), b"\xff\xfd\x01\xff\xfe\x01")

    def test_other_options_are_passed_over(self) -> None:
        self.assertEqual(
            self.hear(b"\xff\xfb\x03\xff\xfd\x18\xff\xfe\x01\xff\xf9hola\n"), [("plain", "hola")]
        )
        self.assertEqual(bytes(self.replies), b"")

    def test_last_words_without_an_end(self) -> None:
        self.assertEqual(self.hear(b"hasta pron"), [])
        self.assertEqual([heard.line for heard in self.hearing.rest()], ["hasta pron"])


class LinesTests(SynchronousTestCase):
    def test_a_line_that_never_ends(self) -> None:
        """Memory stays bounded, and the next line is whole again."""
        lines = Lines(10)
        self.assertEqual(lines.feed(b"x" * 7 + b"y" * 1000), [])
        self.assertEqual(lines.feed(b"z\r\nhola\r\n"), [b"xxxxxxxyyy", b"hola"])

    def test_the_limit_is_generous(self) -> None:
        self.assertGreater(LIMIT, 30_000 * 64)
