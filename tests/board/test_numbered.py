"""Clients whose lines have numbers: slow ones, arriving ones, and those whose carrier changes."""

from __future__ import annotations

import re

from granja.board.backlog import HEARD
from granja.board.batch import FLUSH_AT
from granja.board.board import Board, Listener
from granja.board.dialect import Dialect
from granja.board.history import History
from granja.board.listener import HEARD_LIMIT, REPLIES_LIMIT
from granja.board.slow import FAR_BEHIND
from granja.contract.messages import I_AM_HERE, Acted, Arrived, Notice
from granja.wire.encodings import GMCP, PLAIN, Carrier
from tests.board.test_flow import WIDE, FlowTestCase
from tests.support.board_model import say
from tests.support.numbers import numbers
from tests.support.wiring import HeldReader, NarrowConnection


class CarrierTestCase(FlowTestCase):
    def come(
        self, carrier: Carrier = GMCP, room: int = WIDE, *, joins: bool = True
    ) -> tuple[Listener, NarrowConnection]:
        connection = NarrowConnection(self.reactor, room, lambda: listener.lost())
        listener = self.board.listen(connection, HeldReader(), carrier)
        if joins:
            self.board.join(listener)
            self.reactor.advance(0)
        return listener, connection

    def read(self, connection: NarrowConnection) -> bytes:
        connection.read(WIDE)
        for _ in range(20):
            self.reactor.turn()
        return connection.taken


class SkippingTests(CarrierTestCase):
    """A slow client that misses lines which had a number already."""

    def test_numbers_only_grow(self) -> None:
        """The count of missed lines has the last number of these lines."""
        listener, connection = self.come(room=0)
        self.talk(600_000)
        listener.tell(Notice("x", "uno"))
        self.talk(600_000)
        self.reactor.advance(0.3)
        self.talk(100_000)
        listener.tell(Notice("x", "dos"))
        self.talk(100_000)
        told = self.read(connection)
        self.assertEqual(numbers(told), [1, 600, 601, 1201, 1202, 1203])
        missed = dict.fromkeys(re.findall(rb"Te perdiste (\d+)", told))  # Data and line say it.
        self.assertEqual([*missed], [b"599", b"700", b"100"])
        assert listener.receipts is not None
        places = [listener.receipts.place_after(number) for number in (1, 600, 601, 1202, 1203)]
        self.assertEqual(places, [1, 600, 600, 1300, 1400])
        self.assertEqual(self.board.counters.missed, 1399)
        self.assertEqual(self.board.counters.skips, 1)

    def test_a_count_between_two_whispers_has_the_number_between_theirs(self) -> None:
        listener, connection = self.come(room=0)
        self.talk(1_200_000)
        self.reactor.advance(0.3)
        for text in ("uno", "dos"):
            listener.hear(Notice("x", text))
            self.talk(100_000)
        told = self.read(connection)
        found = numbers(told)
        self.assertEqual(found, sorted(found))
        words = re.findall(rb"perdiste \d+|uno|dos", told)
        self.assertEqual(
            [*dict.fromkeys(words)],
            [b"perdiste 1199", b"uno", b"perdiste 100", b"dos"],
        )
        assert listener.receipts is not None
        places = [listener.receipts.place_after(number) for number in found]
        self.assertEqual(places, [1, 1200, 1200, 1300, 1300, 1400])

    def test_bytes_without_a_number_that_wait_are_no_lines(self) -> None:
        listener, connection = self.come()
        listener.tell(Notice("x", "uno"), Notice("x", "dos"))
        self.reactor.advance(0)
        connection.narrow.room = 0
        listener.raw(b"\xff\xf1")
        listener.raw(b"\xff\xf1")
        self.board.flush()
        self.assertIsNotNone(listener.backlog)
        self.assertEqual(listener.last_sent(), 2)


class PlaceTests(CarrierTestCase):
    """What a client hears in the very tick in which it comes, goes, or is told something."""

    def test_only_talk_between_joining_and_leaving_is_heard(self) -> None:
        for carrier in (GMCP, PLAIN):
            listener, connection = self.come(carrier, joins=False)
            say(self.board, self.talker, "Ana", "antes")
            listener.tell(Notice("x", "uno"))
            say(self.board, self.talker, "Ana", "todavía antes")
            self.board.join(listener)
            say(self.board, self.talker, "Ana", "ahora")
            listener.tell(Notice("x", "dos"))
            self.board.leave(listener)
            say(self.board, self.talker, "Ana", "después")
            listener.tell(Notice("x", "tres"))
            self.reactor.advance(0)
            heard = connection.taken.decode("utf-8", "replace")
            found = re.findall("antes|uno|ahora|dos|después|tres", heard)
            self.assertEqual([*dict.fromkeys(found)], ["uno", "ahora", "dos", "tres"])

    def test_a_reply_to_who_is_arriving_stands_after_what_was_said(self) -> None:
        listener, connection = self.come(joins=False)
        listener.tell(Notice("x", "hola"))
        say(self.board, self.talker, "Ana", "uno", "dos", "tres")
        self.reactor.advance(0)
        assert listener.receipts is not None
        self.assertEqual(numbers(connection.taken), [1])
        self.assertEqual(listener.receipts.place_after(1), 3)

    def test_who_has_left_hears_no_talk_though_nobody_spoke_meanwhile(self) -> None:
        for carrier in (GMCP, PLAIN):
            listener, connection = self.come(carrier)
            self.board.leave(listener)
            self.reactor.advance(0)
            say(self.board, self.talker, "Ana", "hola")
            self.reactor.advance(0)
            self.assertEqual(connection.taken, b"")

    def test_who_caught_up_while_something_private_waits_hears_the_next_talk(self) -> None:
        listener, connection = self.come(PLAIN, room=0)
        self.talk(100_000)
        listener.tell(Notice("x", "privado"))
        connection.read(WIDE)
        for _ in range(5):
            for writer in list(self.reactor.writers):
                writer.look()
        self.assertIsNone(listener.backlog)
        self.board.flush()
        say(self.board, self.talker, "Ana", "y más")
        self.reactor.advance(0)
        self.assertTrue(connection.taken.decode().endswith("privado\r\nAna: y más\r\n"))

    def test_a_reply_after_talk_has_its_place_there(self) -> None:
        listener, _ = self.come()
        say(self.board, self.talker, "Ana", "uno", "dos", "tres")
        listener.tell(Notice("x", "hola"))
        self.reactor.advance(0)
        assert listener.receipts is not None
        places = [listener.receipts.place_after(number) for number in range(1, 5)]
        self.assertEqual(places, [1, 2, 3, 3])

    def test_the_deaf_hear_nothing_of_it_and_all_else(self) -> None:
        (deaf, deaf_wire), (_, other_wire) = self.come(PLAIN), self.come(PLAIN)
        say(self.board, self.talker, "Ana", "uno")
        self.board.say(self.talker, "Ana", b"dos", 1, [deaf])
        self.board.say_message(self.talker, Acted("Ana", "baila"), [deaf])
        say(self.board, self.talker, "Ana", "tres")
        self.reactor.advance(0)
        self.assertEqual(deaf_wire.taken, b"Ana: uno\r\nAna: tres\r\n")
        self.assertIn(b"Ana: dos\r\n", other_wire.taken)
        self.assertIn(b"baila", other_wire.taken)

    def test_what_is_passed_on_is_heard_and_not_kept_again(self) -> None:
        self.board = Board(self.reactor, history=History(10))
        _, connection = self.come(PLAIN)
        self.board.announce(Arrived("Eva"))
        self.board.pass_on(Arrived("Max"))
        self.board.flush()
        self.assertEqual(len(connection.taken.splitlines()), 2)
        self.assertEqual(self.board.history.since(0), [(0, Arrived("Eva"))])
        self.assertEqual(Board(self.reactor).history.most, 0)


class DialectTests(CarrierTestCase):
    """What a telnet client may ask for."""

    def test_packages_begin_before_the_chat_and_only_once(self) -> None:
        listener, connection = self.come(PLAIN, joins=False)
        dialect = Dialect(listener)
        self.assertIs(dialect.speaks_packages, False)
        dialect.say_telnet(251, 201)
        dialect.say_here()
        self.assertIs(dialect.begin_packages(), True)
        self.assertIs(dialect.speaks_packages, True)
        self.assertIs(dialect.begin_packages(), False)
        self.reactor.advance(0)
        self.assertEqual(connection.taken, b"\xff\xfb\xc9" + PLAIN.encode(I_AM_HERE))

    def test_in_the_chat_it_is_too_late(self) -> None:
        listener, _ = self.come(PLAIN)
        self.assertIs(Dialect(listener).begin_packages(), False)
        self.assertIs(listener.carrier, PLAIN)

    def test_packages_end_behind_what_was_said(self) -> None:
        listener, connection = self.come(GMCP)
        before = listener.receipts
        say(self.board, self.talker, "Ana", "uno")
        Dialect(listener).end_packages()
        say(self.board, self.talker, "Ana", "dos")
        self.reactor.advance(0)
        first, last = connection.taken.split(b"\xff\xf0")
        self.assertEqual(numbers(first), [1])
        self.assertIn(b"uno", first)
        self.assertTrue(last.endswith(b"Ana: dos\r\n"))
        self.board.carry(listener, GMCP)
        self.assertIs(listener.receipts, before)

    def test_lines_have_no_receipts(self) -> None:
        listener, connection = self.come(PLAIN, joins=False)
        listener.carry(PLAIN)
        self.assertIsNone(listener.receipts)
        listener.tell_numbered(Notice("x", "hola"))
        self.reactor.advance(0)
        self.assertEqual(connection.taken, b"[SERVER] hola\r\n")


class LimitTests(CarrierTestCase):
    """The last byte before a limit, and what is counted."""

    def test_a_whole_write_waits_for_no_tick(self) -> None:
        listener, connection = self.come(PLAIN)
        listener.raw(b"x")
        listener.raw(b"x" * (FLUSH_AT - 2))
        self.assertEqual(connection.taken, b"")
        listener.raw(b"x")
        self.assertEqual(len(connection.taken), FLUSH_AT)

    def test_a_farmer_is_read_again_when_exactly_half_of_it_waits(self) -> None:
        listener, connection = self.come(PLAIN, room=0)
        reader = listener.reader
        assert isinstance(reader, HeldReader)
        half = REPLIES_LIMIT // 2
        for _ in range(2):
            listener.raw(b"x" * (half + 1))
            listener.raw(b"x" * half)
            self.board.flush()
            self.assertEqual(listener.replies, half)
            self.assertEqual(reader.held, {"replies"})
            self.reactor.advance(0)
            self.assertEqual(reader.held, set())
            self.read(connection)
            connection.narrow.room = 0
        self.assertEqual(reader.log, ["hold replies", "release replies"] * 2)
        self.assertEqual((listener.replies, listener.heard), (0, 0))

    def test_whispers_wait_up_to_the_limit_and_a_lost_one_is_one_line(self) -> None:
        """Also if the farmer reads all before the tick ends."""
        listener, connection = self.come(PLAIN, room=0)
        self.talk(FAR_BEHIND + 200_000)
        self.reactor.advance(0.3)
        missed = self.spoken - 1
        listener.heard = HEARD_LIMIT
        listener.hear(Notice("x", "cabe"))
        listener.hear(Notice("x", "no cabe"))
        connection.read(WIDE)
        for _ in range(5):
            for writer in list(self.reactor.writers):
                writer.look()
        self.board.flush()
        lines = self.read(connection).decode().splitlines()
        self.assertEqual(
            lines[1:],
            [
                f"[SERVER] Te perdiste {missed} líneas.",
                "[SERVER] cabe",
                "[SERVER] Te perdiste 1 línea.",
            ],
        )

    def test_what_has_left_waits_no_more(self) -> None:
        listener, _ = self.come(PLAIN, room=0)
        for text in ("uno", "dos"):
            listener.hear(Notice("x", text), self.talker)
            self.board.flush()
        self.assertEqual(self.reader.held, set())
        assert listener.backlog is not None
        before = listener.heard
        listener.delivered(HEARD, 3)
        self.assertEqual(listener.heard, before - 3)

    def test_a_lost_listener_takes_nothing_and_never_joins(self) -> None:
        listener, connection = self.come(PLAIN)
        connection.narrow.room = 0
        listener.tell(Notice("x", "hola"))
        listener.lost()
        listener.tell(Notice("x", "hola"))
        listener.hear(Notice("x", "hola"))
        self.board.join(listener)
        self.assertFalse(listener.pending or listener.joined or listener.hearing)
        self.assertEqual((listener.replies, listener.heard), (0, 0))
        self.assertFalse(self.board.has_touched(listener))

    def test_who_is_told_something_is_written_to_in_this_tick_alone(self) -> None:
        for joins in (False, True):
            listener, _ = self.come(PLAIN, joins=joins)
            self.assertIs(self.board.has_touched(listener), False)
            listener.tell(Notice("x", "hola"))
            self.assertIs(self.board.has_touched(listener), True)
            self.board.flush()
            self.assertIs(self.board.has_touched(listener), False)

    def test_who_is_closed_without_a_word_is_closed(self) -> None:
        for joins in (False, True):
            listener, connection = self.come(PLAIN, joins=joins)
            listener.close()
            for _ in range(3):
                self.reactor.turn()
            self.assertEqual((connection.lost, connection.taken), (1, b""))

    def test_all_is_counted(self) -> None:
        self.assertEqual(Board(self.reactor).counters.flushes, 0)
        for _ in range(3):
            self.come(PLAIN)
        self.come(GMCP)
        counters = self.board.counters
        flushes = counters.flushes
        for _ in range(2):
            say(self.board, self.talker, "Ana", "uno", "dos", "tres")
            self.board.flush()
        self.assertEqual((counters.lines, counters.deliveries), (6, 30))
        self.assertEqual(counters.flushes, flushes + 2)
        self.assertEqual(sum(counters.flushing.counts), 2)
        self.assertEqual(self.board.clock.getDelayedCalls(), [])

    def test_the_bytes_that_wait_are_counted_exactly(self) -> None:
        """The transport has the line that has begun; the board has the others."""
        listener, _ = self.come(PLAIN, room=0)
        waiting = 0
        for text in ("uno", "dos", "tres"):
            self.assertEqual(self.board.slow.bytes, waiting)
            say(self.board, self.talker, "Ana", text)
            self.board.flush()
            waiting += len(f"Ana: {text}\r\n") if text != "uno" else 0
        self.board.announce(Arrived("Eva"))
        listener.hear(Notice("x", "hola"))
        self.board.flush()
        more = (Arrived("Eva"), Notice("x", "hola"))
        waiting += sum(len(PLAIN.encode(message)) for message in more)
        self.assertEqual(self.board.slow.bytes, waiting)

    def test_of_the_talk_nothing_waits_for_who_does_not_hear_it(self) -> None:
        listener, _ = self.come(PLAIN, room=0, joins=False)
        self.talk(100_000)
        for waiting in (0, 1):
            listener.hear(Notice("x", "hola"))
            self.board.flush()
            self.talk(100_000)
            line = len(PLAIN.encode(Notice("x", "hola")))
            self.assertEqual(self.board.slow.bytes, waiting * line)

    def test_no_write_is_more_than_the_limit_and_one_line(self) -> None:
        """However much waits, and in however many batches it was said."""
        for carrier in (PLAIN, GMCP):
            listener, connection = self.come(carrier, room=0)
            self.talk(2_500_000)
            connection.read(WIDE)
            for _ in range(20):
                self.reactor.turn()
            line = len(carrier.talk("Ana", b"x" * 1020))
            sends = connection.narrow.sends
            self.assertGreater(len(sends), 2)
            self.assertLess(max(sends), listener.wire.limit + line)
            listener.lost()

    def test_who_is_behind_is_counted_with_what_waits(self) -> None:
        listener, connection = self.come(PLAIN, room=0)
        self.assertEqual((len(self.board.slow), self.board.slow.bytes), (0, 0))
        self.talk(FAR_BEHIND + 200_000)
        self.assertEqual(len(self.board.slow), 1)
        assert listener.backlog is not None
        self.assertEqual(self.board.slow.bytes, listener.backlog.lag())
        self.assertTrue(self.board.slow.is_far_behind(listener))
        self.assertFalse(self.board.slow.is_far_behind(self.talker))
        self.assertEqual((self.board.counters.holds, self.board.counters.skips), (1, 0))
        self.read(connection)
        self.assertEqual((len(self.board.slow), self.board.slow.bytes), (0, 0))
