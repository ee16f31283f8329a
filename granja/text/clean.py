"""Cleaning: makes what a farmer typed harmless for other people's terminals (PROTOCOL §1).

``clean`` removes, in this order:

1. whole escape sequences of ECMA-48 and ECMA-35, 7-bit and 8-bit.  If one is broken or has no end,
   we remove it up to the end of its line.  (CAN, SUB, ESC and the 8-bit controls cut a control
   sequence short; the text after them stays, as on a terminal);
2. control characters (a tab becomes a space), line and paragraph separators, lone surrogates,
   noncharacters, interlinear annotations, the object replacement character, and everything that
   Unicode calls ``Default_Ignorable_Code_Point``: bidirectional controls, fillers and the like;
3. marks after the fourth on one letter, and each joiner, variation selector and tag that no emoji
   and no script needs in its place (:mod:`granja.text.unicode.extenders`).

Everything else stays as typed: we normalise nothing.  Spaces of any width stay, and so do private
use and unassigned characters, which at worst look like a box.
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
"""Characters that always stay.  Many more do too; they only take the slow way."""

_harmless_line = re.compile(f"[{_HARMLESS_RANGES}]*").fullmatch
_harmless_lines = re.compile(f"[{_HARMLESS_RANGES}\r\n]*").fullmatch
#: A table for ``bytes.translate`` that keeps printable ASCII and changes everything else: NUL
#: becomes DEL, and the rest becomes NUL.  To translate and compare is faster than to ask
#: ``isascii`` and ``isprintable``.
PRINTABLE = bytes([0x7F, *(code if 0x20 <= code < 0x7F else 0 for code in range(1, 256))])
_PLAIN_ASCII = bytes([*range(0x20, 0x7F), 0x0D, 0x0A])

_SKIPPED = r"\x00-\x09\x0b\x0c\x0e-\x17\x19\x1c-\x1f\x7f"
"""Controls that a terminal obeys in the middle of a sequence, before it goes on with it."""

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

#: Hangul's fillers are blank, and we remove them.  Before a command they count as spaces.
_FILLERS = dict.fromkeys((0x115F, 0x1160, 0x3164, 0xFFA0), " ")
_begins_with_colon = re.compile(r"[\s\u2800\u115f\u1160\u3164\uffa0]*:").match

#: Who knows vi presses Esc first.  As a sequence, ESC would take the colon or the space along.
_esc_before_colon = re.compile(r"\s*\x1b+(?=\s*:)").match

_EDITING = re.compile("[\b\x7f\x15]")

#: The most spaces in a row in talk.
MOST_SPACES = 8
_NINE_SPACES = " " * (MOST_SPACES + 1)
_OTHER_BLANKS = (
    *("\t", "\v", "\f", "\xa0", "\u1680", "\u202f", "\u205f", "\u3000", "\u2800"),
    *map(chr, range(0x2000, 0x200B)),
)
"""Every blank in a line except the space: Unicode's, and the Braille pattern without dots."""
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
    """Clean text from the bytes of one line without its end.

    :raises NotUTF8: also for overlong forms, surrogates, and values above U+10FFFF.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise NotUTF8 from None
    if raw.translate(PRINTABLE) == raw:
        return text
    if _EDITING.search(text):
        text = edited(text)
    esc = _esc_before_colon(text)
    if esc:
        text = text[esc.end() :]
    if _begins_with_colon(text):
        text = text.translate(_FILLERS)
    return clean(text)


def edited(text: str) -> str:
    """``text`` after its editing keys have worked (PROTOCOL §1).

    BS and DEL erase the character before them, with its marks.  NAK (Ctrl-U) erases the line so
    far.
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
    """Erase the last character and the marks on it."""
    while kept and unicodedata.category(kept.pop())[0] == "M":
        pass


def squeezed(text: str) -> str:
    """Talk with at most 8 spaces of any kind in a row (PROTOCOL §1).

    With more, somebody could push text to the next row of a terminal.  There it would look like a
    line of its own.
    """
    return text if is_squeezed(text) else _LONG_RUN.sub(lambda run: run[0][:MOST_SPACES], text)


def is_squeezed(lines: str) -> bool:
    """Whether :func:`squeezed` changes none of these lines; LF separates them."""
    # Most talk has no other blank than the space, and a search for a string is very fast.
    if lines.isascii() and lines.isprintable():  # The usual case: one line.
        return _NINE_SPACES not in lines
    if any(blank in lines for blank in _OTHER_BLANKS):
        return _LONG_RUN.search(lines) is None
    return _NINE_SPACES not in lines


def clean(text: str) -> str:
    """``text`` (one line without its end) without what could harm or deceive a reader.

    To clean clean text changes nothing.
    """
    if _harmless_line(text):
        return text
    if _introducer(text):
        text = _SEQUENCE.sub("", text)
    return drop_needless(text.translate(_replacements()))


def is_clean_line(text: str) -> bool:
    """Whether a quick look shows that :func:`decode` changes nothing in this line.

    ``False`` may be wrong; ``True`` never is.
    """
    return _harmless_line(text) is not None


def is_clean(lines: str) -> bool:
    """Whether a quick look shows that ``clean`` changes none of these lines.

    Every CR and LF counts as a line end.  The answer may be ``False`` for clean lines (with joined
    emoji or combining marks, for example).  It is never ``True`` for a line that is not clean.
    """
    if lines.isascii():
        return not lines.encode().translate(None, _PLAIN_ASCII)  # Faster than a match.
    return _harmless_lines(lines) is not None


@cache
def _replacements() -> dict[int, str | None]:
    ignorable = (ord(char) for char in char_set("ignorable") if char not in SOMETIMES_NEEDED)
    return {**dict.fromkeys([*_NEVER_NEEDED, *ignorable]), ord("\t"): " "}
