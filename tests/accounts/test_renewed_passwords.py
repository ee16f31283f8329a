"""When the cost of a password rises, the next login of each farmer stores it again."""

from __future__ import annotations

from contextlib import closing

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, eventAsText
from twisted.trial.unittest import TestCase

from granja.accounts.passwords import Accounts, outdated
from granja.contract.errors import NotStored
from granja.ledger import open_archive
from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import ILedger
from granja.ledger.memory import MemoryLedger
from granja.market.facts import Declared, Fact, Registered
from granja.operations.audit import Audit
from granja.people.roster import Farmer
from tests.support.farm import Farm
from tests.support.folders import folder_for
from tests.support.ledgers import ANA, SPADE, ledger_at, reactor, read

PASSWORD = "cuchara oxidada"
WEAK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
HERE = "192.0.2.1"

REGISTERED: list[Fact] = [Declared(ANA, "Ana", (SPADE,)), Registered(ANA, "Ana")]


class RenewedPasswords(TestCase):
    """Ana registered when passwords cost less."""

    timeout = 20

    async def ana_of(self, ledger: ILedger) -> Farmer:
        """Open the farm on a ledger with Ana's old password in it."""
        await ledger.append(REGISTERED, ledger.open().sequence, {ANA: WEAK})
        return await self.ana_again(ledger)

    async def ana_again(self, ledger: ILedger) -> Farmer:
        self.farm = Farm(ledger=ledger)
        self.accounts = Accounts(reactor)
        self.farm.factory.registration.accounts = self.accounts
        self.addCleanup(self.accounts.close)
        await self.farm.factory.lane.when_idle()
        ana = self.farm.factory.roster.holder("Ana")
        assert ana is not None
        return ana

    def check(self, ana: Farmer, password: str) -> Deferred[bool]:
        return self.farm.factory.registration.check(ana, password, HERE, lambda: None)

    async def renewed(self) -> None:
        """The queue keeps its order, so this answer comes after the renewal."""
        await self.accounts.verify(WEAK, PASSWORD, HERE)
        await self.farm.factory.lane.when_idle()

    async def test_the_next_login_stores_it_at_todays_cost(self) -> None:
        """The same password opens, nothing is on record of it, and the audit still passes."""
        path = folder_for(self) / "granja.db"
        ledger = ledger_at(path)
        await ledger.append(REGISTERED, ledger.open().sequence, {ANA: WEAK})
        await ledger.close()
        ana = await self.ana_again(ledger_at(path))
        self.assertTrue(await self.check(ana, PASSWORD))
        await self.renewed()
        self.assertTrue(await self.check(ana, PASSWORD))
        await self.farm.factory.close()
        found, facts = await read(path)
        self.assertEqual([fact.kind for fact in facts], ["declared", "registered", "left"])
        self.assertFalse(outdated(found.credentials[ANA]))
        with closing(open_archive(f"sqlite:{path}")) as archive:
            self.assertEqual(len(list(Audit().run(archive))), 3)

    async def test_what_is_up_to_date_is_left_alone(self) -> None:
        """The second login after the change stores nothing any more."""
        ledger = MemoryLedger()
        ana = await self.ana_of(ledger)
        await self.check(ana, PASSWORD)
        await self.renewed()
        new = ledger.credentials[ANA]
        self.assertNotEqual(new, WEAK)
        await self.check(ana, PASSWORD)
        await self.renewed()
        self.assertEqual(ledger.credentials[ANA], new)

    async def test_a_wrong_password_is_never_stored(self) -> None:
        """A person who guesses wrong must not become the owner of the name."""
        ledger = MemoryLedger()
        ana = await self.ana_of(ledger)
        self.assertFalse(await self.check(ana, PASSWORD + "s"))
        await self.renewed()
        self.assertEqual(ledger.credentials, {ANA: WEAK})

    async def test_a_password_that_was_changed_meanwhile_stays_changed(self) -> None:
        """``:clave`` on the other connection wins over the renewal of the old password."""
        ledger = MemoryLedger()
        ana = await self.ana_of(ledger)
        await self.check(ana, PASSWORD)
        await self.farm.factory.registration.replace(ana, "the new one's verifier")
        await self.renewed()
        self.assertEqual(ledger.credentials, {ANA: "the new one's verifier"})

    async def test_nothing_is_stored_of_a_farmer_who_was_let_go_meanwhile(self) -> None:
        """``granja admin release`` frees the name, and no password of it stays."""
        ledger = MemoryLedger()
        ana = await self.ana_of(ledger)
        await self.check(ana, PASSWORD)
        await self.farm.factory.registration.release(ana)
        before = dict(ledger.credentials)
        await self.renewed()
        self.assertEqual(ledger.credentials, before)

    async def test_a_full_disk_is_no_hindrance_and_no_news(self) -> None:
        """The farmer comes in as usual.  The operator reads a sentence without a secret."""
        ledger = FaultyLedger(MemoryLedger())
        ana = await self.ana_of(ledger)
        ledger.fill()
        with capturedLogs() as logged:
            self.assertTrue(await self.check(ana, PASSWORD))
            await self.renewed()
        lines = [eventAsText(event, includeTimestamp=False) for event in logged]
        self.assertTrue(any("Ana keeps its old cost: NotStored" in line for line in lines), lines)
        for secret in (PASSWORD, WEAK, "argon2", "Traceback"):
            self.assertNotIn(secret, "".join(lines))
            self.assertNotIn(secret, repr([list(event.values()) for event in logged]))
        self.assertEqual(self.flushLoggedErrors(NotStored), [])
        ledger.empty()
        await self.check(ana, PASSWORD)
        await self.renewed()
        self.assertFalse(outdated(ledger.open().credentials[ANA]))

    async def test_nobody_waits_for_it(self) -> None:
        """The farmer is already in the chat while the new verifier is made."""
        await self.ana_of(MemoryLedger())
        never: list[Deferred[str]] = []

        def hash(password: str, address: str = "") -> Deferred[str]:
            never.append(Deferred())
            return never[-1]

        self.accounts.hash = hash  # type: ignore[method-assign]
        person = self.farm.person()
        person.types("Ana", PASSWORD)
        await self.renewed()
        self.assertEqual(len(never), 1)
        self.assertEqual(
            person.hears()[-3:],
            [
                "¡Bienvenid@ al chat de Granjerxs!",
                "[SERVER] Tus artefactos son: Espada antigua",
                "[SERVER] ¡OK!",
            ],
        )
