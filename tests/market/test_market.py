"""The rules of trading, one at a time.  All of them together are in test_market_stateful."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import facts as events, holding, offering
from granja.market.facts import Fact
from granja.market.market import Limits, Market, replay
from granja.market.offers import MOST_NEWS, Ended, Happened, How, News, Offer, SwapNews
from granja.market.rings import Ring
from granja.market.swapping import decide_settlement, decide_swap
from granja.market.tally import Tally

ANA, GUS, CARO = FarmerId(1), FarmerId(2), FarmerId(3)
ANCLA, DISCO, HACHA = ArtifactId(21), ArtifactId(12), ArtifactId(24)


class MarketCase(SynchronousTestCase):
    """Ana holds an Ancla, Gus a Disco raro, Caro one of each."""

    limits = Limits(offers=2, lifetime=100.0, artifacts=5)

    def setUp(self) -> None:
        self.market = Market(self.limits)
        self.number = 0
        self.declare(ANA, "Ana", ANCLA)
        self.declare(GUS, "Gus", DISCO)
        self.declare(CARO, "Caro", ANCLA, DISCO)

    def do(self, facts: list[Fact]) -> list[Happened]:
        return [end for fact in facts for end in self.market.apply(fact)]

    def declare(self, farmer: FarmerId, name: str, *artifacts: ArtifactId) -> None:
        self.do(holding.decide_declaration(self.market, farmer, name, artifacts))

    def offer(
        self,
        maker: FarmerId = ANA,
        taker: FarmerId = GUS,
        gives: ArtifactId = ANCLA,
        takes: ArtifactId = DISCO,
        now: float = 0.0,
    ) -> OfferId:
        number = OfferId(self.number + 1)
        self.do(offering.decide_offer(self.market, number, maker, taker, "ella", gives, takes, now))
        self.number += 1
        return number

    def accept(self, number: int, who: FarmerId = GUS, now: float = 1.0) -> list[Happened]:
        return self.do(offering.decide_acceptance(self.market, who, number, now))

    def loss(self, end: Happened) -> tuple[FarmerId | None, ArtifactId | None]:
        assert isinstance(end, Ended)
        return end.loser, end.lost

    def ends(self, ended: list[Happened]) -> list[tuple[int, How]]:
        return [(end.number, end.how) for end in ended]


class Trading(MarketCase):
    def test_a_trade_moves_both_artifacts(self) -> None:
        ended = self.accept(self.offer())
        self.assertEqual(self.ends(ended), [(1, How.ACCEPTED)])
        self.assertEqual(self.market.inventory(ANA), [DISCO])
        self.assertEqual(self.market.inventory(GUS), [ANCLA])

    def test_an_offer_accepted_twice_is_fulfilled_once(self) -> None:
        number = self.offer()
        self.accept(number)
        self.assertRaises(errors.NoSuchOffer, self.accept, number)

    def test_only_the_taker_can_accept(self) -> None:
        number = self.offer()
        for who in (ANA, CARO):
            self.assertRaises(errors.NoSuchOffer, self.accept, number, who)

    def test_the_same_copy_offered_twice_goes_to_the_first(self) -> None:
        first, second = self.offer(), self.offer(taker=CARO)
        ended = self.accept(first)
        self.assertEqual(self.ends(ended), [(first, How.ACCEPTED), (second, How.VOID)])
        self.assertEqual(self.loss(ended[1]), (ANA, ANCLA))

    def test_a_second_copy_keeps_the_second_offer_alive(self) -> None:
        self.declare(ANA, "Ana", ANCLA)
        first, second = self.offer(), self.offer(taker=CARO)
        self.assertEqual(self.ends(self.accept(first)), [(first, How.ACCEPTED)])
        self.assertIn(second, self.market.offers)

    def test_crossed_offers_are_two_offers_of_which_one_can_happen(self) -> None:
        hers = self.offer()
        his = self.offer(GUS, ANA, DISCO, ANCLA)
        ended = self.accept(hers)
        self.assertEqual(self.ends(ended), [(hers, How.ACCEPTED), (his, How.VOID)])

    def test_the_same_artifact_for_itself_changes_hands_unseen(self) -> None:
        number = self.offer(ANA, CARO, ANCLA, ANCLA)
        self.accept(number, CARO)
        self.assertEqual(self.market.inventory(ANA), [ANCLA])
        self.assertEqual(self.market.inventory(CARO), [DISCO, ANCLA])

    def test_an_overdue_offer_cannot_be_accepted(self) -> None:
        ended = self.accept(self.offer(), now=100.0)
        self.assertEqual(self.ends(ended), [(1, How.EXPIRED)])
        self.assertEqual(self.market.inventory(ANA), [ANCLA])


class Refusals(MarketCase):
    def test_what_one_does_not_have(self) -> None:
        self.assertRaises(errors.NotMine, self.offer, gives=HACHA)

    def test_what_they_do_not_have(self) -> None:
        self.assertRaises(errors.NotTheirs, self.offer, takes=HACHA)

    def test_oneself(self) -> None:
        self.assertRaises(errors.WithOneself, self.offer, taker=ANA, takes=ANCLA)

    def test_the_same_offer_while_it_is_pending(self) -> None:
        self.offer()
        self.assertRaises(errors.SameOffer, self.offer)
        self.offer(now=100.0)  # The first is overdue, so this is not a repetition.

    def test_too_many_out(self) -> None:
        self.offer()
        self.offer(taker=CARO)
        self.assertRaises(errors.TooManyOffers, self.offer, taker=CARO, takes=ANCLA)

    def test_too_many_to_one(self) -> None:
        """This limit comes before the look at holdings, so it tells nothing about them."""
        self.market.limits = replace(self.market.limits, offers=9, offers_each=1)
        self.offer()
        self.assertRaises(errors.TooManyOffersToOne, self.offer, takes=HACHA)

    def test_limits_are_looked_at_before_what_anybody_holds(self) -> None:
        """Else a refusal would tell what somebody holds, unnoticed by them (PROTOCOL §4)."""
        self.offer()
        self.market.limits = replace(self.market.limits, offers=1)
        self.assertRaises(errors.TooManyOffers, self.offer, gives=HACHA, takes=HACHA)
        self.assertRaises(errors.TheyHaveTooManyOffers, self.offer, CARO, gives=HACHA, takes=HACHA)

    def test_the_same_offer_is_refused_before_what_anybody_holds(self) -> None:
        self.offer()
        self.market.held[ANA].clear()
        self.assertRaises(errors.SameOffer, self.offer)

    def test_too_many_in(self) -> None:
        self.offer()
        self.offer(CARO)
        self.declare(ANA, "Ana", HACHA)
        self.assertRaises(errors.TheyHaveTooManyOffers, self.offer, gives=HACHA)

    def test_more_artifacts_than_allowed(self) -> None:
        self.assertRaises(errors.TooManyArtifacts, self.declare, ANA, "Ana", *[ANCLA] * 5)

    def test_a_second_declaration_where_there_is_one(self) -> None:
        with self.assertRaises(errors.DeclaredOnce):
            holding.decide_declaration(self.market, ANA, "Ana", [], once=True)

    def test_what_is_not_there_to_be_withdrawn(self) -> None:
        with self.assertRaises(errors.DoesNotHave):
            holding.decide_withdrawal(self.market, ANA, HACHA)

    def test_someone_elses_offer(self) -> None:
        number = self.offer()
        with self.assertRaises(errors.NoSuchOffer):
            offering.decide_rejection(self.market, ANA, number)
        with self.assertRaises(errors.NoSuchOffer):
            offering.decide_retraction(self.market, GUS, number)

    def test_visitors_have_no_password_to_change(self) -> None:
        with self.assertRaises(errors.NotRegistered):
            holding.decide_password_change(self.market, ANA)


class Endings(MarketCase):
    def test_rejected_and_retracted(self) -> None:
        first, second = self.offer(), self.offer(taker=CARO)
        rejected = self.do(offering.decide_rejection(self.market, GUS, first))
        retracted = self.do(offering.decide_retraction(self.market, ANA, second))
        self.assertEqual(
            self.ends(rejected + retracted), [(first, How.REJECTED), (second, How.RETRACTED)]
        )
        self.assertEqual(self.market.pending(ANA), [])

    def test_expiry_is_for_offers_that_are_due(self) -> None:
        number = self.offer()
        self.assertEqual(offering.decide_expiry(self.market, number, 99.0), [])
        ended = self.do(offering.decide_expiry(self.market, number, 100.0))
        self.assertEqual(self.ends(ended), [(number, How.EXPIRED)])
        self.assertEqual(offering.decide_expiry(self.market, number, 100.0), [])

    def test_what_goes_to_the_museum_takes_its_offers_along(self) -> None:
        number = self.offer()
        ended = self.do(holding.decide_withdrawal(self.market, GUS, DISCO))
        self.assertEqual(self.ends(ended), [(number, How.VOID)])
        self.assertEqual(self.loss(ended[0]), (GUS, DISCO))

    def test_a_visitor_takes_everything_along(self) -> None:
        number = self.offer()
        ended = self.do(holding.decide_departure(self.market, GUS))
        self.assertEqual(self.ends(ended), [(number, How.VOID)])
        self.assertEqual(self.loss(ended[0]), (GUS, None))
        self.assertEqual(self.market.inventory(GUS), [])
        self.assertEqual(holding.decide_departure(self.market, GUS), [])

    def test_listing_tells_both_ways_apart(self) -> None:
        mine, theirs = self.offer(), self.offer(GUS, ANA, DISCO, ANCLA)
        self.assertEqual([o.number for o in self.market.outgoing(ANA)], [mine])
        self.assertEqual([o.number for o in self.market.incoming(ANA)], [theirs])


class StayingSomeone(MarketCase):
    def setUp(self) -> None:
        super().setUp()
        self.do(holding.decide_registration(self.market, ANA, "Ana"))

    def leave(self) -> None:
        self.do(holding.decide_departure(self.market, ANA))

    def test_offers_outlive_the_connection(self) -> None:
        number = self.offer()
        self.leave()
        self.assertEqual(holding.decide_departure(self.market, ANA), [], "away already")
        self.accept(number)
        self.assertEqual(self.market.inventory(ANA), [DISCO])

    def test_the_news_wait_for_the_return(self) -> None:
        number = self.offer()
        self.leave()
        self.accept(number)
        news = self.market.away[ANA]
        self.assertEqual(self.ends(news.ends), [(number, How.ACCEPTED)])
        self.do(holding.decide_return(self.market, ANA))
        self.assertEqual(holding.decide_return(self.market, ANA), [])
        self.assertNotIn(ANA, self.market.away)

    def test_what_came_and_went_unseen_is_no_news(self) -> None:
        """The offer was made and ended during their absence.  An offer that they knew is news."""
        self.declare(ANA, "Ana", HACHA)
        known = self.offer(GUS, ANA, DISCO, ANCLA)
        self.leave()
        number = self.offer(GUS, ANA, DISCO, HACHA)
        self.do(offering.decide_retraction(self.market, GUS, number))
        self.do(offering.decide_retraction(self.market, GUS, known))
        number = self.offer(GUS, ANA, DISCO, HACHA)
        self.assertEqual(self.ends(self.market.away[ANA].ends), [(known, How.RETRACTED)])
        self.do(holding.decide_return(self.market, ANA))
        self.leave()
        self.do(offering.decide_retraction(self.market, GUS, number))
        self.assertEqual(self.ends(self.market.away[ANA].ends), [(number, How.RETRACTED)])

    def test_a_name_is_registered_once(self) -> None:
        with self.assertRaises(errors.AlreadyRegistered):
            holding.decide_registration(self.market, ANA, "Ana")

    def test_a_new_password_changes_nothing_in_the_market(self) -> None:
        before = self.market.snapshot()
        self.assertEqual(self.do(holding.decide_password_change(self.market, ANA)), [])
        self.assertEqual(self.market.snapshot(), before)

    def test_a_snapshot_holds_everything(self) -> None:
        number = self.offer()
        self.offer(ANA, CARO)
        self.leave()
        self.accept(number)
        state = json.loads(json.dumps(self.market.snapshot()))
        again = Market.restore(state, self.limits)
        self.assertEqual(again.snapshot(), self.market.snapshot())
        self.assertEqual(again.pending(CARO), self.market.pending(CARO))

    def test_a_snapshot_keeps_offers_that_stand(self) -> None:
        number = self.offer()
        again = Market.restore(json.loads(json.dumps(self.market.snapshot())), self.limits)
        self.assertEqual(again.offers[number], self.market.offers[number])
        again.apply(events.Traded(number))
        self.assertEqual(again.inventory(ANA), [DISCO])


class Replay(SynchronousTestCase):
    def test_the_recorded_facts_make_the_same_market(self) -> None:
        """The test does what a restart does."""
        facts = [
            events.Declared(ANA, "Ana", (ANCLA,)),
            events.Declared(GUS, "Gus", (DISCO,)),
            events.Offered(OfferId(1), ANA, GUS, ANCLA, DISCO, 100.0),
            events.Traded(OfferId(1)),
        ]
        market = Market()
        replay(market, facts)
        self.assertEqual((market.inventory(ANA), market.inventory(GUS)), ([DISCO], [ANCLA]))

    def test_who_found_nothing_has_nothing_to_declare(self) -> None:
        self.assertEqual(holding.decide_declaration(Market(), ANA, "Ana", []), [])


class Facts(SynchronousTestCase):
    """Facts survive the ledger's writing and reading."""

    def test_every_kind_there_and_back(self) -> None:
        for fact in (
            events.Declared(ANA, "Ana", (ANCLA, DISCO)),
            events.Offered(OfferId(1), ANA, GUS, ANCLA, DISCO, 12.5),
            events.Posted(OfferId(2), ANA, (ANCLA,), (DISCO, HACHA), True, 12.5),
            events.Registered(ANA, "Ana"),
            events.Left(ANA),
            events.Left(ANA, (left_void(), left_void(None)), 3, (OfferId(7),)),
        ):
            body = json.loads(json.dumps(asdict(fact)))
            self.assertEqual(events.from_body(fact.kind, body), fact)

    def test_nonsense_is_refused_in_a_sentence(self) -> None:
        for kind, body in (("unheard-of", {}), ("traded", {"offer": 1, "more": 2})):
            with self.assertRaisesRegex(ValueError, "not a fact of kind"):
                events.from_body(kind, body)

    def test_a_field_of_another_type_is_refused_in_a_sentence(self) -> None:
        """A forged entry cannot break the market."""
        declared = {"farmer": 1, "name": "Ana", "artifacts": [1, 1]}
        offered = dict.fromkeys(("offer", "maker", "taker", "gives", "takes"), 1) | {"expires": 2.5}
        for kind, good, wrong in (
            ("declared", declared, {"farmer": ("1", True, None, {}, 1.0), "name": (7, ["Ana"])}),
            ("declared", declared, {"artifacts": (5, "12", [[1]], ["x"], [True], {"1": 1})}),
            ("offered", offered, {"offer": ("7", [1]), "expires": ("2.5", None, False)}),
        ):
            events.from_body(kind, good)
            for field, values in wrong.items():
                for value in values:
                    with self.assertRaisesRegex(ValueError, f"not a fact of kind '{kind}'"):
                        events.from_body(kind, good | {field: value})
        for body in ([1], "x", 5, None):
            with self.assertRaisesRegex(ValueError, "not a fact of kind 'left'"):
                events.from_body("left", body)  # type: ignore[arg-type]

    def test_a_whole_state_is_read_as_it_was_written(self) -> None:
        """Each of its tables has something in it."""
        market = Market()
        for fact in (
            events.Declared(ANA, "Ana", (ANCLA, DISCO)),
            events.Registered(ANA, "Ana"),
            events.Declared(GUS, "Gus", (DISCO,)),
            events.Offered(OfferId(1), ANA, GUS, ANCLA, DISCO, 12.5),
            events.Posted(OfferId(2), GUS, (DISCO,), (HACHA,), True, 12.5),
            events.Wished(ANA, (HACHA,), None),
            events.Left(ANA, (left_void(),), 3, (OfferId(7),)),
        ):
            market.apply(fact)
        state = json.loads(json.dumps(market.snapshot()))
        body = {"head": "00", "state": state, "books": [[21, 1, 0, 0]]}
        begun = events.from_body("begun", body)
        self.assertEqual(begun, events.Begun("00", state, ((21, 1, 0, 0),)))
        self.assertEqual(Market.restore(state).snapshot(), market.snapshot())
        for field in ("swaps", "wishes", "wishers"):
            older = {name: value for name, value in state.items() if name != field}
            events.from_body("begun", body | {"state": older})

    def test_a_state_that_was_forged_is_refused_in_a_sentence(self) -> None:
        state = Market().snapshot()
        forged: list[dict[str, object]] = [
            {name: value for name, value in state.items() if name != "held"},
            state | {"more": 1},
            state | {"last_offer": "1"},
        ]
        for pairs in (5, [5], ["ab"], [[1]], [[1, "Ana", 2]], [["Ana", 1]], [[1, 1]], [{"1": 1}]):
            forged.append(state | {"names": pairs})
        for away in ([[1, {"ends": [], "more": "1"}]], [[1, {"ends": []}]], [[1, {"more": 0}]]):
            forged.append(state | {"away": away})
        for value in forged:
            with self.assertRaisesRegex(ValueError, "not a fact of kind 'begun'"):
                events.from_body("begun", {"head": "00", "state": value})


def left_void(lost: ArtifactId | None = DISCO) -> Ended:
    offer = Offer(OfferId(4), ANA, GUS, ANCLA, DISCO, 5.0)
    return Ended(offer, "Ana", "Gus", How.VOID, GUS, lost)


class Defaults(SynchronousTestCase):
    def test_limits_are_those_of_the_contract(self) -> None:
        limits = Limits()
        self.assertEqual((limits.offers, limits.offers_each, limits.artifacts), (20, 5, 100))
        self.assertEqual(limits.lifetime, 7 * 24 * 3600)
        self.assertEqual(MOST_NEWS, 50)


class Nothing(SynchronousTestCase):
    def test_a_market_begins_with_nothing_and_counts_from_one(self) -> None:
        state = Market().snapshot()
        self.assertEqual((state.pop("last_farmer"), state.pop("last_offer")), (0, 0))
        self.assertEqual([value for value in state.values() if value], [])

    def test_whoever_registers_is_in_the_books_with_nothing(self) -> None:
        """Where artifacts are declared once, names are registered before there is any."""
        market = Market()
        market.apply(events.Registered(GUS, "Gus"))
        self.assertEqual(market.names, {GUS: "Gus"})
        self.assertEqual(market.held, {GUS: Counter()})
        self.assertEqual(market.last_farmer, GUS)
        seekers = market.wishes.seekers(ANCLA)
        self.assertEqual(list(market.wishes.people(seekers)), [GUS], "who has nothing seeks all")

    def test_nothing_is_left_of_a_visitor_who_left(self) -> None:
        """Only the number stays, and nobody else gets it."""
        market = Market()
        market.apply(events.Declared(GUS, "Gus", (DISCO,)))
        [left] = holding.decide_departure(market, GUS)
        market.apply(left)
        self.assertEqual(market.snapshot(), Market().snapshot() | {"last_farmer": GUS})


class Counting(SynchronousTestCase):
    def test_a_tally_counts_facts_and_copies(self) -> None:
        market = Market()
        market.apply(events.Declared(ANA, "Ana", (ANCLA, ANCLA)))
        tally = Tally(market)
        counts = dict(tally.artifacts)
        self.assertEqual(counts, {"declared": 0, "withdrawn": 0, "departed": 0})
        for fact in (
            events.Declared(GUS, "Gus", (DISCO, ANCLA, HACHA)),
            events.Withdrawn(GUS, (DISCO,)),
            events.Departed(GUS, (ANCLA, HACHA)),
            events.Rejected(OfferId(1)),
        ):
            tally.note(fact)
        self.assertEqual(tally.at_start, 2)
        self.assertEqual(tally.artifacts, {"declared": 3, "withdrawn": 1, "departed": 2})
        self.assertEqual(set(tally.facts.values()), {1})


class Swaps(MarketCase):
    def post(self, maker: FarmerId, gives: ArtifactId, takes: ArtifactId) -> OfferId:
        number = OfferId(self.market.last_offer + 1)
        self.do(decide_swap(self.market, number, maker, [gives], [takes], False, 0.0))
        return number

    def test_the_swaps_of_a_visitor_who_left_are_gone(self) -> None:
        number = self.post(ANA, ANCLA, DISCO)
        self.do(holding.decide_departure(self.market, ANA))
        self.assertIsNone(self.market.standing(number))
        self.assertEqual(self.market.swaps.of(ANA), [])

    def test_everybody_in_a_ring_gives_to_the_next_and_hears_of_their_two_neighbours(self) -> None:
        """A used-up swap ends without another message."""
        ring = (self.post(ANA, ANCLA, DISCO), self.post(GUS, DISCO, ANCLA))
        news = self.market.apply(events.Settled(ring, (ANCLA, DISCO)))
        self.assertEqual(
            news,
            [
                SwapNews(ring[0], ANA, How.SETTLED, ANCLA, DISCO, "Gus", "Gus"),
                SwapNews(ring[1], GUS, How.SETTLED, DISCO, ANCLA, "Ana", "Ana"),
            ],
        )
        held = self.market.inventory(ANA), self.market.inventory(GUS)
        self.assertEqual(held, ([DISCO], [ANCLA]))
        self.assertEqual([self.market.standing(number) for number in ring], [None, None])

    def test_what_one_has_posted_already_is_refused(self) -> None:
        number = self.post(ANA, ANCLA, DISCO)
        with self.assertRaises(errors.SameSwap) as caught:
            self.post(ANA, ANCLA, DISCO)
        self.assertEqual(caught.exception.number, number)

    def test_one_gives_what_one_has_and_takes_what_one_lacks(self) -> None:
        self.assertRaises(errors.NotMine, self.post, ANA, DISCO, HACHA)
        self.assertRaises(errors.AlreadyMine, self.post, CARO, ANCLA, DISCO)

    def test_who_makes_a_swap_has_used_what_there_is_for_swaps(self) -> None:
        self.post(ANA, ANCLA, DISCO)
        self.assertEqual(self.market.wishes.used, {ANA})

    def test_a_copy_that_is_gone_is_struck_from_the_table_too(self) -> None:
        """Of what stands still, and of what has ended."""
        self.declare(ANA, "Ana", HACHA)
        takes = [DISCO, ArtifactId(1)]
        said = decide_swap(self.market, OfferId(7), ANA, [ANCLA, HACHA], takes, False, 0.0)
        self.do(said)
        table = self.market.swaps.table
        self.assertEqual({**table.givers}, {ANCLA: 1, HACHA: 1})
        self.do(holding.decide_withdrawal(self.market, ANA, HACHA))
        self.declare(ANA, "Ana", DISCO)
        self.assertEqual(({**table.givers}, {**table.takers}), ({ANCLA: 1}, {ArtifactId(1): 1}))
        self.do(offering.decide_retraction(self.market, ANA, OfferId(7)))
        self.assertEqual(({**table.givers}, {**table.takers}), ({}, {}))

    def test_the_same_swap_may_be_made_again_when_the_first_is_due(self) -> None:
        self.post(ANA, ANCLA, DISCO)
        again = partial(decide_swap, self.market, OfferId(9), ANA, [ANCLA], [DISCO], False)
        self.assertRaises(errors.SameSwap, again, 99.0)
        self.assertEqual(len(again(100.0)), 1)

    def test_swaps_count_like_offers(self) -> None:
        self.post(ANA, ANCLA, DISCO)
        self.post(ANA, ANCLA, HACHA)
        self.assertRaises(errors.TooManyOffers, self.post, ANA, ANCLA, ArtifactId(1))

    def test_a_ring_settles_unless_something_came_between(self) -> None:
        ring = Ring((self.post(ANA, ANCLA, DISCO), self.post(GUS, DISCO, ANCLA)), (ANCLA, DISCO))
        settled = [events.Settled(ring.swaps, ring.gives)]
        self.assertEqual(decide_settlement(self.market, ring, lambda swap: True), settled)
        gone = decide_settlement(self.market, ring, lambda swap: swap.maker != GUS)
        self.assertEqual(gone, [])
        self.do(offering.decide_retraction(self.market, GUS, ring.swaps[1]))
        self.assertEqual(decide_settlement(self.market, ring, lambda swap: True), [])

    def test_a_settlement_that_gives_more_or_less_than_it_has_swaps_is_refused(self) -> None:
        """A forged or damaged record may say so."""
        ring = (self.post(ANA, ANCLA, DISCO), self.post(GUS, DISCO, ANCLA))
        for gives in ((), (ANCLA,), (ANCLA, DISCO, HACHA)):
            self.assertRaises(KeyError, self.market.apply, events.Settled(ring, gives))

    def test_a_closed_door_is_told_before_what_anybody_holds(self) -> None:
        offer = partial(offering.decide_offer, self.market, OfferId(1), ANA, GUS, "Gus")
        for gives, takes in ((ANCLA, DISCO), (HACHA, HACHA)):
            with self.assertRaises(errors.DoorClosed) as caught:
                offer(gives, takes, 0.0, closed=True)
            self.assertEqual(caught.exception.name, "Gus")


class WhatGoesFirst(SynchronousTestCase):
    def test_comings_and_goings_are_recorded_before_what_others_do_in_that_instant(self) -> None:
        foremost = {kind for kind, fact in events.KINDS.items() if fact.foremost}
        self.assertEqual(foremost, {"left", "returned"})


class NewsOfAnAbsence(SynchronousTestCase):
    """What an absent farmer will have to hear."""

    def ended(self, count: int) -> News:
        news = News()
        for n in range(count):
            offer = Offer(OfferId(n + 1), ANA, GUS, ArtifactId(3), ArtifactId(4), 5.0)
            news.add(Ended(offer, "Ana", "Gus", How.REJECTED))
        return news

    def test_what_came_later_is_behind_it_and_past_fifty_only_counted(self) -> None:
        news = self.ended(30)
        news.extend(self.ended(60))
        self.assertEqual((len(news.ends), news.more), (MOST_NEWS, 40))

    def traded(self, number: int) -> Ended:
        offer = Offer(OfferId(number), ANA, GUS, ArtifactId(3), ArtifactId(4), 5.0)
        return Ended(offer, "Ana", "Gus", How.ACCEPTED)

    def test_news_of_a_swap_are_news_like_others(self) -> None:
        settled = SwapNews(OfferId(5), ANA, How.SETTLED, ANCLA, DISCO, "Gus", "Caro")
        void = SwapNews(OfferId(6), ANA, How.VOID, got=DISCO)
        self.assertEqual((settled.number, settled.is_trade, void.is_trade), (5, True, False))
        news = News([settled, void])
        self.assertEqual(News.restore(json.loads(json.dumps(news.plain()))), news)

    def test_an_unseen_offer_that_ended_is_unseen_no_more(self) -> None:
        """What was offered in a later absence is unseen as well."""
        news = News(unseen={OfferId(1), OfferId(2)})
        news.add(self.traded(1))
        self.assertEqual(news, News(unseen={OfferId(2)}))
        news.extend(News(unseen={OfferId(3)}))
        self.assertEqual(news, News(unseen={OfferId(2), OfferId(3)}))

    def test_whose_deed_an_end_was(self) -> None:
        """The end is no news to its doer."""
        offer = Offer(OfferId(1), ANA, GUS, ArtifactId(3), ArtifactId(4), 5.0)
        for how in How:
            swap = SwapNews(OfferId(1), ANA, how)
            expected = how is How.RETRACTED, False
            self.assertEqual((swap.is_deed_of(ANA), swap.is_deed_of(GUS)), expected, how)
        doers = {How.RETRACTED: ANA, How.ACCEPTED: GUS, How.REJECTED: GUS}
        for how in (*doers, How.EXPIRED):
            end = Ended(offer, "Ana", "Gus", how)
            deeds = [farmer for farmer in (ANA, GUS) if end.is_deed_of(farmer)]
            self.assertEqual(deeds, [doers[how]] if how in doers else [], how)
        for end, doing in ((left_void(None), True), (left_void(DISCO), False)):
            self.assertEqual((end.is_deed_of(ANA), end.is_deed_of(GUS)), (False, doing))

    def test_nothing_pushes_a_trade_out(self) -> None:
        """The last that is no trade gives way to one, and is counted."""
        news = News(unseen=set())
        news.extend(self.ended(60))
        trades = [self.traded(number) for number in range(100, 102)]
        for trade in trades:
            news.add(trade)
        self.assertEqual(news.ends, [*self.ended(48).ends, *trades])
        self.assertEqual(news.more, 12)

    def test_past_fifty_trades_are_only_counted_too(self) -> None:
        news = News(unseen=set())
        trades = [self.traded(number) for number in range(1, 53)]
        for trade in trades:
            news.add(trade)
        self.assertEqual((news.ends, news.more), (trades[:50], 2))

    def test_older_records_keep_the_rule_of_their_time(self) -> None:
        """So that a ledger says what its snapshots say, whatever granja took them."""
        market = Market()
        for fact in (
            events.Declared(ANA, "Ana", (ArtifactId(3),)),
            events.Registered(ANA, "Ana"),
            events.Declared(GUS, "Gus", (ArtifactId(4),)),
            events.from_body("left", {"farmer": ANA, "missed": [], "more": 0}),
        ):
            market.apply(fact)
        for number in range(1, 52):
            offer = OfferId(number)
            market.apply(events.Offered(offer, GUS, ANA, ArtifactId(4), ArtifactId(3), 5.0))
            market.apply(events.Retracted(offer))
        news = market.away[ANA]
        self.assertEqual((len(news.ends), news.more), (50, 1))
        news.add(self.traded(60))
        self.assertEqual((len(news.ends), news.more), (50, 2))
        self.assertEqual(set(news.plain()), {"ends", "more"})
        self.assertEqual(News.restore(news.plain()), news)

    def test_what_was_not_seen_in_leaving_is_on_record(self) -> None:
        missed = News(unseen={OfferId(9), OfferId(4)})
        market = Market()
        for fact in (
            events.Declared(ANA, "Ana", (ArtifactId(3),)),
            events.Registered(ANA, "Ana"),
            events.Declared(GUS, "Gus", (ArtifactId(4),)),
            events.Offered(OfferId(4), GUS, ANA, ArtifactId(4), ArtifactId(3), 5.0),
            events.Offered(OfferId(9), GUS, ANA, ArtifactId(4), ArtifactId(3), 5.0),
        ):
            market.apply(fact)
        [left] = holding.decide_departure(market, ANA, missed)
        self.assertEqual(left, events.Left(ANA, unseen=(OfferId(4), OfferId(9))))
        market.apply(left)
        self.assertEqual(market.away[ANA], missed)
        self.assertIsNot(market.away[ANA].unseen, missed.unseen)

    def test_an_offer_that_waits_no_more_is_not_unseen(self) -> None:
        """Another node, where they had gone on, may have stored what became of it."""
        market = Market()
        for fact in (
            events.Declared(ANA, "Ana", (ArtifactId(3),)),
            events.Registered(ANA, "Ana"),
            events.Declared(GUS, "Gus", (ArtifactId(4),)),
            events.Offered(OfferId(4), ANA, GUS, ArtifactId(3), ArtifactId(4), 5.0),
        ):
            market.apply(fact)
        missed = News(unseen={OfferId(3), OfferId(4)})
        self.assertEqual(
            holding.decide_departure(market, ANA, missed), [events.Left(ANA, unseen=())]
        )

    def test_what_was_missed_in_leaving_comes_first(self) -> None:
        market = Market()
        for fact in (
            events.Declared(ANA, "Ana", (ArtifactId(3),)),
            events.Registered(ANA, "Ana"),
            events.Declared(GUS, "Gus", (ArtifactId(4),)),
            events.Offered(OfferId(9), ANA, GUS, ArtifactId(3), ArtifactId(4), 5.0),
        ):
            market.apply(fact)
        missed = self.ended(60)
        [left] = holding.decide_departure(market, ANA, missed)
        market.apply(left)
        market.apply(events.Rejected(OfferId(9)))
        self.assertEqual(market.away[ANA], News(missed.ends, 11, set()))
        self.assertEqual((len(missed.ends), missed.more), (50, 10), "those given stay as they are")

    def test_a_market_goes_on_from_a_state(self) -> None:
        """This holds for any state before.  The market keeps its limits."""
        before, after = Market(), Market(Limits(artifacts=7))
        for fact in (
            events.Declared(ANA, "Ana", (ArtifactId(3),)),
            events.Registered(ANA, "Ana"),
            events.Left(ANA),
        ):
            before.apply(fact)
        after.apply(events.Declared(GUS, "Gus", (ArtifactId(4),)))
        self.assertEqual(after.apply(events.Begun("00", before.snapshot())), [])
        self.assertEqual(after.snapshot(), before.snapshot())
        self.assertEqual((after.held, after.limits.artifacts), (before.held, 7))

    def test_who_is_released_is_gone_for_good(self) -> None:
        """They lose all that they held, even while away.  Only a registered farmer can be
        released."""
        market = Market()
        for fact in (
            events.Rewritten("00", 7),
            events.Declared(ANA, "Ana", (ArtifactId(3),)),
            events.Registered(ANA, "Ana"),
            events.Declared(GUS, "Gus", (ArtifactId(4),)),
            events.Offered(OfferId(9), ANA, GUS, ArtifactId(3), ArtifactId(4), 5.0),
            events.Left(ANA),
        ):
            market.apply(fact)
        tally = Tally(market)
        [released] = holding.decide_release(market, ANA)
        self.assertEqual(released, events.Released(ANA, (ArtifactId(3),)))
        [ended] = market.apply(released)
        assert isinstance(ended, Ended)
        self.assertEqual((ended.how, ended.loser, ended.maker), (How.VOID, ANA, "Ana"))
        self.assertEqual((market.registered, market.away, [*market.held]), ({}, {}, [GUS]))
        tally.note(released)
        self.assertEqual(tally.artifacts["departed"], 1)
        for farmer in (ANA, GUS):
            with self.assertRaises(errors.NotRegistered):
                holding.decide_release(market, farmer)

    def test_a_visit_that_could_not_be_recorded_is_made_up_for(self) -> None:
        market = Market()
        market.apply(events.Registered(ANA, "Ana"))
        market.apply(events.Left(ANA, tuple(self.ended(9).ends)))
        self.assertEqual(holding.decide_departure(market, ANA, self.ended(2)), [])
        facts = holding.decide_departure(market, ANA, self.ended(2), visited=True)
        left = events.Left(ANA, tuple(self.ended(2).ends), unseen=())
        self.assertEqual(facts, [events.Returned(ANA), left])

    def test_news_come_back_as_they_were_kept(self) -> None:
        news = News(unseen={OfferId(70), OfferId(66)})
        news.extend(self.ended(60))
        self.assertEqual(News.restore(json.loads(json.dumps(news.plain()))), news)
