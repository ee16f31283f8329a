"""What a line's number stands for, and which line was the last that arrived."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.board.counters import Counters
from granja.board.receipts import MOST_POINTS, MOST_WRITES, Receipts
from granja.contract.messages import Whispered
from granja.wire.encodings import MARK, numbered


class PlaceTests(SynchronousTestCase):
    """Where in the talk it was after a line."""

    def setUp(self) -> None:
        self.counters = Counters()
        self.receipts = Receipts(self.counters)

    def talk(self, lines: int, place: int) -> None:
        self.receipts.number_talk([b""] * (lines + 1), place)

    def test_talk_private_lines_and_ones_own(self) -> None:
        self.talk(3, 0)
        self.receipts.number(MARK, 3)
        self.talk(2, 5)  # Two of one's own were said between.
        self.receipts.number(MARK + MARK, 7)
        places = [self.receipts.place_after(number) for number in range(9)]
        self.assertEqual(places, [0, 1, 2, 3, 3, 6, 7, 7, 7])
        self.assertEqual(self.receipts.place_after(10**6), 7)

    def test_a_run_of_talk_is_one_point(self) -> None:
        """This holds for any number of batches: we forget points, not batches."""
        for place in range(0, 90, 3):
            self.talk(3, place)
        self.assertEqual(len(self.receipts._lines), 2)
        self.receipts.number(MARK, 90)
        self.receipts.number(MARK, 90)
        self.assertEqual(len(self.receipts._lines), 3)

    def test_long_ago_is_not_told_apart_for_ever(self) -> None:
        for place in range(0, 4 * MOST_POINTS, 2):
            self.talk(1, place)
        last = self.receipts.count
        self.assertEqual(self.receipts.place_after(last), 4 * MOST_POINTS - 1)
        self.assertEqual(self.receipts.place_after(last - 7), 4 * MOST_POINTS - 15)
        self.assertLess(len(self.receipts._lines), MOST_POINTS + 1)

    def test_lines_that_a_dead_node_wrote_were_talk_as_far_as_there_was_any(self) -> None:
        """We know of line 14.  The client heard up to line 50: six of those can have been talk."""
        self.counters.lines = 100
        self.receipts = Receipts.of_elsewhere(self.counters, number=10, place=90, count=14)
        self.receipts.skip_to(14)
        self.assertEqual(self.places(9, 10, 12, 14, 50), [90, 90, 92, 94, 94])
        self.receipts.skip_to(50)
        self.assertEqual(self.places(14, 16, 20, 21, 50), [94, 96, 100, 100, 100])
        self.talk(3, 100)
        self.counters.lines = 120
        self.receipts.skip_to(60)
        self.assertEqual(self.places(51, 53, 60), [101, 103, 103])

    def places(self, *numbers: int) -> list[int]:
        return [self.receipts.place_after(number) for number in numbers]

    def test_what_is_skipped_is_no_line(self) -> None:
        self.talk(2, 0)
        self.receipts.skip_to(50)
        self.talk(1, 2)
        found = [self.receipts.place_after(number) for number in (1, 2, 3, 50, 51)]
        self.assertEqual(found, [1, 2, 2, 2, 3])


class ArrivedTests(SynchronousTestCase):
    """The last line that the peer's system has taken."""

    def test_bytes_that_are_missing_are_lines(self) -> None:
        receipts = Receipts(Counters())
        for _ in range(5):
            receipts.number(b"x" * 90 + MARK, 0)
        told = [receipts.acknowledged(5, missing) for missing in (0, 1, 100, 101, 500, 9999)]
        self.assertEqual(told, [5, 4, 4, 3, 0, 0])
        self.assertEqual(receipts.acknowledged(3, 150), 1, "the last two were not sent")

    def test_never_too_many(self) -> None:
        """This holds for any age: we join older writes, and lines told twice are not lost."""
        receipts = Receipts(Counters())
        for _ in range(20 * MOST_WRITES):
            receipts.number(b"x" * 90 + MARK, 0)
        self.assertLessEqual(len(receipts._sizes), 2 * MOST_WRITES)
        last = receipts.count
        self.assertEqual(receipts.acknowledged(last, 1000), last - 10)
        for lines in range(1, 500, 7):
            self.assertLessEqual(receipts.acknowledged(last, 100 * lines), last - lines)

    def test_nor_much_too_few(self) -> None:
        """For older writes, each four become one; far back the number is rougher."""
        receipts = Receipts(Counters())
        for _ in range(20 * MOST_WRITES):
            receipts.number(b"x" * 90 + MARK, 0)
        last = receipts.count
        for lines in range(MOST_WRITES // 2 + 1):
            self.assertEqual(receipts.acknowledged(last, 100 * lines), last - lines)
        for lines in range(MOST_WRITES // 2, MOST_WRITES):
            self.assertGreater(receipts.acknowledged(last, 100 * lines), last - lines - 4 * lines)

    def test_what_was_not_written_is_after_any_line(self) -> None:
        receipts = Receipts(Counters())
        private = receipts.keep(Whispered("Beto", "hola"), 7)
        self.assertEqual(receipts.after(10**6), ([private], []))
        receipts.will_hear(private)
        receipts.number_heard(MARK, 0)
        self.assertEqual(receipts.after(0), ([private], []))
        self.assertEqual(receipts.after(1), ([], []))

    def test_who_comes_back_has_heard_the_first_line_of_their_return(self) -> None:
        receipts = Receipts(Counters())
        receipts.number(MARK * 3, 0)
        receipts.resume(1)
        private = receipts.keep(Whispered("Beto", "hola"), 7)
        receipts.will_hear(private)
        receipts.number_heard(MARK, 0)
        self.assertEqual(private.numbers, (4,))
        self.assertEqual([receipts.after(n)[0] for n in (3, 4)], [[private], []])

    def test_whispers_of_64_kb_are_kept(self) -> None:
        """We keep 64 KB and not a byte more.  The oldest whisper is only counted."""
        receipts = Receipts(Counters())
        size = len(Whispered("Beto", "").line().encode())
        kept = [receipts.keep(Whispered("Beto", "x" * (1024 - size)), 7) for _ in range(64)]
        self.assertEqual(receipts.after(0), (kept, []))
        last = receipts.keep(Whispered("Beto", ""), 7)
        self.assertEqual(receipts.after(0), ([*kept[1:], last], kept[:1]))

    def test_a_whisper_in_a_lost_line_is_told_again(self) -> None:
        """Line 3 was sent and not heard; line 4 is the first of the return."""
        receipts = Receipts(Counters())
        self.assertFalse(receipts.partial)
        whispers = [receipts.keep(Whispered("Beto", text), 7) for text in ("uno", "dos", "tres")]
        self.assertLess(whispers[0].order, whispers[1].order)
        for whisper in whispers:
            receipts.will_hear(whisper)
            receipts.number_heard(MARK, 0)
        receipts.resume(2)
        receipts.number(MARK, 0)
        self.assertEqual(receipts.after(4), ([whispers[2]], []))

    def test_the_last_words_to_the_old_connection_are_no_receipts(self) -> None:
        receipts = Receipts(Counters())
        private = receipts.keep(Whispered("Beto", "hola"), 7)
        receipts.will_hear(private)
        receipts.will_be_told([private])
        receipts.number(MARK * 3, 0)
        last = receipts.part()
        self.assertEqual(last.number(MARK, 0), numbered([b"", b""], 4))
        receipts.number_heard(MARK, 0)
        receipts.number_told(MARK, 0)
        self.assertEqual(private.numbers, ())

    def test_bytes_without_a_line_have_no_number(self) -> None:
        receipts = Receipts(Counters())
        self.assertEqual(receipts.number_talk([b"x"], 0), b"x")
        self.assertEqual(receipts.number(b"x", 0), b"x")
        self.assertEqual(receipts.count, 0)

    def test_talk_on_its_way_has_not_arrived(self) -> None:
        receipts = Receipts(Counters())
        for place in range(3):
            size = len(receipts.number_talk([b"x", b"x"], place))
        self.assertEqual(receipts.acknowledged(3, size + 1), 1)
