"""The fast way and the long way answer a greeting in the same manner."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.web.greeting import Greeting, NotAGreeting, plain_head, read_greeting
from granja.web.http import WebRequest
from granja.wire.addresses import Proxies
from tests.support.farm import Farm
from tests.support.web_visitor import ACCEPT, KEY, Visit

#: As a browser writes them.
HEADERS = (
    "Host: granja.example",
    "Connection: keep-alive, Upgrade",
    "Pragma: no-cache",
    "Upgrade: websocket",
    "Origin: https://granja.example",
    "Sec-WebSocket-Version: 13",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)",
    f"Sec-WebSocket-Key: {KEY}",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "Sec-WebSocket-Protocol: chat, granja.json",
)
FIRST = "GET /ws HTTP/1.1"


def head(*more: str, but: str = "", first: str = FIRST) -> bytes:
    """:param but: how the header begins that is left out."""
    kept = [line for line in HEADERS if not (but and line.startswith(but))]
    return "\r\n".join([first, *kept, *more, "", ""]).encode()


#: Requests that a browser would not write, or that get no WebSocket as an answer.
ODD = {
    "two hosts": head("Host: granja.example"),
    "no host": head(but="Host"),
    "a host that is none": head("Host: [", but="Host"),
    "another name": head("Host: otra.example", but="Host"),
    "another page": head("Origin: https://evil.example", but="Origin"),
    "two pages": head("Origin: https://evil.example"),
    "an old version": head("Sec-WebSocket-Version: 8", but="Sec-WebSocket-Version"),
    "no key": head(but="Sec-WebSocket-Key"),
    "two keys": head(f"Sec-WebSocket-Key: {KEY}"),
    "no upgrade": head(but="Upgrade"),
    "upgrade to something": head("Upgrade: h2c", but="Upgrade"),
    "no connection": head(but="Connection"),
    "accents": head("X-Nombre: mañana"),
    "no UTF-8": head()[:-2] + b"X-Nombre: \xff\r\n\r\n",
    "a body": head("Content-Length: 3") + b"abc",
    "an empty body": head("Content-Length: 0"),
    "chunks": head("Transfer-Encoding: chunked"),
    "to be told to go on": head("Expect: 100-continue"),
    "a header in two lines": head("X-Uno: a", " b"),
    "a header without a name": head(": a"),
    "no header": head("nada"),
    "an empty header": head("X-Uno:"),
    "a NUL": head("X-Uno: \0"),
    "too many headers": head(*(f"X-{n}: x" for n in range(60))),
    "too large a head": head("X-Uno: " + "x" * 9000),
    "a large head": head("X-Uno: " + "x" * 6000),
    "lone LF": head().replace(b"\r\n", b"\n"),
    "another method": head(first="POST /ws HTTP/1.1"),
    "something behind": head(first="GET /ws/x HTTP/1.1"),
    "a question": head(first="GET /ws?x=1 HTTP/1.1"),
    "an old HTTP": head(first="GET /ws HTTP/1.0"),
    "no HTTP": b"hola\r\n\r\n",
    "an empty line first": b"\r\n" + head(),
}


class Counted(WebRequest):
    """A request that says that there was one."""

    seen = 0

    def process(self) -> None:
        Counted.seen += 1
        super().process()


class Outcome(NamedTuple):
    """``connections``: of farmers."""

    said: bytes
    closes: bool
    connections: int


class Ways(SynchronousTestCase):
    def setUp(self) -> None:
        Counted.seen = 0

    def answers(self, *segments: bytes, closing: bool) -> Outcome:
        farm = Farm()
        farm.factory.closing = closing
        visit = Visit(farm, hosts=["granja.example"])
        visit.channel.requestFactory = Counted
        for segment in segments:
            visit.sends(segment)
        lines = [line for line in visit.takes().split(b"\r\n") if not line.startswith(b"Date:")]
        connections = len(farm.factory.connections)
        return Outcome(b"\r\n".join(lines), visit.wire.disconnecting, connections)

    def both(self, data: bytes, *, closing: bool = False) -> Outcome:
        """A greeting in two segments takes the long way."""
        short = self.answers(data, closing=closing)
        self.assertEqual(short, self.answers(data[:5], data[5:], closing=closing))
        return short

    def test_what_browsers_say_takes_the_short_way(self) -> None:
        outcome = self.both(head())
        self.assertEqual(Counted.seen, 1)  # for the one in two segments
        self.assertEqual(outcome.connections, 1)
        self.assertIn(f"Sec-WebSocket-Accept: {ACCEPT}\r\n".encode(), outcome.said)
        self.assertIn(b"Sec-WebSocket-Protocol: granja.json\r\n", outcome.said)

    def test_frames_behind_it_are_heard(self) -> None:
        frame = b"\x81\x83\0\0\0\0Ana"
        outcome = self.both(head(but="Sec-WebSocket-Protocol") + frame)
        self.assertIn("¡Bienvenid@ al chat de Granjerxs!".encode(), outcome.said)

    def test_whatever_is_odd_takes_the_long_way(self) -> None:
        for what, data in ODD.items():
            Counted.seen = 0
            self.both(data)
            self.assertIn(Counted.seen, (0, 2), what)

    def test_who_comes_too_late_takes_the_long_way(self) -> None:
        outcome = self.both(head(), closing=True)
        self.assertTrue(outcome.said.startswith(b"HTTP/1.1 503"))
        self.assertEqual(outcome.connections, 0)

    def test_a_second_request_takes_the_long_way(self) -> None:
        """The first one may still be answered."""
        farm = Farm()
        visit = Visit(farm)
        visit.channel.requestFactory = Counted
        visit.asks("/healthz")
        visit.sends(head())
        self.assertEqual((Counted.seen, len(farm.factory.connections)), (2, 1))

    def test_who_is_in_is_not_hurried(self) -> None:
        """A request has 30 seconds.  That limit does not hold for a WebSocket."""
        farm = Farm()
        visit = Visit(farm)
        visit.sends(head())
        farm.clock.advance(40)
        self.assertFalse(visit.wire.disconnecting)

    def test_the_door_counts_who_is_in_no_more(self) -> None:
        """The door stops counting them at their old address, even if the proxies have changed
        meanwhile."""
        farm, proxies = Farm(), Proxies()
        visit = Visit(farm, proxies=proxies)
        pages = farm.factory.doorkeeper._pages
        self.assertEqual(sum(pages.values()), 1)
        proxies.become(Proxies.named(["192.0.2.0/24"]))
        visit.sends(head())
        self.assertEqual(sum(pages.values()), 0)


class Reading(SynchronousTestCase):
    def test_a_list_may_be_in_several_headers(self) -> None:
        values = {
            "connection": ["keep-alive", "upgrade"],
            "upgrade": ["WebSocket"],
            "sec-websocket-version": ["13"],
            "sec-websocket-key": [KEY],
            "sec-websocket-protocol": ["chat", "a , granja.json"],
        }
        greeting = read_greeting(lambda name: values.get(name, []))
        self.assertEqual(greeting, Greeting(KEY, ["chat", "a", "granja.json"]))

    def test_another_version_is_told_from_nonsense(self) -> None:
        values = {"connection": ["Upgrade"], "sec-websocket-version": ["7"]}
        error = self.assertRaises(NotAGreeting, read_greeting, lambda name: values.get(name, []))
        self.assertTrue(error.another_version)

    @given(st.binary(max_size=300), st.integers(0, 400))
    @settings(max_examples=100)
    def test_no_bytes_make_it_stumble(self, garbage: bytes, at: int) -> None:
        data = head()
        plain_head(data[:at] + garbage + data[at:])
