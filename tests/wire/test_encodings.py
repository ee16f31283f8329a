"""How messages travel: what each kind of connection reads."""

from __future__ import annotations

import json

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from granja.contract.catalog import Artifact
from granja.contract.ids import ArtifactId
from granja.contract.messages import Arrived, OfferEnded, Pass, Said, Whispered
from granja.wire.encodings import (
    GMCP,
    PLAIN,
    WEBSOCKET_DATA,
    WEBSOCKET_LINES,
    Carrier,
    WebSocketData,
    first_number,
    text_frame,
)
from tests.support.numbers import numbers, with_numbers

CARRIERS: list[Carrier] = [PLAIN, GMCP, WEBSOCKET_LINES, WEBSOCKET_DATA]


class Kinds(SynchronousTestCase):
    def test_who_numbers_lines_and_who_shares_a_transport(self) -> None:
        """Data have numbers.  A WebSocket's pongs go the same way as its frames."""
        kinds = [(carrier.numbers, carrier.shares_transport) for carrier in CARRIERS]
        self.assertEqual(kinds, [(False, False), (True, False), (False, True), (True, True)])


class Sizes(SynchronousTestCase):
    """Where a frame needs a longer header."""

    def test_many_lines_at_once_are_framed_as_one_by_one(self) -> None:
        for name in ("Ana", "\u00d1u" * 40):
            lines = [b"x" * size for size in range(130)]
            block = b"".join(WEBSOCKET_LINES.talk(name, line) for line in lines)
            self.assertEqual(WEBSOCKET_LINES.talk(name, b"\n".join(lines)), block)

    def test_talk_around_the_longest_short_frame(self) -> None:
        for size in range(110, 135):
            line = b"x" * size
            for name in ("A", "Persona_de_20_letras"):
                self.assertEqual(
                    WEBSOCKET_LINES.talk(name, line),
                    WEBSOCKET_LINES.encode(Said(name, line.decode())),
                )

    def test_frames_of_each_kind_are_told_apart(self) -> None:
        sizes = (0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 70_000)
        frames = [text_frame(b"x" * size) for size in sizes]
        data, end = b"".join(frames), 0
        self.assertEqual(WEBSOCKET_LINES.count(data), len(sizes))
        for frame in frames:
            start, end = end, end + len(frame)
            for at in (start, end - 1):
                self.assertEqual(WEBSOCKET_LINES.boundary(data, at), end)


texts = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=300)
many = st.lists(texts, min_size=1, max_size=8)


def received(frames: bytes) -> list[str]:
    """What a WebSocket client reads in these bytes."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(frames)
    parts: list[str] = [""]
    for event in client.events():
        assert isinstance(event, TextMessage)
        parts[-1] += event.data
        if event.message_finished:
            parts.append("")
    return parts[:-1]


class NumberTests(SynchronousTestCase):
    """Each line of data has its own number for each listener (PROTOCOL §5b)."""

    @given(lines=many, first=st.integers(1, 10**10 - 100))
    def test_lines_count_up_and_nothing_moves(self, lines: list[str], first: int) -> None:
        for carrier in (GMCP, WEBSOCKET_DATA):
            block = carrier.talk("Ana", "\n".join(lines).encode())
            told = with_numbers(block, first)
            self.assertEqual(len(told), len(block))
            self.assertEqual(first_number(told), first)
            self.assertEqual(numbers(told), [*range(first, first + len(lines))])
            self.assertEqual(first_number(block), 0)

    def test_nobody_forges_a_number(self) -> None:
        """Text that looks like a number in somebody's talk stays text."""
        forged = Said("Ana", '","n":7}')
        (data,) = received(with_numbers(WEBSOCKET_DATA.encode(forged), 3))
        self.assertEqual(json.loads(data), {**forged.data(), "n": 3})
        self.assertEqual(first_number(with_numbers(GMCP.encode(forged), 3)), 3)

    def test_a_pass_is_no_line(self) -> None:
        """It is data only, without a line and without a number."""
        secret = Pass("abc", 120)
        (data,) = received(WEBSOCKET_DATA.encode(secret))
        self.assertEqual(json.loads(data), {"type": "pass", "pass": "abc", "seconds": 120})
        sent = b'\xff\xfa\xc9Granja.Pass {"type":"pass","pass":"abc","seconds":120}\xff\xf0'
        self.assertEqual(GMCP.encode(secret), sent)


class CarrierTests(SynchronousTestCase):
    def test_a_line_ends_as_the_wire_contract_says(self) -> None:
        self.assertEqual(PLAIN.encode(Said("Ana", "¿qué?")), "Ana: ¿qué?\r\n".encode())

    @given(name=st.sampled_from(["Ana", "Ñandú"]), lines=many)
    def test_talk_by_the_chunk_is_talk_by_the_line(self, name: str, lines: list[str]) -> None:
        """A chunk of several lines reads like the same lines said one after the other."""
        for carrier in CARRIERS:
            by_line = b"".join(carrier.encode(Said(name, line)) for line in lines)
            self.assertEqual(carrier.talk(name, "\n".join(lines).encode()), by_line)

    @given(name=st.sampled_from(["Ana", "Ñandú"]), lines=many)
    def test_a_whisper_reads_like_its_message(self, name: str, lines: list[str]) -> None:
        for carrier in CARRIERS:
            for line in lines:
                whispered = carrier.encode(Whispered(name, line))
                self.assertEqual(carrier.whisper(name, line), whispered)

    def test_what_json_writes_in_other_ways(self) -> None:
        """Quotes and backslashes, and what clean lines do not have."""
        for text in ('"', "\\", '\\"n\\', "\\n", "a\tb", "\x1f", "\x7f\u2028\ue000"):
            for carrier in CARRIERS:
                said, whispered = Said("Ana", text), Whispered("Ana", text)
                talk = carrier.talk("Ana", f"{text}\n{text}".encode())
                self.assertEqual(talk, carrier.encode(said) * 2)
                self.assertEqual(carrier.whisper("Ana", text), carrier.encode(whispered))
        self.assertEqual(
            WEBSOCKET_DATA.whisper("Ana", "a\nb"), WEBSOCKET_DATA.encode(Whispered("Ana", "a\nb"))
        )

    def test_talk_as_data_asks_no_general_encoder(self) -> None:
        WEBSOCKET_DATA.talk("Ana", b"hola")  # From here on there is a template.
        self.patch(WebSocketData, "encode", None)
        talk = WEBSOCKET_DATA.talk("Ana", 'di "a\u00f1o"\n\\o/'.encode())
        self.assertEqual(
            [json.loads(data)["text"] for data in received(with_numbers(talk, 1))],
            ['di "a\u00f1o"', "\\o/"],
        )

    @given(lines=many, data=st.data())
    def test_boundaries_are_where_messages_end(self, lines: list[str], data: st.DataObject) -> None:
        """Nobody is ever told something in the midst of a line, so ends must be found exactly."""
        for carrier in CARRIERS:
            messages = [carrier.encode(Said("Ana", line)) for line in lines]
            block = b"".join(messages)
            at = data.draw(st.integers(0, len(block) - 1))
            end = 0
            while end <= at:
                end += len(messages.pop(0))
            self.assertEqual(carrier.boundary(memoryview(block), at), end)
            self.assertEqual(carrier.count(memoryview(block)), len(lines))

    def test_a_long_line_has_its_end_found(self) -> None:
        """This includes a line longer than one look."""
        line = PLAIN.encode(Said("Ana", "x" * 9000))
        self.assertEqual(PLAIN.boundary(line + b"Beto: hola\r\n", 3), len(line))

    def test_data_as_text_is_the_message_without_a_number(self) -> None:
        """As the page of the protocol shows it."""
        said = Said("Ana", "hola")
        self.assertEqual(json.loads(WEBSOCKET_DATA.text(said)), said.data())

    def test_behind_all_lines_is_an_end_too(self) -> None:
        line = PLAIN.encode(Said("Ana", "hola"))
        self.assertEqual(PLAIN.boundary(line, len(line)), len(line))

    def test_gmcp_puts_the_data_before_the_line(self) -> None:
        """A MUD client with GMCP reads both.  The line comes last, as on any terminal."""
        wire = GMCP.encode(
            OfferEnded(
                7,
                "expired",
                "La oferta #7 venció.",
                "Ana",
                "Gus",
                Artifact(ArtifactId(21), "Ancla"),
                Artifact(ArtifactId(12), "Disco raro"),
            )
        )
        head, line = wire.split(b"\xff\xf0")
        self.assertEqual(line.decode(), "[SERVER] La oferta #7 venció.\r\n")
        self.assertTrue(head.startswith(b"\xff\xfa\xc9Granja.OfferEnded {"), head)
        data = json.loads(with_numbers(head.partition(b" ")[2], 12))
        self.assertEqual((data["number"], data["n"]), (7, 12))
        self.assertNotIn(b"\xff", head[2:])

    def test_a_web_client_reads_lines_or_data(self) -> None:
        for size in (1, 125 - len("Ana: "), 130, 70_000):
            said = Said("Ana", "x" * size)
            self.assertEqual(received(WEBSOCKET_LINES.encode(said)), [said.line()])
            (data,) = received(with_numbers(WEBSOCKET_DATA.encode(said), 12))
            self.assertEqual(json.loads(data), {**said.data(), "n": 12})
        self.assertEqual(
            received(WEBSOCKET_LINES.talk("Ana", b"hola\nadios")), ["Ana: hola", "Ana: adios"]
        )
        self.assertEqual(
            received(WEBSOCKET_LINES.encode(Arrived("Eva"))), ["[SERVER] Cliente Eva conectado."]
        )

    def test_frames_are_of_the_smallest_form(self) -> None:
        """RFC 6455 §5.2: the minimal number of bytes must be used to encode the length."""
        for size, header in ((125, 2), (126, 4), (65535, 4), (65536, 10)):
            self.assertEqual(len(text_frame(b"x" * size)), header + size)
