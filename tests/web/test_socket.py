"""A WebSocket is one more wire of the same conversation: handshake, frames, limits, the end."""

from __future__ import annotations

import itertools
import struct
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from granja.settings import Settings
from granja.web.names import Names
from granja.web.websocket import (
    CLOSING_PATIENCE,
    HUGE,
    LAST_WORDS,
    MOST_AT_ONCE,
    MOST_OTHERS,
)
from granja.wire.addresses import Proxies
from granja.wire.rate import Rate
from tests.support.farm import Farm
from tests.support.web_visitor import ACCEPT, Visit, WebFarmer

NAME = "[SERVER] Ingresa tu nombre:"


def frame(opcode: int, payload: bytes, *, final: bool = True, size: int | None = None) -> bytes:
    """A masked frame, made by hand (RFC 6455 §5.2).  The mask is zero, so the payload is
    readable."""
    size = len(payload) if size is None else size
    head = bytes((opcode | (0x80 if final else 0),))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 1 << 16:
        head += struct.pack("!BH", 0x80 | 126, size)
    else:
        head += struct.pack("!BQ", 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


class SocketCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm()

    def ana(self, protocol: str = "", artifacts: str = "") -> WebFarmer:
        """Ana, at a browser, in the chat."""
        return WebFarmer(self.farm, "Ana", protocol).arrives(artifacts)


class Handshake(SocketCase):
    def test_http_lets_go_of_the_connection(self) -> None:
        """Or it would stop reading for as long as the peer is slow to read."""
        visit = Visit(self.farm)
        visit.channel.upgrade(Protocol())
        self.assertIsNone(visit.wire.producer)

    def test_http_steps_aside(self) -> None:
        """The HTTP object takes 5 KiB for each farmer, and has no use any more."""
        for below in ("protocol", "wrappedProtocol"):
            visit = Visit(self.farm)
            setattr(visit.wire, below, visit.channel)
            protocol = Protocol()
            visit.channel.upgrade(protocol)
            self.assertIs(getattr(visit.wire, below), protocol)

    def test_it_is_answered_as_the_rfc_says(self) -> None:
        greeting = WebFarmer(self.farm).greeting
        self.assertEqual(greeting.status, 101)
        self.assertEqual(greeting.headers["sec-websocket-accept"], ACCEPT)
        self.assertNotIn("sec-websocket-protocol", greeting.headers)
        self.assertNotIn("sec-websocket-extensions", greeting.headers)

    def test_data_is_chosen_where_it_is_offered(self) -> None:
        greeting = WebFarmer(self.farm, protocol="chat, granja.json").greeting
        self.assertEqual(greeting.headers["sec-websocket-protocol"], "granja.json")

    def test_a_sub_protocol_that_is_not_ours_is_not_chosen(self) -> None:
        ana = WebFarmer(self.farm, protocol="chat")
        self.assertNotIn("sec-websocket-protocol", ana.greeting.headers)
        self.assertEqual(ana.hears(), [NAME])

    def test_a_plain_request_hears_how_one_comes_in(self) -> None:
        response = WebFarmer(self.farm).asks_anew("/ws")
        self.assertEqual(response.status, 426)
        self.assertEqual(response.headers["upgrade"], "websocket")

    def test_another_version_hears_which_is_spoken(self) -> None:
        response = WebFarmer(self.farm, sec_websocket_version="8").greeting
        self.assertEqual(response.status, 426)
        self.assertEqual(response.headers["sec-websocket-version"], "13")

    def test_half_a_handshake_is_refused(self) -> None:
        for header in ("upgrade", "connection", "sec_websocket_version"):
            headers: Any = {header: "nada"}
            greeting = WebFarmer(self.farm, **headers).greeting
            self.assertEqual(greeting.status, 426, header)
        self.assertEqual(len(self.farm.factory.connections), 0)

    def test_nonsense_is_refused(self) -> None:
        self.assertEqual(WebFarmer(self.farm, host="\u00e9.example").greeting.status, 400)

    def test_there_is_nothing_behind_it(self) -> None:
        self.assertEqual(WebFarmer(self.farm).asks_anew("/ws/otro").status, 404)

    def test_frames_in_one_segment_with_the_handshake_are_heard(self) -> None:
        ana = WebFarmer(self.farm, extra=frame(1, b"Ana"))
        self.assertIn("¡Bienvenid@ al chat de Granjerxs!", ana.hears())

    def test_nobody_comes_in_while_the_server_goes_down(self) -> None:
        self.farm.factory.closing = True
        self.assertEqual(WebFarmer(self.farm).greeting.status, 503)


class Origins(SocketCase):
    """A page of somebody else must not speak for its visitors."""

    def test_our_own_page_may(self) -> None:
        for origin in ("http://granja.example", "https://granja.example", "HTTPS://GRANJA.EXAMPLE"):
            self.assertEqual(WebFarmer(self.farm, origin=origin).greeting.status, 101, origin)

    def test_other_pages_may_not(self) -> None:
        for origin in (
            "https://evil.example",
            "https://granja.example.evil.example",
            "https://granja.example:8443",
            "https://evil.example/granja.example",
            "https://granja.example@evil.example",
            "null",
            "",
            "https://[",
        ):
            self.assertEqual(WebFarmer(self.farm, origin=origin).greeting.status, 403, origin)
        self.assertEqual(len(self.farm.factory.connections), 0)

    def test_those_that_the_operator_names_may(self) -> None:
        origins = ("https://Otra.example/",)
        for origin, status in (("https://otra.example", 101), ("https://evil.example", 403)):
            farmer = WebFarmer(self.farm, site_options={"origins": origins}, origin=origin)
            self.assertEqual(farmer.greeting.status, status, origin)

    def test_without_a_host_nobody_is_our_own_page(self) -> None:
        self.assertFalse(Names(None, ()).may_come_from("https://granja.example", ""))


class Lines(SocketCase):
    """Without a sub-protocol come the lines of the wire contract."""

    def test_a_farmer_arrives_and_talks_with_one_on_tcp(self) -> None:
        gus = self.farm.arrives("Gus")
        ana = WebFarmer(self.farm)
        self.assertEqual(ana.hears(), [NAME])
        ana.types("Ana", "6, 13", "si")
        self.assertEqual(
            ana.hears(),
            [
                "¡Bienvenid@ al chat de Granjerxs!",
                "[SERVER] Cuéntame, ¿qué artefactos tienes?",
                "[SERVER] Tus artefactos son: Punta de flecha, Espada antigua",
                "[SERVER] ¿Está Bien? (Sí/No)",
                "[SERVER] ¡OK!",
            ],
        )
        ana.types("hola, ¿qué tal? 🌾")
        gus.types("bien")
        self.assertEqual(
            gus.hears(), ["[SERVER] Cliente Ana conectado.", "Ana: hola, ¿qué tal? 🌾"]
        )
        self.assertEqual(ana.hears(), ["Gus: bien"])

    def test_a_message_is_one_line_whatever_is_in_it(self) -> None:
        """A name with a line end in it must not let Ana say something as somebody else."""
        gus = self.farm.arrives("Gus")
        ana = self.ana()
        gus.hears()
        ana.types("uno\nGus: dos\r\n:q", "tres\n")
        self.assertEqual(gus.hears(), ["Ana: uno Gus: dos  :q", "Ana: tres"])

    def test_an_empty_message_is_an_empty_line(self) -> None:
        ana = WebFarmer(self.farm)
        ana.types("Ana", "")
        self.assertIn("[SERVER] Tus artefactos son: (ninguno)", ana.hears())

    def test_a_message_in_pieces_is_one_line(self) -> None:
        gus = self.farm.arrives("Gus")
        ana = self.ana()
        gus.hears()
        ana.emits(TextMessage("ma\u00f1", message_finished=False))
        ana.emits(Ping(b"en medio"))
        self.assertEqual(gus.hears(), [])
        ana.emits(TextMessage("", message_finished=False))
        ana.emits(TextMessage("ana", message_finished=True))
        self.assertEqual(gus.hears(), ["Ana: mañana"])

    def test_any_cut_of_the_bytes_gives_the_same(self) -> None:
        gus = self.farm.arrives("Gus")
        data = frame(1, "ma\u00f1ana 🌾".encode()) + frame(1, b"x" * 300) + frame(9, b"!")
        expected = ["Ana: mañana 🌾", "Ana: " + "x" * 300]
        for size in (1, 2, 3, 7, len(data)):
            ana = self.ana()
            gus.hears()
            for at in range(0, len(data), size):
                ana.sends(data[at : at + size])
            self.assertEqual(gus.hears(), expected, size)
            ana.drops()

    def test_many_lines_in_one_segment_are_all_obeyed_in_order(self) -> None:
        gus = self.farm.arrives("Gus")
        ana = self.ana()
        gus.hears()
        ana.sends(b"".join(frame(1, b"%d" % n) for n in range(50)))
        self.assertEqual(gus.hears(), [f"Ana: {n}" for n in range(50)])

    def test_whispers_and_replies_keep_their_place(self) -> None:
        ana = self.ana()
        gus = self.farm.arrives("Gus")
        ana.hears()
        gus.types("uno", ":p Ana dos", "tres")
        self.assertEqual(ana.hears(), ["Gus: uno", "Gus te susurra: dos", "Gus: tres"])

    def test_long_messages_to_a_browser_are_framed_as_the_rfc_says(self) -> None:
        ana = self.ana()
        gus = self.farm.arrives("Gus")
        ana.hears()
        for size in (100, 121, 122, 4000):
            gus.types("x" * size)
            self.assertEqual(ana.hears(), ["Gus: " + "x" * size])


class Data(SocketCase):
    """With the sub-protocol ``granja.json``: every message is an object, and no other."""

    def test_the_questions_say_what_they_ask(self) -> None:
        ana = WebFarmer(self.farm, protocol="granja.json")
        self.assertEqual(
            ana.hears_data(), [{"type": "prompt", "question": "name",
                                "sentence": "Ingresa tu nombre:", "line": NAME, "n": 1}],
        )  # fmt: skip
        ana.types("Ana", "6")
        self.assertEqual(
            [(data["type"], data.get("question")) for data in ana.hears_data()],
            [
                ("welcome", None),
                ("prompt", "artifacts"),
                ("inventory", None),
                ("prompt", "confirm"),
            ],
        )

    def test_talk_offers_and_trades_need_no_parsing_of_sentences(self) -> None:
        ana = self.ana("granja.json", "6")
        gus = self.farm.arrives("Gus", "13")
        ana.hears()
        gus.types("hola", ":offer Ana 13 6")
        said, offer = ana.hears_data()
        self.assertEqual(offer["n"], said.pop("n") + 1)
        self.assertEqual(said, {"type": "said", "from": "Gus", "text": "hola", "line": "Gus: hola"})
        self.assertEqual(
            {key: offer[key] for key in ("type", "number", "from", "gives", "takes")},
            {
                "type": "offer",
                "number": 1,
                "from": "Gus",
                "gives": {"id": 13, "name": "Espada antigua"},
                "takes": {"id": 6, "name": "Punta de flecha"},
            },
        )
        ana.types(":accept")
        (traded,) = ana.hears_data()
        self.assertEqual(
            (traded["type"], traded["artifacts"]), ("trade-accepted", [offer["gives"]])
        )

    def test_errors_have_a_code(self) -> None:
        ana = self.ana("granja.json")
        ana.types(":quiero")
        (error,) = ana.hears_data()
        self.assertEqual((error["type"], error["code"]), ("error", "UnknownCommand"))


class Limits(SocketCase):
    """The limits are those of TCP.  The server gathers nothing that it will refuse."""

    def test_a_line_that_is_too_long_is_refused_once_and_the_connection_stays(self) -> None:
        ana = self.ana()
        gus = self.farm.arrives("Gus")
        ana.hears()
        ana.types("x" * 4096, "x" * 4097, "y")
        self.assertEqual(gus.hears(), ["Ana: " + "x" * 4096, "Ana: y"])
        self.assertEqual(
            ana.hears(),
            ["[SERVER] Error: línea demasiado larga (máximo 4096 bytes); no se envió."],
        )

    def test_a_message_is_not_kept_while_it_arrives(self) -> None:
        ana = self.ana()
        self.assertLess(self.kept_after(ana, 600_000), 20_000)
        ana.sends(frame(0, b"", final=True))
        self.assertEqual(len(ana.hears()), 1)

    def kept_after(self, ana: WebFarmer, size: int) -> int:
        """Bytes that a message of ``size`` leaves in memory before it ends."""
        import gc
        import tracemalloc

        piece = frame(0, b"x" * 1000, final=False)
        ana.sends(frame(1, b"x", final=False))
        gc.collect()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(size // 1000):
            ana.channel.dataReceived(piece)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    def test_one_that_never_ends_is_closed(self) -> None:
        ana = self.ana()
        piece = frame(0, b"x" * 60_000, final=False)
        ana.sends(frame(1, b"x", final=False))
        for _ in range(HUGE // 60_000 + 1):
            ana.sends(piece)
        ana.hears()
        self.assertEqual(ana.close_code, 1009)
        self.assertTrue(ana.wire.disconnecting)

    def test_one_who_says_much_in_all_is_not_closed(self) -> None:
        ana = self.ana()
        for _ in range(HUGE // 400_000 + 1):
            ana.sends(b"".join(frame(1, b"x" * 4000) for _ in range(100)))
        self.assertEqual(ana.hears(), [])
        self.assertIsNone(ana.close_code)

    def test_the_rate_is_the_same(self) -> None:
        self.farm = Farm(Settings(rate=Rate(5, 20)))
        gus = self.farm.arrives("Gus")
        ana = self.ana()
        gus.hears()
        ana.sends(b"".join(frame(1, b"%d" % n) for n in range(30)))
        self.assertEqual(len(gus.hears()), 17)  # Three of the 20 were said while arriving.
        self.farm.pass_time(3)
        self.assertEqual(len(gus.hears()), 13)

    def test_who_does_not_arrive_in_time_hears_it_and_is_closed(self) -> None:
        ana = WebFarmer(self.farm, site_options={"keepalive": 1000.0})
        ana.hears()
        self.farm.clock.advance(60)
        self.assertEqual(ana.hears(), ["[SERVER] Tiempo agotado."])
        self.assertEqual(ana.close_code, 1000)

    def test_the_time_of_a_request_does_not_end_a_conversation(self) -> None:
        ana = self.ana()
        for _ in range(30):
            self.farm.pass_time(10)
            ana.emits(Ping())
        self.assertFalse(ana.wire.disconnecting)


class Floods(SocketCase):
    """Frames that are no lines have no rate, so there is a bound to them."""

    def assertIsStopped(self, data: bytes) -> None:  # noqa: N802
        ana = self.ana()
        ana.sends(data * MOST_OTHERS)
        ana.hears()
        self.assertIsNone(ana.close_code)
        ana.sends(data)
        ana.hears()
        self.assertEqual(ana.close_code, 1008)
        self.assertTrue(ana.wire.disconnecting)
        ana.sends(data)
        self.farm.clock.advance(3)
        self.assertTrue(ana.wire.aborted)

    def test_pings(self) -> None:
        self.assertIsStopped(frame(9, b""))

    def test_pongs(self) -> None:
        self.assertIsStopped(frame(10, b""))

    def test_pieces_of_a_message(self) -> None:
        ana = self.ana()
        ana.sends(frame(1, b"", final=False) + frame(0, b"", final=False) * MOST_OTHERS)
        ana.hears()
        self.assertEqual(ana.close_code, 1008)

    def test_one_who_pings_now_and_then_is_no_flood(self) -> None:
        ana = self.ana()
        for _ in range(30):
            ana.sends(frame(9, b"") * 100)
            self.farm.pass_time(5)
            ana.hears()
        self.assertIsNone(ana.close_code)


class NotFrames(SocketCase):
    """Bytes against RFC 6455 close the connection, with the right code, and log nothing."""

    def assertCloses(self, data: bytes, code: int) -> None:  # noqa: N802
        ana = self.ana()
        gus = self.farm.arrives("Gus")
        ana.sends(data)
        ana.sends(frame(1, b"despu\xc3\xa9s"))
        ana.hears()
        self.assertEqual(ana.close_code, code)
        self.assertTrue(ana.wire.disconnecting)
        self.assertEqual(gus.hears(), [])
        ana.drops()
        self.assertEqual(gus.hears(), ["[SERVER] Ana desconectado."])

    def test_bytes_that_are_not_masked(self) -> None:
        self.assertCloses(b"\x81\x04hola", 1002)

    def test_an_opcode_that_there_is_not(self) -> None:
        self.assertCloses(frame(3, b"hola"), 1002)

    def test_reserved_bits(self) -> None:
        self.assertCloses(frame(0x41, b"hola"), 1002)

    def test_a_continuation_of_nothing(self) -> None:
        self.assertCloses(frame(0, b"hola"), 1002)

    def test_a_message_within_a_message(self) -> None:
        self.assertCloses(frame(1, b"ho", final=False) + frame(1, b"la"), 1002)

    def test_a_ping_in_pieces(self) -> None:
        self.assertCloses(frame(9, b"hola", final=False), 1002)

    def test_a_ping_that_is_too_long(self) -> None:
        self.assertCloses(frame(9, b"x" * 126), 1002)

    def test_a_length_beyond_all_measure(self) -> None:
        self.assertCloses(frame(1, b"", size=(1 << 64) - 1), 1002)

    def test_a_close_of_one_byte(self) -> None:
        self.assertCloses(frame(8, b"\x03"), 1002)

    def test_text_that_is_not_utf8(self) -> None:
        self.assertCloses(frame(1, b"ma\xf1ana"), 1007)

    def test_binary_messages(self) -> None:
        self.assertCloses(frame(2, b"hola"), 1003)

    def test_a_library_may_send_binary_in_pieces_too(self) -> None:
        ana = self.ana()
        ana.emits(BytesMessage(b"hola", message_finished=False))
        ana.hears()
        self.assertEqual(ana.close_code, 1003)


class Alive(SocketCase):
    """The server notices a peer that vanished.  It does not disturb a quiet one."""

    def test_one_who_talks_is_not_asked(self) -> None:
        ana = self.ana()
        for _ in range(10):
            self.farm.pass_time(10)
            ana.types("hola")
        ana.hears()
        self.assertEqual(ana.pings, 0)

    def test_one_who_is_quiet_and_answers_stays(self) -> None:
        ana = self.ana()
        for _ in range(40):
            self.farm.pass_time(5)
            before = ana.pings
            ana.hears()
            if ana.pings > before:
                ana.sends(frame(10, b""))
        self.assertGreater(ana.pings, 5)
        self.assertFalse(ana.wire.disconnecting)

    def test_one_who_is_gone_is_closed_within_90_seconds_and_the_others_hear_it(self) -> None:
        gus = self.farm.arrives("Gus")
        ana = self.ana()
        gus.hears()
        for _ in range(69):
            self.farm.clock.advance(1)
        self.assertFalse(ana.wire.aborted)
        for _ in range(20):
            self.farm.clock.advance(1)
        self.assertTrue(ana.wire.aborted)
        ana.drops()
        self.assertEqual(gus.hears(), ["[SERVER] Ana desconectado."])

    def test_one_whom_we_do_not_read_is_not_taken_for_dead(self) -> None:
        ana = self.ana()
        ana.channel.upgraded.adapter.fall_behind()
        self.farm.pass_time(300)
        self.assertFalse(ana.wire.disconnecting)

    def test_one_whose_system_takes_what_is_sent_is_alive(self) -> None:
        """A slow reader comes to the ping only behind all the talk that was sent before."""
        ana, taken = self.ana(), itertools.count()
        self.patch(ana.channel.upgraded._farmer, "acknowledged", taken.__next__)
        for _ in range(30):
            self.farm.clock.advance(10)
        self.assertFalse(ana.wire.aborted)
        ana.hears()
        self.assertEqual(ana.pings, 1)

    def test_what_a_proxy_takes_is_no_sign_of_life(self) -> None:
        options = {"proxies": Proxies.named(["192.0.2.7"])}
        ana = WebFarmer(self.farm, "Ana", site_options=options, x_forwarded_for="203.0.113.1")
        ana.arrives()
        self.patch(ana.channel.upgraded._farmer, "acknowledged", itertools.count().__next__)
        for _ in range(8):
            self.farm.clock.advance(10)
        self.assertTrue(ana.wire.aborted)

    def test_their_pings_are_answered_while_lines_wait(self) -> None:
        """PROTOCOL §6: at once, however long the lines that came before have to wait."""
        self.farm = Farm(Settings(rate=Rate(1, 4)))
        gus, ana = self.farm.arrives("Gus"), self.ana()
        gus.hears()
        for n in range(200):
            ana.sends(frame(1, b"hola %d" % n))
        ana.emits(Ping(b"uno"))
        ana.hears()
        self.assertEqual(ana.pongs, [b"uno"])
        self.assertEqual(ana.wire.producerState, "producing")
        for _ in range(300):
            self.farm.pass_time(1)
        self.assertEqual(gus.hears(), [f"Ana: hola {n}" for n in range(200)])

    def test_their_pings_are_answered(self) -> None:
        ana = self.ana()
        ana.emits(Ping(b"uno"))
        ana.hears()
        self.assertEqual(ana.pongs, [b"uno"])

    def test_pings_to_one_who_does_not_read_do_not_heap_up(self) -> None:
        ana = self.ana()
        ana.wire.fills()
        for n in range(100):
            ana.sends(frame(9, b"%d" % n))
        self.assertEqual(ana.takes(), b"")
        ana.wire.empties()
        ana.hears()
        self.assertEqual(ana.pongs, [b"99"])

    def test_talk_waits_for_one_who_does_not_read(self) -> None:
        ana = self.ana()
        gus = self.farm.arrives("Gus")
        ana.hears()
        ana.wire.fills()
        gus.types("uno", "dos")
        self.assertEqual(ana.takes(), b"")
        ana.wire.empties()
        self.assertEqual(ana.hears(), ["Gus: uno", "Gus: dos"])


class TheEnd(SocketCase):
    def test_goodbye_is_heard_before_the_close(self) -> None:
        ana = self.ana()
        ana.types(":q")
        self.assertEqual(ana.hears(), ["[SERVER] ¡Adiós y suerte completando tu colección!"])
        self.assertEqual(ana.close_code, 1000)

    def test_the_connection_is_closed_when_the_peer_has_said_close_too(self) -> None:
        ana = self.ana()
        ana.types(":q")
        ana.hears()
        self.assertFalse(ana.wire.disconnecting)
        ana.emits(CloseConnection(1000))
        self.assertTrue(ana.wire.disconnecting)
        self.assertFalse(ana.wire.aborted)

    def test_a_peer_that_never_says_close_is_not_waited_for(self) -> None:
        ana = self.ana()
        ana.types(":q")
        self.farm.clock.advance(3)
        self.assertTrue(ana.wire.aborted)

    def test_nothing_is_obeyed_after_the_close(self) -> None:
        gus = self.farm.arrives("Gus")
        ana = self.ana()
        gus.hears()
        ana.types(":q")
        ana.sends(frame(1, b"hola"))
        self.assertEqual(gus.hears(), ["[SERVER] Ana desconectado."])

    def test_one_who_closes_has_left_and_hears_our_close(self) -> None:
        gus = self.farm.arrives("Gus")
        ana = self.ana()
        gus.hears()
        ana.emits(CloseConnection(1001))
        ana.hears()
        self.assertEqual(ana.close_code, 1000)
        self.assertTrue(ana.wire.disconnecting)
        self.assertEqual(gus.hears(), ["[SERVER] Ana desconectado."])

    def test_what_was_said_before_closing_is_obeyed_and_answered(self) -> None:
        """It is like a half-close on TCP: scripts send their lines and close at once."""
        ana = WebFarmer(self.farm)
        lines = b"".join(frame(1, line) for line in (b"Ana", b"6", b"si", b":u"))
        ana.sends(lines + frame(8, struct.pack("!H", 1000)))
        self.assertEqual(ana.hears()[-2:], ["[SERVER] ¡OK!", "[SERVER] Usuarios conectados: Ana"])
        self.assertEqual(ana.close_code, 1000)

    def test_the_last_answers_are_not_waited_for_for_ever(self) -> None:
        """PROTOCOL §6: waiting lines are obeyed for 60 s at the most."""
        self.farm = Farm(Settings(rate=Rate(1, 4)))
        ana = self.ana()
        lines = b"".join(frame(1, b":u") for _ in range(1000))
        ana.sends(lines + frame(8, b""))
        self.farm.pass_time(59)
        self.assertFalse(ana.wire.disconnecting)
        self.farm.pass_time(2)
        self.assertTrue(ana.wire.disconnecting)
        self.assertLess(len(ana.hears()), 70)
        self.assertEqual(ana.close_code, 1000)

    def test_one_who_does_not_take_the_last_answers_is_cut(self) -> None:
        self.farm = Farm(Settings(rate=Rate(1, 4)))
        ana = self.ana()
        self.patch(ana.wire, "loseConnection", lambda: None)
        ana.sends(b"".join(frame(1, b":u") for _ in range(1000)) + frame(8, b""))
        self.farm.pass_time(LAST_WORDS + CLOSING_PATIENCE)
        self.assertTrue(ana.wire.aborted)

    def test_one_who_resets_the_connection_is_not_obeyed_any_more(self) -> None:
        gus, ana = self.farm.arrives("Gus"), self.ana()
        gus.hears()
        ana.channel.dataReceived(b"".join(frame(1, b"hola") for _ in range(2 * MOST_AT_ONCE)))
        ana.channel.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(len(gus.hears()), MOST_AT_ONCE + 1)

    def test_a_connection_that_breaks_leaves_no_timer_behind(self) -> None:
        for end in ("drop", "quit", "close"):
            ana = self.ana()
            if end == "quit":
                ana.types(":q")
            if end == "close":
                ana.emits(CloseConnection(1000))
            ana.drops()
            self.farm.factory.journal.finish()
            self.farm.factory.forgetting.stop()  # It looks each day, as long as the farm is there.
            self.farm.settle()
            self.assertEqual(self.farm.clock.getDelayedCalls(), [], end)

    def test_at_shutdown_everybody_hears_it(self) -> None:
        ana = self.ana()
        self.farm.factory.say_goodbye()
        self.assertEqual(ana.hears(), ["[SERVER] El servidor se apaga. ¡Hasta pronto!"])
        self.assertEqual(ana.close_code, 1000)
