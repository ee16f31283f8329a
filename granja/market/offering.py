"""Deciding about offers, one artifact for one.

Each ``decide_…`` changes nothing.  It returns the facts that should happen, or raises the reason
why not.
"""

from __future__ import annotations

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import Offer


def decide_offer(
    market: Market,
    number: OfferId,
    maker: FarmerId,
    taker: FarmerId,
    taker_name: str,
    gives: ArtifactId,
    takes: ArtifactId,
    now: float,
    *,
    closed: bool = False,
) -> list[Fact]:
    """``maker`` offers ``gives`` for ``takes``, as of ``now`` (Unix seconds).

    :param number: one that no offer has had.  The caller chooses it, because several offers may
        be decided before the first of them is applied.
    :param closed: whether ``taker`` takes no new offers, or none from this maker.
    :raises TradeError: the one of PROTOCOL §4 that applies.
    """
    if maker == taker:
        raise errors.WithOneself
    # Limits come first: so a refusal does not tell what somebody holds (PROTOCOL §4).
    _refuse_excess(market, maker, taker, taker_name)
    _refuse_repeat(market, maker, taker, gives, takes, now)
    if closed:
        raise errors.DoorClosed(taker_name)
    if not market.holds(maker, gives):
        raise errors.NotMine(gives)
    if not market.holds(taker, takes):
        raise errors.NotTheirs(taker_name, takes)
    expires = now + market.limits.lifetime
    return [events.Offered(number, maker, taker, gives, takes, expires)]


def _refuse_repeat(
    market: Market,
    maker: FarmerId,
    taker: FarmerId,
    gives: ArtifactId,
    takes: ArtifactId,
    now: float,
) -> None:
    wanted = (maker, taker, gives, takes)
    for offer in market.pending(maker):
        same = (offer.maker, offer.taker, offer.gives, offer.takes) == wanted
        if same and offer.expires > now:
            raise errors.SameOffer(offer.number)


def _refuse_excess(market: Market, maker: FarmerId, taker: FarmerId, taker_name: str) -> None:
    most = market.limits.offers
    if market.count_outgoing(maker) >= most:
        raise errors.TooManyOffers(most)
    if len(market.incoming(taker)) >= most:
        raise errors.TheyHaveTooManyOffers(taker_name, most)
    to_them = sum(offer.taker == taker for offer in market.outgoing(maker))
    if to_them >= market.limits.offers_each:
        raise errors.TooManyOffersToOne(taker_name, to_them)


def decide_acceptance(market: Market, taker: FarmerId, number: int, now: float) -> list[Fact]:
    """The taker accepts.  Both copies exist while the offer does: :meth:`.Market.apply` takes care.

    :raises NoSuchOffer: if ``number`` is not a pending offer to ``taker``.
    """
    offer = _offer_to(market, taker, number)
    if offer.expires <= now:
        return [events.Expired(offer.number)]
    return [events.Traded(offer.number)]


def decide_rejection(market: Market, taker: FarmerId, number: int) -> list[Fact]:
    """The taker rejects an offer.

    :raises NoSuchOffer: if ``number`` is not a pending offer to ``taker``.
    """
    return [events.Rejected(_offer_to(market, taker, number).number)]


def decide_retraction(market: Market, maker: FarmerId, number: int) -> list[Fact]:
    """The maker takes an offer or swap back.

    :raises NoSuchOffer: if ``number`` is not a pending offer or swap by ``maker``.
    """
    offer = market.standing(OfferId(number))
    if offer is None or offer.maker != maker:
        raise errors.NoSuchOffer(str(number))
    return [events.Retracted(offer.number)]


def decide_expiry(market: Market, number: OfferId, now: float) -> list[Fact]:
    """The offer or swap expires.  No fact if it has ended already, or is not due yet."""
    offer = market.standing(number)
    return [events.Expired(number)] if offer and offer.expires <= now else []


def _offer_to(market: Market, taker: FarmerId, number: int) -> Offer:
    offer = market.offers.get(OfferId(number))
    if offer is None or offer.taker != taker:
        raise errors.NoSuchOffer(str(number))
    return offer
