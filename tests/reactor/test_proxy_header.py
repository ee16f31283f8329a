"""PROXY headers, version 1 and 2, however they are cut."""

from __future__ import annotations

import struct

from hypothesis import given, strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.trial.unittest import SynchronousTestCase

from granja.reactor.proxy_header import SIGNATURE, Malformed, read_header

V4 = bytes((192, 0, 2, 9, 10, 0, 0, 1)) + struct.pack("!HH", 4711, 5555)
V6 = bytes.fromhex("20010db8" + "00" * 11 + "07") * 2 + struct.pack("!HH", 4711, 5555)


def binary(kind: int, family: int, body: bytes) -> bytes:
    """A header of version 2 by hand."""
    return SIGNATURE + struct.pack("!BBH", kind, family, len(body)) + body


WHOLE: list[tuple[bytes, IAddress | None]] = [
    (b"PROXY TCP4 192.0.2.9 10.0.0.1 4711 5555\r\n", IPv4Address("TCP", "192.0.2.9", 4711)),
    (b"PROXY TCP4 0.0.0.0 10.0.0.1 0 65535\r\n", IPv4Address("TCP", "0.0.0.0", 0)),
    (b"PROXY TCP6 2001:DB8::7 ::1 4711 5555\r\n", IPv6Address("TCP", "2001:db8::7", 4711)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
    (binary(0x21, 0x11, V4), IPv4Address("TCP", "192.0.2.9", 4711)),
    (binary(0x21, 0x12, V4), IPv4Address("TCP", "192.0.2.9", 4711)),
    (binary(0x21, 0x21, V6), IPv6Address("TCP", "2001:db8::7", 4711)),
    (binary(0x21, 0x31, b"/run/a".ljust(216, b"\0")), UNIXAddress(b"/run/a")),
    (binary(0x21, 0x11, V4 + b"\x04\x00\x03abc"), IPv4Address("TCP", "192.0.2.9", 4711)),
    (binary(0x21, 0x11, V4.ljust(65535, b"\r")), IPv4Address("TCP", "192.0.2.9", 4711)),
    (binary(0x20, 0x00, b""), None),
    (binary(0x20, 0x11, V4), None),
    (binary(0x20, 0x11, b"short"), None),
    (binary(0x21, 0x00, b""), None),
    (binary(0x21, 0x00, b"whatever"), None),
    (binary(0x21, 0x10, V4), None),
]

MALFORMED = [
    *(b"Ana\r\n", b"\n", b"GET / HTTP/1.1\r\n", b"PROXX", b"\x16\x03\x01\x02\0", b"\r\n\r\nAna"),
    b"PROXY\r\n",
    b"PROXY TCP4\r\n",
    b"PROXY UNKNOWNX\r\n",
    b"PROXY UDP4 192.0.2.9 10.0.0.1 4711 5555\r\n",
    b"PROXY TCP4 192.0.2.9 10.0.0.1 4711\r\n",
    b"PROXY TCP4 192.0.2.9 10.0.0.1 4711 5555 6\r\n",
    b"PROXY TCP4  192.0.2.9 10.0.0.1 4711 5555\r\n",
    b"PROXY TCP4 192.0.2.9 10.0.0.1 4711 65536\r\n",
    b"PROXY TCP4 192.0.2.9 10.0.0.1 +4711 5555\r\n",
    b"PROXY TCP4 192.0.2.9 10.0.0.1 04711 5555\r\n",
    b"PROXY TCP4 192.0.2 10.0.0.1 4711 5555\r\n",
    b"PROXY TCP4 192.0.2.9 ::1 4711 5555\r\n",
    b"PROXY TCP4 2001:db8::7 ::1 4711 5555\r\n",
    b"PROXY TCP6 192.0.2.9 10.0.0.1 4711 5555\r\n",
    b"PROXY TCP6 fe80::1%eth0 ::1 4711 5555\r\n",
    b"PROXY TCP4 \xff\xfe 10.0.0.1 4711 5555\r\n",
    b"PROXY TCP4 192.0.2.9 10.0.0.1 4711 5555\n",
    b"PROXY UNKNOWN " + b"x" * 94,
    b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    *(binary(kind, 0x11, V4) for kind in (0x01, 0x11, 0x31, 0x22, 0x2F)),
    *(binary(0x21, family, V4) for family in (0x41, 0xF1, 0x13)),
    *(binary(0x21, family, b"short") for family in (0x11, 0x21, 0x31)),
]


class Headers(SynchronousTestCase):
    @given(st.sampled_from(WHOLE), st.binary(max_size=9), st.data())
    def test_any_cut_is_the_same(
        self, case: tuple[bytes, IAddress | None], rest: bytes, data: st.DataObject
    ) -> None:
        header, source = case
        cut = data.draw(st.integers(0, len(header) - 1))
        self.assertIsNone(read_header(header[:cut]))
        found = read_header(header + rest)
        assert found is not None
        self.assertEqual((found.source, found.rest), (source, rest))

    def test_what_is_none(self) -> None:
        for received in MALFORMED:
            with self.assertRaises(Malformed, msg=received):
                read_header(received)

    @given(st.sampled_from(WHOLE), st.integers(0, 240), st.binary(min_size=1, max_size=3))
    def test_nothing_else_is_raised(
        self, case: tuple[bytes, object], where: int, what: bytes
    ) -> None:
        received = case[0][:where] + what + case[0][where + len(what) :]
        try:
            read_header(received)
        except Malformed as error:
            self.assertTrue(str(error).isascii())
