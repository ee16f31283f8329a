"""Trace: the way of an artifact, or of a farmer, through the ledger: who gave what to whom,
when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from granja.contract.ids import ArtifactId, FarmerId
from granja.contract.messages import somebody
from granja.ledger.archive import IArchive
from granja.ledger.chain import BadEntry, Head, verified
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.market import Market
from granja.text import names


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that moved artifacts.  ``farmers`` took part; ``artifacts`` moved; ``text`` says
    how."""

    farmers: tuple[FarmerId, ...]
    artifacts: tuple[ArtifactId, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A deed that we look for.  ``time``: Unix seconds.  ``sequence``: its entry."""

    sequence: int
    time: float
    text: str


#: Says whether we look for a deed, from the deed and the names of those who took part.
Wanted = Callable[[Deed, Iterable[str]], bool]


def of_artifact(artifact: int) -> Wanted:
    return lambda deed, people: artifact in deed.artifacts


def of_farmer(name: str) -> Wanted:
    """Wants deeds of farmers with that name at the time, compared as in the chat."""
    sought = names.recall(name)

    @lru_cache(maxsize=10_000)
    def is_meant(other: str) -> bool:
        return names.same(names.recall(other), sought)

    return lambda deed, people: any(map(is_meant, people))


def steps(
    chain: Sequence[IArchive], wanted: Wanted, name_of: Callable[[int], str]
) -> Iterator[Step]:
    """The steps in order, from the first entry to the one that is the last now.

    :param chain: the archives, and the ledger that goes on from them.
    :param name_of: gives an artifact's name for its number.
    :raises BadEntry: at an entry that is not what was written.
    """
    market, head = Market(), chain[0].start()
    for archive in chain:
        for entry in verified(archive.entries(head.sequence), head.hash, head.sequence):
            head = Head(entry.sequence, entry.hash)
            try:
                deed, people = _follow(market, archive.fact(entry), name_of)
            except KeyError:
                why = "it cannot have happened; see granja audit"
                raise BadEntry(entry.sequence, why) from None
            if deed is not None and wanted(deed, people):
                yield Step(entry.sequence, entry.time, deed.text)


def _follow(
    market: Market, fact: Fact, name_of: Callable[[int], str]
) -> tuple[Deed | None, list[str]]:
    """Apply the fact.  Return its deed, and the names of those who took part, as of that moment."""
    brings_name = isinstance(fact, events.Declared | events.Registered)
    if brings_name:
        market.apply(fact)
    deed = _describe(market, fact, name_of)
    people = [market.names[farmer] for farmer in deed.farmers] if deed else []
    if not brings_name:
        market.apply(fact)
    return deed, people


def _describe(market: Market, fact: Fact, name_of: Callable[[int], str]) -> Deed | None:
    def who(farmer: FarmerId) -> str:
        if market.names[farmer] == somebody(farmer):
            return f"farmer {farmer}"
        return f"{market.names[farmer]} (farmer {farmer})"

    def what(artifacts: Iterable[ArtifactId]) -> str:
        counted = Counter(artifacts)
        named = (f"{n} × {name_of(a)}" if n > 1 else name_of(a) for a, n in sorted(counted.items()))
        return ", ".join(named) or "nothing"

    if isinstance(fact, events.Traded):
        offer = market.offers[fact.offer]
        maker, taker = who(offer.maker), who(offer.taker)
        text = (
            f"{maker} handed {name_of(offer.gives)} to {taker} for {name_of(offer.takes)} "
            f"(offer #{offer.number})"
        )
        return Deed((offer.maker, offer.taker), (offer.gives, offer.takes), text)
    if isinstance(fact, events.Settled):
        ring = [market.swaps[number] for number in fact.offers]
        makers = [swap.maker for swap in ring]
        steps = zip(makers, fact.gives, makers[1:] + makers[:1], strict=False)
        said = ", ".join(f"{who(by)} handed {name_of(gift)} to {who(to)}" for by, gift, to in steps)
        numbers = ", ".join(f"#{number}" for number in fact.offers)
        return Deed(tuple(makers), fact.gives, f"{said} (a ring of the swaps {numbers})")
    verb = _VERBS.get(type(fact))
    mine: Any = fact
    # A visitor may only have said what they seek: the ledger knows no name, and nothing moved.
    if verb is None or (mine.farmer in market.held and mine.farmer not in market.names):
        return None
    return Deed((mine.farmer,), mine.artifacts, f"{who(mine.farmer)} {verb} {what(mine.artifacts)}")


_VERBS: dict[type[Fact], str] = {
    events.Declared: "declared",
    events.Withdrawn: "gave away for good",
    events.Departed: "left the granja with",
    events.Released: "left the granja for good with",
}
