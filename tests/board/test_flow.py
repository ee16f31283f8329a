"""Listeners who do not read or read slowly: what they get, and who waits for them."""

from __future__ import annotations

import gc
import re
import struct
import tracemalloc

from twisted.trial.unittest import SynchronousTestCase

from granja.board.board import Board, Listener
from granja.board.listener import HEARD_LIMIT, REPLIES_LIMIT
from granja.board.slow import FAR_BEHIND, TOO_FAR
from granja.contract.messages import Arrived, Notice, Whispered
from granja.wire.encodings import GMCP, PLAIN
from tests.support.board_model import say
from tests.support.wiring import HeldReader, ManualReactor, NarrowConnection, SlowTransport

LINE = "x" * 1000
WIDE = 1 << 30


class FlowTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = ManualReactor()
        self.board = Board(self.reactor)
        self.talker, self.reader, _ = self.arrive(WIDE)
        self.spoken = 0

    def arrive(self, room: int) -> tuple[Listener, HeldReader, NarrowConnection]:
        connection = NarrowConnection(self.reactor, room, lambda: listener.lost())
        reader = HeldReader()
        listener = self.board.listen(connection, reader)
        self.board.join(listener)
        self.reactor.advance(0)
        return listener, reader, connection

    def talk(self, size: int) -> None:
        """About ``size`` bytes of numbered lines, in batches of 100 lines."""
        for _ in range(size // 100_000):
            for _ in range(100):
                self.spoken += 1
                say(self.board, self.talker, "Ana", f"{self.spoken} {LINE}")
            self.reactor.advance(0)

    def read_all(self, connection: NarrowConnection | SlowTransport) -> list[str]:
        connection.read(WIDE)
        for _ in range(20):
            self.reactor.turn()
        return connection.taken.decode().splitlines()

    def assert_all_accounted_for(self, lines: list[str]) -> None:
        """Every line was read or counted as missed, in its place."""
        at = 0
        for line in lines:
            missed = re.fullmatch(r"\[SERVER\] Te perdiste (\d+) líneas?\.", line)
            at += int(missed[1]) if missed else line.startswith("Ana: ")
            if line.startswith("Ana: "):
                self.assertEqual(line, f"Ana: {at} {LINE}")
        self.assertEqual(at, self.spoken)


class StillReaderTests(FlowTestCase):
    """Somebody who no longer reads."""

    def test_nobody_waits_for_one_who_does_not_read(self) -> None:
        """After a quarter of a second at the most."""
        _, _, still = self.arrive(room=100)
        self.talk(2_000_000)
        self.assertEqual(self.reader.held, {"slow"})
        self.reactor.pump([0.05] * 6)
        self.assertEqual(self.reader.held, set())
        self.talk(20_000_000)
        self.assertEqual(self.reader.log.count("hold slow"), 1)
        self.assertFalse(self.board.slow.waiting)
        self.assertFalse(still.disconnecting)

    def test_they_are_told_how_many_lines_they_missed(self) -> None:
        """When they read again: the line that was under way is whole, and no line is uncounted."""
        for room in (0, 1, 100, 1500, 250_000):
            self.setUp()
            _, _, still = self.arrive(room)
            self.talk(2_000_000)
            self.reactor.advance(0.3)
            self.talk(500_000)
            lines = self.read_all(still)
            self.assertEqual(sum("Te perdiste" in line for line in lines), 1)
            self.talk(100_000)
            self.assert_all_accounted_for(self.read_all(still))

    def test_of_a_line_that_had_begun_they_get_the_rest_and_no_other(self) -> None:
        """Even if only its last byte was missing."""
        line = f"Ana: 1 {LINE}\r\n"
        for missing in (1, 2, len(line)):
            self.setUp()
            _, _, still = self.arrive(room=len(line) - missing)
            self.talk(1_200_000)
            self.reactor.advance(0.3)
            missed = f"[SERVER] Te perdiste {self.spoken - 1} líneas."
            self.assertEqual(self.read_all(still), [line[:-2], missed])

    def test_one_line_is_una_linea(self) -> None:
        still_seat, _, still = self.arrive(room=0)
        self.talk(1_200_000)
        self.reactor.advance(0.3)
        still_seat.tell(Notice("x", "antes"))
        say(self.board, self.talker, "Ana", "sola")
        still_seat.tell(Notice("x", "después"))
        self.reactor.advance(0)
        self.assertEqual(
            self.read_all(still)[-3:],
            ["[SERVER] antes", "[SERVER] Te perdiste 1 línea.", "[SERVER] después"],
        )

    def test_a_short_pause_loses_nothing(self) -> None:
        """The board keeps less than 1 MB of talk for them, even if they do not move at all."""
        _, _, still = self.arrive(room=10)
        self.talk(900_000)
        self.reactor.advance(5)
        lines = self.read_all(still)
        self.assertEqual(len(lines), self.spoken)
        self.assert_all_accounted_for(lines)

    def test_replies_are_never_dropped_and_keep_their_place(self) -> None:
        still_seat, _, still = self.arrive(room=0)
        self.talk(2_000_000)
        still_seat.tell(Notice("x", "primera"))
        self.reactor.advance(0.3)
        self.talk(100_000)
        still_seat.tell(Notice("x", "segunda"))
        still_seat.tell(Notice("x", "tercera"))
        self.talk(200_000)
        self.assertEqual(
            self.read_all(still),
            [
                f"Ana: 1 {LINE}",  # had begun
                "[SERVER] Te perdiste 1999 líneas.",
                "[SERVER] primera",
                "[SERVER] Te perdiste 100 líneas.",
                "[SERVER] segunda",
                "[SERVER] tercera",
                "[SERVER] Te perdiste 200 líneas.",
            ],
        )

    def test_their_own_lines_are_not_missed(self) -> None:
        """A talker who does not read hears no echo, so they miss none of their own lines."""
        self.talker, _, still = self.arrive(room=0)
        loud, _, _ = self.arrive(WIDE)
        for number in range(3000):
            say(self.board, self.talker, "Beto", str(number))
            say(self.board, loud, "Ana", LINE)
            if number % 100 == 0:
                self.reactor.advance(0.01)
        self.reactor.advance(0.3)
        say(self.board, self.talker, "Beto", "más")
        lines = self.read_all(still)
        missed = sum(int(m) for m in re.findall(r"perdiste (\d+)", "\n".join(lines)))
        self.assertGreater(missed, 1000)
        self.assertEqual(missed + sum(line.startswith("Ana: ") for line in lines), 3000)

    def test_after_two_minutes_they_are_closed(self) -> None:
        _, _, still = self.arrive(room=100)
        _, _, quiet = self.arrive(WIDE)
        self.talk(200_000)
        self.reactor.pump([1.0] * 119)
        self.assertFalse(still._aborting)
        self.reactor.pump([1.0] * 3)
        self.assertEqual(still.lost, 1)
        self.assertEqual(quiet.lost, 0)
        self.assertEqual(self.board.counters.aborted, 1)

    def test_one_whose_system_is_full_but_takes_a_little_is_not_closed(self) -> None:
        """PROTOCOL §6: reading is a sign of life.  A full system takes nothing more for long."""
        _, _, slow = self.arrive(room=100)
        taken = 0

        def tell(level: int, name: int, size: int) -> bytes:
            return bytes(120) + struct.pack("=Q", taken) + bytes(size - 128)

        self.patch(slow.narrow, "getsockopt", tell)
        self.talk(200_000)
        for _ in range(5):
            self.reactor.pump([1.0] * 100)
            taken += 1
        self.assertFalse(slow._aborting)
        self.reactor.pump([1.0] * 130)
        self.assertEqual(slow.lost, 1)

    def test_one_who_reads_a_little_is_not_closed(self) -> None:
        _, _, slow = self.arrive(room=100)
        self.talk(200_000)
        for _ in range(60):
            slow.read(1500)
            self.reactor.turn()
            self.reactor.advance(1)
        self.assertFalse(slow._aborting)

    def test_whispers_to_one_who_does_not_read_are_bounded(self) -> None:
        """They are no replies: beyond the bound they are missed lines, like talk."""
        still_seat, _, still = self.arrive(room=0)
        self.talk(1_200_000)
        self.reactor.advance(0.3)
        for number in range(1000):
            still_seat.hear(Whispered("Beto", f"{number} {LINE}"), self.talker)
            self.reactor.advance(0)
        self.assertLess(still_seat.heard, HEARD_LIMIT + 2 * len(LINE))
        lines = self.read_all(still)
        self.assertEqual(sum("Te perdiste" in line for line in lines), 2)
        whispers = sum("te susurra" in line for line in lines)
        self.assertGreater(whispers, 50)
        missed = sum(int(m) for m in re.findall(r"perdiste (\d+)", "\n".join(lines)))
        talk = sum(line.startswith("Ana: ") for line in lines)
        self.assertEqual(whispers + missed + talk, 1000 + self.spoken)

    def test_a_farewell_to_one_who_does_not_read_keeps_no_talk(self) -> None:
        """Otherwise a closing connection would hold all talk for half a minute."""
        still_seat, _, still = self.arrive(room=0)
        self.talk(500_000)
        still_seat.tell(Notice("x", "adiós"))
        still_seat.close()
        self.reactor.pump([0.25, 0.25])
        assert still_seat.backlog is not None
        self.assertFalse(still_seat.backlog.holds_talk())
        told = self.read_all(still)
        self.assertEqual(told[-1], "[SERVER] adiós")
        self.assertRegex(told[-2], r"Te perdiste 499 líneas")
        self.assertEqual(still.lost, 1)


class SlowReaderTests(FlowTestCase):
    """Somebody who reads, but more slowly than the others talk."""

    def test_talkers_wait_for_one_who_reads_slowly(self) -> None:
        """More than 1 MB behind: until half of it is read.  In the end all is heard."""
        _, _, slow = self.arrive(room=1000)
        while not self.board.slow.waiting:
            self.talk(100_000)
        self.assertLess(self.spoken * len(LINE), FAR_BEHIND + 200_000)
        self.assertEqual(self.reader.held, {"slow"})
        reads = 0
        while self.reader.held:
            slow.read(50_000)
            self.reactor.turn()
            self.reactor.advance(0.1)
            reads += 1
        self.assertGreater(reads * 50_000, FAR_BEHIND // 3)
        self.assertLess(reads * 50_000, FAR_BEHIND * 3 // 4)
        self.assert_all_accounted_for(lines := self.read_all(slow))
        self.assertEqual(len(lines), self.spoken)

    def test_talk_of_those_who_cannot_wait_is_bounded(self) -> None:
        """Talk of other nodes is such talk.  A listener too far behind misses some, and hears
        so."""
        _, _, slow = self.arrive(room=1000)
        data = b"x" * 4000
        most = said = 0
        for _ in range(6000):
            self.board.say(None, "Lejos", data, 1)
            said += 1
            slow.read(100)
            self.reactor.advance(0.01)
            behind = [listener.backlog for listener in self.board.slow._behind]
            most = max([most, *(backlog.lag() for backlog in behind if backlog is not None)])
        self.assertLess(most, TOO_FAR + 100_000)
        lines = self.read_all(slow)
        found = [re.search(r"Te perdiste (\d+)", line) for line in lines]
        missed = [int(match[1]) for match in found if match]
        self.assertEqual(sum(missed) + len(lines) - len(missed), said)

    def test_who_starts_to_talk_meanwhile_waits_too(self) -> None:
        _, _, slow = self.arrive(room=1000)
        other, other_reader, _ = self.arrive(WIDE)
        self.talk(1_300_000)
        say(self.board, other, "Beto", "hola")
        self.assertEqual(other_reader.held, {"slow"})
        self.read_all(slow)
        self.assertEqual((other_reader.held, self.reader.held), (set(), set()))

    def test_nobody_waits_for_one_who_read_a_little_and_stopped(self) -> None:
        """Even between the two limits, a listener that does not move delays nobody and misses
        nothing."""
        _, _, slow = self.arrive(room=1000)
        self.talk(1_300_000)
        slow.read(400_000)
        self.reactor.turn()
        self.assertEqual(self.reader.held, {"slow"})
        self.reactor.pump([0.05] * 7)
        self.assertEqual(self.reader.held, set())
        self.assertEqual(len(self.read_all(slow)), self.spoken)

    def test_nobody_waits_for_one_who_has_left(self) -> None:
        slow_listener, _, _ = self.arrive(room=1000)
        self.talk(1_300_000)
        self.assertEqual(self.reader.held, {"slow"})
        slow_listener.lost()
        self.reactor.advance(0)
        self.assertEqual(self.reader.held, set())

    def test_talkers_go_on_waiting_when_the_next_falls_far_behind(self) -> None:
        """They waited for one listener, who leaves.  Before they go on, the next one is far
        behind."""
        first, _, _ = self.arrive(room=1000)
        self.talk(1_200_000)
        self.arrive(room=1000)
        first.lost()
        for _ in range(1200):
            self.board.announce(Arrived(LINE))
        self.reactor.advance(0)
        self.assertEqual(self.reader.log, ["hold slow"])

    def test_who_waits_and_leaves_is_forgotten(self) -> None:
        _, _, slow = self.arrive(room=1000)
        self.talk(1_300_000)
        self.talker.lost()
        self.read_all(slow)
        self.assertEqual(self.reader.log, ["hold slow"])

    def test_whisperers_wait_for_one_who_reads_slowly(self) -> None:
        slow_listener, _, slow = self.arrive(room=1000)
        for _ in range(1100):
            slow_listener.hear(Whispered("Ana", LINE), self.talker)
            self.reactor.advance(0)
            slow.read(1)
            self.reactor.turn()
        self.assertEqual(self.reader.held, {"slow"})
        lines = self.read_all(slow)
        self.assertEqual(len(lines), 1100)
        self.assertEqual(self.reader.held, set())

    def test_who_asks_for_more_than_they_read_is_not_read(self) -> None:
        """We never drop replies.  The farmer's commands wait instead."""
        slow_listener, reader, slow = self.arrive(room=1000)
        while not reader.held:
            slow_listener.tell(Notice("x", LINE))
        self.assertLess(slow_listener.replies, REPLIES_LIMIT + 2 * len(LINE))
        told = slow_listener.replies
        self.reactor.turn()
        self.assertEqual(reader.held, {"replies"})
        slow.read(20_000)
        self.reactor.turn()
        self.assertEqual(reader.held, {"replies"})
        slow.read(20_000)
        self.reactor.turn()
        self.assertEqual(reader.held, set())
        self.read_all(slow)
        self.assertEqual(len(slow.taken), told)

    def test_many_replies_in_one_tick_hold_only_until_it_ends(self) -> None:
        """A farmer reads well and asks for much at once.  We read from them again right after
        that."""
        quick_seat, reader, quick = self.arrive(WIDE)
        for _ in range(100):
            quick_seat.tell(Notice("x", LINE))
        self.assertEqual(reader.held, {"replies"})
        self.reactor.turn()
        self.assertEqual(reader.log, ["hold replies", "release replies"])
        self.assertEqual(len(self.read_all(quick)), 100)

    def test_a_farmer_is_read_again_only_if_few_replies_wait(self) -> None:
        """More was asked for in the moment between the last byte's leaving and reading again."""
        listener, reader, _ = self.arrive(room=100 * (len(LINE) + len("[SERVER] \r\n")))
        for _ in range(2):
            for _ in range(100):
                listener.tell(Notice("x", LINE))
            self.board.flush()
        self.reactor.advance(0)
        self.assertEqual(reader.log, ["hold replies"])


class OtherTransportTests(FlowTestCase):
    """TLS and WebSocket: the transport says when it has enough."""

    def test_a_transport_is_not_given_more_than_it_wants(self) -> None:
        """Waiting talk is once in the shared log, not once for each listener."""
        transport = SlowTransport(self.reactor, room=0, most=65536)
        listener = self.board.listen(transport, HeldReader())
        self.board.join(listener)
        self.talk(900_000)
        self.assertLess(len(transport.value()), 65536 + 3 * listener.wire.limit)
        self.assert_all_accounted_for(self.read_all(transport))

    def test_one_who_does_not_read_is_told_what_they_missed(self) -> None:
        transport = SlowTransport(self.reactor, room=10, most=65536)
        listener = self.board.listen(transport, HeldReader())
        self.board.join(listener)
        self.talk(1_300_000)
        self.reactor.advance(0.3)
        self.talk(1_000_000)
        listener.tell(Notice("x", "fin"))
        self.reactor.advance(0)
        lines = self.read_all(transport)
        self.assertEqual(sum("Te perdiste" in line for line in lines), 1)
        self.assertEqual(lines[-1], "[SERVER] fin")
        self.assert_all_accounted_for(lines)

    def test_it_is_closed_without_a_producer(self) -> None:
        """TLS does not say goodbye while a producer is registered."""
        transport = SlowTransport(self.reactor, room=0, most=50)
        listener = self.board.listen(transport, HeldReader())
        listener.tell(Notice("x", LINE))
        self.reactor.turn()
        listener.tell(Notice("x", LINE))
        listener.close()
        self.reactor.turn()
        self.assertFalse(transport.disconnecting)
        self.read_all(transport)
        self.assertTrue(transport.disconnecting)
        self.assertIsNone(transport.producer)
        self.assertEqual(transport.taken, PLAIN.encode(Notice("x", LINE)) * 2)


class MemoryTests(FlowTestCase):
    def test_backlogs_are_views_of_shared_blocks(self) -> None:
        """A thousand listeners who are behind keep as many copies of the talk as one."""
        for _ in range(1000):
            self.arrive(room=0)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.talk(900_000)
        self.board.announce(Arrived("Eva"))
        self.reactor.advance(0)
        grown, _ = tracemalloc.get_traced_memory()
        self.assertLess(grown, 12_000_000)

    def test_what_everybody_has_read_is_forgotten(self) -> None:
        _, _, slow = self.arrive(room=0)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for _ in range(20):
            self.talk(800_000)
            slow.read(WIDE)
            self.reactor.turn()
            slow.narrow.taken.clear()
            slow.narrow.room = 0
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
        self.assertLess(grown, 3_000_000)


class TellingTests(FlowTestCase):
    """Messages for one connection alone."""

    def test_a_reply_that_is_too_long_holds_its_farmer_until_it_is_sent(self) -> None:
        connection = NarrowConnection(self.reactor, WIDE, lambda: listener.lost())
        reader = HeldReader()
        listener = self.board.listen(connection, reader)
        listener.raw(b"x" * REPLIES_LIMIT)
        self.assertEqual((reader.held, listener.heard), (set(), 0))
        listener.raw(b"x")
        self.assertEqual(reader.held, {"replies"})
        self.reactor.advance(0)
        self.reactor.advance(0)
        self.assertEqual((reader.held, len(connection.taken)), (set(), REPLIES_LIMIT + 1))
        self.assertEqual((listener.replies, listener.heard), (0, 0))
        listener.raw(b"x" * (REPLIES_LIMIT + 1))
        self.reactor.advance(0)
        self.reactor.advance(0)
        self.assertEqual(reader.held, set())
        self.assertEqual((listener.replies, listener.heard), (0, 0))

    def test_a_reply_that_finds_no_room_arrives_whole(self) -> None:
        for joins in (False, True):
            connection = NarrowConnection(self.reactor, 0, lambda: None)
            listener = self.board.listen(connection, HeldReader())
            if joins:
                self.board.join(listener)
                self.reactor.advance(0)
            listener.tell(Notice("x", "uno"))
            self.reactor.advance(0)
            listener.tell(Notice("x", "dos"))
            self.assertEqual(self.read_all(connection), ["[SERVER] uno", "[SERVER] dos"])

    def test_one_reply_is_one_write(self) -> None:
        listener, _, connection = self.arrive(WIDE)
        before = self.board.counters.writes
        listener.tell_kept(Notice("x", "hola"))
        self.reactor.advance(0)
        self.assertEqual(connection.taken.decode(), "[SERVER] hola\r\n")
        self.assertEqual(self.board.counters.writes, before + 1)

    def test_what_was_written_is_known_by_its_number(self) -> None:
        """This includes a whisper and an offer, so that returning people do not read them twice."""
        connection = NarrowConnection(self.reactor, WIDE, lambda: listener.lost())
        listener = self.board.listen(connection, HeldReader(), GMCP)
        assert listener.receipts is not None
        listener.hear_whisper("Beto", "hola", None, speaker=7)
        listener.hear(Notice("x", "una oferta"))
        listener.tell_kept(Notice("x", "una noticia"))
        self.reactor.advance(0)
        after = [len(listener.receipts.after(number)[0]) for number in range(4)]
        self.assertEqual(after, [3, 2, 1, 0])

    def test_talk_that_had_to_wait_has_its_place(self) -> None:
        """The farmer heard two of three waiting lines, so they missed only the third."""
        connection = NarrowConnection(self.reactor, 0, lambda: listener.lost())
        listener = self.board.listen(connection, HeldReader(), GMCP)
        self.board.join(listener)
        self.reactor.advance(0)
        for _ in range(2):
            say(self.board, self.talker, "Ana", "hola", "¿qué tal?", "bien")
            self.reactor.advance(0)
        connection.read(WIDE)
        for _ in range(5):
            self.reactor.turn()
        assert listener.receipts is not None
        places = [listener.receipts.place_after(number) for number in range(7)]
        self.assertEqual(places, list(range(7)))

    def test_the_last_line_that_was_sent(self) -> None:
        """Waiting lines are not sent yet, except for the line that the wire has begun."""
        connection = NarrowConnection(self.reactor, WIDE, lambda: listener.lost())
        listener = self.board.listen(connection, HeldReader(), GMCP)
        self.assertEqual(self.board.listen(connection, HeldReader()).last_sent(), 0)
        for _ in range(3):
            listener.tell(Notice("x", "hola"))
        self.reactor.advance(0)
        self.assertEqual(listener.last_sent(), 3)
        connection.narrow.room = 0
        listener.tell(Notice("x", "hola"))
        listener.tell(Notice("x", "hola"))
        self.reactor.advance(0)
        self.assertEqual(listener.last_sent(), 4)
        connection.read(WIDE)
        self.reactor.turn()
        self.assertEqual(listener.last_sent(), 5)
