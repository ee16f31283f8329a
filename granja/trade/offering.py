"""Offers: one of my artifacts for one of yours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from granja.contract import errors, messages
from granja.contract.catalog import Catalog
from granja.contract.ids import ArtifactId, OfferId
from granja.ledger.lane import Lane
from granja.market import offering
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import Offer
from granja.market.swaps import Swap
from granja.people.roster import Farmer, Roster
from granja.trade.circulation import Circulation
from granja.trade.doors import Doors
from granja.trade.freezing import Freezing
from granja.trade.notices import Teller

_NOT_STORED = (errors.TradeNotStored, errors.TradingHalted)

#: What a number in a command can mean.
Pending = TypeVar("Pending", Offer, Offer | Swap)

Decision = Callable[[], Sequence[Fact]]


class OfferNumbers:
    """Numbers that count up and are never used again (PROTOCOL §4)."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._last = market.last_offer

    def next(self) -> OfferId:
        """A new number: no offer has it, also none that is being decided now."""
        return OfferId(max(self._last, self._market.last_offer) + 1)

    def used(self, number: OfferId) -> None:
        self._last = number


class Offering:
    """The commands for offers.  ``me`` is the farmer who typed the line.

    If a method returns a Deferred, the next line of that farmer waits for it.

    :param now: the time of day, in Unix seconds.
    """

    def __init__(
        self,
        now: Callable[[], float],
        catalog: Catalog,
        roster: Roster,
        market: Market,
        lane: Lane,
        teller: Teller,
        numbers: OfferNumbers,
        doors: Doors,
        freezing: Freezing,
    ) -> None:
        self._now = now
        self._catalog = catalog
        self._circulation = Circulation(catalog, market)
        self._roster = roster
        self._market = market
        self._lane = lane
        self._teller = teller
        self._numbers = numbers
        self._doors = doors
        self._freezing = freezing

    def offer(self, me: Farmer, name: str, gives: int, takes: int) -> Deferred[None]:
        self._freezing.check()
        other = self._partner(name)
        if other is me:
            raise errors.WithOneself
        mine, theirs = self._tradable(gives), self._tradable(takes)
        decide = partial(self._decide_offer, me, other, mine, theirs)
        parties = [me.id, other.id]
        done = self._lane.submit(parties, decide, trade=True, doubt=doubted(me))
        return done.addCallback(_no_reply)

    def _partner(self, name: str) -> Farmer:
        """The farmer whom the name means; also a registered farmer who is away."""
        other = self._roster.meant(name)
        if other is None:
            raise errors.NobodyToTradeWith(name)
        if not other.registered and self._roster.present(other.id) is None:
            raise errors.StillArriving(str(other))
        return other

    def _tradable(self, number: int) -> ArtifactId:
        found = self._circulation.find(number)
        if found is None:
            raise errors.NoSuchArtifact(str(number), self._catalog.first, self._catalog.last)
        return found

    def _decide_offer(
        self, maker: Farmer, taker: Farmer, gives: ArtifactId, takes: ArtifactId
    ) -> list[Fact]:
        self._freezing.check()  # Again, because the decision may have waited for its turn.
        number, closed = self._numbers.next(), self._doors.closed_to(taker.id, maker.id)
        facts = offering.decide_offer(
            self._market,
            number,
            maker.id,
            taker.id,
            str(taker),
            gives,
            takes,
            self._now(),
            closed=closed,
        )
        self._numbers.used(number)
        return facts

    def list_offers(self, me: Farmer, wanted: bool | None = None) -> Deferred[None] | None:
        """``:ofertas`` (PROTOCOL §4).

        :param wanted: False or True closes or opens one's door for new offers, and lists none.
        :raises NoOffers: when there is nothing to list.
        """
        if wanted is not None:
            return self._doors.set_open(me, wanted)
        offers = self._teller.offers(me.id)
        if not offers:
            raise errors.NoOffers
        me.tell(*offers)
        return None

    def accept(self, me: Farmer, number: int | None) -> Deferred[None]:
        self._freezing.check()
        offer = self._meant(me, number, self._to(me), ":accept")

        def decide() -> Sequence[Fact]:
            self._freezing.check()
            if not self._teller.standing([offer]):  # One of them has left by now.
                raise errors.NoSuchOffer(str(offer.number))
            return offering.decide_acceptance(self._market, me.id, offer.number, self._now())

        return self._end_offer(me, offer, decide).addErrback(self._tell_maker, offer)

    def _tell_maker(self, failure: Failure, offer: Offer) -> Failure:
        """Tell the maker too that a trade could not be stored (PROTOCOL §4)."""
        maker = self._roster.present(offer.maker)
        error = failure.value
        if maker is not None and isinstance(error, _NOT_STORED):
            maker.hear(messages.failure(error, self._catalog))
        return failure

    def reject(self, me: Farmer, number: int | None) -> Deferred[None]:
        offer = self._meant(me, number, self._to(me), ":reject")
        return self._end_offer(
            me, offer, lambda: offering.decide_rejection(self._market, me.id, offer.number)
        )

    def retract(self, me: Farmer, number: int | None) -> Deferred[None]:
        """``:retirar`` takes back an offer or a swap."""
        offers = self._teller.standing(self._market.outgoing(me.id))
        mine: list[Offer | Swap] = [*offers, *self._market.swaps.of(me.id)]
        offer = self._meant(me, number, mine, ":retirar")
        return self._end_offer(
            me, offer, lambda: offering.decide_retraction(self._market, me.id, offer.number)
        )

    def _to(self, me: Farmer) -> list[Offer]:
        return self._teller.standing(self._market.incoming(me.id))

    def _meant(
        self, me: Farmer, number: int | None, offers: Sequence[Pending], word: str
    ) -> Pending:
        """The offer that ``word`` means, with or without a number (PROTOCOL §4)."""
        if number is not None:
            for offer in offers:
                if offer.number == number:
                    return offer
            raise errors.NoSuchOffer(str(number))
        if not offers:
            raise errors.NoOffers
        if len(offers) > 1:
            me.tell(*self._teller.rows(me.id, offers))
            raise errors.SeveralOffers(len(offers), word)
        return offers[0]

    def _end_offer(self, me: Farmer, offer: Offer | Swap, decide: Decision) -> Deferred[None]:
        parties = [offer.maker] if isinstance(offer, Swap) else [offer.maker, offer.taker]
        done = self._lane.submit(parties, decide, trade=True, doubt=doubted(me))
        return done.addCallback(_no_reply)


def doubted(me: Farmer) -> Callable[[], None]:
    """A call that tells that nobody knows yet whether a trade is stored (PROTOCOL §8)."""
    return partial(me.tell, messages.STILL_UNKNOWN)


def _no_reply(_: object) -> None:
    """Do nothing: the teller has said everything."""
