"""What farmers answer to the server's questions (PROTOCOL §2)."""

from __future__ import annotations

import unicodedata

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.answers import artifact_list, is_yes, known_artifact, whole_number
from granja.contract.catalog import Catalog
from granja.contract.errors import NotAList, TooManyArtifacts, UnknownArtifact

CATALOG = Catalog({number: f"Artefacto {number}" for number in range(1, 43)})


def listed(text: str, limit: int = 100) -> list[int]:
    return [*artifact_list(text, CATALOG, limit)]


class Yes(SynchronousTestCase):
    def test_every_way_of_saying_yes(self) -> None:
        """``si``, ``sí`` or ``s``, in any case, composed or not, and with spaces around it."""
        for word in ("si", "sí", "s", "SI", "SÍ", "S", "Si", "Sí", "sI", "sÍ"):
            for typed in (word, unicodedata.normalize("NFD", word), f"  {word} "):
                self.assertTrue(is_yes(typed), ascii(typed))

    def test_anything_else_is_no_yes(self) -> None:
        """Nobody declares by mistake: what only begins like a yes is none."""
        for typed in ("", " ", "no", "sii", "si.", "sí!", "s i", "yes", "sì", "1", "OK", "¿si?"):
            self.assertFalse(is_yes(typed), ascii(typed))


class Ranges(SynchronousTestCase):
    CATALOG = Catalog({1: "a", 2: "b", 4: "d", 6: "f"})

    def test_all_from_one_to_another(self) -> None:
        self.assertEqual(artifact_list("2-6, 1", self.CATALOG, 9), [2, 4, 6, 1])
        self.assertEqual(artifact_list("4-4", self.CATALOG, 9), [4])

    def test_an_end_must_be_there(self) -> None:
        self.assertRaises(UnknownArtifact, artifact_list, "1-999999999", self.CATALOG, 9)

    def test_what_is_no_range(self) -> None:
        for typed in ("6-1", "1-", "-6", "1-2-4", "1--2"):
            self.assertRaises(NotAList, artifact_list, typed, self.CATALOG, 9)

    def test_a_range_counts_each(self) -> None:
        self.assertRaises(TooManyArtifacts, artifact_list, "1-6", self.CATALOG, 3)


class Numbers(SynchronousTestCase):
    def test_numbers_as_people_write_them(self) -> None:
        """Zeros in front, and the decimal digits of any script."""
        for typed, number in (("0", 0), ("12", 12), ("007", 7), ("٤٢", 42), ("४२", 42)):
            self.assertEqual(whole_number(typed), number)

    def test_what_is_no_whole_number(self) -> None:
        """A sign, a point, a superscript, a Roman numeral and a number without end are none."""
        absurd = "9" * 5000  # more digits than Python reads
        for typed in ("", "+6", "-6", "6.0", "6e1", "0x6", "1_0", "²", "Ⅻ", "½", "doce", absurd):
            with self.assertRaises(ValueError, msg=typed[:10]):
                whole_number(typed)


class Lists(SynchronousTestCase):
    def test_separators(self) -> None:
        """Commas, semicolons and spaces separate, any number of them and also at the ends."""
        for typed in (
            "6,13,14",
            "6, 13, 14",
            "6;13;14",
            "6 13 14",
            " 6 ,; 13\t14 ",
            ",6,13,,14,",
            "6\u00a013\u300014",
        ):
            self.assertEqual(listed(typed), [6, 13, 14], ascii(typed))

    def test_the_same_number_twice_is_two_copies(self) -> None:
        self.assertEqual(listed("6, 6, 21"), [6, 6, 21])

    def test_no_artifacts(self) -> None:
        """An empty line, spaces, or ``ninguno`` in any case."""
        for typed in ("", "   ", "ninguno", "NINGUNO", " Ninguno "):
            self.assertEqual(listed(typed), [], ascii(typed))

    def test_not_a_list(self) -> None:
        """Words, signs, separators alone, and ``ninguno`` with something else."""
        for typed in (
            "el hacha",
            "6, doce",
            "-6",
            "6.13",
            "6/13",
            ",",
            " ; ",
            "ninguno 6",
            "9" * 5000,
        ):
            with self.assertRaises(NotAList, msg=typed[:10]):
                listed(typed)

    def test_an_unknown_number_is_named(self) -> None:
        """The first one, without the zeros in front of it, and the catalog's bounds."""
        with self.assertRaises(UnknownArtifact) as caught:
            listed("6, 0999, 1000")
        self.assertEqual(
            str(caught.exception),
            "Error: el artefacto 999 no existe. Elige números del 1 al 42.",
        )

    def test_as_many_as_allowed(self) -> None:
        self.assertEqual(len(listed("1 " * 100)), 100)
        with self.assertRaises(TooManyArtifacts) as caught:
            listed("1 " * 101)
        self.assertEqual(str(caught.exception), "Error: son demasiados artefactos (máximo 100).")

    def test_an_unknown_number_is_told_before_the_count(self) -> None:
        """If a list has both faults, the farmer reads about the number."""
        with self.assertRaises(UnknownArtifact):
            listed("999 1 1", limit=2)


class Known(SynchronousTestCase):
    def test_known(self) -> None:
        self.assertEqual(known_artifact(42, CATALOG), 42)

    def test_unknown(self) -> None:
        """Zero, and the first number beyond the last."""
        for number in (0, 43):
            with self.assertRaises(UnknownArtifact) as caught:
                known_artifact(number, CATALOG)
            error = caught.exception
            self.assertEqual((error.number, error.first, error.last), (str(number), 1, 42))
