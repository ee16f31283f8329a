"""Offers end when their time is over, in whatever order, and also when there are many of them."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.lane import Lane
from granja.ledger.memory import MemoryLedger
from granja.market.facts import Declared, Offered, Rejected
from granja.market.market import Limits, Market
from granja.settings import Settings
from granja.trade.expiry import Expiry
from tests.support.farm import Farm, Person

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

    def test_each_ends_in_time_whatever_others_ended_before(self) -> None:
        """Thousands come with all kinds of ends, and most are rejected long before."""
        clock, market, random = Clock(), Market(), Random(1)
        lane = Lane(clock, market, MemoryLedger(), 0, lambda fact, ended: None)
        for farmer, name in ((ANA, "Ana"), (GUS, "Gus")):
            market.apply(Declared(farmer, name, (ANCHOR,)))
        expiry = Expiry(clock, clock.seconds, market, lane)
        ends = {OfferId(n): random.uniform(1.0, 100.0) for n in range(1, 3001)}
        for number, end in ends.items():
            offered = Offered(number, ANA, GUS, ANCHOR, ANCHOR, end)
            market.apply(offered)
            expiry.watch(offered)
            if number % 10:
                market.apply(Rejected(number))
        for second in range(1, 102):
            clock.advance(1.0)
            left = {number for number, end in ends.items() if number % 10 == 0 and end > second}
            self.assertEqual(market.offers.keys(), left, second)

    def test_those_that_have_ended_take_no_memory(self) -> None:
        """Offers come and are rejected all week, while the oldest one stands."""
        clock, market = Clock(), Market()
        lane = Lane(clock, market, MemoryLedger(), 0, lambda fact, ended: None)
        market.apply(Offered(OfferId(1), ANA, GUS, ANCHOR, ANCHOR, 1.0))
        expiry = Expiry(clock, clock.seconds, market, lane)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for n in range(2, 10_000):
            expiry.watch(Offered(OfferId(n), ANA, GUS, ANCHOR, ANCHOR, float(n)))
        self.assertLess(tracemalloc.get_traced_memory()[0], 300_000)


class InTime(SynchronousTestCase):
    """Offers live for 100 seconds, by the clock on the wall.  Ana and Gus are registered."""

    def setUp(self) -> None:
        self.ledger = FaultyLedger(MemoryLedger())
        self.settings = Settings(rate=None, limits=Limits(lifetime=100.0))
        self.farm = Farm(self.settings, self.ledger)
        self.ana, self.gus = self.farm.arrives("Ana", "21, 22"), self.farm.arrives("Gus", "12")
        for person in (self.ana, self.gus):
            person.types(":registrar girasoles")

    def ended(self, person: Person) -> list[str]:
        """What somebody hears of offers that are over, since the last look."""
        return [line for line in person.hears() if "venció" in line]

    def test_after_a_restart_the_first_due_ends_first(self) -> None:
        """The clock on the wall was set back between two offers."""
        self.ana.types(":offer Gus 21 12")
        self.farm.set_forward = -50.0
        self.ana.types(":offer Gus 22 12")
        self.farm.open()
        gus = self.farm.person()
        gus.types("Gus", "girasoles")
        self.farm.pass_time(99)
        self.assertEqual(self.ended(gus), [])
        self.farm.pass_time(2)
        self.assertEqual(self.ended(gus), ["[SERVER] La oferta #2 venció."])
        self.farm.pass_time(50)
        self.assertEqual(self.ended(gus), ["[SERVER] La oferta #1 venció."])

    def test_a_shorter_life_holds_for_the_next_offer(self) -> None:
        """Also if it ends before those that stand."""
        self.ana.types(":offer Gus 21 12")
        shorter = Settings(rate=None, limits=Limits(lifetime=10.0))
        self.assertEqual(list(self.farm.factory.adopt(shorter)), [])
        self.ana.types(":offer Gus 22 12")
        self.farm.pass_time(11)
        self.assertEqual(self.ended(self.gus), ["[SERVER] La oferta #2 venció."])

    def test_while_the_disk_is_full(self) -> None:
        """Nobody can accept it any more.  Once a minute the farm tries to put the end on record,
        whether the disk refuses at once or after a while."""
        for slow in (False, True):
            with self.subTest(slow=slow):
                self.setUp()
                self.ana.types(":offer Gus 21 12")
                self.gus.hears()
                self.ledger.fill()
                if slow:
                    self.ledger.hold()
                self.farm.pass_time(101)
                self.ledger.release()
                self.gus.types(":accept")
                self.assertEqual(
                    self.gus.hears(),
                    ["[SERVER] Error de Intercambio: no se pudo guardar; nada cambió."],
                )
                self.ledger.empty()
                self.farm.pass_time(50)
                self.assertEqual(self.ended(self.gus), [])
                self.farm.pass_time(12)
                self.assertEqual(self.ended(self.gus), ["[SERVER] La oferta #1 venció."])
                self.gus.types(":artefactos")
                self.assertEqual(self.gus.hears(), ["[SERVER] Tus artefactos son: Disco raro"])

    def test_a_farm_that_has_closed_wakes_no_more(self) -> None:
        """Neither for offers nor for a ring that cannot be stored, before the farm closes or while
        it does."""
        for before in (True, False):
            with self.subTest(before=before):
                self.setUp()
                self.ana.types(":offer Gus 21 12", ":cambio 22 por 12")
                self.ledger.hold()
                self.gus.types(":cambio 12 por 22")
                self.ledger.fill()
                self.ledger.release_first()
                if before:
                    self.ledger.release()
                closed = Deferred.fromCoroutine(self.farm.factory.close())
                self.ledger.release()
                self.successResultOf(closed)
                self.farm.settle()
                self.assertEqual(self.farm.clock.getDelayedCalls(), [])
