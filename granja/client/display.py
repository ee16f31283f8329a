"""How a message looks: its kind, its mark in the margin, and whether it rings the bell.

The mark shows the kind where there is no colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from granja.client.compare import mentions
from granja.client.incoming import Heard
from granja.client.surroundings import text


class Kind(Enum):
    """The kinds of lines.  The value is the mark in the margin."""

    TALK = "  "
    WHISPER = "» "
    SERVER = "· "
    QUESTION = "? "
    OFFER = "↔ "
    ERROR = "! "
    OWN = "— "


@dataclass(frozen=True, slots=True)
class Shown:
    """One line on the screen.  ``speaker``: the name at the beginning of ``line``."""

    kind: Kind
    line: str
    speaker: str = ""
    bell: bool = False


_KINDS = {
    "said": Kind.TALK,
    "action": Kind.TALK,
    "whispered": Kind.WHISPER,
    "prompt": Kind.QUESTION,
    "error": Kind.ERROR,
    "offer": Kind.OFFER,
    "offer-sent": Kind.OFFER,
    "offer-in": Kind.OFFER,
    "offer-out": Kind.OFFER,
    "offer-ended": Kind.OFFER,
    "trade-accepted": Kind.OFFER,
    "trade-done": Kind.OFFER,
    "meanwhile": Kind.OFFER,
    "meanwhile-more": Kind.OFFER,
}


def show(heard: Heard, me: str) -> Shown:
    """How we show a message.

    :param me: the name of the person at this terminal; empty while it is not known.
    """
    if heard.type == "plain":
        return _show_plain(heard.line, me)
    kind = _KINDS.get(heard.type, Kind.SERVER)
    if kind not in (Kind.TALK, Kind.WHISPER):
        return Shown(kind, heard.line, bell=heard.type == "offer")
    speaker = text(heard.data, "from")
    speaker = speaker if heard.line.startswith(speaker) else ""
    bell = kind is Kind.WHISPER or mentions(me, text(heard.data, "text"))
    return Shown(kind, heard.line, speaker, bell)


def own(sentence: str) -> Shown:
    """A line that the client itself says."""
    return Shown(Kind.OWN, f"[granja] {sentence}")


def _show_plain(line: str, me: str) -> Shown:
    if line.startswith("[SERVER] "):
        return Shown(Kind.SERVER, line)
    # A name has neither a colon nor a space in it (PROTOCOL §2).
    speaker, colon, said = line.partition(":")
    speaker = speaker if colon and " " not in speaker else ""
    return Shown(Kind.TALK, line, speaker, mentions(me, said))
