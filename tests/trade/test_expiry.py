"""Offers whose time is over, when there are many of them."""

from __future__ import annotations

from itertools import pairwise

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.lane import Lane
from granja.ledger.memory import MemoryLedger
from granja.market.facts import Declared, Offered
from granja.market.market import Market
from granja.trade.expiry import Expiry

ANA, GUS, ANCHOR = FarmerId(1), FarmerId(2), ArtifactId(21)


class ManyOffers(SynchronousTestCase):
    def test_the_chat_has_its_turn_while_a_week_of_offers_expires(self) -> None:
        """A farm that was closed for a week opens, and all its offers are due at once."""
        clock, market = Clock(), Market()
        for farmer, name in ((ANA, "Ana"), (GUS, "Gus")):
            market.apply(Declared(farmer, name, (ANCHOR,)))
        for n in range(1, 1001):
            market.apply(Offered(OfferId(n), ANA, GUS, ANCHOR, ANCHOR, -1.0))
        lane = Lane(clock, market, MemoryLedger(), 0, lambda fact, ended: None)
        Expiry(clock, clock.seconds, market, lane)
        left = [1000]

        def chat() -> None:
            left.append(len(market.offers))
            if left[-1]:
                clock.callLater(0, chat)

        clock.callLater(0, chat)
        clock.advance(0)
        self.assertEqual(left[-1], 0)
        self.assertLessEqual(max(before - after for before, after in pairwise(left)), 100)
