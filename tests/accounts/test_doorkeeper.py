"""How many may come from one network, how fast, and how many in all."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.doorkeeper import Doorkeeper, DoorLimits
from granja.accounts.networks import read_network
from granja.contract import messages
from granja.contract.errors import TooManyRegistrations

HERE, THERE = "192.0.2.1", "198.51.100.7"
LOOPBACK = ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")
EXEMPT = (*LOOPBACK, "10.1.2.3", "2001:db8:9::1", "unix", "")


class DoorkeeperTests(SynchronousTestCase):
    def setUp(self) -> None:
        trusted = read_network("10.0.0.0/8"), read_network("2001:db8:9::/48")
        self.clock = Clock()
        self.doorkeeper = Doorkeeper(self.clock, DoorLimits(3, trusted))

    def test_so_many_at_once_from_one_network(self) -> None:
        """Others come in as usual.  When one leaves, another may come."""
        for _ in range(3):
            self.assertIsNone(self.doorkeeper.refusal(HERE))
            self.doorkeeper.enter(HERE)
        self.assertEqual(self.doorkeeper.refusal(HERE), messages.NETWORK_FULL)
        self.assertIsNone(self.doorkeeper.refusal(THERE))
        self.doorkeeper.leave(HERE)
        self.assertIsNone(self.doorkeeper.refusal(HERE))

    def test_an_ipv6_customer_is_one_network(self) -> None:
        for n in range(3):
            self.doorkeeper.enter(f"2001:db8::{n}")
        self.assertEqual(self.doorkeeper.refusal("2001:db8::ffff"), messages.NETWORK_FULL)
        self.assertIsNone(self.doorkeeper.refusal("2001:db8:0:1::"))

    def test_some_are_exempt(self) -> None:
        """Exempt are loopback, the trusted networks, and people without a network."""
        for address in EXEMPT:
            for _ in range(100):
                self.assertIsNone(self.doorkeeper.refusal(address))
                self.assertIsNone(self.doorkeeper.page_refusal(address))
                self.assertEqual(self.doorkeeper.enter(address), 0)
                self.doorkeeper.enter_page(address)
                self.doorkeeper.let_register(address)
            self.doorkeeper.leave(address)
            self.doorkeeper.leave_page(address)

    def test_after_sixty_in_a_minute_the_next_wait(self) -> None:
        """They wait twenty seconds at most.  A minute after the first ones nobody waits any
        more."""
        waits = []
        for _ in range(62):
            waits.append(self.doorkeeper.enter(HERE))
            self.doorkeeper.leave(HERE)
        self.assertEqual(waits, [0] * 60 + [20, 20])
        self.assertEqual(self.doorkeeper.enter(THERE), 0)
        self.clock.advance(55)
        self.assertEqual(self.doorkeeper.enter(HERE), 5)
        self.clock.advance(6)
        self.assertEqual(self.doorkeeper.enter(HERE), 0)

    def test_so_many_in_all(self) -> None:
        """This holds even for networks exempt from the other limits.  The network's limit comes
        first."""
        descriptors = self.doorkeeper.descriptors
        descriptors.most, descriptors.held = 10, 10
        for _ in range(3):
            self.assertIsNone(self.doorkeeper.refusal(HERE))
            self.doorkeeper.enter(HERE)
        descriptors.held = 11
        self.assertEqual(self.doorkeeper.refusal(HERE), messages.NETWORK_FULL)
        for address in (THERE, *EXEMPT):
            self.assertEqual(self.doorkeeper.refusal(address), messages.FARM_FULL)

    def test_browsers_are_counted_by_themselves(self) -> None:
        """A few more may look at the page than there is room for."""
        for _ in range(3):
            self.assertIsNone(self.doorkeeper.page_refusal(HERE))
            self.doorkeeper.enter_page(HERE)
        self.assertEqual(self.doorkeeper.page_refusal(HERE), messages.NETWORK_FULL)
        self.assertIsNone(self.doorkeeper.refusal(HERE))
        self.doorkeeper.leave_page(HERE)
        self.assertIsNone(self.doorkeeper.page_refusal(HERE))
        descriptors = self.doorkeeper.descriptors
        descriptors.most, descriptors.held = 10, 18
        self.assertIsNone(self.doorkeeper.page_refusal(HERE))
        descriptors.held = 19
        self.assertEqual(self.doorkeeper.page_refusal("127.0.0.1"), messages.FARM_FULL)

    def test_ten_registrations_an_hour(self) -> None:
        """A registration that fails does not count."""
        for _ in range(10):
            self.clock.advance(60)
            self.doorkeeper.let_register(HERE)
            self.doorkeeper.let_register(THERE)()
        self.assertRaises(TooManyRegistrations, self.doorkeeper.let_register, HERE)
        self.doorkeeper.let_register(THERE)
        self.clock.advance(3600 - 9 * 60)
        self.doorkeeper.let_register(HERE)
        self.assertRaises(TooManyRegistrations, self.doorkeeper.let_register, HERE)

    def test_nothing_is_kept_of_who_is_gone(self) -> None:
        """It keeps only when the last people came from some networks."""
        for n in range(20_000):
            address = f"10{n % 8}.{n >> 16}.{n >> 8 & 255}.{n & 255}"
            self.doorkeeper.enter(address)
            self.doorkeeper.leave(address)
            self.doorkeeper.enter_page(address)
            self.doorkeeper.leave_page(address)
        self.assertEqual(len(self.doorkeeper._inside) + len(self.doorkeeper._pages), 0)
        self.assertEqual(len(self.doorkeeper._new._events), 10_000)


class NetworksThatAreNamed(SynchronousTestCase):
    def test_what_is_one(self) -> None:
        """An address is a network.  IPv4 written as IPv6 is IPv4."""
        for text, network in (
            ("192.0.2.1", "192.0.2.1/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:db8::7", "2001:db8::7/128"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
        ):
            self.assertEqual(str(read_network(text)), network)

    def test_what_is_none(self) -> None:
        for text in ("", "x", "10.0.0.1/8", "10.0.0.0/33", "granja.example", "unix"):
            error = self.assertRaises(ValueError, read_network, text)
            self.assertEqual(str(error), "it must be a network, such as 10.0.0.0/8")
