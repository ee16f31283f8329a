"""Expiry: ends offers and swaps when their time is over, by the time of day."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from heapq import heapify, heappop, heappush

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.clockwork.timer import Timer
from granja.contract import errors
from granja.contract.ids import OfferId
from granja.ledger.lane import Lane
from granja.market import offering
from granja.market.facts import Fact, Offered, Posted
from granja.market.market import Market
from granja.market.offers import Offer
from granja.market.swaps import Swap

#: The longest sleep in seconds.  Somebody may set the system's clock, so we look at least so often.
LONGEST_NAP = 60.0
#: Offers that expire before the chat has its turn.  After a week without a server, all may be due.
MOST_AT_ONCE = 100


class Expiry:
    """:param clock: for sleeping.
    :param now: the time of day in Unix seconds, by which offers expire.
    :param politeness: seconds that this node leaves to others, which would end the same offers.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        now: Callable[[], float],
        market: Market,
        lane: Lane,
        politeness: Callable[[], float] = float,
    ) -> None:
        self._now = now
        self._politeness = politeness
        self._market = market
        self._lane = lane
        pending: list[Offer | Swap] = [*market.offers.values(), *market.swaps.all()]
        self._due = [(offer.expires, offer.number) for offer in pending]
        heapify(self._due)
        self._timer = Timer(clock, self._wake)
        self._sleep()

    def watch(self, fact: Fact) -> None:
        """Note a new offer or swap."""
        if isinstance(fact, Offered | Posted):
            heappush(self._due, (fact.expires, fact.offer))
            self._forget_ended()
            if self._due[0][1] == fact.offer:
                self._sleep()

    def _forget_ended(self) -> None:
        """Drop the entries of ended offers.  Most offers end early, and entries would pile up."""
        if len(self._due) > 2 * (len(self._market.offers) + len(self._market.swaps)) + 1000:
            self._due = [entry for entry in self._due if self._market.standing(entry[1])]
            heapify(self._due)

    def stop(self) -> None:
        self._timer.stop()

    def _sleep(self) -> None:
        """Sleep until the next offer is due.  Skip offers that have ended in another way."""
        self.stop()
        while self._due and self._market.standing(self._due[0][1]) is None:
            heappop(self._due)
        if self._due:
            nap = max(0.0, self._due[0][0] + self._politeness() - self._now())
            self._timer.start(min(nap, LONGEST_NAP))

    def _wake(self) -> None:
        now = self._now() - self._politeness()
        for _ in range(MOST_AT_ONCE):
            if not self._due or self._due[0][0] > now:
                break
            self._expire(self._due[0][1], heappop(self._due)[0])
        self._sleep()

    def _expire(self, number: OfferId, due: float) -> None:
        offer = self._market.standing(number)
        if offer is None:
            return
        parties = [offer.maker] if isinstance(offer, Swap) else [offer.maker, offer.taker]
        decide = partial(offering.decide_expiry, self._market, number, due)
        done = self._lane.submit(parties, decide)
        done.addErrback(self._not_yet, number, due)

    def _not_yet(self, failure: Failure, number: OfferId, due: float) -> None:
        """Try again later, because the ledger could not store it.  Nobody can accept it by then."""
        if not failure.check(errors.NotStored, errors.Halted):
            self.log.failure("Offer #{number} could not expire", failure, number=number)
        elif failure.check(errors.NotStored):
            heappush(self._due, (max(due, self._now()) + LONGEST_NAP, number))
            self._sleep()
