"""Which addresses are one network."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.networks import network_of


class NetworkTests(SynchronousTestCase):
    """An IPv4 address, or an IPv6 /64."""

    def test_an_ipv6_customer_is_one_network(self) -> None:
        """Changing the last half of an IPv6 address is free, so it does not help."""
        self.assertEqual(network_of("2001:db8::1"), network_of("2001:db8::ffff:2"))
        self.assertNotEqual(network_of("2001:db8::1"), network_of("2001:db8:0:1::1"))
        self.assertEqual(network_of("fe80::1%eth0"), network_of("fe80::2"))

    def test_an_ipv4_address_is_a_network_however_it_is_written(self) -> None:
        """An endpoint for both families sees IPv4 in the form of IPv6."""
        for same in ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"):
            self.assertEqual(network_of(same), "192.0.2.1")
        self.assertNotEqual(network_of("192.0.2.1"), network_of("192.0.2.2"))

    def test_a_unix_socket_is_none(self) -> None:
        """Its peers have no address, or a path."""
        for peer in ("", "/run/granja.sock", "a unix socket"):
            self.assertIsNone(network_of(peer))
