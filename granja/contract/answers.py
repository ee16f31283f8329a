"""Answers: reads what a farmer answers to a question, such as a list of artifacts, or a yes."""

from __future__ import annotations

import re
import unicodedata

from granja.contract.catalog import Catalog
from granja.contract.errors import NotAList, TooManyArtifacts, UnknownArtifact
from granja.contract.ids import ArtifactId

#: Words for whole lists (PROTOCOL §2, §4b): at arrival; of wishes; in both.
NONE = "ninguno"
EVERYTHING, SPARES, NOTHING = "todo", "repetidos", "nada"
#: In a swap: what ``:busco`` says.
MISSING = "faltantes"

_YES = frozenset({"si", "sí", "s"})
_RANGE = re.compile(r"(\d+)-(\d+)")
_SEPARATORS = re.compile(r"[,;\s]+")


def whole_number(word: str) -> int:
    """Read a number as people write it: decimal digits of any script, also with zeros in front.

    :raises ValueError: for anything else, also for a sign, and for far too many digits.
    """
    if not word.isdecimal():
        raise ValueError("not a whole number")
    return int(word)


def is_yes(text: str) -> bool:
    """Whether it is ``si``, ``sí`` or ``s`` in any case, composed or not (PROTOCOL §2)."""
    return folded(text.strip()) in _YES


def folded(text: str) -> str:
    """The text in small letters and composed: so we compare answers."""
    return unicodedata.normalize("NFC", text.casefold())


def artifact_list(text: str, catalog: Catalog, limit: int) -> list[ArtifactId]:
    """The numbers in a list with commas, semicolons or spaces between them.

    :param limit: the most copies that a list may have.
    :raises NotAList: when something in it is not a number.
    :raises TooManyArtifacts: when it has more than ``limit``.
    :raises UnknownArtifact: for the first number that is not in the catalog.
    """
    if text.strip().casefold() == NONE:
        return []
    try:
        words = [word for word in _SEPARATORS.split(text) if word]
        numbers = [number for word in words for number in _numbers(word, catalog)]
    except ValueError:
        raise NotAList from None
    if not numbers and text.strip():
        raise NotAList
    for number in numbers:
        known_artifact(number, catalog)
    if len(numbers) > limit:
        raise TooManyArtifacts(limit)
    return [ArtifactId(number) for number in numbers]


def _numbers(word: str, catalog: Catalog) -> list[int]:
    """The number in a word, or all artifacts of a range: ``1-42``.

    :raises ValueError: when it is neither.
    :raises UnknownArtifact: when an end of the range is not in the catalog.
    """
    ends = _RANGE.fullmatch(word)
    if ends is None:
        return [whole_number(word)]
    first, last = (known_artifact(whole_number(end), catalog) for end in ends.groups())
    if first > last:
        raise ValueError("a range that runs backwards")
    return [number for number in catalog if first <= number <= last]


def known_artifact(number: int, catalog: Catalog) -> ArtifactId:
    """The artifact with this number.

    :raises UnknownArtifact: when the catalog has no such number.
    """
    if number not in catalog:
        raise UnknownArtifact(str(number), catalog.first, catalog.last)
    return ArtifactId(number)
