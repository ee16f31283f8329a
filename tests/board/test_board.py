"""What people hear from each other through the board."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.board import batch as batch, board as board_module, schedule
from granja.board.board import Board, Listener
from granja.board.listener import CLOSING
from granja.board.pacing import Pacing, Patience
from granja.contract.messages import GOODBYE, Arrived, Message, Notice, Said, Whispered
from granja.wire.encodings import GMCP, PLAIN, WEBSOCKET_DATA, Carrier
from tests.support.board_model import say
from tests.support.numbers import with_numbers
from tests.support.wiring import HeldReader, ManualReactor, NarrowConnection, SlowTransport

WIDE = 1 << 30


class BoardTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = ManualReactor()
        self.board = Board(self.reactor)

    def arrive(
        self, carrier: Carrier = PLAIN, room: int = WIDE
    ) -> tuple[Listener, NarrowConnection]:
        """Somebody on plain TCP who hears the talk."""
        connection = NarrowConnection(self.reactor, room, lambda: listener.lost())
        listener = self.board.listen(connection, HeldReader(), carrier)
        self.board.join(listener)
        self.reactor.advance(0)
        return listener, connection


class HearingTests(BoardTestCase):
    def test_others_hear_and_the_speaker_does_not(self) -> None:
        ana, ana_wire = self.arrive()
        _, beto_wire = self.arrive()
        say(self.board, ana, "Ana", "hola", "¿qué tal?")
        self.reactor.advance(0)
        self.assertEqual(beto_wire.taken.decode(), "Ana: hola\r\nAna: ¿qué tal?\r\n")
        self.assertEqual(ana_wire.taken, b"")

    def test_a_tick_is_one_write_for_each_listener(self) -> None:
        """This holds for any number of talkers, and for the talkers themselves."""
        people = [self.arrive() for _ in range(10)]
        for number, (listener, _) in enumerate(people[:5]):
            say(self.board, listener, f"F{number}", "hola")
            say(self.board, listener, f"F{number}", "uno", "dos")
        self.reactor.advance(0)
        self.assertEqual([len(wire.narrow.sends) for _, wire in people], [1] * 10)
        self.assertEqual(self.board.counters.writes, 10)

    def test_a_great_crowd_hears_row_by_row(self) -> None:
        """Talk that comes while we write to the first groups is in the next groups' only write."""
        self.patch(board_module, "GROUP", 2)
        self.patch(schedule, "TURN", -1)  # Each group takes too long.
        people = [self.arrive() for _ in range(6)]
        ana, _ = people[0]
        first, more = people[1][1].narrow, ["yo también"]

        def say_more() -> None:
            if more:
                self.reactor.callLater(0, say, self.board, people[5][0], "Eva", more.pop())

        first.sending = say_more
        say(self.board, ana, "Ana", "hola")
        self.reactor.advance(0)
        both = b"Ana: hola\r\nEva: yo tambi\xc3\xa9n\r\n"
        heard = [wire.taken for _, wire in people]
        self.assertEqual(heard, [both[11:], both, both, both, both, both[:11]])
        self.assertEqual([len(wire.narrow.sends) for _, wire in people], [1, 2, 1, 1, 1, 1])

    def test_what_is_said_during_a_write_comes_after_it(self) -> None:
        """Even if it is so much that it would not wait for the end of a tick."""
        people = [self.arrive() for _ in range(3)]
        more: list[Message] = [Arrived("x" * batch.FLUSH_AT)]
        said = PLAIN.encode(Arrived("Eva")) + PLAIN.encode(more[0])

        def say_more() -> None:
            if more:
                self.board.announce(more.pop())

        people[0][1].narrow.sending = say_more
        self.board.announce(Arrived("Eva"))
        self.reactor.advance(0)
        self.assertEqual([wire.taken == said for _, wire in people], [True] * 3)

    def test_a_row_that_is_empty_is_taken_away(self) -> None:
        self.patch(board_module, "GROUP", 2)
        people = [self.arrive() for _ in range(6)]
        for listener, _ in people[2:4]:
            listener.lost()
        self.assertEqual(len(self.board.groups), 2)
        say(self.board, people[0][0], "Ana", "hola")
        self.reactor.advance(0)
        heard = [wire.taken for _, wire in people]
        self.assertEqual(heard, [b"", *[b"Ana: hola\r\n"], b"", b"", *[b"Ana: hola\r\n"] * 2])
        for left, (listener, _) in zip((2, 1, 1, 1), people[:2] + people[4:], strict=True):
            listener.lost()
            self.assertEqual(len(self.board.groups), left)

    def test_listeners_share_the_same_bytes(self) -> None:
        """The board encodes a line once for all listeners."""
        encoded = []

        class Counting:
            shares_transport = numbers = False

            def encode(self, message: Message) -> bytes:
                encoded.append(message)
                return PLAIN.encode(message)

            talk, whisper = PLAIN.talk, PLAIN.whisper
            boundary, count = PLAIN.boundary, PLAIN.count

        carrier = Counting()
        people = [self.arrive(carrier) for _ in range(20)]
        self.board.announce(Arrived("Eva"))
        self.reactor.advance(0)
        self.assertEqual(len(encoded), 1)
        self.assertEqual(len(set.union(*(wire.narrow.blocks for _, wire in people))), 1)

    def test_private_lines_keep_their_place_among_the_talk(self) -> None:
        ana, wire = self.arrive()
        beto, _ = self.arrive()
        say(self.board, beto, "Beto", "uno")
        ana.tell(Notice("x", "dos"))
        say(self.board, ana, "Ana", "(no eco)")
        say(self.board, beto, "Beto", "tres")
        ana.hear(Whispered("Beto", "cuatro"))
        ana.raw(b"\xff\xfb\x01")
        self.board.announce(Arrived("Eva"))
        self.reactor.advance(0)
        self.assertEqual(
            wire.taken,
            b"Beto: uno\r\n[SERVER] dos\r\nBeto: tres\r\nBeto te susurra: cuatro\r\n"
            b"\xff\xfb\x01[SERVER] Cliente Eva conectado.\r\n",
        )
        self.assertEqual(len(wire.narrow.sends), 1)

    def test_one_hears_from_joining_to_leaving(self) -> None:
        """It is exact to the line, even within one batch."""
        ana, _ = self.arrive()
        listener, wire = self.arrive()
        self.board.leave(listener)
        say(self.board, ana, "Ana", "antes")
        self.board.join(listener)
        say(self.board, ana, "Ana", "durante")
        self.board.leave(listener)
        say(self.board, ana, "Ana", "después")
        self.reactor.advance(0)
        say(self.board, ana, "Ana", "mucho después")
        self.reactor.advance(0)
        self.assertEqual(wire.taken.decode(), "Ana: durante\r\n")

    def test_each_hears_in_the_way_of_their_connection(self) -> None:
        ana, _ = self.arrive()
        web = StringTransport()
        self.board.join(self.board.listen(web, HeldReader(), WEBSOCKET_DATA))
        _, plain = self.arrive()
        say(self.board, ana, "Ana", "uno", "dos")
        self.reactor.advance(0)
        self.assertEqual(plain.taken, b"Ana: uno\r\nAna: dos\r\n")
        said = [WEBSOCKET_DATA.encode(Said("Ana", text)) for text in ("uno", "dos")]
        self.assertEqual(web.value(), with_numbers(b"".join(said)))

    def test_a_carrier_may_be_agreed_upon_while_arriving(self) -> None:
        """With GMCP, earlier messages stay as they were.  Later it is too late."""
        ana, _ = self.arrive()
        connection = NarrowConnection(self.reactor, WIDE, lambda: None)
        listener = self.board.listen(connection, HeldReader())
        listener.tell(Notice("x", "antes"))
        listener.carry(GMCP)
        self.board.join(listener)
        self.assertRaises(RuntimeError, listener.carry, PLAIN)
        say(self.board, ana, "Ana", "hola")
        self.reactor.advance(0)
        told = PLAIN.encode(Notice("x", "antes")) + with_numbers(GMCP.encode(Said("Ana", "hola")))
        self.assertEqual(connection.taken, told)


class ClosingTests(BoardTestCase):
    def test_the_last_words_arrive_before_the_end(self) -> None:
        """The board writes everything that came before, drops everything later, then closes."""
        ana, wire = self.arrive()
        beto, _ = self.arrive()
        say(self.board, beto, "Beto", "uno")
        ana.tell(GOODBYE)
        ana.close()
        say(self.board, beto, "Beto", "dos")
        ana.tell(Notice("x", "nunca"))
        ana.hear(Whispered("Beto", "nunca"))
        self.reactor.advance(0)
        self.assertEqual(wire.taken, b"Beto: uno\r\n" + PLAIN.encode(GOODBYE))
        self.assertTrue(wire.disconnecting)
        self.reactor.turn()
        self.assertEqual(wire.lost, 1)

    def test_the_last_words_arrive_also_at_a_slow_reader(self) -> None:
        ana, wire = self.arrive(room=5)
        ana.tell(GOODBYE)
        ana.close()
        self.reactor.turn()
        self.assertTrue(ana.pending)
        self.assertFalse(wire.disconnecting)
        wire.read(1000)
        self.reactor.turn()
        self.reactor.turn()
        self.assertEqual(wire.taken, PLAIN.encode(GOODBYE))
        self.assertEqual(wire.lost, 1)

    def test_a_connection_that_somebody_else_closes_is_lost_once(self) -> None:
        """``loseConnection`` may come from anywhere.  No error follows it, and the others hear.

        A socket takes bytes until it is closed.  We must give other transports nothing after that.
        """
        ana, ana_wire = self.arrive()
        slow = SlowTransport(self.reactor, WIDE)
        slow_listener = self.board.listen(slow, HeldReader())
        self.board.join(slow_listener)
        _, wire = self.arrive()
        ana_wire.loseConnection()
        slow.loseConnection()
        for listener in (ana, slow_listener):
            listener.tell(Notice("x", "tarde"))
        self.board.announce(Arrived("Eva"))
        self.reactor.advance(0)
        self.board.announce(Arrived("Fe"))
        self.reactor.turn()
        self.reactor.turn()
        self.assertEqual(slow.taken, b"")
        self.assertEqual(ana_wire.lost, 1)
        self.assertEqual(wire.taken.count(b"conectado"), 2)

    def test_whoever_never_agrees_to_the_end_is_cut_off(self) -> None:
        """TLS closes when both sides have said so.  We do not wait for ever for a silent peer."""
        for gone in (False, True):
            slow = SlowTransport(self.reactor, WIDE)
            listener = self.board.listen(slow, HeldReader())
            listener.tell(GOODBYE)
            listener.close()
            self.reactor.advance(0)
            self.assertTrue(slow.disconnecting)
            if gone:
                listener.lost()
            self.reactor.advance(CLOSING - 0.1)
            self.assertFalse(slow.disconnected)
            self.reactor.advance(0.2)
            self.assertEqual(slow.disconnected, not gone)
            self.assertEqual(self.board.groups[0].listeners, set())

    def test_nobody_waits_for_an_end_that_needs_no_peer_or_has_come(self) -> None:
        class Sudden(StringTransport):
            def loseConnection(self) -> None:  # noqa: N802
                super().loseConnection()
                sudden.lost()

        sudden = self.board.listen(Sudden(), HeldReader())
        plain, wire = self.arrive()
        for listener in (sudden, plain):
            listener.tell(GOODBYE)
            listener.close()
        self.reactor.advance(0)
        self.assertTrue(sudden.transport.disconnecting and wire.disconnecting)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_one_is_written_to_no_more_whose_socket_is_closed(self) -> None:
        """Twisted takes the socket away before it tells us, and what we announce then may be enough
        to be written at once: to that one as well, in two pieces around their own line."""

        def lost() -> None:
            self.board.announce(Arrived("x" * batch.FLUSH_AT))
            listener.lost()

        connection = NarrowConnection(self.reactor, WIDE, lost)
        listener = self.board.listen(connection, HeldReader())
        self.board.join(listener)
        other, wire = self.arrive()
        for speaker in (other, listener, other):
            say(self.board, speaker, "Eva", "hola")
        connection.connectionLost(Failure(ConnectionDone()))
        self.reactor.turn()
        self.assertIn(b"x conectado", wire.taken)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_lost_connection_is_forgotten(self) -> None:
        """This holds at any moment: the board writes nothing more and keeps nothing."""
        ana, wire = self.arrive()
        slow, slow_wire = self.arrive(room=0)
        self.board.announce(Arrived("Eva"))
        self.reactor.advance(0)
        for listener in (ana, slow):
            listener.tell(Notice("x", "tarde"))
            listener.lost()
            listener.close()
            listener.tell(Notice("x", "más tarde"))
            self.board.join(listener)
        taken = wire.taken
        slow_wire.read(WIDE)
        self.board.announce(Arrived("Fe"))
        self.reactor.advance(40)
        self.assertEqual(wire.taken, taken)
        self.assertEqual(self.board.groups[0].listeners, set())
        self.assertFalse(wire.disconnecting or ana.pending or slow.pending)


class OneGateTests(BoardTestCase):
    """Direct sends and the transport's own writes never overtake one another."""

    def test_a_peer_that_is_gone_is_noticed_by_the_transport(self) -> None:
        """No error reaches the flush, the others hear, and the connection is lost once."""
        _, gone = self.arrive()
        _, wire = self.arrive()
        gone.narrow.gone = True
        self.board.announce(Arrived("Eva"))
        self.reactor.turn()
        self.assertIn(b"Eva", wire.taken)
        self.reactor.turn()
        self.assertEqual(gone.lost, 1)
        self.assertEqual(len(self.board.groups[0].listeners), 1)

    def test_a_transport_that_raises_stops_nobody(self) -> None:
        class Broken(StringTransport):
            def write(self, data: bytes) -> None:
                raise ValueError("no good")

        broken = Broken()
        self.board.join(self.board.listen(broken, HeldReader()))
        _, wire = self.arrive()
        self.reactor.advance(0)
        self.board.announce(Arrived("Eva"))
        self.reactor.turn()
        self.assertIn(b"Eva", wire.taken)
        self.assertTrue(broken.disconnected)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_our_own_mistake_with_one_stops_nobody(self) -> None:
        """It is logged, that connection is closed, and the others hear."""
        ana, ana_wire = self.arrive()
        _, wire = self.arrive()
        ana.tell(GOODBYE)

        def mistake() -> None:
            raise KeyError("not as we thought")

        ana_wire.narrow.sending = mistake
        self.board.announce(Arrived("Eva"))
        self.reactor.turn()
        self.reactor.turn()
        self.assertIn(b"Eva", wire.taken)
        self.assertEqual(ana_wire.lost, 1)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_a_transport_with_a_stale_producer_is_taken_over(self) -> None:
        """twisted.web's channel stays registered when a connection becomes a WebSocket."""
        transport = StringTransport()
        transport.registerProducer(object(), True)
        listener = self.board.listen(transport, HeldReader())
        self.assertIs(transport.producer, listener.wire)


class ManyArrivalsTests(BoardTestCase):
    def test_a_crowd_that_arrives_is_not_quadratic_in_writes(self) -> None:
        """A hundred people arrive in one batch.  Each person there gets one write, not a
        hundred."""
        for _ in range(50):
            self.arrive()
        before = self.board.counters.writes
        for number in range(100):
            connection = NarrowConnection(self.reactor, WIDE, lambda: None)
            listener = self.board.listen(connection, HeldReader())
            self.board.announce(Arrived(f"F{number}"), listener)
            self.board.join(listener)
        self.reactor.advance(0)
        # The last to arrive hears of nobody.
        self.assertEqual(self.board.counters.writes - before, 50 + 99)


class PaceTests(BoardTestCase):
    """When batches end.  Sending takes as long as ``self.takes`` says."""

    def setUp(self) -> None:
        self.reactor = ManualReactor()
        self.now = 100.0
        self.takes = 0.0
        self.board = Board(self.reactor, lambda: self.now)
        self.flushes: list[float] = []
        self.talker, _ = self.arrive()
        self.hearer, self.listener = self.arrive()
        self.listener.narrow.sending = self.send

    def send(self) -> None:
        self.flushes.append(self.now)
        self.now += self.takes

    def talk(self) -> None:
        say(self.board, self.talker, "Eva", "hola")

    def news(self) -> None:
        self.board.announce(Arrived("Eva"))

    def run_for(self, seconds: float, every: float, what: Callable[[], None]) -> None:
        """Somebody talks again and again.  The reactor looks every half millisecond."""
        said, end = self.now, self.now + seconds
        while self.now < end:
            if self.now >= said:
                what()
                said += every
            before = self.now
            self.reactor.advance(0)
            if self.now == before:
                self.now += 0.0005
            self.reactor.advance(self.now - before)

    def gaps(self) -> list[float]:
        times = self.flushes[len(self.flushes) // 2 :]
        return [b - a for a, b in pairwise(times)]

    def load(self, what: Callable[[], None]) -> None:
        """Somebody talks faster than the board can write."""
        self.takes = 0.004
        self.run_for(2.0, every=0.001, what=what)

    def mean_and_longest(self) -> tuple[float, float]:
        gaps = self.gaps()
        return sum(gaps) / len(gaps), max(gaps)

    def test_with_little_to_do_a_line_goes_at_once(self) -> None:
        self.board.announce(Arrived("Eva"))
        self.reactor.advance(0)
        self.assertEqual(len(self.flushes), 1)
        self.takes = 0.001
        self.run_for(1.0, every=0.01, what=self.talk)
        self.assertGreaterEqual(len(self.flushes), 98)

    def test_what_comes_with_the_next_reading_is_in_the_same_write(self) -> None:
        self.talk()
        self.reactor.callLater(0, self.talk)
        self.reactor.advance(0)
        self.assertEqual(len(self.flushes), 1)
        self.assertEqual(self.listener.taken, b"Eva: hola\r\n" * 2)

    def test_with_much_to_do_much_of_the_time_stays_free(self) -> None:
        """Lines come faster than they can be written one by one: writes become larger."""
        self.load(self.talk)
        mean, longest = self.mean_and_longest()
        self.assertGreater(mean, 0.0065)
        self.assertLess(longest, 0.004 * 1.72 + 0.002)

    def test_the_time_for_all_rows_counts(self) -> None:
        """The gap is after the last row, and as long as all of them ask for."""
        self.patch(board_module, "GROUP", 2)
        _, other = self.arrive()
        self.assertEqual(len(self.board.groups), 2)

        def send() -> None:
            self.now += self.takes

        other.narrow.sending = send
        self.load(self.talk)
        mean, longest = self.mean_and_longest()
        self.assertGreater(mean, 0.0125)
        self.assertLess(longest, 0.008 * 1.72 + 0.002)

    def test_under_a_steady_load_rounds_come_steadily(self) -> None:
        """Short gaps and long ones in turns would cost as much, and the longest wait be longer."""
        self.load(self.talk)
        gaps = self.gaps()
        self.assertLess(max(gaps) - min(gaps), 0.0015)

    def test_gaps_grow_with_the_load(self) -> None:
        """None up to half of the time that writing may take, all of it when it takes that time."""
        for load, gap in ((0.1, 0.0), (0.25, 0.0), (0.375, 0.002), (0.5, 0.004), (0.9, 0.004)):
            pace = Pacing(lambda: self.now)
            for _ in range(500):
                self.now += 0.004 / load
                pace.flushed(0.004)
            self.assertAlmostEqual(pace.delay(Patience(1.0, 1.0)), gap, 5)

    def test_a_round_that_took_no_time_asks_for_no_gap(self) -> None:
        pace = Pacing(lambda: self.now)
        pace.flushed(0.0)
        self.assertEqual(pace.delay(Patience(1.0, 1.0)), 0.0)

    def test_of_who_arrives_a_crowd_hears_in_a_seventh_of_the_time(self) -> None:
        """It must leave time for their arriving."""
        self.load(self.news)
        mean, longest = self.mean_and_longest()
        self.assertGreater(mean, 0.024)
        self.assertLess(longest, 0.004 * 7 + 0.002)

    def test_talk_does_not_wait_with_the_news(self) -> None:
        """A person who talks while a crowd arrives is heard as fast as usual."""
        self.assert_in_no_gap(self.talk)

    def test_what_is_private_does_not_wait_with_the_news(self) -> None:
        """A reply or a whisper does not wait either.  It comes after the news."""
        self.assert_in_no_gap(lambda: self.hearer.tell(Notice("x", "hola")))
        self.assertTrue(self.listener.taken.endswith(b"Eva conectado.\r\n[SERVER] hola\r\n"))

    def test_nor_with_news_that_come_after_it(self) -> None:
        """Both come during a write, so that no turn is planned yet."""
        self.load(self.news)
        more: list[Message] = [Notice("x", "hola")]

        def send() -> None:
            self.send()
            if more:
                self.hearer.tell(more.pop())
                self.news()

        self.listener.narrow.sending = send
        self.flushes.clear()
        while len(self.flushes) < 2:
            self.run_for(0.0005, every=1.0, what=lambda: None)
        self.assertLess(self.flushes[1] - self.flushes[0], 0.004 * 1.72 + 0.002)
        self.assertTrue(
            self.listener.taken.endswith(b"[SERVER] hola\r\n" + PLAIN.encode(Arrived("Eva")))
        )

    def test_the_news_wait_though_people_arrive(self) -> None:
        """Those who are asked, and those who come in, end no gap: a crowd would end them all."""
        self.wait_in_a_gap_of_news()
        connection = NarrowConnection(self.reactor, WIDE, lambda: None)
        listener = self.board.listen(connection, HeldReader())
        listener.tell(Notice("x", "¿quién eres?"))
        self.reactor.advance(0)
        self.arrive()
        self.assertEqual(self.flushes, [])
        self.assertEqual(connection.taken, PLAIN.encode(Notice("x", "¿quién eres?")))

    def test_what_is_private_waits_in_no_gap_and_ends_none(self) -> None:
        self.load(self.talk)
        written = len(self.flushes)
        while len(self.flushes) == written:
            self.run_for(0.0005, every=1.0, what=self.talk)
        self.flushes.clear()
        self.takes = 0.0
        self.hearer.tell(Notice("x", "hola"))
        self.reactor.advance(0)
        self.assertEqual(len(self.flushes), 1)
        self.talk()
        self.reactor.advance(0)
        self.assertEqual(len(self.flushes), 1)
        self.reactor.advance(0.004)
        self.assertEqual(len(self.flushes), 2)

    def test_who_comes_and_goes_within_a_gap_takes_nobodys_talk_along(self) -> None:
        """They are written to with their group, and not before more can be said in its batch."""
        self.load(self.talk)
        self.talk()
        guest, wire = self.arrive()
        self.talk()
        guest.tell(GOODBYE)
        guest.close()
        before = len(self.listener.taken)
        self.reactor.advance(0)
        say(self.board, self.talker, "Eva", "al final")
        self.hearer.tell(Notice("x", "y esto"))
        self.run_for(0.05, every=1.0, what=self.talk)
        heard = self.listener.taken[before:].decode().split("\r\n")
        self.assertEqual(
            heard[-5:-1], ["Eva: hola", "Eva: al final", "[SERVER] y esto", "Eva: hola"]
        )
        self.assertEqual(wire.taken, b"Eva: hola\r\n" + PLAIN.encode(GOODBYE))
        self.assertTrue(wire.disconnecting)

    def wait_in_a_gap_of_news(self) -> None:
        self.load(self.news)
        written = len(self.flushes)
        while len(self.flushes) == written:
            self.run_for(0.0005, every=1.0, what=self.news)
        self.flushes.clear()
        self.news()
        self.reactor.advance(0.004)
        self.now += 0.004
        self.assertEqual(self.flushes, [])

    def assert_in_no_gap(self, what: Callable[[], None]) -> None:
        self.wait_in_a_gap_of_news()
        what()
        self.reactor.advance(0)
        self.assertEqual(len(self.flushes), 1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])  # Nobody waits for the gap's end.

    def test_who_is_arriving_need_not_wait_for_the_talk(self) -> None:
        """Questions and their answers go at once, whatever the crowd has to hear."""
        self.takes = 0.02
        self.run_for(1.0, every=0.001, what=self.talk)
        newcomer = NarrowConnection(self.reactor, WIDE, lambda: None)
        listener = self.board.listen(newcomer, HeldReader())
        self.board.announce(Arrived("Eva"))
        listener.tell(Notice("x", "¿quién eres?"))
        before = len(self.flushes)
        self.reactor.advance(0)
        self.assertEqual(newcomer.taken, PLAIN.encode(Notice("x", "¿quién eres?")))
        self.assertEqual(len(self.flushes), before)

    def test_a_gap_is_short_however_long_a_flush_takes(self) -> None:
        """Nobody waits more than 10 ms for a batch to end."""
        self.takes = 0.3
        self.run_for(10.0, every=0.001, what=self.talk)
        self.assertLess(max(self.gaps()), 0.3 + 0.01 + 0.002)
        self.assertGreater(max(self.gaps()), 0.3 + 0.008)

    def test_much_talk_is_not_kept_for_the_end_of_a_tick(self) -> None:
        """256 KB are written at once, so memory does not grow within a batch."""
        self.board.announce(Arrived("x" * batch.FLUSH_AT))
        self.assertEqual(len(self.flushes), 1)
        for _ in range(batch.FLUSH_AT // 64 + 1):
            self.hearer.hear(Whispered("Eva", "x" * 64))
        self.assertEqual(len(self.flushes), 2)
