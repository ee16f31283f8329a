"""The rules of trading: who holds what, which offers stand, and what may happen next.

The market knows no sockets, disks or clocks.  Each ``decide_…`` looks at the state and either
raises a :class:`~granja.contract.errors.GranjaError` or returns the facts that should happen;
it changes nothing.  :meth:`Market.apply` makes one fact true and cannot fail.  Between the two
the ledger makes the facts durable, so a decision that could not be stored needs no undoing.

The running server, the replay at start, the audit and the tests all use the same ``apply``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.offers import Ended, How, News, Offer, plain


@dataclass(frozen=True, slots=True)
class Limits:
    """``offers``: most pending offers out, and in; ``offers_each``: out, to one farmer.
    ``lifetime``: of an offer, in seconds.  ``artifacts``: most that one farmer may declare."""

    offers: int = 20
    lifetime: float = 604800.0
    artifacts: int = 100
    offers_each: int = 5


_NOTHING: Counter[ArtifactId] = Counter()
_NO_NEWS = News()


class Market:
    """Inventories, offers, and who is registered.

    :param limits: what :meth:`decide_offer` and :meth:`decide_declaration` enforce; replay does
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
        self.last_farmer = 0
        self.last_offer = 0
        self._touching: dict[FarmerId, dict[OfferId, Offer]] = {}

    # -- looking -----------------------------------------------------------------------------

    def inventory(self, farmer: FarmerId) -> list[ArtifactId]:
        """What a farmer holds, one entry for each copy, by number."""
        return sorted(self.held.get(farmer, _NOTHING).elements())

    def holds(self, farmer: FarmerId, artifact: ArtifactId) -> bool:
        return self.held.get(farmer, _NOTHING)[artifact] > 0

    def incoming(self, farmer: FarmerId) -> list[Offer]:
        """The offers that wait for this farmer's answer, oldest first."""
        return [offer for offer in self.pending(farmer) if offer.taker == farmer]

    def outgoing(self, farmer: FarmerId) -> list[Offer]:
        return [offer for offer in self.pending(farmer) if offer.maker == farmer]

    def pending(self, farmer: FarmerId) -> list[Offer]:
        """Both ways, oldest first."""
        return list(self._touching.get(farmer, {}).values())

    # -- deciding ----------------------------------------------------------------------------

    def decide_declaration(
        self, farmer: FarmerId, name: str, artifacts: Sequence[ArtifactId], *, once: bool = False
    ) -> list[Fact]:
        """A farmer says that they have found artifacts.

        :param once: record the declaration even when it is empty, because it is the only one.
        :raises TooManyArtifacts: past ``limits.artifacts`` in all.
        :raises DeclaredOnce: when ``once`` and this farmer has declared before.
        """
        if once and farmer in self.declared:
            raise errors.DeclaredOnce
        if artifacts and len(artifacts) + len(self.inventory(farmer)) > self.limits.artifacts:
            raise errors.TooManyArtifacts(self.limits.artifacts)
        if not artifacts and not once:
            return []
        return [events.Declared(farmer, name, tuple(artifacts))]

    def decide_withdrawal(self, farmer: FarmerId, artifact: ArtifactId) -> list[Fact]:
        """:raises DoesNotHave: when there is no copy to withdraw."""
        if not self.holds(farmer, artifact):
            raise errors.DoesNotHave(artifact)
        return [events.Withdrawn(farmer, (artifact,))]

    def decide_departure(
        self, farmer: FarmerId, missed: News = _NO_NEWS, *, visited: bool = False
    ) -> list[Fact]:
        """A connection ended: a visitor takes what they hold along, a registered one is away.

        :param missed: what a registered one has not heard.
        :param visited: whether one who is away on record has been here since: that is made up for.
        """
        if farmer in self.registered:
            unseen = tuple(sorted(missed.unseen or ()))
            left = events.Left(farmer, tuple(missed.ends), missed.more, unseen)
            if farmer in self.away:
                return [events.Returned(farmer), left] if visited else []
            return [left]
        if farmer not in self.held:
            return []
        return [events.Departed(farmer, tuple(self.inventory(farmer)))]

    def decide_return(self, farmer: FarmerId) -> list[Fact]:
        return [events.Returned(farmer)] if farmer in self.away else []

    def decide_registration(self, farmer: FarmerId, name: str) -> list[Fact]:
        """:raises AlreadyRegistered: when the name is this farmer's already."""
        if farmer in self.registered:
            raise errors.AlreadyRegistered
        return [events.Registered(farmer, name)]

    def decide_password_change(self, farmer: FarmerId) -> list[Fact]:
        """:raises NotRegistered: for a visitor, who has no password to change."""
        if farmer not in self.registered:
            raise errors.NotRegistered
        return [events.PasswordChanged(farmer)]

    def decide_offer(
        self,
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

        :param number: one that no offer has had; it is the caller's to give out, because several
            offers may be decided before the first of them is applied.
        :param closed: whether ``taker`` takes no new offers, or none of this maker.
        :raises TradeError: the one of PROTOCOL §4 that applies.
        """
        if maker == taker:
            raise errors.WithOneself
        # Limits come first, so that a refusal tells nobody what somebody holds (PROTOCOL §4).
        self._refuse_excess(maker, taker, taker_name)
        self._refuse_repeat(maker, taker, gives, takes, now)
        if closed:
            raise errors.DoorClosed(taker_name)
        if not self.holds(maker, gives):
            raise errors.NotMine(gives)
        if not self.holds(taker, takes):
            raise errors.NotTheirs(taker_name, takes)
        expires = now + self.limits.lifetime
        return [events.Offered(number, maker, taker, gives, takes, expires)]

    def _refuse_repeat(
        self, maker: FarmerId, taker: FarmerId, gives: ArtifactId, takes: ArtifactId, now: float
    ) -> None:
        wanted = (maker, taker, gives, takes)
        for offer in self.pending(maker):
            same = (offer.maker, offer.taker, offer.gives, offer.takes) == wanted
            if same and offer.expires > now:
                raise errors.SameOffer(offer.number)

    def _refuse_excess(self, maker: FarmerId, taker: FarmerId, taker_name: str) -> None:
        most = self.limits.offers
        outgoing = self.outgoing(maker)
        if len(outgoing) >= most:
            raise errors.TooManyOffers(most)
        if len(self.incoming(taker)) >= most:
            raise errors.TheyHaveTooManyOffers(taker_name, most)
        to_them = sum(offer.taker == taker for offer in outgoing)
        if to_them >= self.limits.offers_each:
            raise errors.TooManyOffersToOne(taker_name, to_them)

    def decide_acceptance(self, taker: FarmerId, number: int, now: float) -> list[Fact]:
        """Both copies are there as long as the offer is: :meth:`apply` sees to that.

        :raises NoSuchOffer: when ``number`` is not a pending offer to ``taker``.
        """
        offer = self._offer_to(taker, number)
        if offer.expires <= now:
            return [events.Expired(offer.number)]
        return [events.Traded(offer.number)]

    def decide_rejection(self, taker: FarmerId, number: int) -> list[Fact]:
        """:raises NoSuchOffer: when ``number`` is not a pending offer to ``taker``."""
        return [events.Rejected(self._offer_to(taker, number).number)]

    def decide_retraction(self, maker: FarmerId, number: int) -> list[Fact]:
        """:raises NoSuchOffer: when ``number`` is not a pending offer by ``maker``."""
        offer = self.offers.get(OfferId(number))
        if offer is None or offer.maker != maker:
            raise errors.NoSuchOffer(str(number))
        return [events.Retracted(offer.number)]

    def decide_expiry(self, number: OfferId, now: float) -> list[Fact]:
        """Nothing, if the offer has ended otherwise or is not yet due."""
        offer = self.offers.get(number)
        return [events.Expired(number)] if offer and offer.expires <= now else []

    def _offer_to(self, taker: FarmerId, number: int) -> Offer:
        offer = self.offers.get(OfferId(number))
        if offer is None or offer.taker != taker:
            raise errors.NoSuchOffer(str(number))
        return offer

    # -- applying ----------------------------------------------------------------------------

    def apply(self, fact: Fact) -> list[Ended]:
        """Make a decided fact true.  Returns the offers that it ended, in their order."""
        ended = _APPLY[type(fact)](self, fact)
        for end in ended:
            for party in end.parties:
                if party in self.away and not end.is_deed_of(party):
                    self.away[party].add(end)
        return ended

    def _declared(self, fact: events.Declared) -> list[Ended]:
        self._name(fact.farmer, fact.name)
        self.declared.add(fact.farmer)
        self.held.setdefault(fact.farmer, Counter()).update(fact.artifacts)
        return []

    def _withdrawn(self, fact: events.Withdrawn) -> list[Ended]:
        return [end for artifact in fact.artifacts for end in self._lose(fact.farmer, artifact)]

    def _departed(self, fact: events.Departed) -> list[Ended]:
        ended = [self._end(o, How.VOID, fact.farmer) for o in self.pending(fact.farmer)]
        self.held.pop(fact.farmer, None)
        self.names.pop(fact.farmer, None)
        self.declared.discard(fact.farmer)
        return ended

    def _offered(self, fact: events.Offered) -> list[Ended]:
        offer = Offer(fact.offer, fact.maker, fact.taker, fact.gives, fact.takes, fact.expires)
        self._stand(offer)
        if fact.taker in self.away:
            self.away[fact.taker].offered(fact.offer)
        self.last_offer = max(self.last_offer, fact.offer)
        return []

    def _traded(self, fact: events.Traded) -> list[Ended]:
        offer = self.offers[fact.offer]
        ended = [self._end(offer, How.ACCEPTED)]
        self.held[offer.maker][offer.takes] += 1
        self.held[offer.taker][offer.gives] += 1
        ended += self._lose(offer.maker, offer.gives)
        ended += self._lose(offer.taker, offer.takes)
        return ended

    def _answered(self, fact: events.Rejected | events.Retracted | events.Expired) -> list[Ended]:
        return [self._end(self.offers[fact.offer], _ANSWERS[type(fact)])]

    def _registered(self, fact: events.Registered) -> list[Ended]:
        self._name(fact.farmer, fact.name)
        self.registered[fact.farmer] = fact.name
        self.held.setdefault(fact.farmer, Counter())
        return []

    def _password_changed(self, fact: events.PasswordChanged) -> list[Ended]:
        return []

    def _left(self, fact: events.Left) -> list[Ended]:
        unseen = set(fact.unseen) if fact.unseen is not None else None
        self.away[fact.farmer] = News(list(fact.missed), fact.more, unseen)
        return []

    def _returned(self, fact: events.Returned) -> list[Ended]:
        self.away.pop(fact.farmer, None)
        return []

    def _name(self, farmer: FarmerId, name: str) -> None:
        self.names[farmer] = name
        self.last_farmer = max(self.last_farmer, farmer)

    def _lose(self, farmer: FarmerId, artifact: ArtifactId) -> list[Ended]:
        """One copy goes; the last one takes the offers that needed it along."""
        held = self.held[farmer]
        held[artifact] -= 1
        if held[artifact]:
            return []
        del held[artifact]
        return [
            self._end(offer, How.VOID, farmer, artifact)
            for offer in self.pending(farmer)
            if artifact == (offer.gives if offer.maker == farmer else offer.takes)
        ]

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
        """The whole state as JSON-ready values; :meth:`restore` takes it back."""
        return {
            "names": list(self.names.items()),
            "held": [[farmer, list(held.items())] for farmer, held in self.held.items()],
            "offers": [plain(offer) for offer in self.offers.values()],
            "registered": list(self.registered.items()),
            "away": [[farmer, news.plain()] for farmer, news in self.away.items()],
            "declared": sorted(self.declared),
            "last_farmer": self.last_farmer,
            "last_offer": self.last_offer,
        }

    @classmethod
    def restore(cls, state: dict[str, Any], limits: Limits = Limits()) -> Market:
        """The market that :meth:`snapshot` described."""
        market = cls(limits)
        market.names = dict(state["names"])
        market.held = {farmer: Counter(dict(held)) for farmer, held in state["held"]}
        for values in state["offers"]:
            market._stand(Offer(**values))
        market.registered = dict(state["registered"])
        market.away = {farmer: News.restore(news) for farmer, news in state["away"]}
        market.declared = set(state["declared"])
        market.last_farmer = state["last_farmer"]
        market.last_offer = state["last_offer"]
        return market


_ANSWERS: dict[type[Fact], How] = {
    events.Rejected: How.REJECTED,
    events.Retracted: How.RETRACTED,
    events.Expired: How.EXPIRED,
}

_APPLY: dict[type[Fact], Callable[[Market, Any], list[Ended]]] = {
    events.Declared: Market._declared,
    events.Withdrawn: Market._withdrawn,
    events.Departed: Market._departed,
    events.Offered: Market._offered,
    events.Traded: Market._traded,
    events.Rejected: Market._answered,
    events.Retracted: Market._answered,
    events.Expired: Market._answered,
    events.Registered: Market._registered,
    events.PasswordChanged: Market._password_changed,
    events.Left: Market._left,
    events.Returned: Market._returned,
}


def replay(market: Market, facts: Iterable[Fact]) -> None:
    """Apply recorded facts in order, for their state and not for their ends."""
    for fact in facts:
        market.apply(fact)
