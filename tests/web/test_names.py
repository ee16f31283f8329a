"""Under which names a site answers, whose pages may come, and who is behind a proxy."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from granja.web.names import Names, NoHost, read_host
from granja.web.pages import Health
from granja.web.site import REQUEST_TIME
from granja.wire.addresses import Proxies
from tests.support.farm import Farm
from tests.support.web_visitor import Visit, WebFarmer


class NamesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm()
        self.said: list[str] = []
        self.patch(self.farm.factory.complaints, "note", self.said.append)


class Hosts(NamesCase):
    """Somebody else's page may have its own name lead here (DNS rebinding)."""

    def status(self, host: str, **options: Any) -> int:
        options = {
            "hosts": ("Granja.example",),
            "origins": ("https://otra.example:8443",),
            **options,
        }
        return Visit(self.farm, **options).asks("/healthz", host=host).status

    def test_addresses_localhost_and_what_the_operator_has_named(self) -> None:
        for host in (
            *("127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "192.0.2.1:80", "[2001:db8::1]"),
            *("localhost", "LOCALHOST:8080", "localhost.", "granja.example", "GRANJA.example:80"),
            "otra.example",
        ):
            self.assertEqual(self.status(host), 200, host)
        self.assertEqual(self.said, [])

    def test_any_other_is_refused(self) -> None:
        for host in (
            *("evil.example", "evil.example:8080", "granja.example.evil.example", "x.localhost"),
            *("127.0.0.1.evil.example", "0x7f.1", "127.1", "xn--and-6ma2c.example"),
        ):
            self.assertEqual(self.status(host), 421, host)
        self.assertIn("'evil.example': --web-host says which names we have", self.said[0])

    def test_the_page_and_the_socket_too(self) -> None:
        self.assertEqual(Visit(self.farm, hosts=()).asks("/").status, 421)
        greeting = WebFarmer(self.farm, site_options={"hosts": ()}, host="evil.example").greeting
        self.assertEqual(greeting.status, 421)
        self.assertEqual(len(self.farm.factory.connections), 0)

    def test_what_is_no_host(self) -> None:
        for host in ("a b", "[::1", "::1", "granja.example:x", "a..b", "é.example", "[a.b]", "a@b"):
            self.assertEqual(self.status(host), 400, host)
            self.assertRaises(NoHost, read_host, host)

    def test_a_program_that_names_none_is_no_browser(self) -> None:
        visit = Visit(self.farm, hosts=())
        visit.sends(b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertIn(b"200 OK", visit.takes())

    def test_a_refusal_to_head_has_no_body(self) -> None:
        response = Visit(self.farm, hosts=()).asks("/", "HEAD", host="evil.example")
        self.assertEqual((response.status, response.body), (421, b""))


class Origins(NamesCase):
    def test_the_usual_port_may_be_named(self) -> None:
        for host, origin, same in (
            ("x.example:443", "https://x.example", True),
            ("x.example", "https://x.example:443", True),
            ("x.example:80", "http://x.example", True),
            ("x.example:8080", "http://x.example:8080", True),
            ("[::1]:8080", "http://[::1]:8080", True),
            ("x.example:443", "http://x.example", False),
            ("x.example:80", "https://x.example", False),
            ("x.example", "https://x.example:8443", False),
            ("x.example", "ftp://x.example", False),
            ("x.example", "https://x.example:99999", False),
            ("x.example", "https://x.example/", False),
        ):
            self.assertEqual(Names(None, ()).may_come_from(origin, host), same, (host, origin))

    def test_those_that_are_named_too(self) -> None:
        names = Names(None, ("https://otra.example:443/",))
        self.assertTrue(names.may_come_from("https://otra.example", "x.example"))

    def test_a_refused_one_is_in_the_log(self) -> None:
        origin = "https://evil.example/\u202e" + "x" * 200
        WebFarmer(self.farm, origin=origin)
        (sentence,) = self.said
        self.assertTrue(sentence.isascii() and len(sentence) < 200, sentence)
        self.assertTrue(sentence.startswith("Refused a page of 'https://evil.example/"), sentence)
        self.assertTrue(sentence.endswith(" that came from 192.0.2.7"), sentence)


class BehindAProxy(NamesCase):
    def address(self, forwarded: str, *networks: str, peer: object = None) -> str:
        if peer is not None:
            self.patch(Visit, "peer", peer)
        options = {"proxies": Proxies.named(networks)}
        ana = WebFarmer(self.farm, "Ana", site_options=options, x_forwarded_for=forwarded)
        (connection,) = self.farm.factory.connections
        ana.drops()
        return connection.address

    def test_who_is_behind_it_is_the_address(self) -> None:
        forwarded = "203.0.113.5, 198.51.100.2, 192.0.2.8"
        self.assertEqual(self.address(forwarded, "192.0.2.0/24"), "198.51.100.2")
        self.assertEqual(self.address("2001:DB8::1", "192.0.2.0/24"), "2001:db8::1")

    def test_nobody_else_is_believed(self) -> None:
        self.assertEqual(self.address("203.0.113.5"), "192.0.2.7")

    def test_several_headers_are_one_list(self) -> None:
        header = "203.0.113.5\r\nX-Forwarded-For: 198.51.100.2"
        self.assertEqual(self.address(header, "192.0.2.7"), "198.51.100.2")

    def test_loopback_and_unix_if_none_is_named(self) -> None:
        for peer in (IPv4Address("TCP", "127.0.0.1", 1), UNIXAddress(b"/run/granja")):
            self.assertEqual(self.address("203.0.113.5", peer=peer), "203.0.113.5")

    def test_a_unix_socket_is_no_network(self) -> None:
        self.assertEqual(self.address("", peer=UNIXAddress(None)), "unix")


class NotText(NamesCase):
    """A stranger's text makes no traceback, and not one log line for each attempt."""

    def answer(self, *lines: bytes) -> bytes:
        visit = Visit(self.farm)
        visit.sends(b"\r\n".join([b"GET /ws HTTP/1.1", b"Host: granja.example", *lines, b"", b""]))
        return visit.takes().partition(b"\r\n")[0]

    def test_headers_that_are_not_utf8(self) -> None:
        for header in (
            b"Accept-Encoding",
            b"Origin",
            b"X-Forwarded-For",
            b"Upgrade",
            b"X",
            b"\xe9",
        ):
            self.assertEqual(self.answer(header + b": \xff"), b"HTTP/1.1 400 Bad Request", header)
        self.assertEqual(self.answer(b"Host: \xff"), b"HTTP/1.1 400 Bad Request")
        self.assertEqual(self.said, [])

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        *(b"Host", b"Origin", b"Accept-Encoding", b"If-None-Match", b"Connection"),
                        *(b"Upgrade", b"Sec-WebSocket-Key", b"Sec-WebSocket-Version", b"Cookie"),
                        *(b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Protocol", b"Range"),
                        *(b"X-Forwarded-For", b"Content-Type", b"Authorization", b"Expect", b""),
                        *(b"Content-Length", b"Transfer-Encoding", b"If-Modified-Since"),
                    ]
                ),
                st.one_of(
                    st.binary(max_size=12),
                    st.sampled_from(
                        [
                            *(b"websocket", b"Upgrade", b"13", b"dGhlIHNhbXBsZSBub25jZQ==", b"*"),
                            *(b"multipart/form-data; boundary=x", b"100-continue", b"chunked"),
                            *(
                                b"permessage-deflate; x=",
                                b"granja.json,,",
                                b"0",
                                b"-1",
                                b"http://[",
                            ),
                        ]
                    ),
                ),
            ),
            max_size=6,
        ),
        st.sampled_from([b"GET", b"HEAD", b"POST", b"PRI", b"\xff", b"get"]),
        st.one_of(
            st.binary(max_size=8), st.sampled_from([b"/", b"/ws", b"/healthz", b"*", b"/%ff"])
        ),
        st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9", b"\xff", b""]),
    )
    def test_nothing_is_a_traceback(
        self, headers: list[tuple[bytes, bytes]], method: bytes, path: bytes, version: bytes
    ) -> None:
        """Trial fails where one is logged."""
        visit = Visit(self.farm)
        lines = [b" ".join((method, path, version)), *(k + b": " + v for k, v in headers)]
        visit.sends(b"\r\n".join([*lines, b"", b""]))
        self.assertEqual([said for said in self.said if "failed" in said], [])
        visit.drops()

    def test_what_fails_all_the_same_is_one_line(self) -> None:
        def fail(self: Health, request: object) -> bytes:
            raise ZeroDivisionError("\u202e")

        self.patch(Health, "render_GET", fail)
        response = Visit(self.farm).asks("/healthz")
        self.assertEqual((response.status, response.body.decode()), (500, "Algo salió mal.\n"))
        (sentence,) = self.said
        self.assertTrue(sentence.startswith("A request failed: ZeroDivisionError('\\u202e') at /"))

    def test_looking_and_being_slow_are_nothing_for_the_log(self) -> None:
        """Twisted says a line each time: a stranger could fill the disk."""
        with capturedLogs() as logged:
            Visit(self.farm).asks("/", "HEAD")
            slow = Visit(self.farm)
            slow.sends(b"GET / HTTP/1.1\r\n")
            self.farm.pass_time(2 * REQUEST_TIME)
            self.assertTrue(slow.wire.aborted)
        self.assertEqual(logged, [])
