"""What a farmer typed, made harmless to the terminals of the others (PROTOCOL §1).

``clean`` removes, in this order:

1. whole escape sequences of ECMA-48 and ECMA-35, 7-bit and 8-bit; one that is broken or never
   ends is removed up to the end of its line (but CAN, SUB, ESC and the 8-bit controls cut short
   a control sequence, and what follows them is text, as on a terminal);
2. control characters (a tab becomes a space), line and paragraph separators, lone surrogates,
   noncharacters, interlinear annotations, the object replacement character and whatever Unicode
   calls ``Default_Ignorable_Code_Point``: bidirectional controls, fillers and the like;
3. marks beyond the fourth on one letter, and those joiners, variation selectors and tags that no
   emoji and no script needs where they stand (:mod:`granja.text.unicode.extenders`).

Everything else stays as typed: nothing is normalised, spaces of any width stay, and so do private
use and unassigned characters, which are visible at worst as a box.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from granja.contract.errors import NotUTF8
from granja.text.unicode import char_set
from granja.text.unicode.extenders import SOMETIMES_NEEDED, drop_needless

_HARMLESS_RANGES = (
    r" -~\xa0-\xac\xae-\u02ff"  # ASCII and Latin, without the soft hyphen
    r"\u0370-\u0482\u048a-\u058f"  # Greek, Cyrillic, Armenian
    r"\u05d0-\u05ea\u0620-\u064a\u0660-\u066f\u0671-\u06d5"  # Hebrew and Arabic letters
    r"\u1e00-\u200a\u2010-\u2027\u202f-\u205f\u2070-\u20cf\u2100-\u2bff"  # more Latin, symbols
    r"\u3000-\u3029\u3030-\u3098\u309b-\u3163\u3165-\ua4cf\uac00-\ud7a3\uff01-\uff9f"  # East Asia
    r"\U0001f000-\U0001faff"  # emoji
)
"""Characters that stay wherever they stand; the many that are missing only take longer."""

_harmless_line = re.compile(f"[{_HARMLESS_RANGES}]*").fullmatch
_harmless_lines = re.compile(f"[{_HARMLESS_RANGES}\r\n]*").fullmatch
#: A table for ``bytes.translate`` that leaves printable ASCII as it is, and nothing else: all the
#: rest becomes NUL, and NUL becomes DEL.  To translate and compare takes half the time of asking
#: ``isascii`` and ``isprintable``.
PRINTABLE = bytes([0x7F, *(code if 0x20 <= code < 0x7F else 0 for code in range(1, 256))])
_PLAIN_ASCII = bytes([*range(0x20, 0x7F), 0x0D, 0x0A])

_SKIPPED = r"\x00-\x09\x0b\x0c\x0e-\x17\x19\x1c-\x1f\x7f"
"""Controls that a terminal obeys in the midst of a sequence, and then goes on with it."""

_END = r"(?:[{finals}\x18\x1a]|(?=[\x1b\x80-\x9f])|[^\r\n]*)"

_SEQUENCE = re.compile(
    rf"""
    # What a keyboard's function keys send: SS2, SS3 and ESC [ [ take a character along, a dollar
    # sign ends the sequence of a key, and ESC with a control character is one key (PROTOCOL §1).
    (?: \x1b[NO] | [\x8e\x8f] ) [0-9;]*+ [^\x00-\x1f\x7f-\x9f]?
  | (?: \x1b\[ | \x9b ) \[ [^\x00-\x1f\x7f-\x9f]?
  | (?: \x1b\[ | \x9b ) [0-9;]*+ \$
    # Control sequences: parameters and intermediates, then a final.
  | (?: \x1b[{_SKIPPED}]*\[ | \x9b ) [{_SKIPPED}\ -?]*+ {_END.format(finals="@-~")}
    # Operating system commands, which BEL ends as well; then DCS, SOS, PM and APC.
  | (?: \x1b[{_SKIPPED}]*\] | \x9d ) (?: [^\x07\x18\x1a\x1b\x9c\r\n] | \x1b(?!\\) )*+
    (?: [\x07\x18\x1a\x9c] | \x1b\\ )?
  | (?: \x1b[{_SKIPPED}]*[PX^_] | [\x90\x98\x9e\x9f] ) (?: [^\x18\x1a\x1b\x9c\r\n] | \x1b(?!\\) )*+
    (?: [\x18\x1a\x9c] | \x1b\\ )?
    # ESC and a control character: a key with Alt and Ctrl.
  | \x1b[{_SKIPPED}]
    # Announcers and character sets (nF): intermediates, then a final.  Then two-byte sequences.
  | \x1b[{_SKIPPED}]*[\ -/][{_SKIPPED}\ -/]*+ {_END.format(finals="0-~")}
  | \x1b[{_SKIPPED}]*[0-~]
    """,
    re.VERBOSE,
)

_introducer = re.compile("[\x1b\x80-\x9f]").search

#: Hangul's fillers are blank, and removed; where a command is typed they are spaces first.
_FILLERS = dict.fromkeys((0x115F, 0x1160, 0x3164, 0xFFA0), " ")
_begins_with_colon = re.compile(r"[\s\u2800\u115f\u1160\u3164\uffa0]*:").match

_EDITING = re.compile("[\b\x7f\x15]")

#: Spaces in a row that talk keeps.
MOST_SPACES = 8
_NINE_SPACES = " " * (MOST_SPACES + 1)
_OTHER_BLANKS = (
    *("\t", "\v", "\f", "\xa0", "\u1680", "\u202f", "\u205f", "\u3000", "\u2800"),
    *map(chr, range(0x2000, 0x200B)),
)
"""Every blank within a line but the space: Unicode's, and the Braille pattern without dots."""
_LONG_RUN = re.compile(f"[ {''.join(_OTHER_BLANKS)}]{{{MOST_SPACES + 1},}}")

_NEVER_NEEDED = (
    *range(0x20),
    *range(0x7F, 0xA0),
    *range(0x2028, 0x202A),
    *range(0xD800, 0xE000),
    *range(0xFDD0, 0xFDF0),
    *range(0xFFF9, 0xFFFD),
    *(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF)),
)


def decode(raw: bytes) -> str:
    """One line without its end, as bytes from a farmer, to clean text.

    :raises NotUTF8: also for overlong forms, surrogates and what lies beyond U+10FFFF.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise NotUTF8 from None
    if raw.translate(PRINTABLE) == raw:
        return text
    if _EDITING.search(text):
        text = edited(text)
    if _begins_with_colon(text):
        text = text.translate(_FILLERS)
    return clean(text)


def edited(text: str) -> str:
    """``text`` as its editing keys left it (PROTOCOL §1).

    BS and DEL take back the character before them, with its marks; NAK (Ctrl-U) takes back the
    line so far.
    """
    kept: list[str] = []
    for char in text:
        if char == "\x15":
            kept.clear()
        elif char in "\b\x7f":
            _take_back(kept)
        else:
            kept.append(char)
    return "".join(kept)


def _take_back(kept: list[str]) -> None:
    """The last character, and the marks on it."""
    while kept and unicodedata.category(kept.pop())[0] == "M":
        pass


def squeezed(text: str) -> str:
    """Talk whose runs of more than 8 spaces of any kind are 8 (PROTOCOL §1).

    Otherwise a row of spaces could push something to the next row of a terminal, where it would
    look like a line of its own.
    """
    return text if is_squeezed(text) else _LONG_RUN.sub(lambda run: run[0][:MOST_SPACES], text)


def is_squeezed(lines: str) -> bool:
    """Whether :func:`squeezed` changes none of these lines, which LF separates."""
    # Most talk has no other blank than the space, and to seek a string is a hundred times as fast.
    if lines.isascii() and lines.isprintable():  # one line, as most are
        return _NINE_SPACES not in lines
    if any(blank in lines for blank in _OTHER_BLANKS):
        return _LONG_RUN.search(lines) is None
    return _NINE_SPACES not in lines


def clean(text: str) -> str:
    """``text`` (one line without its end) without what could harm or deceive who reads it.

    Cleaning what is clean changes nothing.
    """
    if _harmless_line(text):
        return text
    if _introducer(text):
        text = _SEQUENCE.sub("", text)
    return drop_needless(text.translate(_replacements()))


def is_clean_line(text: str) -> bool:
    """Whether it is plain at a glance that :func:`decode` changes nothing in this one line.

    ``False`` may be wrong, ``True`` never.
    """
    return _harmless_line(text) is not None


def is_clean(lines: str) -> bool:
    """Whether it is plain at a glance that ``clean`` changes none of these lines.

    CR and LF are taken for ends of lines, wherever they stand.  The answer may be ``False`` for
    lines that are clean (those with joined emoji or combining marks, say), never ``True`` for one
    that is not.
    """
    if lines.isascii():
        return not lines.encode().translate(None, _PLAIN_ASCII)  # half the time of a match
    return _harmless_lines(lines) is not None


@cache
def _replacements() -> dict[int, str | None]:
    ignorable = (ord(char) for char in char_set("ignorable") if char not in SOMETIMES_NEEDED)
    return {**dict.fromkeys([*_NEVER_NEEDED, *ignorable]), ord("\t"): " "}
