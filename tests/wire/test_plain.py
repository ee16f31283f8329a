"""Talk taken by the chunk is the same as talk taken line by line."""

from __future__ import annotations

from hypothesis import example, given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.errors import NotUTF8
from granja.text import clean as text
from granja.wire.lines import LineSplitter
from granja.wire.plain import MOST_LINES, plain_line, plain_talk
from tests.contract.test_commands import is_command

MAX_LINE = 40

talk = st.sampled_from(["hola", "¿qué tal?", ":)", "ñ" * 19, "x" * 40, "🌽", "e\u0301"])
odd = st.sampled_from([":q", ":", " ", "  :u", "\t", "\x1b[2J", "\u202e", "\u3000", "\xa0:u"])
rare = st.sampled_from(["", "x" * 41, "\u2028", "\x85", "\0", "\x7f", "\r"])
pieces = st.one_of(talk, talk, odd, rare)
ends = st.sampled_from(["\n", "\r\n"] * 5 + ["\r", "\r\0", "\n\n", ""])
segments = st.lists(st.builds(lambda *parts: "".join(parts), pieces, pieces, ends), max_size=8)
raw = st.builds(
    lambda parts, odd: "".join(parts).encode() + odd,
    segments,
    st.sampled_from([b""] * 4 + [b"\xff\xf1hola\n", b"\xc3\n", b"\xed\xa0\x80\n"]),
)


def line_by_line(segment: bytes) -> list[str] | None:
    """What the line path says about ``segment``; None if any line is something else than talk."""
    splitter = LineSplitter(MAX_LINE)
    said = []
    for line in splitter.feed(segment):
        if not isinstance(line, bytes):
            return None
        try:
            said.append(text.decode(line))
        except NotUTF8:
            return None
        if is_command(said[-1]) or not said[-1].strip():
            return None
    return None if splitter.partial else said


class LineTests(SynchronousTestCase):
    @given(segment=raw)
    @example(segment=b"\n")
    @example(segment=b"\r\n")
    @example(segment=b"x" * 41 + b"\n")
    @example(segment=b"x" * 41 + b"\r\n")
    @example(segment=b"a\r\r\n")
    @example(segment=b"a\0\n")
    def test_a_line_that_is_taken_is_what_the_splitter_says(self, segment: bytes) -> None:
        """This includes commands and empty lines.  None of them holds telnet."""
        taken = plain_line(segment, MAX_LINE)
        if taken is not None:
            splitter = LineSplitter(MAX_LINE)
            self.assertEqual(splitter.feed(segment), [taken.encode()])
            self.assertFalse(splitter.partial)
            self.assertEqual(text.decode(taken.encode()), taken)
            self.assertNotIn(b"\xff", segment)

    def test_printable_ascii_is_taken(self) -> None:
        """Whole, whichever of the usual ends it has, as long as it may be."""
        printable = bytes(range(0x20, 0x7F))
        for line in (b"", b"hola", b":p Ana hola", b"x" * 95, printable):
            for end in (b"\n", b"\r\n"):
                self.assertEqual(plain_line(line + end, 95), line.decode())

    def test_so_is_all_that_is_clean(self) -> None:
        for line in ("¿Qué tal, Ñandú?", "Иван", "山田", "👍"):
            self.assertEqual(plain_line(f"{line}\r\n".encode(), 95), line)
        self.assertIsNone(plain_line("a\u202eb\n".encode(), 95))

    def test_every_other_byte_is_left_to_the_splitter(self) -> None:
        for code in {*range(256)} - {*range(0x20, 0x7F)}:
            self.assertIsNone(plain_line(b"a" + bytes([code]) + b"a\n", MAX_LINE), code)
        for segment in (b"", b"hola", b"hola\xff", b"hola\r", b"hola\r\0", b"x" * 41 + b"\n"):
            self.assertIsNone(plain_line(segment, MAX_LINE), segment)


class ChunkTests(SynchronousTestCase):
    @given(segment=raw)
    @example(segment=b"hola\n :u\n")
    @example(segment=b"\n")
    @example(segment="a\n\u3000:q\n".encode())
    def test_a_chunk_says_what_its_lines_say(self, segment: bytes) -> None:
        """For any bytes, whole or line by line, the others read the same."""
        taken = plain_talk(segment, MAX_LINE)
        if taken is not None:
            said = line_by_line(segment)
            self.assertIsNotNone(said, segment)
            assert said is not None
            self.assertEqual(taken.decode().split("\n"), said)

    def test_ordinary_talk_is_taken(self) -> None:
        """In Spanish, with emoji, whichever of the usual ends its lines have."""
        for end in ("\n", "\r\n"):
            lines = ["¿Qué tal, compañera?", "¡Buenísima la cosecha! 🌽", "hola :)", "x" * 40]
            segment = "".join(line + end for line in lines).encode()
            self.assertEqual(plain_talk(segment, MAX_LINE), "\n".join(lines).encode())

    def test_what_is_not_talk_is_left_to_the_line_path(self) -> None:
        """Commands, blank lines, telnet, broken text, partial lines and long ones."""
        for odd in (
            b":u",
            b"  :u",
            b"",
            b"   ",
            b"\xff\xf1",
            b"\xc3",
            b"a\rb",
            b"\x1b[2J",
            b"x" * 41,
        ):
            for segment in (
                b"hola\n" + odd + b"\nadios\n",
                odd + b"\nhola\n",
                b"hola\n" + odd + b"\n",
            ):
                self.assertIsNone(plain_talk(segment, MAX_LINE), segment)
        self.assertIsNone(plain_talk(b"hola\nadi", MAX_LINE))

    def test_a_slip_that_holds_a_secret_is_left_to_the_line_path(self) -> None:
        """This holds at any place.  A line that only contains such a word is talk."""
        for slip in (".CLAVE girasoles", "¡regi\u017ftrar=x", "2volver x", "\u2800 .clave x"):
            for chunk in (f"{slip}\nhola\n", f"hola\n{slip}\n"):
                self.assertIsNone(plain_talk(chunk.encode(), MAX_LINE), ascii(chunk))
        talk = "hola\n.llave\n¡qué clave!\nclave de sol".encode()
        self.assertEqual(plain_talk(talk + b"\n", MAX_LINE), talk)

    def test_a_long_run_of_spaces_is_left_to_the_line_path(self) -> None:
        for blank in (" ", "\xa0", "\u3000", " \u2003"):
            for line in (f"a{blank * 9}b", f"ñ{blank * 9}b"):
                self.assertIsNone(plain_talk(f"hola\n{line}\n".encode(), MAX_LINE), ascii(line))
        self.assertIsNotNone(plain_talk(f"hola\nñ{' ' * 8}b\n".encode(), MAX_LINE))

    def test_very_many_tiny_lines_are_left_to_the_line_path(self) -> None:
        """With a name before each they would take many times their memory at once."""
        self.assertIsNone(plain_talk(b"a\n" * (MOST_LINES + 1), MAX_LINE))
        self.assertIsNotNone(plain_talk(b"a\n" * MOST_LINES, MAX_LINE))
