"""Wording: finds the sentence for refusals, for offers and for their ends."""

from __future__ import annotations

from collections.abc import Mapping

from granja.contract.catalog import Artifact, Catalog
from granja.contract.ids import FarmerId
from granja.contract.messages import (
    AndMore,
    IncomingOffer,
    Meanwhile,
    MeanwhileSwap,
    Message,
    OfferEnded,
    OutgoingOffer,
    StandingSwap,
    SwapEnded,
    settled,
)
from granja.market.offers import Ended, Happened, How, News, Offer, SwapNews
from granja.market.swaps import Swap


def offer_row(offer: Offer, me: int, names: Mapping[FarmerId, str], catalog: Catalog) -> Message:
    """A row of ``:ofertas`` as farmer ``me`` reads it."""
    gives, takes = catalog.describe(offer.gives), catalog.describe(offer.takes)
    if offer.taker == me:
        return IncomingOffer(offer.number, names[offer.maker], gives, takes)
    return OutgoingOffer(offer.number, names[offer.taker], gives, takes)


def offer_ended(end: Ended, me: int, catalog: Catalog) -> OfferEnded:
    """What farmer ``me`` hears when an offer ends without a trade."""
    sentence = _REJECTED[end.offer.maker == me] if end.how is How.REJECTED else None
    if end.how is How.RETRACTED and end.offer.maker == me:
        sentence = f"Retiraste la oferta #{end.offer.number}."
    if sentence is None:
        said = _ending(end, me, catalog)
        sentence = said[0].upper() + said[1:]
    return OfferEnded(end.offer.number, end.how.value, sentence, *_parts(end, catalog))


_REJECTED = {False: "Rechazaste el intercambio", True: "Intercambio rechazado"}


def _ending(end: Ended, me: int, catalog: Catalog) -> str:
    number = end.offer.number
    if end.how is How.EXPIRED:
        return f"la oferta #{number} venció."
    if end.how is How.RETRACTED:
        return f"la oferta #{number} ya no es válida: {end.maker} la retiró."
    return f"la oferta #{number} ya no es válida: {_why(end, me, catalog)}."


def _why(end: Ended, me: int, catalog: Catalog) -> str:
    loser = end.maker if end.loser == end.offer.maker else end.taker
    if end.lost is None:
        return f"{loser} se fue"
    artifact = catalog.describe(end.lost).name
    return f"ya no tienes {artifact}" if end.loser == me else f"{loser} ya no tiene {artifact}"


def _parts(end: Ended, catalog: Catalog) -> tuple[str, str, Artifact, Artifact]:
    gives, takes = catalog.describe(end.offer.gives), catalog.describe(end.offer.takes)
    return end.maker, end.taker, gives, takes


def meanwhile(news: News, me: int, catalog: Catalog) -> list[Message]:
    """The news of an absence: trades first, then the rest, oldest first, and how many more."""
    ends = sorted(news.ends, key=lambda end: not end.is_trade)
    told: list[Message] = [_told_later(end, me, catalog) for end in ends]
    return [*told, AndMore(news.more)] if news.more else told


def _told_later(end: Happened, me: int, catalog: Catalog) -> Message:
    if isinstance(end, SwapNews):
        return MeanwhileSwap(end.swap, end.how.value, _swap_later(end, catalog))
    sentence = _later(end, me, catalog)
    return Meanwhile(end.offer.number, end.how.value, sentence, *_parts(end, catalog))


def _later(end: Ended, me: int, catalog: Catalog) -> str:
    number = end.offer.number
    if end.how is How.ACCEPTED:
        gives, takes = catalog.describe(end.offer.gives), catalog.describe(end.offer.takes)
        return f"{end.taker} aceptó la oferta #{number}: tu {gives.name} por su {takes.name}."
    if end.how is How.REJECTED:
        return f"{end.taker} rechazó la oferta #{number}."
    if end.how is How.RETRACTED:
        return f"{end.maker} retiró la oferta #{number}."
    return _ending(end, me, catalog)


def swap_row(swap: Swap, catalog: Catalog) -> StandingSwap:
    """A row of ``:ofertas``, as the maker reads it."""
    gives, takes = (tuple(map(catalog.describe, side)) for side in (swap.giving, swap.taking))
    return StandingSwap(swap.number, gives, takes, swap.keep)


def swap_ended(end: SwapNews, catalog: Catalog) -> SwapEnded:
    """What the maker hears when a swap ends without a ring."""
    if end.how is How.RETRACTED:
        said = f"Retiraste el cambio #{end.swap}."
    else:
        later = _swap_later(end, catalog)
        said = later[0].upper() + later[1:]
    return SwapEnded(end.swap, end.how.value, said)


def _swap_later(end: SwapNews, catalog: Catalog) -> str:
    if end.how is How.SETTLED:
        assert end.gave is not None
        assert end.got is not None
        gave, got = catalog.describe(end.gave), catalog.describe(end.got)
        return f"{settled(end.swap, gave, end.to, got, end.source)}."
    if end.how is How.EXPIRED:
        return f"el cambio #{end.swap} venció."
    return f"el cambio #{end.swap} ya no es válido: {_swap_why(end, catalog)}."


def _swap_why(end: SwapNews, catalog: Catalog) -> str:
    if end.got is not None:
        return f"ya tienes {catalog.describe(end.got).name}"
    if end.gave is not None:
        return f"ya no tienes {catalog.describe(end.gave).name}"
    return "ya no tienes repetidos"
