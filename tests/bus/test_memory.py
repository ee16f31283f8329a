"""The bus in memory, which tests use: it keeps the promises of every bus."""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.bus.interface import PATIENCE, NoAnswer
from granja.bus.memory import Exchange, MemoryBus


class BusCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.exchange = Exchange(self.clock)
        self.one, self.two, self.three = [self.exchange.bus() for _ in range(3)]
        for bus in self.exchange.buses:
            bus.open()
        self.heard: list[tuple[str, bytes]] = []

    def hears(self, bus: MemoryBus, name: str, subject: str = "talk") -> None:
        """From now on, note what this bus hears."""
        bus.subscribe(subject, lambda data: self.heard.append((name, data)))

    def settle(self) -> None:
        self.clock.advance(0)


class Hearing(BusCase):
    def test_all_others_hear_it_later_and_in_order(self) -> None:
        """Not within the call, and not the publisher."""
        for bus, name in ((self.one, "one"), (self.two, "two"), (self.three, "three")):
            self.hears(bus, name)
        self.hears(self.two, "other", "gossip")
        self.one.publish("talk", b"a")
        self.one.publish("gossip", b"b")
        self.assertEqual(self.heard, [])
        self.settle()
        self.assertEqual(self.heard, [("two", b"a"), ("three", b"a"), ("other", b"b")])
        self.assertEqual((self.one.published, self.two.published), (2, 0))

    def test_what_is_withdrawn_is_not_heard_even_on_the_way(self) -> None:
        self.hears(self.two, "two")
        self.one.publish("talk", b"a")
        self.two.withdraw("talk")
        self.one.publish("talk", b"b")
        self.settle()
        self.assertEqual(self.heard, [])

    def test_what_is_on_the_way_is_lost_with_the_bus(self) -> None:
        """However soon that is back; and what is said meanwhile is lost."""
        self.hears(self.two, "two")
        for _ in range(2):
            self.one.publish("talk", b"lost")
            self.two.cut()
            self.one.publish("talk", b"lost")
            self.two.mend()
        self.one.cut()
        self.one.publish("talk", b"lost")
        self.one.mend()
        self.one.publish("talk", b"a")
        self.settle()
        self.assertEqual(self.heard, [("two", b"a")])

    def test_slow_messages_keep_their_order(self) -> None:
        """Those behind a slow one wait for it."""
        self.hears(self.two, "two")
        self.two.delay = 1.0
        self.one.publish("talk", b"a")
        self.two.delay = 0.0
        self.one.publish("talk", b"b")
        self.clock.advance(0.9)
        self.assertEqual(self.heard, [])
        self.clock.advance(0.1)
        self.assertEqual(self.heard, [("two", b"a"), ("two", b"b")])

    def test_so_many_get_lost(self) -> None:
        self.hears(self.two, "two")
        self.two.to_lose = 2
        for data in (b"a", b"b", b"c"):
            self.one.publish("talk", data)
        self.settle()
        self.assertEqual(self.heard, [("two", b"c")])


class Asking(BusCase):
    def test_one_node_answers(self) -> None:
        """At once, or later."""
        asked: list[str] = []
        later: Deferred[bytes] = Deferred()

        def answer(name: str, data: bytes) -> bytes | Deferred[bytes]:
            asked.append(name)
            return later if data == b"later" else data.upper()

        for bus, name in ((self.two, "two"), (self.three, "three")):
            bus.answer("who", partial(answer, name))
        first, second = self.one.request("who", b"now"), self.one.request("who", b"later")
        self.settle()
        self.assertEqual(self.successResultOf(first), b"NOW")
        self.assertNoResult(second)
        later.callback(b"well")
        self.settle()
        self.assertEqual(self.successResultOf(second), b"well")
        self.assertEqual(asked, ["two", "two"])
        self.two.cut()
        self.one.request("who", b"now")
        self.two.mend()
        self.two.withdraw("who")
        self.one.request("who", b"now")
        self.settle()
        self.assertEqual(asked, ["two", "two", "three", "three"])

    def test_where_nobody_is(self) -> None:
        """It fails at once, also where only the asker would answer; and so does everything that
        waits when the bus is lost."""
        self.one.answer("who", lambda _: b"")
        self.failureResultOf(self.one.request("who", b""), NoAnswer)
        self.two.answer("who", lambda _: Deferred())
        waiting = self.one.request("who", b"")
        self.settle()
        self.assertNoResult(waiting)
        self.one.cut()
        self.failureResultOf(waiting, NoAnswer)
        self.failureResultOf(self.one.request("who", b""), NoAnswer)

    def test_who_does_not_answer_in_time(self) -> None:
        self.two.answer("who", lambda _: Deferred())
        patient, hasty = self.one.request("who", b""), self.one.request("who", b"", 0.5)
        self.clock.advance(0.5)
        self.failureResultOf(hasty, NoAnswer)
        self.clock.advance(PATIENCE - 0.6)
        self.assertNoResult(patient)
        self.clock.advance(0.2)
        self.failureResultOf(patient, NoAnswer)

    def test_who_withdraws_while_the_question_is_on_its_way(self) -> None:
        self.two.answer("who", lambda data: data)
        asked = self.one.request("who", b"")
        self.two.withdraw("who")
        self.settle()
        self.assertNoResult(asked)
        self.clock.advance(PATIENCE)
        self.failureResultOf(asked, NoAnswer)


class ComingAndGoing(BusCase):
    def test_a_node_is_told_of_each_change_once(self) -> None:
        changes: list[bool] = []
        self.one.watch(changes.append)
        self.one.open()
        self.one.cut()
        self.one.cut()
        self.one.mend()
        self.assertEqual((changes, self.one.up), ([False, True], True))

    def test_a_bus_that_is_closed(self) -> None:
        """Nobody is told, and nothing is heard."""
        changes: list[bool] = []
        self.hears(self.two, "two")
        self.two.watch(changes.append)
        self.successResultOf(self.two.close())
        self.one.publish("talk", b"a")
        self.settle()
        self.assertEqual((changes, self.two.up, self.heard), ([], False, []))
