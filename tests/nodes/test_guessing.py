"""Who guesses at passwords gains nothing by going to another node."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId
from tests.accounts.test_guessing import PASSWORD as WRONG_PASSWORD, STRANGER, WAIT, InstantAccounts
from tests.support.farm import Farm, Person
from tests.support.village import PASSWORD, Village


class Guessing(SynchronousTestCase):
    def setUp(self) -> None:
        self.village = Village(2, registered=("Ana", "Beto"))
        for farm in self.village.farms:
            accounts = InstantAccounts(self.village.clock)
            factory: Any = farm.factory
            accounts.tell_wrong = factory.accounts.tell_wrong
            factory.accounts = factory.registration.accounts = accounts

    def tries(self, farm: Farm, name: str, password: str) -> list[str]:
        person: Person = farm.person(address=STRANGER)
        person.types(name)
        self.village.settle()
        person.hears()
        person.types(password)
        self.village.settle()
        heard = person.hears()
        person.drops()
        return heard

    def test_wrong_ones_count_at_all_nodes(self) -> None:
        """Each node alone would answer ten at once."""
        for n in range(10):
            farm = self.village.farms[n % 2]
            self.assertNotIn(WAIT, self.tries(farm, "Ana", WRONG_PASSWORD))
        for farm in self.village.farms:
            self.assertEqual(self.tries(farm, "Ana", PASSWORD), [WAIT])
            self.assertIn("[SERVER] ¡OK!", self.tries(farm, "Beto", PASSWORD))

    def test_without_the_bus_each_node_counts_its_own(self) -> None:
        here, there = self.village.farms
        here.bus.cut()
        for _ in range(10):
            self.tries(here, "Ana", WRONG_PASSWORD)
        self.assertEqual(self.tries(here, "Ana", PASSWORD), [WAIT])
        self.assertIn("[SERVER] ¡OK!", self.tries(there, "Ana", PASSWORD))

    def test_a_password_of_the_operator_works_once_in_all(self) -> None:
        """Whoever has used it at one node cannot use it at another."""
        here, there = self.village.farms
        given = here.factory.registration.one_use.give(FarmerId(1))
        self.village.settle()
        secret, _ = self.successResultOf(given)
        person = there.person(address=STRANGER)
        for line in ("Ana", secret, "espantapájaros de paja"):
            person.types(line)
            self.village.settle()
        self.assertIn("[SERVER] ¡OK!", person.hears())
        for farm in (here, there):
            self.assertIn("[SERVER] Error: contraseña incorrecta.", self.tries(farm, "Ana", secret))
