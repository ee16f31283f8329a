"""Swaps settle until nothing is left to close, and never make or lose a copy.

Hypothesis plays a crowd against the market and a model of our own: what everybody holds, and swaps
as plain sets.  Rings are sought there by trying every chain.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.chain import canonical
from granja.market import facts as events, holding, offering, rings, swapping
from granja.market.facts import Fact
from granja.market.market import Limits, Market
from granja.market.rings import Ring
from granja.market.wishes import Wish
from granja.operations.audit import Audit

PEOPLE = range(1, 7)
KINDS = range(1, 6)
FARMERS = st.integers(1, 6).map(FarmerId)
ARTIFACTS = st.integers(1, 5).map(ArtifactId)
LISTS = st.lists(ARTIFACTS, min_size=1, max_size=3)
LIMITS = Limits(offers=4, lifetime=100.0, artifacts=10)
#: Somebody who was never in the market.
STRANGER = FarmerId(1000)

#: How many rings of each length have closed.
CLOSED: Counter[int] = Counter()


@dataclass
class Modelled:
    maker: int
    giving: set[int]
    taking: set[int]
    keep: bool
    expires: float


def shortest(swaps: dict[int, Modelled], closing: int) -> int | None:
    """The length of the shortest ring that a swap closes, found by trying every chain."""
    chains = [[closing]]
    while chains:
        longer = []
        for chain in chains:
            last = swaps[chain[-1]]
            if len(chain) > 1 and last.giving & swaps[closing].taking:
                return len(chain)
            longer += [
                [*chain, number]
                for number, swap in swaps.items()
                if number not in chain and last.giving & swap.taking
            ]
        chains = longer
    return None


class Crowd(RuleBasedStateMachine):
    """Six farmers and five kinds of artifact, so that circles close."""

    def __init__(self) -> None:
        super().__init__()
        self.market = Market(LIMITS)
        self.audit = Audit()
        self.facts: list[Fact] = []
        self.held: dict[int, Counter[int]] = {farmer: Counter() for farmer in PEOPLE}
        self.swaps: dict[int, Modelled] = {}
        self.wishes: dict[int, Wish] = {}
        self.number = 0
        self.now = 0.0
        self.settled = 0
        self.asked = 0

    @initialize(lists=st.lists(LISTS, min_size=6, max_size=6))
    def everybody_comes(self, lists: list[list[ArtifactId]]) -> None:
        for farmer, artifacts in zip(PEOPLE, lists, strict=True):
            self.happen([events.Declared(FarmerId(farmer), f"F{farmer}", tuple(artifacts))])
            self.held[farmer].update(artifacts)

    def happen(self, facts: list[Fact]) -> None:
        for fact in facts:
            self.facts.append(fact)
            self.audit._follow(len(self.facts), fact)  # it objects to what cannot be
            self.market.apply(fact)

    # -- what people do ------------------------------------------------------------------------

    @rule(maker=FARMERS, gives=LISTS, takes=LISTS, keep=st.booleans())
    def post_anything(
        self, maker: FarmerId, gives: list[ArtifactId], takes: list[ArtifactId], keep: bool
    ) -> None:
        self.post(maker, gives, takes, keep)

    @rule(makers=st.lists(FARMERS, min_size=2, max_size=8), data=st.data(), keep=st.booleans())
    def have_a_market_day(self, makers: list[FarmerId], data: st.DataObject, keep: bool) -> None:
        """Several post what they can: of what anybody can type, little is possible, and hardly ever
        a ring closes."""
        for maker in makers:
            gifts = [ArtifactId(kind) for kind in KINDS if self.held[maker][kind]]
            wishes = [ArtifactId(kind) for kind in KINDS if not self.held[maker][kind]]
            if gifts and wishes and len(self.market.swaps.of(maker)) < LIMITS.offers:
                gift, wish = (data.draw(st.sampled_from(kinds)) for kinds in (gifts, wishes))
                self.post(maker, [gift], [wish], keep)

    def post(
        self, maker: FarmerId, gives: list[ArtifactId], takes: list[ArtifactId], keep: bool
    ) -> None:
        held = self.held[maker]
        if keep:
            gives = swapping.spares(self.market, maker)
            assert gives == sorted(kind for kind in KINDS if held[kind] > 1)
            if not gives:
                return
        number = OfferId(self.number + 1)
        mine = [swap for swap in self.swaps.values() if swap.maker == maker]
        possible = (
            all(held[gift] for gift in gives)
            and not any(held[wish] for wish in takes)
            and len(mine) < LIMITS.offers
        )
        try:
            facts = swapping.decide_swap(self.market, number, maker, gives, takes, keep, self.now)
        except errors.SameSwap:
            return
        except errors.TradeError:
            assert not possible
            return
        assert possible
        self.happen(facts)
        self.number += 1
        expires = self.now + LIMITS.lifetime
        self.swaps[number] = Modelled(maker, {*gives}, {*takes}, keep, expires)
        self.asked += len({*takes})
        self.settle(number)

    def settle(self, number: OfferId) -> None:
        """Settle as the lane does, until there is no ring."""
        while number in self.market.swaps:
            length = shortest(self.swaps, number)
            ring = rings.closed_by(self.market.swaps, self.market.swaps[number])
            assert (None if ring is None else len(ring.swaps)) == length
            if ring is None:
                return
            assert ring.swaps[0] == number
            facts = swapping.decide_settlement(self.market, ring, lambda swap: True)
            assert facts, "a ring that was just found settles"
            self.happen(facts)
            self.hand_over(ring)

    def hand_over(self, ring: Ring) -> None:
        self.settled += len(ring.swaps)
        CLOSED[len(ring.swaps)] += 1
        makers = [self.swaps[number].maker for number in ring.swaps]
        for by, to, gift in zip(makers, makers[1:] + makers[:1], ring.gives, strict=True):
            assert self.held[by][gift] > 0
            assert not self.held[to][gift]
            self.held[by][gift] -= 1
            self.held[to][gift] += 1
        self.shrink()

    def shrink(self) -> None:
        for number, swap in list(self.swaps.items()):
            held = self.held[swap.maker]
            swap.giving = {gift for gift in swap.giving if held[gift] > swap.keep}
            swap.taking = {wish for wish in swap.taking if not held[wish]}
            if not swap.giving or not swap.taking:
                del self.swaps[number]

    @rule(farmer=FARMERS, artifact=ARTIFACTS)
    def find(self, farmer: FarmerId, artifact: ArtifactId) -> None:
        if self.held[farmer].total() < LIMITS.artifacts:
            self.happen(holding.decide_declaration(self.market, farmer, f"F{farmer}", [artifact]))
            self.held[farmer][artifact] += 1
            self.shrink()

    @rule(farmer=FARMERS, artifact=ARTIFACTS)
    def give_to_museum(self, farmer: FarmerId, artifact: ArtifactId) -> None:
        if self.held[farmer][artifact]:
            self.happen(holding.decide_withdrawal(self.market, farmer, artifact))
            self.held[farmer][artifact] -= 1
            self.shrink()

    @rule(farmer=FARMERS, seeks=st.none() | LISTS, gives=st.none() | LISTS)
    def wish(
        self,
        farmer: FarmerId,
        seeks: list[ArtifactId] | None,
        gives: list[ArtifactId] | None,
    ) -> None:
        wish = Wish(
            None if seeks is None else tuple(sorted({*seeks})),
            None if gives is None else tuple(sorted({*gives})),
        )
        try:
            self.happen(swapping.decide_wish(self.market, farmer, wish))
        except (errors.AlreadyHas, errors.DoesNotHave):
            return
        self.wishes[farmer] = wish

    @rule(farmer=FARMERS)
    def leave(self, farmer: FarmerId) -> None:
        """A visitor goes, and comes again under another number, which is the same here."""
        self.happen(holding.decide_departure(self.market, farmer))
        self.audit.people.gone.discard(farmer)
        self.held[farmer].clear()
        self.wishes.pop(farmer, None)
        self.swaps = {n: swap for n, swap in self.swaps.items() if swap.maker != farmer}

    @precondition(lambda self: self.swaps)
    @rule(data=st.data())
    def retract(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.swaps)))
        maker = FarmerId(self.swaps.pop(number).maker)
        self.happen(offering.decide_retraction(self.market, maker, number))

    @rule(maker=FARMERS, taker=FARMERS, gives=ARTIFACTS, takes=ARTIFACTS)
    def trade(self, maker: FarmerId, taker: FarmerId, gives: ArtifactId, takes: ArtifactId) -> None:
        """Offers go on beside the swaps, and take artifacts from under them."""
        number = OfferId(self.number + 1)
        try:
            offered = offering.decide_offer(
                self.market, number, maker, taker, "", gives, takes, self.now
            )
        except errors.TradeError:
            return
        self.number += 1
        self.happen(offered)
        self.happen(offering.decide_acceptance(self.market, taker, number, self.now))
        for by, to, gift in ((maker, taker, gives), (taker, maker, takes)):
            self.held[by][gift] -= 1
            self.held[to][gift] += 1
        self.shrink_by(gives, takes, maker, taker)

    def shrink_by(self, gives: int, takes: int, maker: int, taker: int) -> None:
        if gives != takes:
            self.shrink()
            return
        # The same kind went both ways: for a moment each had one more, so nobody asks for it.
        for number, swap in list(self.swaps.items()):
            if swap.maker in (maker, taker) and gives in swap.taking:
                raise AssertionError(number)
        self.shrink()

    @rule(seconds=st.sampled_from([1.0, 60.0, 101.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for number, swap in list(self.swaps.items()):
            facts = offering.decide_expiry(self.market, OfferId(number), self.now)
            assert bool(facts) == (swap.expires <= self.now)
            self.happen(facts)
            if facts:
                del self.swaps[number]

    @rule()
    def restart_from_a_snapshot(self) -> None:
        state = json.loads(json.dumps(self.market.snapshot()))
        restored = Market.restore(state, LIMITS)
        assert restored.snapshot() == self.market.snapshot()
        self.market = restored

    @rule()
    def restart_from_the_facts(self) -> None:
        """Each as it is written and read."""
        replayed = Market(LIMITS)
        for fact in self.facts:
            replayed.apply(events.from_body(fact.kind, json.loads(canonical(fact))))
        assert replayed.snapshot() == self.market.snapshot()
        self.market = replayed

    # -- what always holds ---------------------------------------------------------------------

    @invariant()
    def everybody_holds_what_the_model_says(self) -> None:
        for farmer in PEOPLE:
            inventory = Counter(self.market.inventory(FarmerId(farmer)))
            assert inventory == +self.held[farmer], farmer
        for counts in self.market.held.values():
            assert all(copies > 0 for copies in counts.values())

    @invariant()
    def the_same_swaps_stand(self) -> None:
        stand = {
            int(swap.number): Modelled(
                swap.maker, {*swap.giving}, {*swap.taking}, swap.keep, swap.expires
            )
            for swap in self.market.swaps.all()
        }
        assert stand == self.swaps

    @invariant()
    def nothing_closable_is_left_standing(self) -> None:
        assert rings.any_ring(self.market.swaps) is None
        assert all(shortest(self.swaps, number) is None for number in self.swaps)

    @invariant()
    def no_more_settles_than_was_asked_for(self) -> None:
        assert self.settled <= self.asked

    @invariant()
    def people_seek_and_give_what_the_model_says(self) -> None:
        wishes = self.market.wishes
        for kind in map(ArtifactId, KINDS):
            seek, said, give = set(), set(), set()
            for farmer in self.market.held:
                copies = self.held[farmer][kind]
                typed = self.wishes.get(farmer, Wish())
                if not copies and (typed.seeks is None or kind in typed.seeks):
                    seek.add(farmer)
                    said.update([farmer] if typed.seeks is not None else [])
                if copies > 1 if typed.gives is None else copies and kind in typed.gives:
                    give.add(farmer)
            assert set(wishes.people(wishes.seekers(kind))) == seek
            assert set(wishes.people(wishes.who_said_to_seek(kind))) == said
            assert set(wishes.people(wishes.givers(kind))) == give
            anybody = [STRANGER, *reversed(self.market.held)]
            chosen = wishes.among(anybody, wishes.givers(kind))
            assert list(chosen) == [farmer for farmer in anybody if farmer in give]


class SwapsConserve(SynchronousTestCase):
    def test_swaps_settle_whatever_people_do_and_make_no_copy(self) -> None:
        CLOSED.clear()
        run_state_machine_as_test(
            Crowd,
            settings=settings(
                max_examples=150,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        # A model in which nothing closes would prove nothing.
        self.assertGreater(CLOSED.total(), 10)


def _tables(market: Market) -> Iterator[int]:
    yield len(market.swaps.table.numbers)


class Tidying(SynchronousTestCase):
    def test_the_table_stays_small_and_the_oldest_stay_in_front(self) -> None:
        """Ten thousand swaps come and go while fifty stay."""
        market = Market()
        market.apply(events.Declared(FarmerId(1), "Ana", (ArtifactId(1),)))
        market.apply(events.Declared(FarmerId(2), "Beto", (ArtifactId(2),)))

        def post(number: int) -> None:
            said = (ArtifactId(1),), (ArtifactId(2),), False, 1.0
            market.apply(events.Posted(OfferId(number), FarmerId(1), *said))

        for number in range(1, 51):
            post(number)
        for number in range(51, 10_051):
            post(number)
            market.apply(events.Retracted(OfferId(number)))
            self.assertLess(max(_tables(market)), 250)
        said = (ArtifactId(2),), (ArtifactId(1),), False, 1.0
        market.apply(events.Posted(OfferId(20_000), FarmerId(2), *said))
        ring = rings.closed_by(market.swaps, market.swaps[OfferId(20_000)])
        assert ring is not None
        self.assertEqual(ring.swaps, (20_000, 1))

    def test_what_comes_while_it_is_tidied_is_carried_over(self) -> None:
        market = Market()
        market.apply(events.Declared(FarmerId(1), "Ana", (ArtifactId(1), ArtifactId(3))))
        market.apply(events.Declared(FarmerId(2), "Beto", (ArtifactId(4),)))
        number = 0

        def post(maker: int, gives: int, takes: int) -> OfferId:
            nonlocal number
            number += 1
            said = (ArtifactId(gives),), (ArtifactId(takes),), False, 1.0
            market.apply(events.Posted(OfferId(number), FarmerId(maker), *said))
            return OfferId(number)

        def come_and_go(tidied: bool) -> None:
            while (market.swaps._tidier is not None) != tidied:
                market.apply(events.Retracted(post(1, 1, 2)))

        for _ in range(200):
            post(1, 1, 2)
        come_and_go(tidied=True)
        newest = post(1, 3, 4)
        come_and_go(tidied=False)
        ring = rings.closed_by(market.swaps, market.swaps[post(2, 4, 3)])
        assert ring is not None
        self.assertEqual(ring.swaps, (OfferId(number), newest))
