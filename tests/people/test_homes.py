"""The networks from which a name has come in: they last 90 days and survive a restart."""

from __future__ import annotations

from secrets import token_bytes
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.ledger.memory import MemoryLedger
from granja.market.market import Market
from granja.people.homes import DAY, DAYS, MOST_HOMES, Homes

ANA, BETO = FarmerId(1), FarmerId(2)
HERE, THERE = "192.0.2.1", "198.51.100.7"


class HomesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.stored = MemoryLedger()
        self.ledger = FaultyLedger(self.stored)
        self.now = 1_700_000_000.0
        self.homes = self.opened()

    def opened(self) -> Homes:
        """What a start of the server finds in the ledger."""
        kept: Any = self.ledger.open().kept
        lane = Lane(Clock(), Market(), self.ledger, 0, lambda fact, ended: None)
        return Homes(lambda: self.now, token_bytes, lane, kept)

    def comes_in(self, farmer: FarmerId = ANA, address: str = HERE) -> None:
        self.successResultOf(self.homes.came_in(farmer, address))

    def kept(self) -> dict[str, Any]:
        return self.stored.kept.get("homes", {})

    def test_where_a_name_came_in_is_its_home_and_nobody_elses(self) -> None:
        """It is of one farmer and one network: for IPv6 that is the /64."""
        self.comes_in(ANA, "2001:db8::1")
        self.assertTrue(self.homes.is_home(ANA, "2001:db8::ffff"))
        self.assertFalse(self.homes.is_home(ANA, "2001:db8:0:1::1"))
        self.assertFalse(self.homes.is_home(BETO, "2001:db8::1"))

    def test_a_unix_socket_can_be_a_home(self) -> None:
        """All of its peers are at one place: this machine."""
        self.comes_in(ANA, "")
        self.assertTrue(self.homes.is_home(ANA, "/run/granja.sock"))
        self.assertFalse(self.homes.is_home(ANA, HERE))

    def test_a_restart_sends_nobody_away(self) -> None:
        self.comes_in()
        homes = self.opened()
        self.assertTrue(homes.is_home(ANA, HERE))
        self.assertFalse(homes.is_home(ANA, THERE))

    def test_no_address_and_no_name_is_kept(self) -> None:
        """There is only a keyed hash, which differs in another ledger."""
        self.comes_in()
        self.assertNotIn(HERE, repr(self.stored.kept))
        self.stored.kept.clear()
        before = set(self.kept())
        self.homes = self.opened()
        self.comes_in()
        self.assertFalse(before & set(self.kept()))

    def test_it_is_forgotten_after_90_days(self) -> None:
        """If nobody comes in from there again, it is no home any more, and no longer stored."""
        self.comes_in()
        self.now += DAYS * DAY
        self.assertTrue(self.homes.is_home(ANA, HERE))
        self.now += DAY
        self.assertFalse(self.homes.is_home(ANA, HERE))
        self.comes_in(BETO, THERE)
        self.assertEqual(len(self.kept()), 1)

    def test_each_time_counts_anew(self) -> None:
        for _ in range(3):
            self.comes_in()
            self.now += 60 * DAY
        self.assertTrue(self.homes.is_home(ANA, HERE))
        self.assertTrue(self.opened().is_home(ANA, HERE))

    def test_what_was_forgotten_while_the_server_was_off(self) -> None:
        self.comes_in()
        self.now += 91 * DAY
        self.homes = self.opened()
        self.assertFalse(self.homes.is_home(ANA, HERE))
        self.comes_in(BETO)
        self.assertEqual(len(self.kept()), 1)

    def test_it_is_stored_once_a_day(self) -> None:
        """Coming and going all day costs no write for each time."""
        self.comes_in()
        self.stored.kept.clear()
        self.comes_in()
        self.assertEqual(self.kept(), {})
        self.now += DAY
        self.comes_in()
        self.assertEqual(len(self.kept()), 1)

    def test_on_a_full_disk_it_is_stored_later(self) -> None:
        """Until then it holds all the same.  The key of the hashes is not lost either."""
        self.ledger.fill()
        self.comes_in()
        self.assertTrue(self.homes.is_home(ANA, HERE))
        self.assertEqual(self.kept(), {})
        self.ledger.empty()
        self.comes_in(BETO)
        homes = self.opened()
        self.assertTrue(homes.is_home(ANA, HERE))
        self.assertTrue(homes.is_home(BETO, HERE))

    def test_a_farmer_has_so_many_homes_and_no_more(self) -> None:
        """The home that was used longest ago makes room.  Others' homes stay."""
        self.comes_in(BETO)
        for n in range(MOST_HOMES + 1):
            self.comes_in(ANA, f"10.0.{n}.1")
            self.comes_in(ANA, "10.0.0.1")
        self.assertTrue(self.homes.is_home(ANA, "10.0.0.1"))
        self.assertFalse(self.homes.is_home(ANA, "10.0.1.1"))
        self.assertTrue(self.homes.is_home(BETO, HERE))
        self.assertEqual(len(self.kept()), MOST_HOMES + 1)

    def test_the_one_that_was_used_last_stays(self) -> None:
        """Also if it was the first, and if the ledger's order is another."""
        for n in range(MOST_HOMES):
            self.comes_in(ANA, f"10.0.{n}.1")
            self.now += DAY / MOST_HOMES
        self.now += DAY
        self.comes_in(ANA, "10.0.0.1")
        self.comes_in(ANA, "10.1.0.1")
        self.assertTrue(self.homes.is_home(ANA, "10.0.0.1"))
        self.assertFalse(self.homes.is_home(ANA, "10.0.1.1"))

    def test_the_oldest_is_forgotten_first_whoever_has_it(self) -> None:
        self.comes_in(ANA, HERE)
        self.now += DAY
        self.comes_in(BETO, THERE)
        self.now += DAY
        self.comes_in(ANA, HERE)
        self.now += DAYS * DAY
        self.comes_in(ANA, HERE)
        self.assertFalse(self.homes.is_home(BETO, THERE))
        self.assertEqual(len(self.kept()), 1)

    def test_on_the_last_day_it_is_one_still(self) -> None:
        self.comes_in(BETO, THERE)
        self.now += DAYS * DAY
        self.comes_in(ANA)
        self.assertEqual(len(self.kept()), 2)

    def test_a_key_and_a_hash_have_their_lengths(self) -> None:
        """32 random bytes, and 16 of the hash."""
        self.comes_in()
        self.assertEqual(len(bytes.fromhex(str(self.stored.kept["secrets"]["homes"]))), 32)
        self.assertEqual([len(bytes.fromhex(key)) for key in self.kept()], [16])

    def test_another_nodes_homes_are_homes_here(self) -> None:
        self.comes_in()
        other = self.opened()
        self.successResultOf(other.came_in(BETO, THERE))
        [key] = {key for key, value in self.kept().items() if value[0] == BETO}
        self.assertFalse(self.homes.is_home(BETO, THERE))
        self.homes.follow(Kept("homes", key, self.kept()[key]))
        self.assertTrue(self.homes.is_home(BETO, THERE))
        self.homes.follow(Kept("homes", "what nobody knows", None))
        self.assertTrue(self.homes.is_home(BETO, THERE))
        self.homes.follow(Kept("homes", key, None))
        self.assertFalse(self.homes.is_home(BETO, THERE))
        self.assertTrue(self.homes.is_home(ANA, HERE))

    def test_damage_is_no_home(self) -> None:
        """Neither a home nor a key that cannot be read keeps the server from starting."""
        self.comes_in()
        [key] = self.kept()
        damages: list[Any] = ["x", [1], ["a", "b"], {}]
        for damage in damages:
            self.stored.kept["homes"][key] = damage
            self.assertFalse(self.opened().is_home(ANA, HERE))
        self.stored.kept["secrets"]["homes"] = "no hexadecimal"
        self.homes = self.opened()
        self.comes_in()
        self.assertTrue(self.opened().is_home(ANA, HERE))
