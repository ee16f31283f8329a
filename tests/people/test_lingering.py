"""Who lingers, for how long, and how many of one network (PROTOCOL §5b)."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId
from granja.people.incidents import Peer
from granja.people.lingering import ELSEWHERE, MOST_OF_A_NETWORK, Lingering, Place
from granja.people.roster import Farmer
from granja.text.names import parse

HERE, THERE = Place("192.0.2.1", 4000), Place("198.51.100.7", 4000)


class LingeringTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.left: list[tuple[str, str]] = []
        self.noted: list[tuple[str, bool]] = []
        self.lingering = Lingering(
            self.clock,
            120.0,
            lambda farmer, peer: self.left.append((str(farmer), peer.address)),
            lambda farmer, lingers: self.noted.append((str(farmer), lingers)),
        )

    def begins(self, number: int, peer: Peer = HERE, *, bounded: bool = True) -> Farmer:
        farmer = Farmer(FarmerId(number), parse(f"F{number}"))
        self.lingering.begin(farmer, peer, bounded=bounded)
        return farmer

    def test_somebody_lingers_for_a_while_and_leaves(self) -> None:
        ana, other = self.begins(1), Farmer(FarmerId(2), parse("F2"))
        self.assertIn(ana, self.lingering)
        self.assertNotIn(other, self.lingering)
        self.assertEqual(len(self.lingering), 1)
        self.clock.advance(119.9)
        self.assertEqual(self.left, [])
        self.clock.advance(0.2)
        self.assertEqual(self.left, [("F1", HERE.address)])
        self.assertEqual(self.noted, [("F1", True), ("F1", False)])
        self.assertNotIn(ana, self.lingering)

    def test_who_comes_back_in_time_does_not_leave(self) -> None:
        ana = self.begins(1)
        self.assertTrue(self.lingering.end(ana))
        self.assertFalse(self.lingering.end(ana))
        self.clock.advance(500)
        self.assertEqual(self.left, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.lingering.leave(ana)
        self.assertEqual(self.left, [])

    def test_of_one_network_the_oldest_makes_room(self) -> None:
        for number in range(1, MOST_OF_A_NETWORK + 1):
            self.begins(number)
        self.begins(100, THERE)
        self.assertEqual(self.left, [])
        self.begins(101)
        self.assertEqual(self.left, [("F1", HERE.address)])
        self.assertEqual(len(self.lingering), MOST_OF_A_NETWORK + 1)

    def test_who_came_back_takes_no_room(self) -> None:
        """However often somebody's line drops, nobody else has to leave for it."""
        first = self.begins(1)
        for number in range(2, 3 * MOST_OF_A_NETWORK):
            self.lingering.end(self.begins(number))
        self.assertEqual(self.left, [])
        self.assertIn(first, self.lingering)
        self.lingering.end(first)
        self.assertEqual(self.lingering._by_network, {})

    def test_all_unix_sockets_are_one_network(self) -> None:
        for number in range(1, MOST_OF_A_NETWORK + 2):
            self.begins(number, Place("", 0) if number % 2 else Place("/run/granja", 0))
        self.assertEqual(len(self.left), 1)

    def test_who_was_here_before_the_start_is_not_counted(self) -> None:
        """Nobody knows their network any more."""
        for number in range(1, 2 * MOST_OF_A_NETWORK):
            self.begins(number, ELSEWHERE, bounded=False)
        self.assertEqual(self.left, [])

    def test_another_time_holds_for_those_who_begin_later(self) -> None:
        self.begins(1)
        self.lingering.seconds = 10.0
        self.begins(2)
        self.clock.advance(11)
        self.assertEqual(self.left, [("F2", HERE.address)])

    def test_a_server_that_stops_lets_nobody_leave(self) -> None:
        self.begins(1)
        self.lingering.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.left, [])
