"""The arguments of commands: how we read each, and how the usage names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from granja.contract.answers import folded, whole_number
from granja.contract.commands.words import split_words


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command.

    ``label``: its text in the usage.  ``read``: makes the value from the typed word; a ValueError
    means a wrong argument.  ``rest``: it takes the rest of the line with all spaces.  ``optional``:
    it may be missing, and is then None.  ``kind``: tells those who complete or hide it what it is:
    a ``name``, an ``artifact`` (``mine``, ``theirs``), an ``offer``, a ``secret`` or else a
    ``word``.
    """

    label: str
    read: Callable[[str], Any] = str
    rest: bool = False
    optional: bool = False
    kind: str = "word"


def _offer_number(word: str) -> int:
    return whole_number(word.removeprefix("#"))


def _count(word: str) -> int:
    """Read a count.

    :raises ValueError: unless it is a whole number above 0.
    """
    count = whole_number(word)
    if not count:
        raise ValueError(word)
    return count


def _door(word: str) -> bool:
    """Read whether the door is to be open.

    :raises ValueError: unless it is ``no``, ``si`` or ``sí``.
    """
    answer = folded(word)
    if answer not in ("no", "si", "sí"):
        raise ValueError(word)
    return answer != "no"


_UNITS = {"m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(\d{1,6})([mhd])")

#: The most seconds of a mute or a ban: a hundred years.
LONGEST = 36500 * 86400


def duration(word: str) -> int:
    """The seconds of ``10m``, ``2h`` or ``7d``.

    :raises ValueError: for anything else, for zero, and for more than a hundred years.
    """
    time = _TIME.fullmatch(folded(word))
    seconds = int(time[1]) * _UNITS[time[2]] if time else 0
    if not 0 < seconds <= LONGEST:
        raise ValueError(word)
    return seconds


def duration_or_none(word: str) -> int:
    """The seconds of such a time, or 0, which ends a mute."""
    return 0 if word == "0" else duration(word)


def _spaced(text: str) -> str:
    """The text with one space between the words."""
    return " ".join(split_words(text, -1))


def _sides(text: str) -> tuple[str, str]:
    """The two sides of ``por``.  It may be missing between two words.

    :raises ValueError: when there are no two sides.
    """
    words = split_words(text, -1)
    cuts = [at for at, word in enumerate(words) if folded(word) == "por"]
    if not cuts and len(words) == 2:
        return words[0], words[1]
    if len(cuts) != 1 or not 0 < cuts[0] < len(words) - 1:
        raise ValueError(text)
    return " ".join(words[: cuts[0]]), " ".join(words[cuts[0] + 1 :])


NAME = Argument("<nombre>", kind="name")
ANYBODY = Argument("[nombre]", optional=True, kind="name")
DOOR = Argument("[no|si]", _door, optional=True)
MESSAGE = Argument("<mensaje>", rest=True)
ACTION = Argument("<acción>", rest=True)
ARTIFACT = Argument("<id>", whole_number, kind="artifact")
MINE = Argument("<mío>", whole_number, kind="mine")
THEIRS = Argument("<suyo>", whole_number, kind="theirs")
OFFER = Argument("[n]", _offer_number, optional=True, kind="offer")
LIST = Argument("[lista]", _spaced, rest=True, optional=True)
SIDES = Argument("<míos> por <suyos>", _sides, rest=True)
COUNT = Argument("[n]", _count, optional=True)
PASS = Argument("<pase>", rest=True, kind="secret")
PASSWORD = Argument("<contraseña>", rest=True, kind="secret")
NEW_PASSWORD = Argument("<nueva>", rest=True, kind="secret")
NAME_OR_NETWORK = Argument("<nombre o red>", kind="name")
TIME = Argument("<tiempo>", duration)
TIME_OR_NONE = Argument("<tiempo>", duration_or_none)
REASON = Argument("[motivo]", rest=True, optional=True)
