"""With any line ends and any cuts, a farmer's lines are the same lines (PROTOCOL §1)."""

from __future__ import annotations

import re
import time
import tracemalloc

from hypothesis import given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.wire.lines import TOO_LONG, LineSplitter, TooLong
from tests.support.nasty import cuts

LIMIT = 5


def lines_of(*segments: bytes, limit: int = LIMIT) -> list[bytes | TooLong]:
    splitter = LineSplitter(limit)
    return [line for segment in segments for line in splitter.feed(segment)]


def expected(stream: bytes, limit: int = LIMIT) -> list[bytes | TooLong]:
    """The rule, said in another way: split the whole stream, then measure."""
    *lines, rest = re.split(rb"\r\n|\r\0|\r|\n", stream)
    told: list[bytes | TooLong] = [line if len(line) <= limit else TOO_LONG for line in lines]
    return told + [TOO_LONG] * (len(rest) > limit)


def streams() -> st.SearchStrategy[bytes]:
    pieces = [b"\r", b"\n", b"\0", b"\r\n", b"\r\0", b"a", b"bcd", b"efghi", b"jklmno", b"\xff"]
    return st.lists(st.sampled_from(pieces), max_size=20).map(b"".join)


class Ends(SynchronousTestCase):
    """Telnet, netcat and scripts end their lines differently."""

    def test_each_kind_of_end_is_one_end(self) -> None:
        for end in (b"\n", b"\r\n", b"\r\0", b"\r"):
            self.assertEqual(lines_of(b"ana" + end + b"6" + end + end), [b"ana", b"6", b""], end)

    def test_kinds_may_be_mixed(self) -> None:
        self.assertEqual(
            lines_of(b"a\nb\r\nc\r\0d\re\n\rf\n"), [b"a", b"b", b"c", b"d", b"e", b"", b"f"]
        )

    def test_a_lone_cr_ends_a_line_at_once(self) -> None:
        """Nobody waits for the byte after it."""
        self.assertEqual(lines_of(b"ana\r"), [b"ana"])

    def test_what_follows_a_cr_is_not_an_empty_line(self) -> None:
        """After a question, an empty line would be an answer."""
        for rest in (b"\n", b"\0"):
            self.assertEqual(lines_of(b"ana\r", b"", rest, b"6\n"), [b"ana", b"6"])

    def test_only_one_byte_after_a_cr_belongs_to_it(self) -> None:
        self.assertEqual(lines_of(b"a\r", b"\n\nb\n"), [b"a", b"", b"b"])
        self.assertEqual(lines_of(b"a\r", b"\0\0\n"), [b"a", b"\0"])

    def test_nul_elsewhere_is_content(self) -> None:
        self.assertEqual(lines_of(b"a\0b\n"), [b"a\0b"])

    def test_a_line_without_end_is_no_line(self) -> None:
        self.assertEqual(lines_of(b"a\nb"), [b"a"])


class Cuts(SynchronousTestCase):
    """Segments are the network's business."""

    @settings(deadline=None, max_examples=200)
    @given(streams(), st.data())
    def test_any_cut_gives_the_same_lines(self, stream: bytes, data: st.DataObject) -> None:
        self.assertEqual(lines_of(*data.draw(cuts(stream))), expected(stream))

    def test_every_cut_of_a_stream(self) -> None:
        stream = "ñu\r\n\r\0six\rseven77\n\0\n12345\r\n123456\r\0a\n\n".encode()
        for limit in range(1, 9):
            whole = expected(stream, limit)
            self.assertEqual(lines_of(*(bytes([byte]) for byte in stream), limit=limit), whole)
            for at in range(len(stream) + 1):
                self.assertEqual(lines_of(stream[:at], stream[at:], limit=limit), whole)


class Limits(SynchronousTestCase):
    """Lines that are too long are refused once, and the next line is whole."""

    def test_exactly_the_limit_is_fine(self) -> None:
        for end in (b"\n", b"\r\n", b"\r\0", b"\r"):
            self.assertEqual(lines_of(b"12345" + end), [b"12345"])
            self.assertEqual(lines_of(b"123456" + end), [TOO_LONG])

    def test_it_is_refused_when_the_limit_is_crossed(self) -> None:
        """The farmer hears of it before the line has ended, and once only."""
        splitter = LineSplitter(LIMIT)
        self.assertEqual(splitter.feed(b"12345"), [])
        self.assertEqual(splitter.feed(b"6"), [TOO_LONG])
        self.assertEqual(splitter.feed(b"7890123"), [])
        self.assertEqual(splitter.feed(b"\r"), [])
        self.assertEqual(splitter.feed(b"\nhola\n"), [b"hola"])

    def test_a_line_without_end_costs_no_memory(self) -> None:
        splitter = LineSplitter(4096)
        segment = b"x" * 65_536
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for _ in range(100):
            splitter.feed(segment)
        self.assertLess(tracemalloc.get_traced_memory()[0], 8192)

    def test_a_long_line_in_crumbs_costs_no_more_than_its_length(self) -> None:
        """To copy the held bytes at each crumb would move 125 gigabytes here."""
        splitter = LineSplitter(1_000_000)
        before = time.process_time()
        for _ in range(250_000):
            splitter.feed(b"crum")
        self.assertEqual(splitter.feed(b"\n"), [b"crum" * 250_000])
        self.assertLess(time.process_time() - before, 8)


class TakingBack(SynchronousTestCase):
    def test_the_beginning_of_a_line_is_taken_back_unless_its_end_is_unknown(self) -> None:
        for segment, begun in (
            (b"", b""),
            (b"uno\ndo", b"do"),
            (b"uno\r", None),
            (b"x" * 99, None),
        ):
            splitter = LineSplitter(LIMIT)
            splitter.feed(segment)
            self.assertEqual(splitter.take_back(), begun, segment)
            self.assertEqual(splitter.partial, begun is None)


class UnderWay(SynchronousTestCase):
    """Whether whole lines may be taken past the splitter."""

    def test_partial_says_whether_a_line_is_under_way(self) -> None:
        splitter = LineSplitter(LIMIT)
        self.assertFalse(splitter.partial)
        for segment, partial in (
            (b"ho", True),
            (b"la\n", False),
            (b"hola\r\n", False),
            (b"hola\r", True),  # an LF may follow, and would be no line
            (b"\n", False),
            (b"hola\r", True),
            (b"b\n", False),
            (b"demasiado", True),
            (b"larga", True),
            (b"\n", False),
        ):
            splitter.feed(segment)
            self.assertEqual(splitter.partial, partial, segment)
