"""One form of each address, and the proxies that we believe (PROTOCOL §6)."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from granja.wire.addresses import NoNetwork, Proxies, address_of


class Addresses(SynchronousTestCase):
    def test_one_form(self) -> None:
        for peer, address in (
            (IPv4Address("TCP", "192.0.2.1", 1), "192.0.2.1"),
            (IPv6Address("TCP", "2001:DB8::0:7", 1), "2001:db8::7"),
            (IPv6Address("TCP", "::ffff:192.0.2.1", 1), "192.0.2.1"),
            (IPv6Address("TCP", "fe80::1%eth0", 1), "fe80::1%eth0"),
            (UNIXAddress("/run/granja.sock"), "unix"),
            (UNIXAddress(None), "unix"),
        ):
            self.assertEqual(address_of(peer), address)


class Believing(SynchronousTestCase):
    def test_loopback_and_unix_if_none_is_named(self) -> None:
        believes = Proxies().believes
        for address in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "unix"):
            self.assertTrue(believes(address), address)
        self.assertEqual(Proxies.named([]), Proxies())
        for address in ("10.0.0.1", "192.0.2.1", "2001:db8::1", "", "nada"):
            self.assertFalse(believes(address), address)

    def test_those_that_are_named_and_nobody_else(self) -> None:
        believes = Proxies.named(["10.0.0.0/8", "2001:db8::5"]).believes
        for address in ("10.255.0.1", "2001:db8::5"):
            self.assertTrue(believes(address), address)
        for address in ("127.0.0.1", "::1", "2001:db8::6", "unix"):
            self.assertFalse(believes(address), address)
        self.assertTrue(Proxies.named(["unix"]).believes("unix"))

    def test_what_is_no_network(self) -> None:
        for name in ("", "granja.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0"):
            self.assertRaises(NoNetwork, Proxies.named, [name])


class Forwarded(SynchronousTestCase):
    """The rightmost address that is no proxy counts.  Anybody could have written the ones left of
    it."""

    def behind(self, *headers: str, peer: str = "127.0.0.1") -> str:
        proxies = Proxies.named(["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"])
        return proxies.who_is_behind(peer, headers)

    def test_the_rightmost_that_is_no_proxy(self) -> None:
        for header in (
            "192.0.2.1",
            "203.0.113.5, 192.0.2.1",
            "203.0.113.5,192.0.2.1,10.0.0.2",
            "127.0.0.1, 192.0.2.1 ,\t10.0.0.2, 10.0.0.3",
            "nada, 192.0.2.1",
            "192.0.2.1:4711",
            "192.0.2.1, [2001:db8::1]:443, [2001:db8::2]",
            "::ffff:192.0.2.1",
        ):
            self.assertEqual(self.behind(header), "192.0.2.1", header)
        self.assertEqual(self.behind("[2001:DB9::1]:80"), "2001:db9::1")

    def test_several_headers_are_one_list(self) -> None:
        self.assertEqual(self.behind("203.0.113.5", "192.0.2.1", "10.0.0.2"), "192.0.2.1")

    def test_nobody_else_is_believed(self) -> None:
        self.assertEqual(self.behind("192.0.2.1", peer="203.0.113.9"), "203.0.113.9")

    def test_where_nothing_is_said_it_is_the_proxy(self) -> None:
        self.assertEqual(self.behind(), "127.0.0.1")
        self.assertEqual(self.behind(""), "127.0.0.1")

    def test_where_nobody_but_proxies_is_named_it_is_the_first(self) -> None:
        self.assertEqual(self.behind("10.0.0.9, 10.0.0.2"), "10.0.0.9")

    def test_what_is_no_address_ends_the_list(self) -> None:
        odd_ports = "192.0.2.1:x5", "192.0.2.1:\u0665"  # It is a digit, and int() would take it.
        for odd in (
            *odd_ports,
            "unknown",
            "_hidden",
            "192.0.2.1:x",
            "[192.0.2.1",
            "[::1]x",
            "192.0.2.1:",
            "é",
        ):
            self.assertEqual(self.behind(f"203.0.113.5, {odd}, 10.0.0.2"), "10.0.0.2", odd)
