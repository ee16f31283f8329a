"""Answers to passwords that wait, because somebody guesses, and what must not wait for them."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.passwords import PlainAccounts
from granja.accounts.throttle import Attempt
from tests.support.farm import Farm, Person


class Withholding(PlainAccounts):
    """Knows every answer at once, and gives none."""

    def __init__(self) -> None:
        self.withheld: list[Deferred[bool]] = []

    def login(
        self, verifier: str, password: str, attempt: Attempt, waits: Callable[[], object]
    ) -> Deferred[bool]:
        return super().login(verifier, password, attempt, waits).addCallback(self.withhold)

    def judge(self, right: bool, attempt: Attempt, waits: Callable[[], object]) -> Deferred[bool]:
        return super().judge(right, attempt, waits).addCallback(self.withhold)

    def withhold(self, right: bool) -> Deferred[bool]:
        answer: Deferred[bool] = Deferred(self.withheld.remove)
        self.withheld.append(answer)
        return answer


class WithheldAnswers(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm()
        self.farm.arrives("Ana").types(":registrar tulipanes")
        self.accounts = Withholding()
        self.farm.factory.registration.accounts = self.accounts

    def guesser(self) -> Person:
        guesser = self.farm.person()
        guesser.types("Ana", "quizás esta")
        self.assertEqual(len(self.accounts.withheld), 1)
        return guesser

    def test_who_hangs_up_leaves_nothing_behind(self) -> None:
        """If many guessers hang up at once, we do not keep them for a minute."""
        self.guesser().drops()
        self.assertEqual(self.accounts.withheld, [])

    def test_nor_does_who_hangs_up_after_a_pass(self) -> None:
        guesser = self.farm.person()
        guesser.types(":volver abc")
        self.assertEqual(len(self.accounts.withheld), 1)
        guesser.drops()
        self.assertEqual(self.accounts.withheld, [])

    def test_the_time_for_arriving_stands_still_meanwhile(self) -> None:
        """And it goes on where it was after a wrong answer, to a password or to a pass."""
        for line in ("quizás esta", ":volver abc"):
            guesser = self.farm.person()
            if not line.startswith(":"):
                guesser.types("Ana")
            self.farm.pass_time(40)
            guesser.types(line)
            self.farm.pass_time(100)
            self.assertFalse(guesser.is_closed)
            self.accounts.withheld[0].callback(False)
            self.accounts.withheld.clear()
            self.farm.pass_time(19)
            self.assertFalse(guesser.is_closed)
            self.farm.pass_time(2)
            self.assertTrue(guesser.is_closed, line)

    def test_the_server_does_not_wait_for_it_to_stop(self) -> None:
        guesser = self.guesser()
        self.successResultOf(self.farm.factory.finish_begun())
        self.assertEqual(self.accounts.withheld, [])
        self.farm.factory.say_goodbye()
        self.assertEqual(guesser.hears()[-1], "[SERVER] El servidor se apaga. ¡Hasta pronto!")

    def test_coming_in_is_not_taken_back(self) -> None:
        """Once the password was right, the news are told and the return is recorded, whatever
        happens to the connection."""
        self.farm.people[0].drops()
        returning = self.guesser()
        self.accounts.withheld[0].callback(True)
        self.assertIn("[SERVER] ¡OK!", returning.hears())
        returning.drops()
        self.assertEqual(len(self.farm.factory.roster), 0)
