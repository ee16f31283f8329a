"""Deciding who a farmer is, and what they hold.

Each ``decide_…`` changes nothing.  It returns the facts that should happen, or raises the reason
why not.
"""

from __future__ import annotations

from collections.abc import Sequence

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import News

_NO_NEWS = News()


def decide_declaration(
    market: Market,
    farmer: FarmerId,
    name: str,
    artifacts: Sequence[ArtifactId],
    *,
    once: bool = False,
) -> list[Fact]:
    """A farmer declares artifacts that they have found.

    :param once: record the declaration even if it is empty, because it is the only one.
    :raises TooManyArtifacts: if they would have more than ``limits.artifacts``.
    :raises DeclaredOnce: if ``once`` and this farmer has declared before.
    """
    if once and farmer in market.declared:
        raise errors.DeclaredOnce
    if artifacts and len(artifacts) + len(market.inventory(farmer)) > market.limits.artifacts:
        raise errors.TooManyArtifacts(market.limits.artifacts)
    if not artifacts and not once:
        return []
    return [events.Declared(farmer, name, tuple(artifacts))]


def decide_withdrawal(market: Market, farmer: FarmerId, artifact: ArtifactId) -> list[Fact]:
    """A farmer gives a copy away for good.

    :raises DoesNotHave: if they have no copy.
    """
    if not market.holds(farmer, artifact):
        raise errors.DoesNotHave(artifact)
    return [events.Withdrawn(farmer, (artifact,))]


def decide_departure(
    market: Market, farmer: FarmerId, missed: News = _NO_NEWS, *, visited: bool = False
) -> list[Fact]:
    """A connection ended: a visitor departs with everything, a registered farmer is away.

    :param missed: what a registered farmer has not heard.
    :param visited: whether a farmer whom the record has away has been here since.  Then the
        return is recorded now.
    """
    if farmer in market.registered:
        unseen = tuple(n for n in sorted(missed.unseen or ()) if _waits(market, farmer, n))
        left = events.Left(farmer, tuple(missed.ends), missed.more, unseen)
        if farmer in market.away:
            return [events.Returned(farmer), left] if visited else []
        return [left]
    if farmer not in market.held:
        return []
    return [events.Departed(farmer, tuple(market.inventory(farmer)))]


def _waits(market: Market, farmer: FarmerId, number: OfferId) -> bool:
    """Whether an offer waits for a farmer.  At another node they may have answered it since."""
    offer = market.offers.get(number)
    return offer is not None and offer.taker == farmer


def decide_return(market: Market, farmer: FarmerId) -> list[Fact]:
    return [events.Returned(farmer)] if farmer in market.away else []


def decide_registration(market: Market, farmer: FarmerId, name: str) -> list[Fact]:
    """A visitor registers their name.

    :raises AlreadyRegistered: if the name is this farmer's already.
    """
    if farmer in market.registered:
        raise errors.AlreadyRegistered
    return [events.Registered(farmer, name)]


def decide_password_change(market: Market, farmer: FarmerId) -> list[Fact]:
    """A farmer changes the password.

    :raises NotRegistered: for a visitor, who has no password.
    """
    if farmer not in market.registered:
        raise errors.NotRegistered
    return [events.PasswordChanged(farmer)]


def decide_release(market: Market, farmer: FarmerId) -> list[Fact]:
    """A registered farmer leaves for good.

    :raises NotRegistered: for a visitor, or for somebody who has left already.
    """
    if farmer not in market.registered:
        raise errors.NotRegistered
    return [events.Released(farmer, tuple(market.inventory(farmer)))]
