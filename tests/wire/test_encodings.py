"""How messages travel: what each kind of connection reads."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from granja.contract.catalog import Artifact
from granja.contract.ids import ArtifactId
from granja.contract.messages import Arrived, OfferEnded, Said, Whispered
from granja.wire.encodings import GMCP, PLAIN, WEBSOCKET_DATA, WEBSOCKET_LINES, Carrier, text_frame

CARRIERS: list[Carrier] = [PLAIN, GMCP, WEBSOCKET_LINES, WEBSOCKET_DATA]

texts = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=300)
many = st.lists(texts, min_size=1, max_size=8)


def received(frames: bytes) -> list[str]:
    """What a WebSocket client makes of these bytes."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(frames)
    parts: list[str] = [""]
    for event in client.events():
        assert isinstance(event, TextMessage)
        parts[-1] += event.data
        if event.message_finished:
            parts.append("")
    return parts[:-1]


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
        """Also when it is longer than what is looked at in one go."""
        line = PLAIN.encode(Said("Ana", "x" * 9000))
        self.assertEqual(PLAIN.boundary(line + b"Beto: hola\r\n", 3), len(line))

    def test_gmcp_puts_the_data_before_the_line(self) -> None:
        """A MUD client that negotiated GMCP reads both; the line stays last, as on any terminal."""
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
        self.assertEqual(json.loads(head.partition(b" ")[2])["number"], 7)
        self.assertNotIn(b"\xff", head[2:])

    def test_a_web_client_reads_lines_or_data(self) -> None:
        for size in (1, 125 - len("Ana: "), 130, 70_000):
            said = Said("Ana", "x" * size)
            self.assertEqual(received(WEBSOCKET_LINES.encode(said)), [said.line()])
            (data,) = received(WEBSOCKET_DATA.encode(said))
            self.assertEqual(json.loads(data), said.data())
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
