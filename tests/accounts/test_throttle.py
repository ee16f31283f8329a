"""People who guess have to wait, and nobody else has to."""

from __future__ import annotations

import gc
import sys

from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.throttle import WINDOW, Attempt, Throttle

ANA = Attempt("ana", "192.0.2.1")
ANA_AT_HOME = Attempt("ana", "198.51.100.7", at_home=True)


class ThrottleTests(SynchronousTestCase):
    """The answer to a password waits after too many wrong ones."""

    def setUp(self) -> None:
        self.throttle = Throttle()

    def guesses(self, count: int, now: float = 0.0, name: str = "", address: str = "") -> None:
        """By default each guess is for another name, from another network."""
        for n in range(count):
            attempt = Attempt(name or f"name{n}", address or f"203.0.{n}.1")
            self.throttle.wrong(now, attempt)

    def wait(self, name: str, address: str, *, now: float = 0.0, at_home: bool = False) -> float:
        return self.throttle.wait(now, Attempt(name, address, at_home))

    def test_after_ten_for_a_name_from_a_network_the_next_waits(self) -> None:
        """Fat fingers are forgiven nine times."""
        self.guesses(9, name="ana", address="192.0.2.1")
        self.assertEqual(self.throttle.wait(0, ANA), 0)
        self.throttle.wrong(0, ANA)
        self.assertEqual(self.throttle.wait(0, ANA), WINDOW)

    def test_and_nobody_else_does(self) -> None:
        """Neither Ana elsewhere, at home or not, nor others in the guesser's own network."""
        self.guesses(12, name="ana", address="192.0.2.1")
        self.assertEqual(self.wait("ana", "198.51.100.7"), 0)
        self.assertEqual(self.throttle.wait(0, ANA_AT_HOME), 0)
        self.assertEqual(self.wait("beto", "192.0.2.1"), 0)

    def test_her_home_does_not_help_who_guesses_from_there(self) -> None:
        """A network with many people in it can be the guesser's too."""
        self.guesses(10, name="ana", address="192.0.2.1")
        self.assertEqual(self.wait("ana", "192.0.2.1", at_home=True), WINDOW)

    def test_after_thirty_from_a_network_all_its_answers_wait(self) -> None:
        """To guess at many names does not help.  People elsewhere do not wait."""
        self.guesses(29, address="192.0.2.1")
        self.assertEqual(self.wait("zoe", "192.0.2.1"), 0)
        self.throttle.wrong(0, Attempt("zoe", "192.0.2.1"))
        self.assertEqual(self.wait("eva", "192.0.2.1", at_home=True), WINDOW)
        self.assertEqual(self.wait("zoe", "192.0.2.2"), 0)

    def test_an_ipv6_customer_is_one_network(self) -> None:
        """Changing the last half of the address does not help."""
        for n in range(10):
            self.throttle.wrong(0, Attempt("ana", f"2001:db8::{n}"))
        self.assertEqual(self.wait("ana", "2001:db8::ffff"), WINDOW)
        self.assertEqual(self.wait("ana", "2001:db8:0:1::"), 0)

    def test_after_thirty_for_a_name_those_wait_who_are_not_at_home(self) -> None:
        """To guess from many machines does not help.  Ana, at home, does not wait."""
        self.guesses(29, name="ana")
        self.assertEqual(self.wait("ana", "198.51.100.7"), 0)
        self.throttle.wrong(0, ANA)
        self.assertEqual(self.wait("ana", "198.51.100.8"), WINDOW)
        self.assertEqual(self.throttle.wait(0, ANA_AT_HOME), 0)
        self.assertEqual(self.wait("beto", "198.51.100.8"), 0)

    def test_peers_of_a_unix_socket_are_counted_by_name_alone(self) -> None:
        """They are in no network: however many names are guessed, nobody else there waits."""
        self.guesses(12, name="ana", address="/run/granja.sock")
        self.assertEqual(self.wait("ana", ""), 0)
        self.guesses(18, name="ana", address="/run/granja.sock")
        self.assertEqual(self.wait("ana", ""), WINDOW)
        self.assertEqual(self.wait("ana", "", at_home=True), WINDOW)
        self.assertEqual(self.wait("beto", ""), 0)

    def test_whoever_comes_by_a_unix_socket_can_be_at_home_too(self) -> None:
        """Strangers elsewhere do not delay them."""
        self.guesses(40, name="ana")
        self.assertEqual(self.wait("ana", "", at_home=True), 0)
        self.assertEqual(self.wait("ana", ""), WINDOW)

    def test_a_pass_counts_for_its_network_alone(self) -> None:
        """A wrong pass is nobody's.  We do not count one from a unix socket."""
        for _ in range(30):
            self.throttle.wrong(0, Attempt("", "192.0.2.1"))
            self.throttle.wrong(0, Attempt("", ""))
        self.assertEqual(self.wait("ana", "192.0.2.1"), WINDOW)
        self.assertEqual(self.wait("", ""), 0)

    def test_it_is_forgotten_after_a_minute(self) -> None:
        """The wait ends when the wrong ones are a minute old."""
        self.guesses(10, name="ana", address="192.0.2.1")
        self.assertEqual(self.throttle.wait(45, ANA), 15)
        self.assertEqual(self.throttle.wait(60, ANA), 0)
        self.assertEqual(self.throttle.wait(600, ANA), 0)

    def test_wrong_ones_far_apart_do_not_add_up(self) -> None:
        """Eleven in a year are not eleven in a minute."""
        for n in range(50):
            self.throttle.wrong(n * 7.0, ANA)
        self.assertEqual(self.throttle.wait(50 * 7.0, ANA), 0)

    def test_a_crowd_of_guessers_makes_nobody_wait_longer_than_a_minute(self) -> None:
        """This holds even if many of their answers wait already."""
        self.guesses(500, name="ana", address="192.0.2.1")
        self.assertEqual(self.throttle.wait(0, ANA), WINDOW)

    def test_guessing_on_and_on_never_beats_ten_a_minute(self) -> None:
        """A guesser who waits for each answer gets exactly ten a minute, for hours."""
        now = 0.0
        answers: list[float] = []
        while now < 3600:
            wait = self.throttle.wait(now, ANA)
            self.throttle.wrong(now, ANA)
            now += wait
            answers.append(now)
        for at in answers:
            self.assertLessEqual(sum(at - WINDOW < other <= at for other in answers), 10)
        self.assertEqual(len(answers), 60 * 10 + 1)

    def test_a_million_networks_do_not_fill_the_memory(self) -> None:
        """We remember an attack from everywhere, up to a limit."""
        throttle = Throttle(most_kept=100)
        for n in range(20_000):
            address = f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
            throttle.wrong(n / 1000, Attempt(f"name{n}", address))
            throttle.wrong(n / 1000, Attempt(f"name{n}", ""))
        gc.collect()
        counters = throttle._pairs, throttle._networks, throttle._names, throttle._local_names
        kept = [counter._events for counter in counters]
        self.assertEqual([len(times) for times in kept], [100] * 4)
        self.assertLess(sum(sys.getsizeof(times) for times in kept), 200_000)
