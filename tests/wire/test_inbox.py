"""Bytes in, the next line that may be obeyed out: tried by feeding it."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.wire.inbox import SLICE, TELNET_SLICE, Inbox, Line
from granja.wire.lines import TOO_LONG
from granja.wire.rate import Rate
from granja.wire.telnet import AYT, DO, IAC, TIMING_MARK, WILL

MUTED = "somebody does not read"


def inbox(rate: Rate | None = None) -> Inbox:
    return Inbox(100, rate, 0.0, frozenset({MUTED}))


def lines(box: Inbox, now: float = 0.0) -> Iterator[Line]:
    """All that may be obeyed now."""
    while True:
        line = box.next(now)
        if line is not None:
            yield line
        elif not box.more:
            return


class States(SynchronousTestCase):
    def test_resting_is_when_the_next_byte_begins_a_line(self) -> None:
        """Each event that waits for something, and the one that ends it."""
        box = inbox()
        self.assertTrue(box.resting)
        box.feed(b"ho")
        self.assertFalse(box.resting)
        self.assertEqual((list(lines(box)), box.resting), ([], False))
        box.feed(b"la\n")
        self.assertEqual((list(lines(box)), box.resting), ([b"hola"], True))
        box.begin()
        self.assertFalse(box.resting)
        box.done()
        self.assertTrue(box.resting)
        box.hold("why")
        self.assertFalse(box.resting)
        box.release("why")
        self.assertTrue(box.resting)
        box.end()
        self.assertFalse(box.resting or box.reads)

    def test_nothing_is_obeyed_while_a_line_takes_time(self) -> None:
        box = inbox()
        box.feed(b"uno\ndos\n")
        self.assertEqual(box.next(0.0), b"uno")
        box.begin()
        self.assertEqual((box.next(0.0), box.more, box.waiting), (None, False, True))
        box.done()
        self.assertEqual(list(lines(box)), [b"dos"])

    def test_what_was_read_waits_for_others_if_the_reason_mutes(self) -> None:
        """Another reason stops the reading alone."""
        box = inbox()
        box.feed(b"uno\ndos\n")
        self.assertTrue(box.hold("why"))
        self.assertEqual(box.next(0.0), b"uno")
        self.assertFalse(box.hold(MUTED))
        self.assertEqual((box.next(0.0), box.talk(0.0), box.more), (None, None, False))
        self.assertTrue(box.release(MUTED))
        self.assertFalse(box.release(MUTED))
        self.assertEqual((list(lines(box)), box.reads), ([b"dos"], False))
        box.release("why")
        self.assertTrue(box.reads)

    def test_after_the_end_what_waits_is_obeyed(self) -> None:
        box = inbox()
        box.feed(b"uno\ndos")
        box.end()
        self.assertEqual((list(lines(box)), box.waiting, box.ended), ([b"uno"], False, True))

    def test_closed_is_for_good(self) -> None:
        box = inbox()
        box.feed(b"uno\n")
        box.close()
        box.feed(b"dos\n")
        self.assertEqual((list(lines(box)), box.waiting, box.plain(b"x\n", 0.0)), ([], False, None))

    def test_who_is_closed_while_nothing_waits_rests_no_more(self) -> None:
        box = inbox()
        box.close()
        self.assertEqual((box.resting, box.plain(b"uno\n", 0.0)), (False, None))

    def test_busy_is_while_a_line_is_obeyed(self) -> None:
        box = inbox()
        self.assertIs(box.busy, False)
        box.begin()
        self.assertIs(box.busy, True)
        box.done()
        self.assertIs(box.busy, False)

    def test_another_rate_begins_with_a_full_allowance(self) -> None:
        box = inbox(Rate(1, 1))
        self.assertEqual(box.plain(b"uno\n", 0.0), "uno")
        box.allow(Rate(1, 2), 0.0)
        said = [box.plain(b"dos\n", 0.0) for _ in range(3)]
        self.assertEqual(said, ["dos", "dos", None])
        box.allow(None, 0.0)
        self.assertEqual([box.plain(b"tres\n", 0.0) for _ in range(50)], ["tres"] * 50)

    def test_the_rate_says_how_long_to_wait(self) -> None:
        box = inbox(Rate(2, 1))
        self.assertEqual(box.plain(b"uno\n", 0.0), "uno")
        self.assertIsNone(box.plain(b"dos\n", 0.0))
        box.feed(b"dos\n")
        self.assertEqual((list(lines(box)), box.wait, box.more), ([], 0.5, False))
        self.assertEqual((list(lines(box, 0.5)), box.wait), ([b"dos"], 0.0))


class Talk(SynchronousTestCase):
    def test_whole_lines_are_taken_at_once_and_the_rest_waits(self) -> None:
        """This holds for all cuts of the reads."""
        box = inbox()
        box.feed("uno\r\n¿dós?\ntre".encode())
        self.assertEqual(box.talk(0.0), "uno\n¿dós?".encode())
        self.assertFalse(box.resting)
        self.assertEqual((list(lines(box)), box.waiting), ([], False))
        box.feed(b"s\ncuatro\ncin")
        self.assertEqual(box.talk(0.0), b"tres\ncuatro")
        self.assertEqual(list(lines(box)), [])
        box.feed(b"co\n")
        self.assertEqual((box.talk(0.0), list(lines(box))), (None, [b"cinco"]))
        box.feed(b"seis\nsiete\n")
        self.assertEqual((box.talk(0.0), box.resting), (b"seis\nsiete", True))

    def test_all_or_nothing_by_the_rate(self) -> None:
        box = inbox(Rate(1, 2))
        box.feed(b"1\n2\n3\n")
        self.assertEqual((box.talk(0.0), list(lines(box))), (None, [b"1", b"2"]))
        box = inbox(Rate(1, 3))
        box.feed(b"1\n2\n3\n")
        self.assertEqual(box.talk(0.0), b"1\n2\n3", "exactly what the rate allows")

    def test_not_after_a_cr_or_in_a_line_that_is_too_long(self) -> None:
        """Nobody knows then what the next byte means."""
        for begun in (b"uno\r", b"x" * 101):
            box = inbox()
            box.feed(begun)
            list(lines(box))
            box.feed(b"\ndos\ntres\n")
            self.assertEqual((box.talk(0.0), list(lines(box))), (None, [b"dos", b"tres"]))

    def test_the_rest_of_a_line_that_is_too_long_is_no_talk(self) -> None:
        box = inbox()
        box.feed(b"x" * 101)
        self.assertEqual(list(lines(box)), [TOO_LONG])
        box.feed(b"resto\ndos\n")
        self.assertEqual((box.talk(0.0), list(lines(box))), (None, [b"dos"]))

    @given(
        st.lists(
            st.sampled_from(
                ["hola", "¿qué tal?", ":u", "", "x" * 101, "ñ" * 50, " ", "\x08a", "\r"]
            ),
            max_size=8,
        ),
        st.data(),
    )
    def test_any_cut_gives_the_same_lines(self, said: list[str], data: st.DataObject) -> None:
        """With the short ways or without them."""
        stream = b"".join(line.encode() + b"\r\n" for line in said)
        slow, fast, rest = inbox(), inbox(), stream
        slow.feed(stream)
        wanted, got = list(lines(slow)), list[Line]()
        while rest:
            size = data.draw(st.integers(1, len(rest)))
            piece, rest = rest[:size], rest[size:]
            line = fast.plain(piece, 0.0)
            if line is not None:
                got.append(line.encode())
                continue
            fast.feed(piece)
            talk = fast.talk(0.0)
            got += talk.split(b"\n") if talk is not None else []
            got += lines(fast)
        self.assertEqual(got, wanted)


class Floods(SynchronousTestCase):
    def test_a_flood_of_short_lines_waits_as_few_lines(self) -> None:
        """Bytes that we have not split yet take a tenth of the memory."""
        box = inbox()
        box.feed(b":u\n" * 10_000)
        for _ in range(3000):
            self.assertEqual(box.next(0.0), b":u")
            self.assertLess(len(box._lines), SLICE // 3 + 1)
        self.assertEqual(len(list(lines(box))), 7000)


class TelnetCommands(SynchronousTestCase):
    def test_what_is_answered_in_its_place_is_a_line(self) -> None:
        box = inbox()
        box.feed(b"uno\n" + bytes((IAC, AYT, IAC, DO, TIMING_MARK, IAC, WILL, 31)) + b"dos\n")
        commands = [(AYT, 0), (DO, TIMING_MARK), (WILL, 31)]
        self.assertEqual(list(lines(box)), [b"uno", *commands, b"dos"])

    def test_the_rate_counts_what_a_client_asks_and_not_its_hello(self) -> None:
        box = inbox(Rate(1.0, 2))
        hello = [(verb, option) for option in (3, 24, 31) for verb in (WILL, DO)]
        asked = [(AYT, 0), (DO, TIMING_MARK), (AYT, 0)]
        box.feed(b"".join(bytes((IAC, *command)) for command in hello))
        box.feed(bytes((IAC, AYT, IAC, DO, TIMING_MARK, IAC, AYT)))
        self.assertEqual(list(lines(box)), hello + asked[:2])
        self.assertEqual((box.wait, list(lines(box, 1.0))), (1.0, asked[2:]))

    def test_a_flood_is_looked_at_little_by_little(self) -> None:
        """64 KB of negotiations took the reactor 0.14 s, and their answers 64 KB, in one go."""
        box = inbox()
        box.feed(bytes((IAC, DO, 1)) * 20_000 + b"uno\n")
        self.assertEqual(box.next(0.0), (DO, 1))
        self.assertLessEqual(len(box._lines), TELNET_SLICE)
        self.assertTrue(box.more)
        box.hold(MUTED)
        self.assertFalse(box.more)
        box.release(MUTED)
        self.assertEqual(list(lines(box)), [(DO, 1)] * 19_999 + [b"uno"])

    def test_a_flood_of_marks_waits_as_few_lines(self) -> None:
        box = inbox()
        box.feed(bytes((IAC, AYT)) * 30_000)
        self.assertEqual(box.next(0.0), (AYT, 0))
        self.assertLess(len(box._lines), TELNET_SLICE)
