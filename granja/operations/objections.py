"""Objections: why a fact cannot have happened, by the state before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from granja.contract.catalog import LAST
from granja.contract.ids import FarmerId
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import Offer


def _not_declarable(market: Market, fact: events.Declared) -> str | None:
    for artifact in fact.artifacts:
        if not 1 <= artifact <= LAST:
            return f"{artifact} is no artifact's number"
    return None


def _not_withdrawable(market: Market, fact: events.Withdrawn) -> str | None:
    missing = Counter(fact.artifacts) - market.held.get(fact.farmer, Counter())
    return f"farmer {fact.farmer} had no artifact {min(missing)} to withdraw" if missing else None


def _not_departable(market: Market, fact: events.Departed) -> str | None:
    if fact.farmer in market.registered:
        return f"farmer {fact.farmer} is registered, and only visitors leave for good"
    if fact.farmer not in market.held:
        return f"farmer {fact.farmer} was not there"
    if sorted(fact.artifacts) != market.inventory(fact.farmer):
        return f"farmer {fact.farmer} did not leave with all that they held"
    return None


def _not_releasable(market: Market, fact: events.Released) -> str | None:
    if fact.farmer in market.registered and sorted(fact.artifacts) != market.inventory(fact.farmer):
        return f"farmer {fact.farmer} did not leave with all that they held"
    return _not_registered(market, fact)


def _not_offerable(market: Market, fact: events.Offered) -> str | None:
    if objection := _not_new(market, fact):
        return objection
    if fact.maker == fact.taker:
        return f"farmer {fact.maker} cannot trade with themselves"
    return _not_covered(market, fact)


def _not_new(market: Market, fact: events.Offered | events.Posted) -> str | None:
    if market.standing(fact.offer) is not None:
        return f"offer #{fact.offer} stood already"
    if fact.offer < 1:
        return f"{fact.offer} is no offer's number"
    if fact.offer <= market.last_offer:
        return f"offer #{fact.offer} is no new number"
    return None


def _not_wishable(market: Market, fact: events.Wished) -> str | None:
    for artifacts in (fact.seeks, fact.gives):
        if artifacts is not None and len(set(artifacts)) < len(artifacts):
            return f"farmer {fact.farmer} wished for an artifact twice"
    return None


def _not_postable(market: Market, fact: events.Posted) -> str | None:
    if objection := _not_new(market, fact):
        return objection
    if not fact.gives or not fact.takes:
        return f"swap #{fact.offer} is for nothing"
    if any(len(set(side)) < len(side) for side in (fact.gives, fact.takes)):
        return f"swap #{fact.offer} names an artifact twice"
    held = market.held.get(fact.maker, Counter())
    for artifact in fact.gives:
        if held[artifact] <= fact.keep:
            return f"farmer {fact.maker} had no artifact {artifact} to give"
    for artifact in fact.takes:
        if held[artifact]:
            return f"farmer {fact.maker} had artifact {artifact} already"
    return None


def _not_settleable(market: Market, fact: events.Settled) -> str | None:
    if len(fact.offers) < 2 or len(fact.gives) != len(fact.offers):
        return f"{len(fact.offers)} swaps and {len(fact.gives)} artifacts are no ring"
    if len(set(fact.gives)) < len(fact.gives):
        return "an artifact is in the ring twice"
    before = fact.gives[-1]
    for number, artifact in zip(fact.offers, fact.gives, strict=True):
        swap = market.swaps.get(number)
        if swap is None:
            return f"swap #{number} did not stand"
        if artifact not in swap.giving or not market.holds(swap.maker, artifact):
            return f"swap #{number} could not give artifact {artifact}"
        if before not in swap.taking:
            return f"swap #{number} did not ask for artifact {before}"
        before = artifact
    return None


def _not_tradeable(market: Market, fact: events.Traded) -> str | None:
    offer = market.offers.get(fact.offer)
    return f"offer #{fact.offer} did not stand" if offer is None else _not_covered(market, offer)


def _not_covered(market: Market, offer: Offer | events.Offered) -> str | None:
    if not market.holds(offer.maker, offer.gives):
        return f"farmer {offer.maker} had no artifact {offer.gives} to give"
    if not market.holds(offer.taker, offer.takes):
        return f"farmer {offer.taker} had no artifact {offer.takes} to give"
    return None


def _not_answerable(
    market: Market, fact: events.Rejected | events.Retracted | events.Expired
) -> str | None:
    stands = market.standing(fact.offer)
    if stands is None or (isinstance(fact, events.Rejected) and fact.offer in market.swaps):
        return f"offer #{fact.offer} did not stand"
    return None


def _not_registrable(market: Market, fact: events.Registered) -> str | None:
    return f"farmer {fact.farmer} was registered" if fact.farmer in market.registered else None


def _not_registered(
    market: Market, fact: events.PasswordChanged | events.Left | events.Returned | events.Released
) -> str | None:
    known: Mapping[FarmerId, str] = market.registered
    return None if fact.farmer in known else f"farmer {fact.farmer} was not registered"


def _not_leaving(market: Market, fact: events.Left) -> str | None:
    already = f"farmer {fact.farmer} was away already" if fact.farmer in market.away else None
    return _not_registered(market, fact) or already or _not_unseen(market, fact)


def _not_unseen(market: Market, fact: events.Left) -> str | None:
    for number in fact.unseen or ():
        offer = market.offers.get(number)
        if offer is None or offer.taker != fact.farmer:
            return f"offer #{number} did not wait for farmer {fact.farmer}"
    return None


def _not_first(market: Market, fact: events.Rewritten) -> str | None:
    return "only a new chain names an old one" if market.last_farmer else None


def _not_returning(market: Market, fact: events.Returned) -> str | None:
    here = None if fact.farmer in market.away else f"farmer {fact.farmer} was not away"
    return _not_registered(market, fact) or here


#: For each kind of fact: why it cannot have happened, as half a sentence; None if it can.
OBJECTIONS: dict[type[Fact], Callable[[Market, Any], str | None]] = {
    events.Declared: _not_declarable,
    events.Withdrawn: _not_withdrawable,
    events.Departed: _not_departable,
    events.Offered: _not_offerable,
    events.Traded: _not_tradeable,
    events.Rejected: _not_answerable,
    events.Retracted: _not_answerable,
    events.Expired: _not_answerable,
    events.Wished: _not_wishable,
    events.Posted: _not_postable,
    events.Settled: _not_settleable,
    events.Registered: _not_registrable,
    events.PasswordChanged: _not_registered,
    events.Left: _not_leaving,
    events.Returned: _not_returning,
    events.Released: _not_releasable,
    events.Rewritten: _not_first,
}
