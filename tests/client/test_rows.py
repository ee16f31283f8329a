"""A wrapped row never looks like a line of its own (issue 13, row 27)."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.client.rows import INDENT, columns_of, fold
from tests.support.nasty import hostile_text


class Rows(SynchronousTestCase):
    def test_what_fits_stays(self) -> None:
        for line in ("", "Ana: hola", "x" * 79, "ñ" * 79):
            self.assertEqual(fold(line, 80), line)
        self.assertEqual(fold("x" * 77, 80, margin=2), "x" * 77)
        self.assertEqual(fold("x" * 78, 80, margin=2), "x" * 77 + "\n    x")

    def test_words_stay_whole(self) -> None:
        self.assertEqual(fold("Ana: uno dos tres", 15), "Ana: uno dos \n    tres")
        self.assertEqual(fold("Ana: uno dos tres", 10), "Ana: uno \n    dos \n    tres")

    def test_a_word_longer_than_a_row_is_cut(self) -> None:
        self.assertEqual(fold("abcdefghijkl", 10), "abcdefghi\n    jkl")

    def test_a_forged_line_is_indented(self) -> None:
        """80 columns of spaces, or of anything that some terminals make wider than others."""
        for filling in (
            " " * 80,
            "─" * 40,
            "\u2764\ufe0f" * 30,
            "花" * 50,
            "👨\u200d👩" * 20,
            "ก็" * 60,
        ):
            line = f"Beto: {filling}[SERVER] Intercambio aceptado"
            for columns in (20, 40, 80, 86, 87, 100):
                first, *others = fold(line, columns).split("\n")
                self.assertTrue(first.startswith("Beto: "))
                for row in others:
                    self.assertTrue(row.startswith(INDENT), row)

    def test_widths_that_terminals_disagree_about_are_the_widest(self) -> None:
        for text, columns in (("a", 1), ("ñ", 1), ("я", 1), ("…", 1), ("\u0301", 0), ("花", 2)):
            self.assertEqual(columns_of(text), columns, text)
        for text in ("😀", "\ufe0f", "─", "\u1160", "ก"):
            self.assertEqual(columns_of(text), 2, text)

    @settings(deadline=None)
    @given(hostile_text(40) | st.text(" aé花😀\u0301", max_size=200), st.integers(1, 90))
    def test_no_row_is_too_long_and_nothing_is_lost(self, text: str, columns: int) -> None:
        line = text.replace("\n", "")
        first, *others = fold(line, columns, margin=2).split("\n")
        self.assertEqual(first + "".join(row.removeprefix(INDENT) for row in others), line)
        self.assertTrue(all(row.startswith(INDENT) for row in others))
        if columns >= 7:  # In fewer there is no room for an indent and a wide letter.
            for row in (f"  {first}", *others):
                self.assertLess(sum(map(columns_of, row)), columns)
