"""What moderators do at one node holds at all of them, and all of it is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from granja.moderation import acts
from tests.nodes.test_shared import VillageCase
from tests.support.guests import Guest, guest
from tests.support.village import PASSWORD


class Moderated(VillageCase):
    """Mod looks after the farm at one node, and Sol at another."""

    registered = ("Ana", "Mod", "Sol")

    def setUp(self) -> None:
        super().setUp()
        for farm in self.village.farms:
            list(farm.factory.adopt(replace(farm.settings, moderators=("Mod", "Sol"))))
        self.mod, self.sol = self.comes(self.here, "Mod"), self.comes(self.there, "Sol")
        self.village.quiet()

    def kept(self, subject: str) -> dict[str, Any]:
        """What the common ledger keeps of it."""
        return self.village.record.record.kept.get(subject, {})

    def said(self) -> list[str]:
        """The announcements that the ledger keeps, oldest first."""
        kept = self.kept("acts")
        return [kept[key]["why"] for key in sorted(kept)]

    def test_two_acts_at_the_same_moment_are_kept(self) -> None:
        """Neither node knows of the other's."""
        self.mod.protocol.dataReceived(b":anunciar uno\r\n")
        self.sol.protocol.dataReceived(b":anunciar dos\r\n")
        self.village.settle()
        self.assertEqual(self.said(), ["uno", "dos"])
        self.sol.types(":anunciar tres")
        self.mod.types(":anunciar cuatro")
        self.assertEqual(self.said(), ["uno", "dos", "tres", "cuatro"])

    def test_the_oldest_acts_are_forgotten_whoever_did_them(self) -> None:
        self.patch(acts, "MOST", 3)
        for number, person in enumerate((self.mod, self.sol) * 3):
            person.types(f":anunciar {number}")
        self.assertEqual(self.said(), ["3", "4", "5"])

    def test_a_banned_network_is_banned_everywhere(self) -> None:
        """Whoever is inside or lingers is put out, and pardon holds everywhere too."""
        eva = self.third.arrives("Eva", address="203.0.113.7")
        self.village.quiet()
        self.mod.types(":vetar 203.0.113.0/24 10m spam")
        self.village.settle()
        self.assertEqual(eva.hears(), ["[SERVER] Te expulsaron: spam."])
        rows = [["[SERVER] 203.0.113.0/24: hasta las 22:23 (spam), por Mod"]] * 2
        self.village.quiet()
        for person in (self.mod, self.sol):
            person.types(":vetos")
        self.assertEqual([self.mod.hears(), self.sol.hears()], rows)
        for farm in self.village.farms:
            gil = farm.person("Gil", "203.0.113.8")
            gil.types("Gil")
            self.assertTrue(gil.is_closed)
        self.sol.types(":perdonar 203.0.113.0/24")
        for farm in self.village.farms:
            gil = farm.arrives("Gil", address="203.0.113.8")
            self.assertFalse(gil.is_closed)
            gil.types(":q")
            gil.drops()

    def test_a_mute_of_somebody_who_is_nowhere(self) -> None:
        """It holds at whatever node they come in."""
        self.mod.types(":callar Ana 10m")
        self.village.settle()
        for farm in self.village.farms:
            ana = self.comes(farm, "Ana")
            ana.types("hola")
            self.assertEqual(
                ana.hears(), ["[SERVER] Error: no puedes hablar hasta las 22:23."], farm.writer
            )

    def test_a_ban_that_comes_while_somebody_comes_back(self) -> None:
        """Eva lingers at one node and comes back at another.  At no moment does she slip in."""
        for ticks in range(9):
            with self.subTest(ticks=ticks):
                self.setUp()
                eva = guest(self.there, "Eva")
                eva.types(f":registrar {PASSWORD}")
                eva.hears()
                eva.drops()
                self.village.quiet()
                again = Guest(self.third)
                self.third.people.append(again)
                again.hears()
                again.protocol.dataReceived(f":volver {eva.secret}\r\n".encode())
                for _ in range(ticks):
                    self.village.clock.advance(0.001)
                self.mod.protocol.dataReceived(b":vetar Eva 10m\r\n")
                self.village.settle()
                again.hears()
                self.assertNotIn("Eva", [name for names in self.village.lists() for name in names])
                self.gus.hears()
                again.types("hola")
                self.assertEqual(self.gus.hears(), [])
