"""`granja admin release` and `forget`: names that become nobody's, and names that nobody knows."""

from __future__ import annotations

from granja.market.facts import Declared, Registered, Released
from tests.console.test_errands import PASSWORD, ConsoleCase
from tests.support.farm import Person
from tests.support.guests import guest, returns


class ReleaseTests(ConsoleCase):
    def registered(self, name: str) -> Person:
        person = self.farm.arrives(name, "6")
        person.types(f":registrar {PASSWORD}")
        person.hears()
        return person

    def test_a_released_name_is_nobodys(self) -> None:
        """Its owner is put out, with all that they held.  The next person with the name is a
        visitor."""
        self.registered("Ana")
        done = "Ana is nobody's name now, and what was theirs has left the farm"
        self.assertEqual(self.asks("release", whom="ana"), {"done": done})
        self.assertIsInstance(self.memory.facts[-1], Released)
        market = self.farm.factory.market
        self.assertEqual((market.registered, market.held), ({}, {}))
        self.assertEqual(self.memory.kept["acts"].popitem()[1]["did"], "released")  # type: ignore[index, call-overload]
        self.farm.settle()
        ana = self.farm.arrives("Ana", "6")
        ana.hears()
        holder = self.farm.factory.roster.holder("Ana")
        assert holder is not None
        self.assertFalse(holder.registered)

    def test_who_lingers_is_put_out_too(self) -> None:
        """Their pass serves no more, and nobody was expelled."""
        beto = self.farm.arrives("Beto")
        ana = guest(self.farm, "Ana")
        ana.types(f":registrar {PASSWORD}")
        ana.hears()
        ana.drops()
        beto.hears()
        self.asks("release", whom="Ana")
        self.assertEqual(beto.hears(), ["[SERVER] Ana desconectado."])
        answer = returns(self.farm, ana.secret, ana.n).hears()
        self.assertEqual(answer[0], "[SERVER] Error: ese pase ya no sirve.")
        self.assertEqual(self.acts(), ["released"])

    def acts(self) -> list[str]:
        """What the ledger keeps of what was done."""
        return [act["did"] for act in self.memory.kept["acts"].values()]  # type: ignore[call-overload, index]

    def test_their_offers_end(self) -> None:
        """They end as when a visitor leaves."""
        self.registered("Ana")
        beto = self.farm.arrives("Beto", "5")
        beto.types(":ofrecer Ana 5 6")
        beto.hears()
        self.asks("release", whom="Ana")
        self.assertFalse(self.farm.factory.market.offers)

    def test_who_cannot_be_let_go(self) -> None:
        """Moderators while they are listed, visitors, and nobody."""
        self.moderator("Marta")
        self.farm.arrives("Beto", "5")
        for do in ("release", "forget"):
            self.assertIn("is a moderator", self.refused(do, whom="Marta"))
        self.assertIn("nobody has registered", self.refused("release", whom="Beto"))
        self.assertIn("Beto is in the chat", self.refused("forget", whom="beto"))
        self.assertIn("knows nobody called Eva", self.refused("forget", whom="Eva"))

    def test_a_forgotten_name_is_nowhere(self) -> None:
        """It is not in the facts, and not among the registered names."""
        self.registered("Ana")
        done = "Ana is forgotten; backups and the log of the server still have it"
        self.assertEqual(self.asks("forget", whom="Ana"), {"done": done})
        named = [fact.name for fact in self.memory.facts if isinstance(fact, Declared | Registered)]
        self.assertEqual(named, ["granjero 1", "granjero 1"])
        self.assertNotIn("Ana", str(self.farm.factory.market.snapshot()))
        self.assertEqual(self.acts(), ["expelled", "forgot"])

    def test_the_name_of_a_visitor_who_has_left(self) -> None:
        """Nobody has registered it, and it is in the record."""
        ana = self.farm.arrives("Ana", "6")
        ana.types(":q")
        ana.drops()
        done = "Ana is forgotten; backups and the log of the server still have it"
        self.assertEqual(self.asks("forget", whom="Ana"), {"done": done})

    def test_a_full_disk(self) -> None:
        """Nothing changes, and it says so."""
        self.registered("Ana")
        self.ledger.fill()
        self.assertIn("could not be stored", self.refused("release", whom="Ana"))
        self.assertIn(1, self.farm.factory.market.registered)
