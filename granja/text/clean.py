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
    # Control sequences: parameters and intermediates, then a final.
    (?: \x1b[{_SKIPPED}]*\[ | \x9b ) [{_SKIPPED}\ -?]*+ {_END.format(finals="@-~")}
    # Operating system commands, which BEL ends as well; then DCS, SOS, PM and APC.
  | (?: \x1b[{_SKIPPED}]*\] | \x9d ) (?: [^\x07\x18\x1a\x1b\x9c\r\n] | \x1b(?!\\) )*+
    (?: [\x07\x18\x1a\x9c] | \x1b\\ )?
  | (?: \x1b[{_SKIPPED}]*[PX^_] | [\x90\x98\x9e\x9f] ) (?: [^\x18\x1a\x1b\x9c\r\n] | \x1b(?!\\) )*+
    (?: [\x18\x1a\x9c] | \x1b\\ )?
    # Announcers and character sets (nF): intermediates, then a final.  Then two-byte sequences.
  | \x1b[{_SKIPPED}]*[\ -/][{_SKIPPED}\ -/]*+ {_END.format(finals="0-~")}
  | \x1b[{_SKIPPED}]*[0-~]
    """,
    re.VERBOSE,
)

_introducer = re.compile("[\x1b\x80-\x9f]").search

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
    return text if raw.translate(PRINTABLE) == raw else clean(text)


def clean(text: str) -> str:
    """``text`` (one line without its end) without what could harm or deceive who reads it.

    Cleaning what is clean changes nothing.
    """
    if _harmless_line(text):
        return text
    if _introducer(text):
        text = _SEQUENCE.sub("", text)
    return drop_needless(text.translate(_replacements()))


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
