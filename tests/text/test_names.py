"""Nobody can be mistaken for somebody else (PROTOCOL §2)."""

from __future__ import annotations

import itertools
import unicodedata

from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.errors import InvalidName
from granja.text.names import RESERVED, Name, NameIndex, fold, parse, recall, same, skeleton
from granja.text.unicode import EVERY_SCRIPT, scripts_of
from tests.support.nasty import LOOKALIKES, hostile_text

SPELLINGS = (
    *("Ana", "Beto", "Gus", "Eva", "Luis", "Lucía", "Maria", "María", "Mario", "Clara"),
    *("Lara", "Sara", "Olga", "Nuria", "Ñuria", "Juan", "José", "Jose", "Inés"),
    *("Irene", "Lila", "Luz", "Leo", "León", "Noé", "Raúl", "Rosa", "Ivo"),
    *("Ibo", "Elena", "Helena", "Anna", "ana_1", "ana-1", "ana.1", "ana1", "ana2"),
    *("granjera", "Servando", "Adán", "Simón", "Max", "Nina", "Niña", "Юля", "Юрий"),
    *("Σοφία", "花子", "דוד", "علي"),
)

CONFUSING = [
    recall(spelling)
    for spelling in (
        *("Il", "ll", "\u0131l", "1l", "l1", "iI", "LL"),
        *("m", "rn", "RN", "O0", "oo", "00", "\u043eo", "\u0432\u0435", "be", "B\u0435"),
    )
]


def why_not(text: str) -> str:
    """Why this is not a name; empty if it is one."""
    try:
        parse(text)
    except InvalidName as refusal:
        return refusal.why
    return ""


class Spelling(SynchronousTestCase):
    """Which texts are names."""

    def test_names_of_all_kinds(self) -> None:
        """Letters of any script with their marks, digits, and the three signs."""
        for spelling in [
            *SPELLINGS,
            "a",
            "7",
            "٣",
            "x._-",
            "n\u0303\u0323",
            "\u0915\u094d\u0937",
            "a" * 20,
        ]:
            self.assertEqual(why_not(spelling), "", spelling)

    def test_the_spelling_stays(self) -> None:
        """The name is shown as its owner typed it, spaces around it aside."""
        self.assertEqual(str(parse("  aNA \u00a0")), "aNA")

    def test_the_spelling_is_composed(self) -> None:
        self.assertEqual(parse("Jose\u0301").spelling, "Jos\u00e9")

    def test_each_fault_is_explained(self) -> None:
        """A refused person can read what to change."""
        signs = "solo puede tener letras, números, «_», «-» y «.»"
        for text, why in {
            "": "está vacío",
            " \t ": "está vacío",
            "a" * 21: "tiene más de 20 caracteres",
            "\u0958" * 11: "tiene más de 20 caracteres",  # grows when composed
            "\U00020000" * 17: "ocupa más de 64 bytes",
            "ana banana": "no puede tener espacios",
            "ana\u3000b": "no puede tener espacios",
            "ana!": signs,
            "[SERVER]": signs,
            ":q": signs,
            "x²": signs,
            "\u2167": signs,  # a Roman numeral is no letter
            "😀": signs,
            "a\ud800": signs,
            "a\u0378": signs,  # unassigned
            "_ana": "debe empezar con una letra o un número",
            ".": "debe empezar con una letra o un número",
            "\u0301ana": "debe empezar con una letra o un número",
            "1\u0301": "tiene una marca que no está sobre una letra",
            "a-\u0301": "tiene una marca que no está sobre una letra",
            "x" + "\u0301" * 5: "tiene más de 4 marcas sobre una letra",
            "an\u200da": "tiene caracteres invisibles",
            "an\u200ca": "tiene caracteres invisibles",
            "a\u3164": "tiene caracteres invisibles",
            "\u3164": "tiene caracteres invisibles",
            "a\u034f": "tiene caracteres invisibles",
            "a\ufe0f": "tiene caracteres invisibles",
        }.items():
            self.assertEqual(why_not(text), why, ascii(text))

    def test_one_script_or_those_that_are_written_together(self) -> None:
        for text in (
            *("Юля", "Σοφία", "علي", "דוד", "花子", "ひらがな", "カタカナ", "花ちゃんー", "佐々木"),
            *("김철수", "金씨", "ㄅㄆㄇ", "花ㄅ", "Ñandú", "Łukasz", "Nguy\u1ec5n", "ªna", "ﬁnca"),
            *("नेहा", "ไทย", "አበበ", "Ⲁⲛⲁ", "𝐀𝐧𝐚"),
        ):
            self.assertEqual(why_not(text), "", text)
        for text in (
            *("Ma\u2cad", "\u0410na", "An\u03b1", "Юляz", "花a", "aひ", "김a", "ㄅㄆa", "ㄅ김"),
            *("かㄅ", "김か", "花ㄅか", "花김ひ", "علד", "नাম", "aª\u0430", "𝐀\u044f", "\u00b5ax"),
            *("beto\u0432", "ana_\u044f", "1a.\u044f"),
        ):
            self.assertEqual(why_not(text), "mezcla letras de distintos alfabetos", text)

    def test_marks_and_digits_are_of_that_script_or_ascii(self) -> None:
        for text in (
            *("ana1", "علي1", "علي٣", "علي۳", "نیلو۴", "नेहा३", "नेहा3", "花3", "Юля7", "٣", "३३"),
            *("Юля\u0301", "q\u0308", "ש\u05c1", "علي\u064e", "か\u3099", "٣1", "ana\uff13"),
        ):
            self.assertEqual(why_not(text), "", text)
        for text in (
            *("ana٣", "a\u06f1", "नेहा٣", "علي३", "Юля३", "٣३", "३-٣", "ana-३"),
            *(
                "a\u094d",
                "a\u05c1",
                "ש\u0301",
                "ana\u064e",
                "а\u093e",
                "क\u064e",
                "Юля\u05b0",
            ),
        ):
            self.assertEqual(why_not(text), "tiene marcas o números de otro alfabeto", text)

    def test_the_limits_themselves_are_fine(self) -> None:
        """Counted after composing: 40 characters may be 20, and 16 may be 64 bytes."""
        for text in ("a" * 20, "e\u0301" * 20, "\U00020000" * 16, "x" + "\u0301" * 4):
            self.assertEqual(why_not(text), "")

    def test_the_farmer_reads_one_sentence(self) -> None:
        refusal = self.assertRaises(InvalidName, parse, "servidor")
        self.assertEqual(str(refusal), "Nombre no válido: está reservado.")

    @settings(deadline=None)
    @given(hostile_text(12) | st.text(max_size=24))
    def test_a_name_stays_a_name(self, text: str) -> None:
        """An accepted name obeys the rules, and its spelling is accepted again."""
        if why_not(text):
            return
        name = parse(text)
        self.assertTrue(1 <= len(name.spelling) <= 20 and len(name.spelling.encode()) <= 64)
        self.assertTrue(unicodedata.is_normalized("NFC", name.spelling))
        self.assertTrue(name.spelling.isprintable())
        self.assertEqual(parse(name.spelling), name)
        self.assertEqual(recall(name.spelling), name)


class Reserved(SynchronousTestCase):
    """Nobody speaks for the granja."""

    def test_with_something_behind_it(self) -> None:
        """A reserved word with digits after it, or with a sign and anything after it, is reserved
        too."""
        for typed in ("Admin1", "GRANJA.", "server_dos", "soporte-ya", "ADMIN٤٢", "serv1dor.9"):
            error = self.assertRaises(InvalidName, parse, typed)
            self.assertEqual(error.why, "está reservado", typed)
        for typed in ("Adminda", "Granjera", "Ana.admin", "Root66a"):
            self.assertEqual(parse(typed).spelling, typed)

    def test_an_address_is_no_name(self) -> None:
        for typed in ("127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "fe80:0:0:0:1:2:3:4"):
            error = self.assertRaises(InvalidName, parse, typed)
            self.assertEqual(error.why, "parece una dirección", typed)
        for typed in ("1.2.3", "1234", "a.b.c.d"):
            self.assertEqual(parse(typed).spelling, typed)

    def test_reserved_words_in_any_case(self) -> None:
        for word in RESERVED:
            for spelling in (word, word.upper(), word.title(), word.swapcase()):
                self.assertEqual(why_not(spelling), "está reservado", spelling)

    def test_reserved_words_in_disguise(self) -> None:
        for spelling in (
            "SERVlDOR",  # small L
            "SERV1DOR",
            "Ｓｅｒｖｅｒ",
            "s\u0435rv\u0435r",  # Cyrillic
            "\u0455\u0435rver",
            "adrnin",
            "ADM1N",
            "r00t",
            "R\u039f\u039fT",  # Greek
            "S\u0130STEMA",
            "s\u0131stema",
            "𝐬𝐢𝐬𝐭𝐞𝐦𝐚",
        ):
            self.assertEqual(why_not(spelling), "está reservado", spelling)

    def test_words_that_contain_one_are_names(self) -> None:
        for spelling in ("Servera", "administrar", "Granjas"):
            self.assertEqual(why_not(spelling), "", spelling)


class Scripts(SynchronousTestCase):
    """The table of scripts, against what Python knows of the characters."""

    def test_characters_and_their_scripts(self) -> None:
        for char, scripts in {
            "a": "Latn",
            "ñ": "Latn",
            "я": "Cyrl",
            "花": "Hani",
            "ー": "Hira Kana",
            "٣": "Arab Thaa Yezi",
            "7": EVERY_SCRIPT,
            "\u0000": "Zzzz",
            "\u0378": "Zzzz",
            "\U0010ffff": "Zzzz",
            "\U000e01ef": EVERY_SCRIPT,
        }.items():
            self.assertEqual(scripts_of(char), set(scripts.split()), ascii(char))

    def test_every_letter_mark_and_digit_has_one(self) -> None:
        for char in map(chr, range(0x110000)):
            category = unicodedata.category(char)
            if category[0] in "LM" or category == "Nd":
                self.assertNotIn("Zzzz", scripts_of(char), ascii(char))


class Likeness(SynchronousTestCase):
    """When two names are one."""

    def test_lookalikes_are_one_name(self) -> None:
        for one, other, what in LOOKALIKES:
            self.assertTrue(same(recall(one), recall(other)), f"{what}: {one} {other}")

    def test_different_people_have_different_names(self) -> None:
        """Accents, tildes and single letters tell people apart."""
        for one, other in itertools.combinations(map(parse, SPELLINGS), 2):
            self.assertFalse(same(one, other), f"{one} {other}")

    def test_one_comparison_is_enough(self) -> None:
        """Each finds likenesses that the other does not."""
        for one, other, which in (
            ("\u0130l", "il", 0),  # a dot above an i
            ("\u03b2o", "sso", 1),  # a beta that looks like a sharp s
            ("\u0432\u0435\u0442\u043e", "beto", 2),
        ):
            alike = [a == b for a, b in zip(recall(one).keys, recall(other).keys, strict=True)]
            self.assertEqual(alike, [place == which for place in range(3)], f"{one} {other}")

    def test_likeness_goes_no_further(self) -> None:
        """Two names may both look like a third, each in its way, and be two names all the same."""
        dotted, plain, el = map(recall, ("\u0130l", "il", "ll"))
        self.assertTrue(same(dotted, plain))
        self.assertTrue(same(plain, el))
        self.assertFalse(same(dotted, el))

    def test_skeletons_are_those_of_unicode(self) -> None:
        for text, look in (
            ("paypal", "paypal"),
            ("\u0440\u0430y\u0440\u0430l", "paypal"),
            ("1", "l"),
            ("m", "rn"),
            ("a\u200bb", "ab"),
        ):
            self.assertEqual(skeleton(text), look)

    @settings(deadline=None)
    @given(hostile_text(12) | st.text(max_size=12))
    def test_folding_is_over_when_it_is_over(self, text: str) -> None:
        """Folding a folded text changes nothing, and the composition of accents does not matter."""
        self.assertEqual(fold(fold(text)), fold(text))
        for form in ("NFC", "NFD"):
            typed = unicodedata.normalize(form, text)
            self.assertEqual(fold(typed), fold(text))
            self.assertEqual(skeleton(typed), skeleton(text))

    @settings(deadline=None)
    @given(
        st.text(
            "aábBñlI1m\u0430\uff41ß\u0130\u0131\u03c3\u03c2\u03a3\ufb01", min_size=1, max_size=8
        )
    )
    def test_case_never_makes_another_name(self, text: str) -> None:
        name = recall(unicodedata.normalize("NFC", text))
        for form in (
            text.casefold(),
            unicodedata.normalize("NFKC", text),
            unicodedata.normalize("NFD", text),
        ):
            self.assertTrue(same(name, recall(unicodedata.normalize("NFC", form))), form)


class Finding(SynchronousTestCase):
    """``:p ANA hola`` reaches Ana."""

    def index(self, *spellings: str) -> NameIndex[str]:
        index: NameIndex[str] = NameIndex()
        for spelling in spellings:
            index.add(parse(spelling), spelling)
        return index

    def test_any_spelling_finds_them(self) -> None:
        index = self.index("Beto", "Ana", "Jos\u00e9")
        for text in ("Ana", "ANA", " ana ", "\u0410\u043d\u0430".replace("\u043d", "n"), "Ａｎａ"):
            self.assertEqual(index.find(text), "Ana", text)
            self.assertIn(text, index)
        self.assertEqual(index.find("JOSE\u0301"), "Jos\u00e9")
        self.assertEqual(index.find(parse("BETO")), "Beto")

    def test_nobody_is_found_by_another_name(self) -> None:
        index = self.index("Ana")
        for text in ("An", "Aná", "Anna", "", "ana b"):
            self.assertIsNone(index.find(text), text)
            self.assertNotIn(text, index)

    def test_the_same_folded_form_comes_first(self) -> None:
        """If two match, the one with that very name in another case wins."""
        index = self.index("ll", "iL")
        self.assertEqual(index.matches("Il"), ["ll", "iL"])
        self.assertEqual(index.find("Il"), "iL")

    def test_only_the_same_folded_form_is_exact(self) -> None:
        index = self.index("iL", "Ana")
        self.assertEqual(index.exact("IL"), "iL")
        self.assertEqual(index.exact(parse("ana")), "Ana")
        for text in ("ll", "An", "a b"):
            self.assertIsNone(index.exact(text), text)

    def test_else_who_arrived_first(self) -> None:
        for first, second in (("ll", "\u0131l"), ("\u0131l", "ll")):
            index = self.index(first, second)
            self.assertEqual(index.find("Il"), first)
            self.assertEqual(index.matches("Il"), [first, second])

    def test_whoever_left_is_not_found(self) -> None:
        index = self.index("Ana", "Beto")
        self.assertEqual(index.remove(parse("ANA")), "Ana")
        self.assertIsNone(index.find("Ana"))
        self.assertEqual(list(index), ["Beto"])
        self.assertRaises(KeyError, index.remove, parse("Ana"))
        self.assertRaises(KeyError, index.replace, parse("Ana"), "otra")

    def test_whoever_takes_over_keeps_the_place(self) -> None:
        index = self.index("ll", "\u0131l", "Ana")
        self.assertEqual(index.replace(parse("LL"), "LL"), "ll")
        self.assertEqual(list(index), ["LL", "\u0131l", "Ana"])
        self.assertEqual(index.find("Il"), "LL")
        self.assertEqual(len(index), 3)

    def test_nobody_is_there_twice(self) -> None:
        index = self.index("Ana")
        self.assertRaises(ValueError, index.add, parse("ANA"), "otra")
        index.add(recall("\u0410n\u0430"), "lookalike")  # from a time when Unicode knew less
        self.assertEqual(index.matches("Ana"), ["Ana", "lookalike"])

    @settings(deadline=None)
    @given(hostile_text() | st.text(st.characters(), max_size=600))
    def test_any_text_may_be_asked_for(self, text: str) -> None:
        """For any typed text there is an answer."""
        index = self.index("Ana")
        if index.find(text) is None:
            self.assertEqual(index.matches(text), [])

    def test_a_page_of_text_is_nobody(self) -> None:
        self.assertIsNone(self.index("Ana").find("Ana" + " " * 4000))

    def test_the_index_agrees_with_asking_everyone(self) -> None:
        """After any changes, the answer is that of a comparison with each item in turn."""
        run_state_machine_as_test(
            Comings, settings=settings(deadline=None, max_examples=60, stateful_step_count=30)
        )


class Comings(RuleBasedStateMachine):
    """Comings and goings of people with confusing names, checked against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.index: NameIndex[int] = NameIndex()
        self.people: list[tuple[Name, int]] = []
        self.visits = 0

    def place(self, name: Name) -> int | None:
        folded = [other.folded for other, _ in self.people]
        return folded.index(name.folded) if name.folded in folded else None

    @rule(name=st.sampled_from(CONFUSING))
    def come_or_take_over(self, name: Name) -> None:
        self.visits += 1
        place = self.place(name)
        if place is None:
            self.index.add(name, self.visits)
            self.people.append((name, self.visits))
        else:
            assert self.index.replace(name, self.visits) == self.people[place][1]
            self.people[place] = (name, self.visits)

    @rule(name=st.sampled_from(CONFUSING))
    def go(self, name: Name) -> None:
        place = self.place(name)
        if place is not None:
            assert self.index.remove(name) == self.people.pop(place)[1]

    @invariant()
    def everyone_is_found(self) -> None:
        assert list(self.index) == [item for _, item in self.people]
        assert len(self.index) == len(self.people)
        for name in CONFUSING:
            alike = [item for other, item in self.people if same(other, name)]
            place = self.place(name)
            meant = alike[:1] if place is None else [self.people[place][1]]
            assert self.index.matches(name) == alike
            assert self.index.find(name) == (meant[0] if meant else None)
