"""Matching: what somebody can get, and from how many swaps; who could close a swap (PROTOCOL
§4b)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from granja.contract.ids import ArtifactId, FarmerId
from granja.market.market import Market
from granja.market.rings import leading, reachable
from granja.market.swapping import spares
from granja.market.swaps import Swap


@dataclass(frozen=True, slots=True)
class Chance:
    """One ``gives`` for one ``takes``.  ``how``: ``now``, ``pair`` or ``three``."""

    how: str
    gives: ArtifactId
    takes: ArtifactId


class View:
    """Who seeks and gives what, among catalog numbers and farmers who still exist.

    :param catalog: the numbers that exist.
    :param gone: visitors who have left; the record does not say so yet.
    """

    def __init__(
        self, market: Market, catalog: Collection[int], gone: Iterable[FarmerId] = ()
    ) -> None:
        self._market = market
        self._catalog = catalog
        gone = set(gone)
        table = market.swaps.table
        self.usable = ~sum(
            table.bit(swap.number) for farmer in gone for swap in market.swaps.of(farmer)
        )
        self.here = ~market.wishes.bits(gone)

    def seeks(self, farmer: FarmerId) -> list[ArtifactId]:
        """What they typed and lack, or else all that they lack, by number."""
        typed = self._market.wishes.of(farmer).seeks
        copies = self._market.copies(farmer)
        artifacts = map(ArtifactId, self._catalog) if typed is None else iter(typed)
        return [a for a in artifacts if not copies.get(a) and a in self._catalog]

    def gives(self, farmer: FarmerId) -> list[ArtifactId]:
        """What they typed and have, or else their spares, by number."""
        typed = self._market.wishes.of(farmer).gives
        copies = self._market.copies(farmer)
        artifacts = spares(self._market, farmer) if typed is None else typed
        return [a for a in artifacts if copies.get(a) and a in self._catalog]

    # -- what somebody can get -----------------------------------------------------------------

    def chances(self, farmer: FarmerId) -> list[Chance]:
        """One chance for each artifact that they seek and can get; those that close a ring
        first."""
        gives, sought = self.gives(farmer), dict.fromkeys(self.seeks(farmer))
        said = {
            (gift, wish)
            for swap in self._market.swaps.of(farmer)
            for gift in swap.giving
            for wish in swap.taking
        }
        found: list[Chance] = []
        for how, pairs in (
            ("now", self._closing(gives, said)),
            ("pair", self._two_sided(gives, sought)),
            ("three", self._of_three(gives, sought)),
        ):
            chosen: dict[ArtifactId, ArtifactId] = {}
            for gift, wish in pairs:
                if wish in sought and wish not in chosen and (gift, wish) not in said:
                    chosen[wish] = gift
            found += [Chance(how, chosen[wish], wish) for wish in sorted(chosen)]
            for wish in chosen:
                del sought[wish]
        return found

    def _closing(
        self, gives: Sequence[ArtifactId], said: Set[tuple[ArtifactId, ArtifactId]]
    ) -> Sequence[tuple[ArtifactId, ArtifactId]]:
        """Pairs of a gift and what standing swaps alone give for it.

        What an earlier gift gets is left out for a later gift.  It is not left out if one of the
        farmer's own swaps says such a pair already and has not settled yet.
        """
        table = self._market.swaps.table
        found: dict[ArtifactId, ArtifactId] = {}
        for gift in gives:
            if gift not in found:
                reached = reachable(table, [gift], self.usable, found)
                found.update(dict.fromkeys(reached, gift))
        pairs = [(gift, wish) for wish, gift in found.items()]
        if said.isdisjoint(pairs):
            return pairs
        return [(gift, w) for gift in gives for w in reachable(table, [gift], self.usable)]

    def _two_sided(
        self, gives: Iterable[ArtifactId], sought: Collection[ArtifactId]
    ) -> Iterator[tuple[ArtifactId, ArtifactId]]:
        """Pairs of a gift and a wish: one farmer seeks the gift and gives the wish."""
        wishes = self._market.wishes
        givers = {wish: bits for wish in sought if (bits := wishes.givers(wish) & self.here)}
        for gift in gives:
            seekers = wishes.seekers(gift)
            yield from ((gift, wish) for wish, bits in givers.items() if bits & seekers)

    def _of_three(
        self, gives: Iterable[ArtifactId], sought: Collection[ArtifactId]
    ) -> Iterator[tuple[ArtifactId, ArtifactId]]:
        """Pairs of a gift and a wish through two farmers: the first seeks the gift and gives what
        the second seeks, and the second gives the wish.

        They are two different farmers: nobody gives what they seek.
        """
        wishes = self._market.wishes
        between = {a: bits for a in wishes.had() if (bits := wishes.givers(a) & self.here)}
        seekers = {a: wishes.seekers(a) & self.here for a in between}
        last = {
            wish: {a for a in between if seekers[a] & between[wish]}
            for wish in sought
            if wish in between
        }
        for gift in gives:
            seeking = wishes.seekers(gift)
            first = {a for a, bits in between.items() if bits & seeking}
            yield from ((gift, wish) for wish, through in last.items() if through & first)

    # -- who could close a swap ----------------------------------------------------------------

    def closers(self, swap: Swap) -> Closers:
        table = self._market.swaps.table
        gifts = leading(table, swap.taking, self.usable)
        wishes = reachable(table, swap.giving, self.usable)
        return Closers(self, self._market, swap, gifts, wishes)


class Closers:
    """The farmers who could close a swap with one of their own, alone or through standing swaps.

    ``can``: who they are.
    """

    def __init__(
        self,
        view: View,
        market: Market,
        swap: Swap,
        gifts: Collection[ArtifactId],
        wishes: Collection[ArtifactId],
    ) -> None:
        self._view = view
        self._swap = swap
        self._gifts = gifts
        self._wishes = wishes
        giving = seeking = 0
        for gift in gifts:
            giving |= market.wishes.givers(gift)
        for wish in wishes:
            seeking |= market.wishes.seekers(wish)
        people = giving & seeking & view.here & ~market.wishes.bits([swap.maker])
        self.can = frozenset(market.wishes.people(people))

    def chance(self, farmer: FarmerId) -> Chance | None:
        """What one of them has to give and take; a direct exchange comes first."""
        gives = [gift for gift in self._view.gives(farmer) if gift in self._gifts]
        takes = [wish for wish in self._view.seeks(farmer) if wish in self._wishes]
        if not gives or not takes:
            return None
        direct_gifts = [gift for gift in gives if gift in self._swap.taking]
        direct_wishes = [wish for wish in takes if wish in self._swap.giving]
        return Chance("now", (direct_gifts or gives)[0], (direct_wishes or takes)[0])
