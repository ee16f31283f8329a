"""The names of visitors who left long ago are forgotten day by day (``--keep-visitors``)."""

from __future__ import annotations

import gc

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.forgetting import DAY, Forgetting
from granja.ledger.hiding import hiding, without
from granja.ledger.interface import IForgetful, NotStored
from granja.ledger.memory import MemoryLedger
from granja.ledger.pseudonyms import NameRow
from granja.market.facts import Declared, Registered
from granja.settings import Settings
from tests.support.farm import DAWN

KEEP = 30 * DAY


@implementer(IForgetful)
class Notes(MemoryLedger):
    """Notes before when a leaving must be for its name to be forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []
        self.answers: list[Deferred[int]] = []

    def forget_visitors(self, before: float) -> Deferred[int]:
        self.asked.append(before)
        return self.answers.pop(0) if self.answers else succeed(0)


class DayByDay(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.ledger = Clock(), Notes()
        self.clock.advance(DAWN)
        self.settings = Settings(keep_visitors=KEEP)
        self.forgetting = Forgetting(self.clock, self.clock.seconds, self.ledger, self.settings)
        self.said: list[str] = []
        self.patch(Forgetting, "log", self)

    def info(self, text: str, **fields: object) -> None:
        self.said.append(text.format(**fields))

    def test_those_who_left_so_long_ago_and_again_each_day(self) -> None:
        self.forgetting.start()
        self.assertEqual(self.ledger.asked, [DAWN - KEEP])
        self.clock.advance(DAY - 1)
        self.assertEqual(len(self.ledger.asked), 1)
        self.clock.advance(1)
        self.assertEqual(self.ledger.asked[1:], [DAWN + DAY - KEEP])
        self.clock.advance(DAY)
        self.assertEqual(len(self.ledger.asked), 3)

    def test_how_many_is_said_if_any(self) -> None:
        self.ledger.answers = [succeed(0), succeed(3)]
        self.forgetting.start()
        self.assertEqual(self.said, [])
        self.clock.advance(DAY)
        self.assertEqual(self.said, ["The names of 3 visitors who left are forgotten."])

    def test_what_does_not_succeed_today_is_tried_tomorrow(self) -> None:
        self.ledger.answers = [fail(NotStored("the disk is full"))]
        self.forgetting.start()
        self.clock.advance(DAY)
        self.assertEqual(len(self.ledger.asked), 2)

    def test_a_mistake_of_ours_is_not_hidden(self) -> None:
        self.ledger.answers = [fail(ZeroDivisionError())]
        self.forgetting.start()
        gc.collect()  # Only then a Deferred tells what nobody has handled.
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_it_stops(self) -> None:
        self.forgetting.start()
        self.forgetting.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_ledger_that_cannot_forget_is_not_asked(self) -> None:
        class Cannot:
            pass

        forgetting = Forgetting(self.clock, self.clock.seconds, Cannot(), self.settings)  # type: ignore[arg-type]
        forgetting.start()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class InMemory(SynchronousTestCase):
    """The ledger in memory forgets as the others do; so does one that fails when told to."""

    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.ledger = FaultyLedger(self.memory)
        facts = [Declared(FarmerId(n), name, ()) for n, name in ((1, "Ana"), (2, "Zoé"))]
        self.ledger.append([*facts, Registered(FarmerId(1), "Ana")], 0, {})

    def names(self) -> list[str]:
        named = (Declared, Registered)
        return [fact.name for fact in self.memory.facts if isinstance(fact, named)]

    def test_by_number(self) -> None:
        self.assertEqual(self.successResultOf(self.ledger.forget([FarmerId(1)])), 1)
        self.assertEqual(self.names(), ["granjero 1", "Zoé", "granjero 1"])

    def test_by_any_spelling_of_the_name(self) -> None:
        self.assertEqual(self.successResultOf(self.ledger.forget_name("ZOÉ")), 1)
        self.assertEqual(self.names(), ["Ana", "granjero 2", "Ana"])

    def test_visitors_go_with_the_process(self) -> None:
        self.assertEqual(self.successResultOf(self.ledger.forget_visitors(DAWN)), 0)
        self.assertEqual(self.names(), ["Ana", "Zoé", "Ana"])
        self.assertIsNone(self.ledger.objection())


class Hiding(SynchronousTestCase):
    def setUp(self) -> None:
        rows = [NameRow("", FarmerId(n), b"", name) for n, name in ((1, "Ana"), (2, "Ana-1"))]
        self.hide = hiding(rows)

    def test_whole_words_only_and_the_longest(self) -> None:
        self.assertEqual(
            self.hide("Ana dijo a Ana-1: Anacleto, ana, Ana."),
            "granjero 1 dijo a granjero 2: Anacleto, ana, granjero 1.",
        )

    def test_in_every_text_of_a_value(self) -> None:
        value = '{"b": ["Ana", 7, {"c": "de Ana-1"}], "Ana": true}'
        told = '{"Ana":true,"b":["granjero 1",7,{"c":"de granjero 2"}]}'
        self.assertEqual(without(value, self.hide), told)

    def test_what_is_no_json_stays(self) -> None:
        self.assertEqual(without("{Ana", self.hide), "{Ana")
        deep = "[" * 100_000
        self.assertEqual(without(deep, self.hide), deep)
