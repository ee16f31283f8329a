"""What a farmer types reaches the others whole and harmless (PROTOCOL §1)."""

from __future__ import annotations

import re
import sys

from hypothesis import example, given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.errors import NotUTF8
from granja.text.clean import clean, decode, is_clean, is_clean_line, is_squeezed, squeezed
from granja.text.unicode import char_set
from tests.support.nasty import DECENT, NASTY, NOT_UTF8, hostile_text

MARK = char_set("mark")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
FORBIDDEN = re.compile(
    "[\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2064\ufeff\xad\u034f"
    "\u115f\u1160\u3164\uffa0\ufff9-\ufffc\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0001]"
)


class Lines(SynchronousTestCase):
    """Line by line."""

    def test_nasty_lines_lose_what_is_nasty(self) -> None:
        """Nobody's terminal is harmed, and the rest of the line is read by all."""
        for nasty in NASTY:
            self.assertEqual(clean(nasty.typed), nasty.shown, nasty.what)

    def test_decent_lines_stay(self) -> None:
        """Accents, scripts and emoji arrive as they were typed."""
        for decent in DECENT:
            self.assertEqual(clean(decent.typed), decent.typed, decent.what)

    def test_every_single_control_goes(self) -> None:
        """There is no control character, 7-bit or 8-bit, that gets through."""
        for point in [*range(0x20), *range(0x7F, 0xA0)]:
            expected = "a b" if point == 0x09 else "ab"
            # An introducer takes the rest of its line along, or the letter after it.
            shown = clean(f"a{chr(point)}b")
            self.assertIn(
                shown,
                (expected, "a")
                if chr(point) in "\x1b\x8e\x8f\x90\x98\x9b\x9d\x9e\x9f"
                else (expected,),
            )

    def test_every_final_ends_a_sequence(self) -> None:
        """After any control sequence, the text after it is read."""
        for final in range(0x40, 0x7F):
            self.assertEqual(clean(f"a\x1b[1;2{chr(final)}ñ"), "añ")
            self.assertEqual(clean(f"a\x9b1;2{chr(final)}ñ"), "añ")

    def test_every_two_byte_sequence_goes(self) -> None:
        for final in set(range(0x30, 0x7F)) - set(b"NOPX[]^_"):
            self.assertEqual(clean(f"a\x1b{chr(final)}ñ"), "añ")

    def test_function_keys_take_their_letter_along(self) -> None:
        """None of them before ``:p`` makes a whisper public (PROTOCOL §1)."""
        keys = (
            "\x1bOP",
            "\x1bO5P",
            "\x1bO1;2P",
            "\x1bNx",
            "\x8fP",
            "\x1b[[A",
            "\x1b[23$",
            "\x1b\x01",
        )
        for key in keys:
            self.assertEqual(clean(f"{key}:p Beto secreto"), ":p Beto secreto", ascii(key))

    def test_esc_before_a_command_is_a_key(self) -> None:
        """Who knows vi presses it; it takes nothing of ``:p`` along."""
        for keys in ("\x1b", "\x1b\x1b", " \x1b", "\x1b "):
            self.assertEqual(decode(f"{keys}:p Ana hola".encode()).strip(), ":p Ana hola")
        self.assertEqual(decode("a\x1b:ñ".encode()), "añ")

    def test_editing_keys(self) -> None:
        for raw, meant in (
            (b":offer Beto 6 1\x7f3", ":offer Beto 6 3"),
            ("añ\bn".encode(), "an"),
            ("e\u0301\x7fx".encode(), "x"),
            ("का\x7fx".encode(), "x"),  # a spacing mark goes with its letter too
            (b"\b\x7f\x15hola", "hola"),
            (b"mal\x15bien", "bien"),
        ):
            self.assertEqual(decode(raw), meant)

    def test_fillers_before_a_command_are_spaces(self) -> None:
        self.assertEqual(decode("\u3164:p\u1160Ana hola".encode()), " :p Ana hola")
        for filler in "\u115f\u1160\u3164\uffa0":
            self.assertEqual(decode(f":p{filler}Ana".encode()), ":p Ana", ascii(filler))
        self.assertEqual(decode("a\u3164b".encode()), "ab")

    def test_long_runs_of_spaces_are_short(self) -> None:
        self.assertEqual(squeezed("a" + " " * 80 + "[SERVER] b"), "a" + " " * 8 + "[SERVER] b")
        self.assertEqual(squeezed("a" + "\u2003\u2800" * 9 + "b"), "a" + "\u2003\u2800" * 4 + "b")
        self.assertEqual(squeezed("a        b"), "a        b")
        self.assertEqual(squeezed("año nuevo"), "año nuevo")

    def test_every_blank_of_unicode_counts(self) -> None:
        spaces = filter(str.isspace, map(chr, range(sys.maxunicode + 1)))
        blanks = ["\u2800", *filter(clean, spaces)]
        self.assertGreater(len(blanks), 15)
        for blank in map(clean, blanks):
            self.assertFalse(is_squeezed(f"ñ{blank * 9}b"), ascii(blank))
            self.assertTrue(is_squeezed(f"ñ{blank * 8}b"), ascii(blank))

    def test_whether_runs_are_short(self) -> None:
        for text in ("a b", "a" + " " * 8 + "b", "ñ" + " " * 8 + "b", "ñ\u2003b", "ñ\u2800b"):
            self.assertTrue(is_squeezed(text), ascii(text))
        for text in (
            *("a" + " " * 9 + "b", "a" + "\t" * 9 + "b"),
            *(f"ñ{blank * 9}b" for blank in " \u2003\u2800"),
        ):
            self.assertFalse(is_squeezed(text), ascii(text))

    def test_marks_are_capped_for_each_letter(self) -> None:
        """Four marks on each letter are nobody's harm, however many letters there are."""
        tower = "\u0301\u0302\u0303\u0304\u0305"
        self.assertEqual(clean(f"a{tower}e{tower}"), f"a{tower[:4]}e{tower[:4]}")

    def test_all_that_unicode_calls_invisible_goes(self) -> None:
        """Between two letters, no ignorable character of any Unicode block stays."""
        for char in char_set("ignorable"):
            self.assertEqual(clean(f"a{char}b"), "ab", hex(ord(char)))
        for char in "\u200e\u200f\u202e\u2060":  # nor after what may have a variant
            self.assertEqual(clean(f"\u845b{char}b"), "\u845bb", hex(ord(char)))

    def test_noncharacters_go_in_every_plane(self) -> None:
        for plane in range(17):
            pair = chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF)
            self.assertEqual(clean(f"a{pair}b"), "ab")


class Promises(SynchronousTestCase):
    """Rules that hold for every text."""

    @settings(deadline=None, max_examples=200)
    @given(hostile_text())
    @example("\u0647\u200d\u200c\u06a9")  # a joiner that stays only if the next one does not go
    def test_cleaning_twice_is_cleaning_once(self, typed: str) -> None:
        """A line that somebody else repeats is the same line."""
        once = clean(typed)
        self.assertEqual(clean(once), once)

    @settings(deadline=None, max_examples=200)
    @given(hostile_text())
    def test_nothing_harmful_is_left(self, typed: str) -> None:
        shown = clean(typed)
        self.assertIsNone(CONTROL.search(shown))
        self.assertIsNone(FORBIDDEN.search(shown))
        run = 0
        for char in shown:
            run = run + 1 if char in MARK else run if char in "\u200c\u200d" else 0
            self.assertLessEqual(run, 4)

    @settings(deadline=None, max_examples=100)
    @given(hostile_text())
    def test_nothing_is_added_or_moved(self, typed: str) -> None:
        """The shown text is the typed text, without some characters.  A tab may have become a
        space."""
        rest = iter(typed.replace("\t", " "))
        self.assertTrue(all(char in rest for char in clean(typed)))

    @settings(deadline=None, max_examples=200)
    @given(st.lists(hostile_text(5) | st.text("abcñ áé¿:\u05d0\u3042", max_size=20), max_size=4))
    def test_a_glance_never_overlooks_anything(self, lines: list[str]) -> None:
        """A chunk of lines that looks clean is clean, each of them."""
        chunk = "\r\n".join(lines)
        if is_clean(chunk):
            for line in re.split("[\r\n]", chunk):
                self.assertEqual(clean(line), line)


class Glances(SynchronousTestCase):
    """The fast answers."""

    @given(line=st.text(max_size=30))
    def test_a_glance_at_one_line_never_overlooks_anything(self, line: str) -> None:
        if is_clean_line(line):
            self.assertEqual(clean(line), line)

    def test_whether_one_line_is_clean(self) -> None:
        for line in ("", "hola", "¿Qué tal, Íñigo?", "一番"):
            self.assertTrue(is_clean_line(line), line)
        for line in ("hola\nque", "a\x1b[31m", "a\u202eb", "a\tb"):
            self.assertFalse(is_clean_line(line), line)

    def test_ordinary_talk_is_clean_at_a_glance(self) -> None:
        """Spanish, and what else people write without marks, never takes the slow way."""
        for line in (
            "hola",
            "hola a todos",
            "¿Qué? ¡Ñandúes! «x» — …",
            "",
            "Привет",
            "γειά",
            "こんにちは",
            "😀",
        ):
            self.assertTrue(is_clean(f"{line}\r\nhola\n"), line)

    def test_what_is_not_clean_is_seen(self) -> None:
        for nasty in NASTY:
            if nasty.what != "line ends":
                self.assertFalse(is_clean(f"hola\n{nasty.typed}\nñandú\n"), nasty.what)
        for ascii_only in ("a\tb", "a\x1b[m", "a\x00b", "a\x7f", "\x07"):
            self.assertFalse(is_clean(ascii_only))

    def test_no_character_passes_that_should_be_weighed(self) -> None:
        """A character that passes at a glance is never removed, and never counts as a mark."""
        ignorable = char_set("ignorable")
        passed = [char for char in map(chr, range(sys.maxunicode + 1)) if is_clean(char)]
        self.assertGreater(len(passed), 40_000)
        for char in passed:
            self.assertNotIn(char, MARK)
            self.assertNotIn(char, ignorable)
            self.assertEqual(
                clean(f"\u0301{char}"), f"\u0301{char}" if char not in "\r\n" else "\u0301"
            )


class Decoding(SynchronousTestCase):
    """From bytes to text."""

    def test_utf8_is_read(self) -> None:
        for line in [*NASTY, *DECENT]:
            if not re.search("[\ud800-\udfff]", line.typed):
                self.assertEqual(decode(line.typed.encode()), line.shown, line.what)

    def test_what_is_not_utf8_is_refused(self) -> None:
        """The farmer is told, and nothing of the line is sent."""
        for raw in NOT_UTF8:
            error = self.assertRaises(NotUTF8, decode, b"hola " + raw)
            self.assertEqual(str(error), "Error: texto no válido (no es UTF-8); no se envió.")

    @settings(deadline=None)
    @given(st.binary(max_size=40))
    def test_any_bytes_are_read_or_refused(self, raw: bytes) -> None:
        raw = raw.translate(None, b"\b\x7f\x15")  # editing keys have tests of their own
        try:
            shown = decode(raw)
        except NotUTF8:
            self.assertRaises(UnicodeDecodeError, raw.decode)
        else:
            self.assertEqual(shown, clean(raw.decode()))
