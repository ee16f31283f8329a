"""What people hear while somebody guesses at a password (PROTOCOL §5)."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.passwords import Accounts, check, normalise
from granja.ledger.memory import MemoryLedger
from tests.support.farm import Farm, Person

PASSWORD = "girasoles"
WAIT = "[SERVER] Hay demasiados intentos; espera un momento…"
WRONG = "[SERVER] Error: contraseña incorrecta."
ASKED = "[SERVER] Contraseña:"
HOME, CAFE, STRANGER = "198.51.100.7", "198.51.100.8", "192.0.2.1"


class InstantAccounts(Accounts):
    """The real thing, but for the hash and the threads."""

    def hash(self, password: str, address: str = "") -> Deferred[str]:
        return succeed("plain:" + check(password))

    def _verify(self, verifier: str, password: str, who: str) -> Deferred[bool]:
        return succeed(verifier == "plain:" + normalise(password))


class Guessing(SynchronousTestCase):
    """Ana has registered at home and left.  Beto is registered too."""

    def setUp(self) -> None:
        self.farm = Farm(ledger=MemoryLedger())
        self.opens()
        for name in ("Ana", "Beto"):
            person = self.farm.arrives(name, address=HOME)
            person.types(f":registrar {PASSWORD}", ":q")
            person.drops()

    def opens(self) -> None:
        accounts = InstantAccounts(self.farm.clock)
        self.farm.factory.registration.accounts = accounts

    def at_the_question(self, name: str, address: str) -> Person:
        person = self.farm.person(address=address)
        person.types(name)
        person.hears()
        return person

    def guess(self, times: int, name: str, address: str) -> None:
        """Wrong passwords, each on a connection of its own."""
        for _ in range(times):
            person = self.at_the_question(name, address)
            person.types("adivino")
            self.assertIn(person.hears(), ([WRONG, ASKED], [WAIT]))
            person.drops()

    def comes_in(self, name: str, address: str) -> list[str]:
        person = self.at_the_question(name, address)
        person.types(PASSWORD)
        return person.hears()

    def test_who_waits_is_told_at_once_and_hears_the_answer_later(self) -> None:
        """After ten wrong ones, right and wrong answers alike."""
        self.guess(10, "Ana", STRANGER)
        waiting = [self.at_the_question("Ana", STRANGER) for _ in range(2)]
        for person, given in zip(waiting, (PASSWORD, "adivino"), strict=True):
            person.types(given)
            self.assertEqual(person.hears(), [WAIT])
        self.farm.pass_time(59)
        self.assertEqual([person.hears() for person in waiting], [[], []])
        self.farm.pass_time(2)
        right, wrong = (person.hears() for person in waiting)
        self.assertIn("[SERVER] ¡OK!", right)
        self.assertEqual(wrong, [WRONG, ASKED])

    def test_a_stranger_delays_neither_the_owner_nor_anybody_else(self) -> None:
        """The row of the issue: twelve wrong guesses at Ana's name from one address."""
        self.guess(12, "Ana", STRANGER)
        for name, address in (("Ana", HOME), ("Beto", STRANGER), ("Beto", CAFE)):
            self.assertIn("[SERVER] ¡OK!", self.comes_in(name, address))

    def test_a_crowd_of_strangers_delays_only_those_who_are_not_at_home(self) -> None:
        """She registered at HOME, so that is a home.  A café becomes one only when she comes in
        from there."""
        self.assertIn("[SERVER] ¡OK!", self.comes_in("Ana", "198.51.100.20"))
        for n in range(40):
            self.guess(1, "Ana", f"203.0.113.{n}")
        self.assertEqual(self.comes_in("Ana", CAFE), [WAIT])
        self.assertIn("[SERVER] ¡OK!", self.comes_in("Ana", HOME))
        self.assertIn("[SERVER] ¡OK!", self.comes_in("Ana", "198.51.100.20"))
        self.assertIn("[SERVER] ¡OK!", self.comes_in("Beto", CAFE))

    def test_after_a_restart_too(self) -> None:
        self.farm.open()
        self.opens()
        for n in range(40):
            self.guess(1, "Ana", f"203.0.113.{n}")
        self.assertIn("[SERVER] ¡OK!", self.comes_in("Ana", HOME))
        self.assertEqual(self.comes_in("Ana", CAFE), [WAIT])
