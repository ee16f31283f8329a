"""Decide, record, apply, tell: what happens while the ledger is writing, and when it can't.

What farmers hear then is also acted: ``disk_full``, ``unknown_outcome`` and
``taken_over_in_an_accept`` among the plays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.interface import Kept, NotStored
from granja.ledger.lane import Lane
from granja.ledger.memory import MemoryLedger
from granja.market import facts as events, holding
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import Happened
from granja.settings import Settings
from tests.support.farm import Farm, Person

UNLIMITED = Settings(rate=None)


class SlowLedger(MemoryLedger):
    """Stores nothing before the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.writing: list[tuple[Deferred[int], tuple[object, ...]]] = []
        self.slow = True

    def append(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        if not self.slow:
            return super().append(facts, after, credentials, kept)
        self.writing.append((Deferred(), (facts, after, credentials, kept)))
        return self.writing[-1][0]

    def finish(self) -> None:
        """The oldest write is durable."""
        done, written = self.writing.pop(0)
        super().append(*written).chainDeferred(done)  # type: ignore[arg-type]

    def fail(self, error: Exception) -> None:
        self.writing.pop(0)[0].errback(error)


class SlowDiskCase(SynchronousTestCase):
    """Gus has a Disco raro.  Ana has an Escápula and an offer to him.  Then the disk gets slow."""

    def setUp(self) -> None:
        self.ledger = SlowLedger()
        self.ledger.slow = False
        self.farm = Farm(UNLIMITED, self.ledger)
        self.gus = self.farm.arrives("Gus", "12")
        self.ana = self.farm.arrives("Ana", "32")
        self.ana.types(":offer Gus 32 12")
        self.hush()
        self.ledger.slow = True

    def hush(self) -> None:
        for person in self.farm.people:
            person.hears()

    def inventory(self, person: Person) -> str:
        person.types(":artefactos")
        return person.hears()[-1].removeprefix("[SERVER] Tus artefactos son: ")


class OnASlowDisk(SlowDiskCase):
    """What happens before the disk has written."""

    def test_nobody_is_told_before_it_is_durable(self) -> None:
        self.gus.types(":accept")
        self.assertEqual(self.gus.hears() + self.ana.hears(), [])
        self.assertEqual(self.inventory(self.ana), "Escápula prehistórica", "not half of it either")
        self.ledger.finish()
        self.assertIn("Intercambio aceptado", self.gus.hears()[0])
        self.assertIn("Intercambio realizado", self.ana.hears()[0])

    def test_the_chat_goes_on_meanwhile(self) -> None:
        self.gus.types(":accept")
        self.ana.types("¿y bien?")
        self.assertEqual(self.gus.hears(), ["Ana: ¿y bien?"])

    def test_the_next_line_waits_for_the_trade(self) -> None:
        self.gus.types(":accept", ":artefactos")
        self.assertEqual(self.gus.hears(), [])
        self.ledger.finish()
        self.assertEqual(
            self.gus.hears()[1:], ["[SERVER] Tus artefactos son: Escápula prehistórica"]
        )

    def test_fifty_accepts_in_a_segment_are_one_trade(self) -> None:
        self.ledger.slow = False
        self.gus.sends(b":accept 1\n" * 50)
        heard = self.gus.hears()
        self.assertIn("Intercambio aceptado", heard[0])
        self.assertEqual(heard[1:], ["[SERVER] Error: no hay una oferta #1 para ti."] * 49)

    def test_the_offerer_leaves_while_the_trade_is_written(self) -> None:
        """The trade holds.  Everything she held then has left the world with her."""
        self.gus.types(":accept")
        self.ana.drops()
        self.ledger.finish()
        self.ledger.finish()
        self.assertEqual(self.inventory(self.gus), "Escápula prehistórica")
        self.assertEqual(
            [fact for fact in self.ledger.facts if isinstance(fact, events.Departed)],
            [events.Departed(FarmerId(2), (ArtifactId(12),))],
        )

    def test_a_registered_offerer_who_was_just_leaving_hears_of_it_later(self) -> None:
        self.ledger.slow = False
        self.ana.types(":registrar girasoles")
        self.ledger.slow = True
        self.hush()
        self.gus.types(":accept")
        self.ana.drops()
        self.ledger.finish()
        self.ledger.finish()
        self.ledger.slow = False
        again = self.farm.person()
        again.types("Ana", "girasoles")
        self.assertIn(
            "[SERVER] Mientras no estabas: Gus aceptó la oferta #1: "
            "tu Escápula prehistórica por su Disco raro.",
            again.hears(),
        )

    def test_those_who_have_nothing_in_common_are_written_together(self) -> None:
        self.ledger.slow = False
        eva, luz = self.farm.arrives("Eva", "1"), self.farm.arrives("Luz", "2")
        self.ledger.slow = True
        self.gus.types(":accept")
        eva.types(":agregar 3")
        luz.types(":quitar 2")
        self.ledger.finish()
        self.assertEqual(len(self.ledger.writing), 1)
        self.ledger.finish()
        self.assertEqual(
            eva.hears()[-1], "[SERVER] Tus artefactos son: Rollo enano I, Rollo enano III"
        )
        self.assertEqual(luz.hears()[-1], "[SERVER] Tus artefactos son: (ninguno)")

    def test_two_offers_decided_at_once_have_two_numbers(self) -> None:
        self.ledger.slow = False
        eva, luz = self.farm.arrives("Eva", "1"), self.farm.arrives("Luz", "2")
        self.ledger.slow = True
        self.gus.types(":quitar 12")
        eva.types(":offer Luz 1 2")
        self.ana.types(":offer Gus 32 12")
        self.ledger.finish()
        self.ledger.finish()
        self.assertEqual(eva.hears()[-1], "[SERVER] Oferta #2 enviada a Luz.")
        self.assertEqual(
            self.ana.hears()[-1], "[SERVER] Error de Intercambio: Gus no tiene Disco raro."
        )
        luz.hears()

    def test_who_left_while_nothing_could_be_written_is_put_on_record_later(self) -> None:
        self.ana.drops()
        self.ledger.fail(NotStored("the disk is full"))
        self.hush()
        self.ledger.slow = False
        self.farm.pass_time(6)
        self.assertEqual(self.ledger.facts[-1], events.Departed(FarmerId(2), (ArtifactId(32),)))
        self.assertEqual(self.gus.hears(), ["[SERVER] La oferta #1 ya no es válida: Ana se fue."])

    def test_a_ledger_that_is_away_is_said_once_in_the_log(self) -> None:
        """The log says it again if the ledger was there meanwhile."""
        said: list[str] = []

        def note(event: LogEvent) -> None:
            if "could not store" in formatEvent(event):
                said.append(formatEvent(event))

        observer: Any = note
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.assertFalse(self.farm.factory.lane.refused)
        for outcome in ("away", "away", "there", "away", "away", "away"):
            self.ana.types(":agregar 7")
            if outcome == "there":
                self.ledger.finish()
            else:
                self.ledger.fail(NotStored("the database is away"))
            self.assertEqual("Error" in self.ana.hears()[-1], outcome == "away")
            self.assertEqual(self.farm.factory.lane.refused, outcome == "away")
        self.assertEqual(said, ["The ledger could not store: the database is away"] * 2)

    def test_a_visitor_who_leaves_while_coming_in_leaves_nothing_behind(self) -> None:
        eva = self.farm.person()
        eva.types("Eva", "21", "si")
        eva.drops()
        self.ledger.finish()
        self.ledger.finish()
        self.assertNotIn("Eva", self.farm.factory.market.names.values())
        self.assertEqual(self.gus.hears(), [])


class TheFateIsNotKnown(SlowDiskCase):
    """The database was lost while a trade was under way (PROTOCOL §8)."""

    LATER = "[SERVER] Todavía no se sabe si el intercambio se guardó; te aviso."
    NOTHING = "[SERVER] Error de Intercambio: no se pudo guardar; nada cambió."

    def setUp(self) -> None:
        super().setUp()
        self.gus.types(":accept")
        self.ana.types(":retirar")
        self.farm.factory.lane.unsure()

    def test_who_waits_hears_the_truth_and_others_are_refused(self) -> None:
        """This includes those who waited in line before."""
        self.assertEqual(self.ana.hears(), [self.NOTHING])
        self.ana.types(":offer Gus 32 12", ":quitar 32")
        self.assertEqual(
            self.ana.hears(),
            [self.NOTHING, "[SERVER] Error: no se pudo guardar; nada cambió."],
        )
        self.assertEqual(self.gus.hears(), [])
        self.ledger.finish()
        self.farm.factory.lane.sure()
        self.assertEqual(self.gus.hears()[0][:19], "[SERVER] Intercambi")
        self.hush()
        self.farm.pass_time(20)
        self.assertEqual(self.gus.hears(), [])
        self.ledger.slow = False
        self.ana.types(":artefactos")
        self.assertEqual(self.ana.hears(), ["[SERVER] Tus artefactos son: Disco raro"])

    def test_who_was_next_in_turn_is_refused_once_and_for_all(self) -> None:
        """They had nothing to do with the trade under way, and hear nothing when it ends."""
        self.ledger.finish()
        self.farm.factory.lane.sure()
        self.hush()
        beto = self.farm.person()
        beto.types("Beto", "13, 21", "si")
        self.ledger.finish()
        self.hush()
        self.ana.types(":agregar 7")
        beto.types(":quitar 21")
        self.farm.factory.lane.unsure()
        refused = "[SERVER] Error: no se pudo guardar; nada cambió."
        self.assertEqual((self.ana.hears(), beto.hears()), ([], [refused]))
        self.ledger.finish()
        self.farm.factory.lane.sure()
        self.assertEqual((len(self.ana.hears()), beto.hears()), (1, []))
        self.assertEqual(self.ledger.writing, [])
        self.assertEqual(self.inventory(beto), "Espada antigua, Ancla")

    def test_after_ten_seconds_that_is_said_once(self) -> None:
        """The one who typed the command hears it."""
        self.farm.pass_time(9.9)
        self.assertEqual(self.gus.hears(), [])
        self.farm.pass_time(0.2)
        self.assertEqual(self.gus.hears(), [self.LATER])
        self.farm.pass_time(60)
        self.ledger.fail(NotStored("it never arrived"))
        self.farm.factory.lane.sure()
        self.assertEqual(self.gus.hears(), [self.NOTHING])


class TwoLanesOnOneLedger(SynchronousTestCase):
    """Each lane has a market of its own, and both write to the same ledger."""

    def setUp(self) -> None:
        self.ledger = MemoryLedger()
        self.told: dict[str, list[Fact]] = {"first": [], "second": []}
        self.markets = {name: Market() for name in self.told}
        self.first, self.second = (self.lane(name, self.ledger) for name in self.told)
        self.spoon = ArtifactId(13)

    def lane(self, name: str, ledger: MemoryLedger) -> Lane:
        told = self.told[name]
        return Lane(Clock(), self.markets[name], ledger, 0, lambda fact, ended: told.append(fact))

    def declares(self, lane: Lane, number: int) -> list[Fact]:
        fact = events.Declared(FarmerId(number), f"F{number}", (self.spoon,))
        return self.successResultOf(lane.submit([fact.farmer], lambda: [fact]))

    def assert_same(self) -> None:
        self.assertFalse(self.first.halted or self.second.halted)
        self.assertEqual(self.markets["first"].snapshot(), self.markets["second"].snapshot())
        for told in self.told.values():
            self.assertEqual(told, self.ledger.facts)

    def test_a_stale_decision_is_made_again(self) -> None:
        """The lane applies and tells what it missed, and nobody hears a refusal."""
        self.declares(self.first, 1)
        self.declares(self.second, 2)
        self.declares(self.second, 3)
        self.declares(self.first, 4)
        self.second.follow(0, self.ledger.facts)
        self.assert_same()

    def test_a_stale_decision_that_comes_to_nothing_gives_its_turn_back(self) -> None:
        """It stores nothing, so that the other lanes need not wait."""
        appended: list[int] = []

        class Watched(MemoryLedger):
            def append(self, facts: Sequence[Fact], *rest: Any) -> Deferred[int]:
                appended.append(len(facts))
                return super().append(facts, *rest)

        ledger = Watched()
        ana = FarmerId(1)
        first, second = (self.lane(name, ledger) for name in self.told)
        self.declares(first, 1)
        second.follow(0, ledger.facts)
        market = self.markets["second"]
        self.successResultOf(
            first.submit([ana], lambda: holding.decide_withdrawal(market, ana, self.spoon))
        )
        appended.clear()
        late = second.submit([ana], lambda: holding.decide_withdrawal(market, ana, self.spoon))
        self.assertIsInstance(self.failureResultOf(late).value, errors.GranjaError)
        self.assertEqual(appended, [1, 0])
        late = second.submit([ana], list)
        self.successResultOf(late)
        self.assertEqual(appended, [1, 0])

    def test_what_is_gone_meanwhile_is_not_given_twice(self) -> None:
        """The second decision sees what the other lane did."""
        ana = FarmerId(1)
        self.declares(self.first, 1)
        self.second.follow(0, self.ledger.facts)

        def withdraw(name: str) -> list[Fact]:
            return holding.decide_withdrawal(self.markets[name], ana, self.spoon)

        self.successResultOf(self.first.submit([ana], lambda: withdraw("first")))
        late = self.second.submit([ana], lambda: withdraw("second"))
        self.assertIsInstance(self.failureResultOf(late).value, errors.GranjaError)
        self.assert_same()

    def test_what_is_submitted_while_others_facts_are_told_comes_after_them(self) -> None:
        """It is decided on the whole of them, as after a batch of the lane's own."""
        self.declares(self.first, 1)
        self.declares(self.first, 2)
        seen: list[int] = []
        told = self.told["second"]

        def tell(fact: Fact, _: object) -> None:
            told.append(fact)
            if len(told) == 1:
                again.submit([], decide, kept=[Kept("a", "b", 1)])

        def decide() -> list[Fact]:
            seen.append(again.sequence)
            return []

        again = Lane(Clock(), self.markets["second"], self.ledger, 0, tell)
        again.follow(0, self.ledger.facts)
        self.assertEqual((seen, again.sequence, again.halted), ([2], 2, False))
        self.assert_same()

    def test_what_others_did_waits_for_the_batch_under_way(self) -> None:
        """The ledger stored one batch first, so it is applied first, in any order of the news."""
        slow = SlowLedger()
        lane = self.lane("first", slow)
        fact = events.Declared(FarmerId(1), "F1", ())
        other = events.Declared(FarmerId(2), "F2", ())
        lane.submit([fact.farmer], lambda: [fact])
        lane.follow(1, [other])
        self.assertEqual(self.told["first"], [])
        slow.finish()
        self.assertEqual(self.told["first"], [fact, other])

    def test_who_waits_until_it_has_followed(self) -> None:
        """They are called when everything until there is told, and may give up."""
        self.declares(self.first, 1)
        self.declares(self.first, 2)
        order: list[object] = []
        lane = Lane(
            Clock(), self.markets["second"], self.ledger, 0, lambda *_: order.append("told")
        )
        self.successResultOf(lane.when_at(0))
        late, given_up, waits = lane.when_at(2), lane.when_at(2), lane.when_at(3)
        late.addCallback(order.append)
        given_up.addErrback(lambda _: None).cancel()
        lane.follow(0, self.ledger.facts[:1])
        self.assertNoResult(late)
        lane.follow(1, self.ledger.facts[1:])
        self.assertEqual(order, ["told", "told", None])
        self.successResultOf(lane.when_at(2))
        self.assertNoResult(waits)

    def test_who_waits_for_a_batch_is_called_when_all_of_it_is_told(self) -> None:
        slow = SlowLedger()
        clock, told = Clock(), []

        def tell(fact: Fact, _: object) -> None:
            told.append(fact)
            clock.rightNow += 0.002  # what telling takes

        lane = Lane(clock, self.markets["first"], slow, 0, tell)
        facts = [events.Declared(FarmerId(n), f"F{n}", ()) for n in (1, 2)]
        slow.slow = False
        lane.submit([FarmerId(9)], lambda: [events.Declared(FarmerId(9), "F9", ())])
        slow.slow = True
        lane.submit([FarmerId(9)], lambda: [events.Withdrawn(FarmerId(9), ())])
        for fact in facts:
            lane.submit([fact.farmer], lambda fact=fact: [fact])  # type: ignore[misc]
        slow.finish()
        slow.finish()
        waits = lane.when_at(4)
        self.assertEqual(len(told), 3)
        self.assertNoResult(waits)
        clock.advance(0)
        self.assertEqual(len(told), 4)
        self.successResultOf(waits)

    def test_a_gap_is_filled_by_the_ledger(self) -> None:
        """The facts after a gap wait until the next decision is stale."""
        self.declares(self.first, 1)
        self.declares(self.first, 2)
        self.second.follow(1, self.ledger.facts[1:])
        self.assertEqual(self.told["second"], [])
        self.declares(self.second, 3)
        self.first.follow(2, self.ledger.facts[2:])
        self.assert_same()

    def test_a_fact_of_others_that_does_not_fit_halts(self) -> None:
        """A market that is not what the ledger says decides nothing more."""
        self.second.follow(0, [events.Traded(OfferId(1))])
        self.assertTrue(self.second.halted)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_a_ledger_that_cannot_say_what_was_missed_halts(self) -> None:
        """Deciding again without it would be stale again, for ever."""
        forgetful = MemoryLedger(keep=False)
        self.declares(self.lane("first", forgetful), 1)
        late = self.lane("second", forgetful).submit(
            [FarmerId(2)], lambda: [events.Declared(FarmerId(2), "F2", ())]
        )
        self.failureResultOf(late, errors.Halted)


class TheLane(SynchronousTestCase):
    def test_the_chat_has_its_turn_while_many_are_told(self) -> None:
        """Long telling goes in parts, in order, and completely."""
        clock, told = Clock(), []

        def tell(fact: Fact, ended: list[Happened]) -> None:
            told.append(fact)
            clock.rightNow += 0.002  # what telling takes

        ledger = SlowLedger()
        lane = Lane(clock, Market(), ledger, 0, tell)
        facts = [events.Declared(FarmerId(n), f"F{n}", ()) for n in range(1, 11)]
        for fact in facts:
            lane.submit([fact.farmer], lambda fact=fact: [fact])  # type: ignore[misc]
        ledger.finish()
        ledger.finish()
        self.assertLess(len(told), 6)
        for _ in range(5):
            clock.advance(0)
        self.assertEqual(told, facts)
        self.successResultOf(lane.when_idle())

    def written(self, requests: int, foremost: int = 0) -> tuple[Lane, SlowLedger, list[Fact]]:
        """The lane writes one fact, while so many farmers wait for theirs.

        :param foremost: the one whose fact comes before others.
        """
        ledger, told = SlowLedger(), list[Fact]()
        lane = Lane(Clock(), Market(), ledger, 0, lambda fact, ended: told.append(fact))
        for n in range(1, requests + 2):
            who = FarmerId(n)
            made = events.Declared(who, f"F{n}", ())
            fact = events.Left(who, unseen=()) if n == foremost else made
            lane.submit([who], lambda fact=fact: [fact])  # type: ignore[misc]
        return lane, ledger, told

    def test_no_more_than_a_hundred_are_written_together(self) -> None:
        """The chat would wait too long for more."""
        lane, ledger, _ = self.written(250)
        sizes = []
        while ledger.writing:
            sizes.append(len(ledger.writing[0][1][0]))  # type: ignore[arg-type]
            ledger.finish()
        self.assertEqual(sizes, [1, 100, 100, 50])
        self.successResultOf(lane.when_idle())

    def test_who_waits_until_the_lane_is_idle(self) -> None:
        lane, ledger, told = self.written(3)
        idle = lane.when_idle()
        ledger.finish()
        self.assertNoResult(idle)
        ledger.finish()
        self.successResultOf(idle)
        self.assertEqual(len(told), 4)

    def test_quick_telling_needs_no_turn_of_the_chat(self) -> None:
        _, ledger, told = self.written(3)
        ledger.finish()
        ledger.finish()
        self.assertEqual(len(told), 4)

    def test_a_foremost_fact_comes_before_all_others_of_its_batch(self) -> None:
        _, ledger, _ = self.written(3, foremost=4)
        ledger.finish()
        facts: Any = ledger.writing[0][1][0]
        self.assertEqual([fact.farmer for fact in facts], [4, 2, 3])

    def test_many_in_one_line_are_decided_by_a_quick_ledger(self) -> None:
        """Thousands wait for one farmer: each after the other, however many they are."""
        lane = Lane(Clock(), Market(), MemoryLedger(), 0, lambda fact, ended: None)
        ana = FarmerId(1)
        done: list[list[Fact]] = []

        def decide() -> list[Fact]:
            for n in range(2_000):
                kept = [Kept("doors", f"{n}", True)]
                lane.submit([ana], list, kept=kept).addCallback(done.append)
            return []

        lane.submit([ana], decide)
        self.assertEqual(len(done), 2_000)

    def test_how_long_the_disk_takes_is_measured(self) -> None:
        """From the decision until all is durable."""
        clock, ledger = Clock(), SlowLedger()
        clock.advance(1000)
        lane = Lane(clock, Market(), ledger, 0, lambda fact, ended: None)
        lane.submit([FarmerId(1)], lambda: [events.Declared(FarmerId(1), "Ana", ())])
        clock.advance(0.25)
        ledger.finish()
        self.assertEqual((sum(lane.appending.counts), lane.appending.total), (1, 0.25))

    def test_a_snapshot_is_kept_when_the_ledger_wants_one(self) -> None:
        """It says until which entry it goes."""
        kept: list[tuple[object, int]] = []

        class Wanting(MemoryLedger):
            def wants_checkpoint(self) -> bool:
                return len(self.facts) == 2

            def checkpoint(self, snapshot: dict[str, Any], sequence: int) -> None:
                kept.append((snapshot, sequence))

        market = Market()
        lane = Lane(Clock(), market, Wanting(), 0, lambda fact, ended: None)
        for n in (1, 2):
            lane.submit([FarmerId(n)], lambda n=n: [events.Declared(FarmerId(n), f"F{n}", ())])  # type: ignore[misc]
        self.assertEqual(kept, [(market.snapshot(), 2)])

    def test_a_mistake_of_ours_stops_trading_and_not_the_lane(self) -> None:
        """A fact that can't be applied must not leave everybody waiting for ever."""
        market = Market()

        def tell(fact: Fact, ended: list[Happened]) -> None: ...

        lane = Lane(Clock(), market, MemoryLedger(), 0, tell)
        never_offered = events.Traded(OfferId(1))
        waiting = lane.submit([FarmerId(1)], lambda: [never_offered])
        self.assertTrue(lane.halted)
        self.failureResultOf(waiting, errors.Halted)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.successResultOf(lane.when_idle())
        later = lane.submit([FarmerId(1)], lambda: [never_offered])
        self.failureResultOf(later, errors.Halted)
        kept = lane.submit([FarmerId(1)], list, kept=[Kept("doors", "1", True)])
        self.failureResultOf(kept, errors.Halted)

    def test_what_is_kept_needs_no_fact(self) -> None:
        """It is stored when the decision says so.  The decision may still change it."""
        ledger, kept = MemoryLedger(), list[Kept]()

        def decide() -> list[Fact]:
            kept.append(Kept("doors", "1", True))
            return []

        lane = Lane(Clock(), Market(), ledger, 0, lambda fact, ended: None)
        self.assertEqual(self.successResultOf(lane.submit([FarmerId(1)], decide, kept=kept)), [])
        self.assertEqual(ledger.kept, {"doors": {"1": True}})

    def crowd_of_refusals(self, count: int, seconds: float) -> tuple[Clock, SlowLedger, list[str]]:
        """Many ask something of Ana that is refused, each decision taking so long, and then Ana
        asks for something herself, all while the disk writes."""
        clock, ledger, order = Clock(), SlowLedger(), []
        lane = Lane(clock, Market(), ledger, 0, lambda fact, ended: None)
        ana, done = FarmerId(1), events.Declared(FarmerId(1), "Ana", ())

        def refuse() -> list[Fact]:
            clock.rightNow += seconds
            order.append("refused")
            raise errors.WithOneself

        lane.submit([ana], lambda: [done])
        for n in range(count):
            lane.submit([ana, FarmerId(n + 2)], refuse).addErrback(lambda failure: None)
        lane.submit([ana], lambda: [done]).addCallback(lambda _: order.append("done"))
        return clock, ledger, order

    def test_ones_own_command_waits_for_no_write_of_what_others_are_refused(self) -> None:
        """A farmer who asks much of another, and gets nothing, costs the other nothing."""
        _, ledger, order = self.crowd_of_refusals(200, 0)
        ledger.finish()
        self.assertEqual(order, ["refused"] * 200)
        ledger.finish()
        self.assertEqual(order[200:], ["done"])

    def test_the_chat_has_its_turn_while_many_are_refused(self) -> None:
        clock, ledger, order = self.crowd_of_refusals(100, 0.0004)

        def chat() -> None:
            turns.append(len(order))
            if turns[-1] < 100:
                clock.callLater(0, chat)

        turns = [0]
        ledger.finish()
        chat()
        clock.advance(0)
        self.assertLess(max(after - before for before, after in pairwise(turns)), 5)
        ledger.finish()
        self.assertEqual(order[100:], ["done"])
