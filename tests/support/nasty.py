"""What the worst neighbour types.  Every test of text that a farmer types uses these lines."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st


class Nasty(NamedTuple):
    """``typed`` is one line without its end.  ``shown`` is what others may read of it."""

    what: str
    typed: str
    shown: str


ESC, CSI, ST, OSC, BEL = "\x1b", "\x9b", "\x9c", "\x9d", "\x07"
DCS, SOS, PM, APC = "\x90", "\x98", "\x9e", "\x9f"
ZWNJ, ZWJ, VS15, VS16 = "\u200c", "\u200d", "\ufe0e", "\ufe0f"
ACUTE = "\u0301"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
RAINBOW_FLAG = "\U0001f3f3\ufe0f\u200d\U0001f308"
ASTRONAUT = "\U0001f469\U0001f3fd\u200d\U0001f680"


def tags(text: str) -> str:
    """``text`` in tag characters, which nobody can see."""
    return "".join(chr(0xE0000 + ord(char)) for char in text)


NASTY = [
    # Escape sequences, whole.
    Nasty("red text", f"{ESC}[31mrojo{ESC}[0m", "rojo"),
    Nasty("a cleared screen", f"hola{ESC}[2J{ESC}[H", "hola"),
    Nasty("8-bit red text", f"{CSI}31mrojo{CSI}0m", "rojo"),
    Nasty("parameters in the wrong order", f"{ESC}[1 2;3mrojo", "rojo"),
    Nasty("a window title ended by BEL", f"a{ESC}]0;título{BEL}b", "ab"),
    Nasty("a window title ended by ST", f"a{ESC}]0;título{ESC}\\b", "ab"),
    Nasty("an 8-bit window title", f"a{OSC}0;título{ST}b", "ab"),
    Nasty("a title with another escape in it", f"a{ESC}]0;x{ESC}[31my{BEL}b", "ab"),
    Nasty("a hyperlink", f"{ESC}]8;;http://x{ESC}\\ven{ESC}]8;;{ESC}\\", "ven"),
    Nasty("a device control string", f"a{ESC}P$q{BEL}m{ESC}\\b", "ab"),
    Nasty("an 8-bit device control string", f"a{DCS}$qm{ST}b", "ab"),
    Nasty("a start of string", f"a{ESC}Xnada{ESC}\\b{SOS}nada{ST}c", "abc"),
    Nasty("a privacy message", f"a{ESC}^nada{ESC}\\b{PM}nada{ST}c", "abc"),
    Nasty("an application command", f"a{ESC}_nada{ESC}\\b{APC}nada{ST}c", "abc"),
    Nasty("a character set", f"a{ESC}(0b{ESC}#8c{ESC} Fd{ESC}$)Ce", "abcde"),
    Nasty("two-byte sequences", f"a{ESC}cb{ESC}7c{ESC}Md{ESC}=e", "abcde"),
    Nasty("the other 8-bit controls", "a\x84b\x85c\x88d\x8ee\x8ff\x9ag", "abcdg"),
    Nasty("controls inside of a sequence", f"a{ESC}\x00[3\x0b1;\x7f5mb", "ab"),
    # Escape sequences that do not end.
    Nasty("a colour that never ends", f"a{ESC}[31;", "a"),
    Nasty("an 8-bit colour that never ends", f"a{CSI}31;", "a"),
    Nasty("a colour that ends wrong", f"a{ESC}[31ñandú", "a"),
    Nasty("a title that never ends", f"a{ESC}]0;hola a todos", "a"),
    Nasty("a string that BEL does not end", f"a{ESC}Phola{BEL} a todos", "a"),
    Nasty("a character set that never ends", f"a{ESC}(", "a"),
    Nasty("a character set that ends wrong", f"a{ESC}(ñ", "a"),
    Nasty("a sequence that does not begin", f"a{ESC}", "a"),
    Nasty("an escape before a letter of no sequence", f"a{ESC}ñ", "añ"),
    Nasty("a colour that another begins in", f"a{ESC}[31{ESC}[32mb", "ab"),
    Nasty("a colour that an 8-bit one begins in", f"a{ESC}[31{CSI}32mb", "ab"),
    Nasty("a colour that is cancelled", f"a{ESC}[31\x18b{ESC}]0;x\x1ac", "abc"),
    Nasty("a terminator of nothing", f"a{ESC}\\b{ST}c", "abc"),
    Nasty("an escape torn by another", f"a{ESC}{ESC}[31m[32mb", "a[32mb"),
    Nasty("an escape torn by an invisible", f"a{ESC}\u200b[31mb", "a[31mb"),
    # Text that would become two lines, or would forge a line.
    Nasty("line ends", "hola\r\n[SERVER] Adiós", "hola[SERVER] Adiós"),
    Nasty("other line ends", "a\x0bb\x0cc\x85d\u2028e\u2029f", "abcdef"),
    Nasty("a sequence that ends with its line", f"a{ESC}[31\n{ESC}]0;x\r{ESC}(\nb", "ab"),
    Nasty("NUL", "a\x00b", "ab"),
    Nasty("tabs", "a\tb\t\tc", "a b  c"),
    # Characters that change the direction, and invisible characters.
    Nasty("overrides", "a\u202eb\u202dc\u202cd", "abcd"),
    Nasty("embeddings and isolates", "a\u202ab\u202bc\u2066d\u2067e\u2068f\u2069g", "abcdefg"),
    Nasty("direction marks", "a\u200eb\u200fc\u061cd", "abcd"),
    Nasty("zero width spaces", "a\u200bb\u2060c\ufeffd\u00ade\u034ff", "abcdef"),
    Nasty("fillers", "a\u115fb\u1160c\u3164d\uffa0e\u17b4f\u17b5g", "abcdefg"),
    Nasty("annotations and objects", "a\ufff9b\ufffac\ufffbd\ufffce", "abcde"),
    Nasty("noncharacters", "a\ufdd0b\ufffec\uffffd\U0001fffee\U0010fffff", "abcdef"),
    Nasty("lone surrogates", "a\ud800b\udfffc", "abc"),
    Nasty("music and shorthand controls", "a\U0001d173b\U0001bca0c", "abc"),
    Nasty("a hidden message in tags", f"hola{tags('secreto')}", "hola"),
    Nasty("a hidden message in a flag", f"\U0001f3f4{tags('hello')}\U000e007f", "\U0001f3f4"),
    Nasty("a flag without its end", f"\U0001f3f4{tags('gbsct')}.", "\U0001f3f4."),
    Nasty("a flag that is not black", f"\U0001f600{tags('gbsct')}\U000e007f", "\U0001f600"),
    Nasty("the old language tag", f"\U000e0001{tags('es')}hola", "hola"),
    Nasty("a hidden message in selectors", f"h{VS16}o\ufe01l\U000e0101a\ufe0d", "hola"),
    # Marks.
    Nasty("a tower of marks", "a" + ACUTE * 50, "a" + ACUTE * 4),
    Nasty("a tower on nothing", ACUTE * 50 + "a", ACUTE * 4 + "a"),
    Nasty("a tower in storeys", f"a{(ACUTE * 4 + ZWJ) * 5}", "a" + ACUTE * 4),
    Nasty("a tower with a gap", f"a{ACUTE * 4}{ESC}[m{ACUTE * 4}", "a" + ACUTE * 4),
    Nasty("a tower with a hole", f"a{ACUTE * 4}\u202e{ACUTE * 4}", "a" + ACUTE * 4),
    Nasty(
        "enclosing and spacing marks",
        "a\u20dd\u20dd\u0903\u0903\u0903",
        "a\u20dd\u20dd\u0903\u0903",
    ),
    Nasty("a selector in a tower", f"\u2764{VS16}{ACUTE * 9}", f"\u2764{VS16}{ACUTE * 3}"),
    # Joiners and selectors without a use.
    Nasty("joined letters", f"a{ZWJ}b{ZWNJ}c", "abc"),
    Nasty("joiners at the ends", f"{ZWJ}{ZWNJ}hola{ZWJ}{ZWNJ}", "hola"),
    Nasty("joined twice", f"\U0001f468{ZWJ}{ZWJ}\U0001f469", f"\U0001f468{ZWJ}\U0001f469"),
    Nasty("an emoji joined to a letter", f"\U0001f468{ZWJ}a", "\U0001f468a"),
    Nasty("a letter joined to an emoji", f"a{ZWJ}\U0001f468", "a\U0001f468"),
    Nasty(
        "an emoji that carries a mark",
        f"\U0001f468{ACUTE}{ZWJ}\U0001f469",
        f"\U0001f468{ACUTE}\U0001f469",
    ),
    Nasty("two styles at once", f"\u2764{VS16}{VS15}", f"\u2764{VS16}"),
    Nasty("a digit in emoji style", f"6{VS16} y 7{VS15}\u20e3", "6 y 7\u20e3"),
    Nasty("a style on nothing", f"{VS16}\u20e3hola", "\u20e3hola"),
    Nasty("a selector after a mark", f"\u845b{ACUTE}\ufe00", f"\u845b{ACUTE}"),
    Nasty("a non-joiner where nothing joins", f"\u0627{ZWNJ}\u0628", "\u0627\u0628"),
    Nasty("two non-joiners", f"\u0628{ZWNJ}{ZWNJ}\u0628", f"\u0628{ZWNJ}\u0628"),
    Nasty("a joiner where all joins", f"\u0628{ZWJ}\u0628", "\u0628\u0628"),
    Nasty(
        "a virama too far",
        "\u0915" + ACUTE * 4 + f"\u094d{ZWJ}\u0937",
        "\u0915" + ACUTE * 4 + "\u0937",
    ),
    Nasty("a separator without its vowel", "\u1820\u180ea\u180e\u1820", "\u1820a\u1820"),
]
"""Lines that lose something."""

DECENT = [
    Nasty(what, text, text)
    for what, text in [
        ("plain text", "hola a todos: ¿quién tiene la Espada antigua? :)"),
        ("every letter of Spanish", "áéíóúüñ ÁÉÍÓÚÜÑ ¡! ¿? «» — … € ª º"),
        ("decomposed accents", "man\u0303ana e\u0301l y tu\u0308"),
        ("spaces", "  a\u00a0b\u2003c\u3000d  "),
        ("two accents", "\u1ec7 e\u0323\u0302 o\u0304\u0301"),
        ("four marks", "a\u0301\u0302\u0303\u0304\u0041\u0301\u0302\u0303\u0304"),
        ("emoji", "\U0001f600\U0001f1ea\U0001f1f8 \u2764 \U0001f44d\U0001f3fd"),
        ("emoji of several", FAMILY + RAINBOW_FLAG + ASTRONAUT),
        ("emoji in a style", f"\u2764{VS16} \u2764{VS15} \u263a{VS16}"),
        ("a broken chain", f"\u26d3{VS16}{ZWJ}\U0001f4a5"),
        ("keycaps", f"6{VS16}\u20e3 #{VS16}\u20e3 7\u20e3"),
        ("a keycap with an accent", f"6{VS16}\u20e3\u0301"),
        ("flags of parts of countries", SCOTLAND + f"\U0001f3f4{tags('esga')}\U000e007f"),
        ("Persian", f"\u0645\u06cc{ZWNJ}\u062e\u0648\u0627\u0647\u0645"),
        ("vocalised Persian", f"\u0645\u06cc\u0650{ZWNJ}\u064e\u062e"),
        ("a Persian date", f"\u06f1\u06f4\u06f0\u06f3 \u0647{ZWJ}.\u0634 \u0647{ZWJ}"),
        ("Hindi", f"\u0915\u094d{ZWJ}\u0937 \u0915\u094d{ZWNJ}\u0937"),
        ("vocalised Arabic that joins", f"\u0647\u064e{ZWJ}"),
        ("Bengali", f"\u09b0{ZWJ}\u09cd\u09af"),
        ("Bengali with a sign behind", f"\u09b0{ZWJ}\u09cd\u0981"),
        ("Sinhala", f"\u0dc1\u0dca{ZWJ}\u0dbb\u0dd3"),
        ("Mongolian", "\u1820\u180e\u1820 \u1828\u180b\u1820 \u1811\u1810"),
        ("variants of ideographs", "\u845b\U000e0100 \u845b\ufe00 \u845b\ufe02"),
        ("variants of Burmese letters", "\u1000\ufe00 \u1000\ufe06"),
        ("variants of Mongolian letters", "\u1820\u180b \u1820\u180f"),
        (
            "Hebrew and Arabic",
            "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u0645\u064e\u0631\u062d\u0628\u0627",
        ),
        ("Thai", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04\u0e23\u0e31\u0e1a"),
        ("Chinese, Japanese, Korean", "你好 こんにちは か\u3099 안녕"),
        ("private use and the unassigned", "\ue000\U000f0000\u0378"),
        ("a replacement character", "\ufffd"),
        ("neighbours of noncharacters", "\ufdcf\ufdf0"),
    ]
]
"""Lines that must stay as their author typed them."""

NOT_UTF8 = [
    b"\xff",
    b"ma\xf1ana",  # Latin-1
    b"\xc3",  # cut short
    b"\xe2\x82",
    b"\xc0\xaf",  # overlong
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xc0\x80",  # the NUL of Java
    b"\xed\xa0\x80",  # surrogates
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xf4\x90\x80\x80",  # beyond U+10FFFF
    b"\xf8\x88\x80\x80\x80",
    b"\x80",
    b"\x9b31m",  # a raw 8-bit control sequence
]
"""Lines of bytes that are not UTF-8."""

LOOKALIKES = [
    ("Ana", "ANA", "case"),
    ("Jos\u00e9", "Jose\u0301", "composed and decomposed accents"),
    ("Ana", "\u0410n\u0430", "Cyrillic"),
    ("Ana", "\u0391na", "Greek"),
    ("Ana", "\uff21\uff4e\uff41", "full width"),
    ("Ana", "\U0001d400\U0001d427\U0001d41a", "mathematical letters"),
    ("Ana", "\u1d2c\u207f\u1d43", "superscript letters"),
    ("Ana", "\u00aana", "an ordinal"),
    ("Lola", "Io1a", "l, I and 1"),
    ("Bill", "BIll", "I for i in capitals"),
    ("Bob", "B0b", "a zero for an o"),
    ("Mario", "Rnario", "rn for m"),
    ("MARIO", "rnario", "rn for M"),
    ("Stra\u00dfe", "STRASSE", "a sharp s"),
    ("\ufb01nca", "finca", "a ligature"),
    ("\u0131ker", "iker", "a dotless i"),
    ("\u0130ker", "iker", "a capital i with a dot"),
    ("i\u0307ker", "iker", "a dot on an i"),
    ("\u03a3\u03bf\u03c6\u03cc\u03c2", "\u03c3\u03bf\u03c6\u03cc\u03c3", "a final sigma"),
    ("a1", "a\u06f1", "a Persian digit"),
    ("a\u0661", "al", "an Arabic digit"),
    ("\ufefb", "\u0644\u0627", "an Arabic ligature"),
    ("\u212bke", "\u00e5ke", "the sign of the angstrom"),
    ("\u01c6ak", "d\u017eak", "a letter of two"),
    ("Max", "Ma\u2cad", "Coptic"),
    ("beto", "\u0432\u0435\u0442\u043e", "Cyrillic that looks alike in capitals"),
    ("BETO", "\u0432\u0435\u0442\u043e", "Cyrillic in small letters"),
    ("Walter", "VValter", "vv for w"),
    ("wALTER", "vvA1ter", "vv for w, and more"),
    ("Walter", "vvaIter", "vv for W and I for l"),
    ("David", "Davicl", "cl for d"),
    ("DAVID", "clavicl", "cl for D"),
    ("Simon", "5imon", "5 for s"),
    ("Lalo", "1a1o", "1 for l"),
    ("\u1e83ilma", "vv\u0301ilma", "a letter of a pair with its accent"),
]
"""Pairs of names that a person may confuse, and why."""

_PIECES = [
    *(ESC, CSI, ST, OSC, BEL, DCS, SOS, PM, APC, "[", "]", "\\", "(", "P", "0;", "31", "m"),
    *("\x00", "\t", "\r", "\n", "\x18", "\x1a", "\x7f", "\x85", "\u2028", "\u202e", "\u200b"),
    *(ZWNJ, ZWJ, VS15, VS16, "\ufe00", "\U000e0100", "\u180b", "\u180e", ACUTE, "\u20e3", "\u0903"),
    *("\u0628", "\u0627", "\u0640", "\u064e", "\ua872", "\u0915", "\u094d", "\u09b0", "\u09cd"),
    *("\U0001f468", "\u2764", "\U0001f3fd", "\U0001f3f4", tags("gbsct"), "\U000e007f", "6", "a"),
    *("\u1820", "\u845b", "\u1000", "\u115f", "\ud800", "ñ", " ", ":", "hola"),
]


def hostile_text(max_size: int = 30) -> st.SearchStrategy[str]:
    """Any text: pieces that interact with one another, among characters of all kinds."""
    piece = st.sampled_from(_PIECES) | st.characters()
    return st.lists(piece, max_size=max_size).map("".join)


def cuts(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """``data`` in segments, as a network may cut it.  Some segments may be empty."""
    places = st.lists(st.integers(0, len(data)), max_size=8).map(sorted)
    return places.map(
        lambda at: [data[i:j] for i, j in zip([0, *at], [*at, len(data)], strict=True)]
    )
