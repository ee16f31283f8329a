"""Thousands of frames at once: all are heard, in order, and nobody else waits for them."""

from __future__ import annotations

import struct

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.web import transport
from granja.web.frame_queue import TURN, FrameQueue
from granja.web.websocket import MOST_AT_ONCE, ONE_BY_ONE
from tests.support.web_visitor import WebFarmer
from tests.web.test_socket import SocketCase, frame

#: Lines that take two turns.
MANY = 2000


class Bursts(SocketCase):
    """A client with thousands of frames at once waits for the others, and they do not wait for
    it."""

    def setUp(self) -> None:
        super().setUp()
        self.gus = self.farm.arrives("Gus")
        self.eva = self.farm.arrives("Eva")
        self.web = self.ana()
        self.gus.hears()
        self.eva.hears()

    def brings(self, count: int, then: bytes = b"") -> list[str]:
        """Ana's lines come in one segment, before anybody else has a turn."""
        lines = b"".join(frame(1, b"%d" % n) for n in range(count))
        self.web.channel.dataReceived(lines + then)
        return [f"Ana: {n}" for n in range(count)]

    def is_read(self) -> bool:
        state: str = self.web.wire.producerState
        return state == "producing"

    def test_the_others_have_their_turn_before_the_rest(self) -> None:
        said = self.brings(MANY)
        self.eva.types("hola")
        self.assertEqual(
            self.gus.hears(), [*said[:MOST_AT_ONCE], "Eva: hola", *said[MOST_AT_ONCE:]]
        )

    def test_empty_messages_pings_and_pieces_are_frames_too(self) -> None:
        others = MOST_AT_ONCE // ONE_BY_ONE
        pieces = frame(1, b"", final=False) + frame(0, b"", final=False) * others
        kinds = (frame(1, b"") * MOST_AT_ONCE, frame(9, b"") * others, frame(10, b"") * others)
        for data in (*kinds, pieces):
            ana = WebFarmer(self.farm)
            ana.channel.dataReceived(data + frame(3, b"no frame"))
            self.assertNotIn(struct.pack("!H", 1002), ana.wire.value())
            self.farm.settle()
            self.assertIn(struct.pack("!H", 1002), ana.wire.value())

    def test_nothing_is_read_until_all_is_taken(self) -> None:
        self.brings(MANY)
        self.assertFalse(self.is_read())
        self.farm.settle()
        self.assertTrue(self.is_read())

    def test_nothing_is_read_whoever_would_like_to(self) -> None:
        """Lines that have waited are obeyed, but the frames behind them are not taken yet."""
        self.brings(MANY)
        self.web.channel.upgraded.adapter.pauseProducing()
        self.web.channel.upgraded.adapter.resumeProducing()
        self.assertFalse(self.is_read())

    def test_lines_that_wait_keep_it_unread_when_all_is_taken(self) -> None:
        self.patch(transport, "MOST_WAITING", 1000)
        self.web.channel.upgraded.adapter.pauseProducing()
        self.brings(100)
        self.farm.settle()
        self.assertTrue(self.is_read())  # Pings come behind them.
        self.brings(MANY)
        self.farm.settle()
        self.assertFalse(self.is_read())
        self.web.channel.upgraded.adapter.resumeProducing()
        self.assertTrue(self.is_read())

    def test_a_usual_segment_is_never_paused(self) -> None:
        said = self.brings(MOST_AT_ONCE - 1)
        self.assertTrue(self.is_read())
        self.assertEqual(self.gus.hears(), said)

    def test_more_that_comes_meanwhile_has_its_place_behind(self) -> None:
        """TLS delivers what it has decrypted, paused or not."""
        said = self.brings(100) + self.brings(100)
        self.assertEqual(self.gus.hears(), said)

    def test_what_was_said_before_a_close_is_obeyed_and_answered(self) -> None:
        said = self.brings(MANY, frame(1, b":u") + frame(8, struct.pack("!H", 1000)))
        self.farm.settle()
        self.assertEqual(self.gus.hears(), [*said, "[SERVER] Ana desconectado."])
        self.assertIn("[SERVER] Usuarios conectados: Gus, Eva, Ana", self.web.hears())
        self.assertEqual(self.web.close_code, 1000)
        self.assertTrue(self.web.wire.disconnecting)

    def test_nothing_is_obeyed_after_a_goodbye_but_their_close_is_heard(self) -> None:
        self.web.channel.dataReceived(frame(1, b":q") + frame(1, b"hola") * MANY + frame(8, b""))
        self.assertFalse(self.web.wire.disconnecting)
        self.farm.settle()
        self.assertTrue(self.web.wire.disconnecting)
        self.assertEqual(self.gus.hears(), ["[SERVER] Ana desconectado."])

    def test_what_is_no_frame_is_noticed_in_its_turn(self) -> None:
        said = self.brings(MANY, b"\x81\x04hola")
        self.assertEqual(self.gus.hears(), said[: MANY - MANY % MOST_AT_ONCE])
        self.web.hears()
        self.assertEqual(self.web.close_code, 1002)
        self.assertTrue(self.web.wire.disconnecting)

    def test_what_was_said_before_the_connection_broke_is_heard(self) -> None:
        said = self.brings(100)
        self.web.drops()
        self.assertEqual(self.gus.hears(), [*said, "[SERVER] Ana desconectado."])

    def test_but_nobody_waits_long_for_that(self) -> None:
        said = self.brings(8 * MOST_AT_ONCE)
        self.patch(self.web.channel.upgraded, "_clock", Passing(0.001))
        self.web.drops()
        heard = self.gus.hears()
        self.assertLess(len(heard), 5 * MOST_AT_ONCE)
        self.assertEqual(heard, [*said[: len(heard) - 1], "[SERVER] Ana desconectado."])

    def test_a_connection_that_breaks_leaves_no_timer_behind(self) -> None:
        for last in (frame(1, b":q"), frame(8, b""), b""):
            ana = WebFarmer(self.farm)
            ana.channel.dataReceived(frame(1, b"") * MOST_AT_ONCE + last)
            ana.drops()
        self.web.drops()
        self.farm.factory.journal.finish()
        self.farm.factory.forgetting.stop()  # It looks each day, as long as the farm is there.
        self.farm.settle()
        self.assertEqual(self.farm.clock.getDelayedCalls(), [])

    def test_one_whose_turn_is_long_in_coming_is_not_taken_for_dead(self) -> None:
        self.web.channel.upgraded.adapter.fall_behind()
        self.farm.pass_time(300)
        self.assertFalse(self.web.wire.disconnecting)


class Passing(Clock):
    """A clock by which each look takes time."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step = step

    def seconds(self) -> float:
        self.rightNow += self._step
        return self.rightNow


class Queue(SynchronousTestCase):
    """A connection with more frames than one turn takes."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.queue = FrameQueue(self.clock)
        self.served: list[str] = []

    def waits(self, name: str, times: int) -> None:
        def take() -> None:
            self.served.append(name)
            self.clock.rightNow += TURN / 2.5  # Three fill a turn.
            if times > 1:
                self.waits(name, times - 1)

        self.queue.join(take)

    def turn(self) -> str:
        """The connections that are served before the reactor does its other work."""
        (call,) = self.clock.calls
        self.clock.calls.remove(call)
        call.called = True
        call.func()
        served, self.served = self.served, []
        return "".join(served)

    def test_each_in_turn_and_never_for_long_however_many_they_are(self) -> None:
        for name in "abcdef":
            self.waits(name, 2)
        turns = [self.turn() for _ in range(4)]
        self.assertEqual("".join(turns), "abcdefabcdef")
        self.assertEqual({len(served) for served in turns}, {3})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_that_fails_does_not_leave_the_others_waiting(self) -> None:
        self.queue.join(lambda: self.fail("on purpose"))
        self.waits("a", 1)
        self.assertRaises(self.failureException, self.turn)
        self.assertEqual(self.turn(), "a")
