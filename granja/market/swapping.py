"""Deciding about swaps: who seeks and gives what, what stands, which ring settles.

As in :mod:`granja.market.market`, each ``decide_…`` changes nothing.  It returns the facts that
should happen, or raises the reason why not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.rings import Ring
from granja.market.swaps import Swap
from granja.market.wishes import Wish


def decide_wish(market: Market, farmer: FarmerId, wish: Wish) -> list[Fact]:
    """A farmer sets what they seek and give.

    :raises AlreadyHas: when they newly seek an artifact that they have.
    :raises DoesNotHave: when they newly give an artifact that they do not have.
    """
    before = market.wishes.of(farmer)
    if wish.seeks is not None and wish.seeks != before.seeks:
        for artifact in wish.seeks:
            if market.holds(farmer, artifact):
                raise errors.AlreadyHas(artifact)
    if wish.gives is not None and wish.gives != before.gives:
        for artifact in wish.gives:
            if not market.holds(farmer, artifact):
                raise errors.DoesNotHave(artifact)
    if wish == before and farmer in market.wishes.used:
        return []
    return [events.Wished(farmer, wish.seeks, wish.gives)]


def decide_swap(
    market: Market,
    number: OfferId,
    maker: FarmerId,
    gives: Sequence[ArtifactId],
    takes: Sequence[ArtifactId],
    keep: bool,
    now: float,
) -> list[Fact]:
    """``maker`` gives one of ``gives`` for one of ``takes``, to anybody.

    :param number: one that no offer and no swap has had.
    :param keep: whether the maker keeps the last copy of each.
    :param now: Unix seconds.
    :raises TradeError: the one of PROTOCOL §4b that applies.
    """
    for artifact in gives:
        if not market.holds(maker, artifact):
            raise errors.NotMine(artifact)
    for artifact in takes:
        if market.holds(maker, artifact):
            raise errors.AlreadyMine(artifact)
    said = tuple(sorted({*gives})), tuple(sorted({*takes})), keep
    for swap in market.swaps.of(maker):
        if swap.said == said and swap.expires > now:
            raise errors.SameSwap(swap.number)
    if market.count_outgoing(maker) >= market.limits.offers:
        raise errors.TooManyOffers(market.limits.offers)
    return [events.Posted(number, maker, *said, now + market.limits.lifetime)]


def spares(market: Market, farmer: FarmerId) -> list[ArtifactId]:
    """What a farmer has twice or more, by number: ``repetidos``."""
    return sorted(a for a, copies in market.copies(farmer).items() if copies > 1)


def decide_settlement(market: Market, ring: Ring, usable: Callable[[Swap], bool]) -> list[Fact]:
    """A ring settles.  There is no fact if something has changed since the search.

    :param usable: whether a swap may settle now.
    """
    before = ring.gives[-1]
    for number, artifact in zip(ring.swaps, ring.gives, strict=True):
        swap = market.swaps.get(number)
        fits = swap is not None and artifact in swap.giving and before in swap.taking
        if swap is None or not fits or not usable(swap):
            return []
        before = artifact
    return [events.Settled(ring.swaps, ring.gives)]
