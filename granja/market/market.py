"""The rules of trading: who holds what, which offers stand, and what may happen next.

The market knows no sockets, disks or clocks.  Each ``decide_…`` (in :mod:`granja.market.holding`,
``offering`` and ``swapping``) looks at the state and either raises a
:class:`~granja.contract.errors.GranjaError` or returns the facts that should happen; it changes
nothing.  :meth:`Market.apply` makes one fact true and cannot fail.  Between the two the ledger
makes the facts durable, so a decision that could not be stored needs no undoing.

The running server, the replay at the start, the audit and the tests all use the same ``apply``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.offers import Ended, Happened, How, News, Offer, SwapNews, plain
from granja.market.swaps import Swap, Swaps
from granja.market.wishes import Wish, Wishes


@dataclass(frozen=True, slots=True)
class Limits:
    """``offers``: the most pending offers from one farmer, and the most to one farmer.
    ``offers_each``: the most from one farmer to another.  ``lifetime``: of an offer, in seconds.
    ``artifacts``: the most that one farmer may declare."""

    offers: int = 20
    lifetime: float = 604800.0
    artifacts: int = 100
    offers_each: int = 5


_NOTHING: Counter[ArtifactId] = Counter()
_NO_NEWS = News()


class Market:
    """Inventories, offers, and who is registered.

    :param limits: what :func:`~granja.market.offering.decide_offer` and others enforce; replay does
        not look at them, so an operator may tighten them later.
    """

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self.names: dict[FarmerId, str] = {}
        self.held: dict[FarmerId, Counter[ArtifactId]] = {}
        self.offers: dict[OfferId, Offer] = {}
        self.registered: dict[FarmerId, str] = {}
        self.away: dict[FarmerId, News] = {}
        self.declared: set[FarmerId] = set()
        self.swaps = Swaps()
        self.wishes = Wishes()
        self.last_farmer = 0
        self.last_offer = 0
        self._touching: dict[FarmerId, dict[OfferId, Offer]] = {}

    # -- looking -----------------------------------------------------------------------------

    def inventory(self, farmer: FarmerId) -> list[ArtifactId]:
        """What a farmer holds: one entry for each copy, sorted by number."""
        return sorted(self.held.get(farmer, _NOTHING).elements())

    def copies(self, farmer: FarmerId) -> Mapping[ArtifactId, int]:
        """How many copies of each artifact a farmer holds."""
        return self.held.get(farmer, _NOTHING)

    def holds(self, farmer: FarmerId, artifact: ArtifactId) -> bool:
        return self.held.get(farmer, _NOTHING)[artifact] > 0

    def incoming(self, farmer: FarmerId) -> list[Offer]:
        """The offers that wait for this farmer's answer, oldest first."""
        return [offer for offer in self.pending(farmer) if offer.taker == farmer]

    def outgoing(self, farmer: FarmerId) -> list[Offer]:
        return [offer for offer in self.pending(farmer) if offer.maker == farmer]

    def pending(self, farmer: FarmerId) -> list[Offer]:
        """The offers from and to this farmer, oldest first."""
        return list(self._touching.get(farmer, {}).values())

    def standing(self, number: OfferId) -> Offer | Swap | None:
        """The offer or swap with this number, while it is pending."""
        return self.offers.get(number) or self.swaps.get(number)

    def count_outgoing(self, maker: FarmerId) -> int:
        """How many offers and swaps this maker has; both count the same."""
        return len(self.outgoing(maker)) + len(self.swaps.of(maker))

    # -- applying ----------------------------------------------------------------------------

    def apply(self, fact: Fact) -> list[Happened]:
        """Make a decided fact true.

        :returns: the offers and swaps that it ended, in their order.
        """
        ended = _APPLY[type(fact)](self, fact)
        for end in ended:
            for party in end.parties:
                if party in self.away and not end.is_deed_of(party):
                    self.away[party].add(end)
        return ended

    def _declared(self, fact: events.Declared) -> list[Happened]:
        self._name(fact.farmer, fact.name)
        self.declared.add(fact.farmer)
        self._enter(fact.farmer)
        return [end for artifact in fact.artifacts for end in self._gain(fact.farmer, artifact)]

    def _withdrawn(self, fact: events.Withdrawn) -> list[Happened]:
        return [end for artifact in fact.artifacts for end in self._lose(fact.farmer, artifact)]

    def _released(self, fact: events.Released) -> list[Happened]:
        self.registered.pop(fact.farmer, None)
        self.away.pop(fact.farmer, None)
        return self._departed(fact)

    def _departed(self, fact: events.Departed | events.Released) -> list[Happened]:
        ended: list[Happened] = [
            self._end(offer, How.VOID, fact.farmer) for offer in self.pending(fact.farmer)
        ]
        for swap in self.swaps.of(fact.farmer):
            self.swaps.end(swap.number)
        self.wishes.leave(fact.farmer, self.held.pop(fact.farmer, _NOTHING))
        self.names.pop(fact.farmer, None)
        self.declared.discard(fact.farmer)
        return ended

    def _offered(self, fact: events.Offered) -> list[Happened]:
        offer = Offer(fact.offer, fact.maker, fact.taker, fact.gives, fact.takes, fact.expires)
        self._stand(offer)
        if fact.taker in self.away:
            self.away[fact.taker].offered(fact.offer)
        self.last_offer = max(self.last_offer, fact.offer)
        return []

    def _traded(self, fact: events.Traded) -> list[Happened]:
        offer = self.offers[fact.offer]
        ended: list[Happened] = [self._end(offer, How.ACCEPTED)]
        ended += self._gain(offer.maker, offer.takes)
        ended += self._gain(offer.taker, offer.gives)
        ended += self._lose(offer.maker, offer.gives)
        ended += self._lose(offer.taker, offer.takes)
        return ended

    def _answered(
        self, fact: events.Rejected | events.Retracted | events.Expired
    ) -> list[Happened]:
        how = _ANSWERS[type(fact)]
        if fact.offer in self.swaps:
            return [SwapNews(fact.offer, self.swaps.end(fact.offer).maker, how)]
        return [self._end(self.offers[fact.offer], how)]

    def _wished(self, fact: events.Wished) -> list[Happened]:
        self._enter(fact.farmer)
        self.wishes.wish(fact.farmer, Wish(fact.seeks, fact.gives))
        return []

    def _posted(self, fact: events.Posted) -> list[Happened]:
        said = fact.gives, fact.takes
        swap = Swap(fact.offer, fact.maker, *said, fact.keep, fact.expires, *said)
        self.swaps.stand(swap)
        self.wishes.used.add(fact.maker)
        self.last_offer = max(self.last_offer, fact.offer)
        return []

    def _settled(self, fact: events.Settled) -> list[Happened]:
        """Everybody in the ring gives to the next.  The ring's own swaps report no other end."""
        if len(fact.offers) != len(fact.gives):
            raise KeyError(fact)
        ring = [self.swaps[number] for number in fact.offers]
        makers = [swap.maker for swap in ring]
        gifts = list(fact.gives)
        takers, sources = makers[1:] + makers[:1], makers[-1:] + makers[:-1]
        got = gifts[-1:] + gifts[:-1]
        news: list[Happened] = [
            SwapNews(
                swap.number,
                swap.maker,
                How.SETTLED,
                gave,
                gained,
                self.names[to],
                self.names[source],
            )
            for swap, gave, gained, to, source in zip(
                ring, gifts, got, takers, sources, strict=True
            )
        ]
        ended = [
            end for to, gift in zip(takers, gifts, strict=True) for end in self._gain(to, gift)
        ]
        ended += [
            end for by, gift in zip(makers, gifts, strict=True) for end in self._lose(by, gift)
        ]
        used = set(fact.offers)
        return news + [end for end in ended if not (isinstance(end, SwapNews) and end.swap in used)]

    def _registered(self, fact: events.Registered) -> list[Happened]:
        self._name(fact.farmer, fact.name)
        self.registered[fact.farmer] = fact.name
        self._enter(fact.farmer)
        return []

    def _password_changed(self, fact: events.PasswordChanged | events.Rewritten) -> list[Happened]:
        return []

    def _begun(self, fact: events.Begun) -> list[Happened]:
        """Take the state at the end of the chain before this one."""
        vars(self).update(vars(Market.restore(fact.state, self.limits)))
        return []

    def _left(self, fact: events.Left) -> list[Happened]:
        unseen = set(fact.unseen) if fact.unseen is not None else None
        self.away[fact.farmer] = News(list(fact.missed), fact.more, unseen)
        return []

    def _returned(self, fact: events.Returned) -> list[Happened]:
        self.away.pop(fact.farmer, None)
        return []

    def _name(self, farmer: FarmerId, name: str) -> None:
        self.names[farmer] = name
        self.last_farmer = max(self.last_farmer, farmer)

    def _enter(self, farmer: FarmerId) -> None:
        """Let a farmer into the market, with what they have."""
        self.held.setdefault(farmer, Counter())
        self.wishes.enter(farmer)
        self.last_farmer = max(self.last_farmer, farmer)

    def _gain(self, farmer: FarmerId, artifact: ArtifactId) -> list[Happened]:
        """A farmer gains a copy.  Their swaps no longer ask for it if it is the first."""
        held = self.held[farmer]
        held[artifact] += 1
        self.wishes.gained(farmer, artifact, held[artifact])
        ended = self.swaps.strike_wish(farmer, artifact)
        return [SwapNews(swap.number, farmer, How.VOID, got=artifact) for swap in ended]

    def _lose(self, farmer: FarmerId, artifact: ArtifactId) -> list[Happened]:
        """A farmer loses a copy.  The last one ends the offers and swaps that needed it.  The last
        but one ends swaps that give only spares."""
        held = self.held[farmer]
        held[artifact] -= 1
        left = held[artifact]
        self.wishes.lost(farmer, artifact, left)
        ended = self.swaps.strike_gift(farmer, artifact, left)
        void: list[Happened] = [
            SwapNews(swap.number, farmer, How.VOID, gave=None if swap.keep else artifact)
            for swap in ended
        ]
        if left:
            return void
        del held[artifact]
        return [
            self._end(offer, How.VOID, farmer, artifact)
            for offer in self.pending(farmer)
            if artifact == (offer.gives if offer.maker == farmer else offer.takes)
        ] + void

    def _stand(self, offer: Offer) -> None:
        self.offers[offer.number] = offer
        for party in (offer.maker, offer.taker):
            self._touching.setdefault(party, {})[offer.number] = offer

    def _end(
        self,
        offer: Offer,
        how: How,
        loser: FarmerId | None = None,
        lost: ArtifactId | None = None,
    ) -> Ended:
        del self.offers[offer.number]
        for party in (offer.maker, offer.taker):
            del self._touching[party][offer.number]
            if not self._touching[party]:
                del self._touching[party]
        return Ended(offer, self.names[offer.maker], self.names[offer.taker], how, loser, lost)

    # -- keeping -----------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The whole state as values for JSON; :meth:`restore` takes it back."""
        state: dict[str, Any] = {
            "names": list(self.names.items()),
            "held": [[farmer, list(held.items())] for farmer, held in self.held.items()],
            "offers": [plain(offer) for offer in self.offers.values()],
            "registered": list(self.registered.items()),
            "away": [[farmer, news.plain()] for farmer, news in self.away.items()],
            "declared": sorted(self.declared),
            "last_farmer": self.last_farmer,
            "last_offer": self.last_offer,
            "swaps": [swap.plain() for swap in self.swaps.all()],
            "wishes": [
                {"farmer": farmer, "seeks": wish.seeks, "gives": wish.gives}
                for farmer, wish in self.wishes.typed.items()
            ],
            "wishers": sorted(self.wishes.used),
        }
        # An older granja's state lacks these keys.  Without them, both states compare as equal.
        return {key: value for key, value in state.items() if value or key not in _YOUNG}

    @classmethod
    def restore(cls, state: dict[str, Any], limits: Limits = Limits()) -> Market:
        """The market that :meth:`snapshot` described."""
        market = cls(limits)
        market.names = dict(state["names"])
        market.held = {farmer: Counter(dict(held)) for farmer, held in state["held"]}
        market.wishes.fill(market.held)
        for values in state["offers"]:
            market._stand(Offer(**values))
        market.registered = dict(state["registered"])
        market.away = {farmer: News.restore(news) for farmer, news in state["away"]}
        market.declared = set(state["declared"])
        market.last_farmer = state["last_farmer"]
        market.last_offer = state["last_offer"]
        for values in state.get("swaps", ()):
            market.swaps.stand(Swap.restore(values))
        for wish in state.get("wishes", ()):
            typed = Wish(_listed(wish["seeks"]), _listed(wish["gives"]))
            market.wishes.wish(wish["farmer"], typed)
        market.wishes.used = set(state.get("wishers", ()))
        return market


#: Keys that an older snapshot lacks.
_YOUNG = frozenset({"swaps", "wishes", "wishers"})


def _listed(artifacts: Sequence[ArtifactId] | None) -> tuple[ArtifactId, ...] | None:
    return None if artifacts is None else tuple(artifacts)


_ANSWERS: dict[type[Fact], How] = {
    events.Rejected: How.REJECTED,
    events.Retracted: How.RETRACTED,
    events.Expired: How.EXPIRED,
}

_APPLY: dict[type[Fact], Callable[[Market, Any], list[Happened]]] = {
    events.Declared: Market._declared,
    events.Withdrawn: Market._withdrawn,
    events.Departed: Market._departed,
    events.Offered: Market._offered,
    events.Traded: Market._traded,
    events.Rejected: Market._answered,
    events.Retracted: Market._answered,
    events.Expired: Market._answered,
    events.Wished: Market._wished,
    events.Posted: Market._posted,
    events.Settled: Market._settled,
    events.Registered: Market._registered,
    events.PasswordChanged: Market._password_changed,
    events.Left: Market._left,
    events.Returned: Market._returned,
    events.Released: Market._released,
    events.Rewritten: Market._password_changed,
    events.Begun: Market._begun,
}


def replay(market: Market, facts: Iterable[Fact]) -> None:
    """Apply recorded facts in order, only for the state that they make."""
    for fact in facts:
        market.apply(fact)
