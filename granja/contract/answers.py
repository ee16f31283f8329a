"""Reading what a farmer answers to a question: a list of artifacts, a yes."""

from __future__ import annotations

import re
import unicodedata

from granja.contract.catalog import Catalog
from granja.contract.errors import NotAList, TooManyArtifacts, UnknownArtifact
from granja.contract.ids import ArtifactId

#: Words that may stand for a list (PROTOCOL §2, §4b): at arrival, of what one seeks, of either.
NONE = "ninguno"
EVERYTHING, SPARES, NOTHING = "todo", "repetidos", "nada"
#: What ``:busco`` says, in a swap.
MISSING = "faltantes"

_YES = frozenset({"si", "sí", "s"})
_RANGE = re.compile(r"(\d+)-(\d+)")
_SEPARATORS = re.compile(r"[,;\s]+")


def whole_number(word: str) -> int:
    """A number as people write it: decimal digits of any script, zeros in front allowed.

    :raises ValueError: for anything else, a sign included, and for absurdly many digits.
    """
    if not word.isdecimal():
        raise ValueError("not a whole number")
    return int(word)


def is_yes(text: str) -> bool:
    """PROTOCOL §2: ``si``, ``sí`` or ``s`` in any case, composed or not."""
    return folded(text.strip()) in _YES


def folded(text: str) -> str:
    """In small letters, composed: how answers are compared."""
    return unicodedata.normalize("NFC", text.casefold())


def artifact_list(text: str, catalog: Catalog, limit: int) -> list[ArtifactId]:
    """The numbers of a list that is separated by commas, semicolons or spaces.

    :param limit: the most copies that a list may have.
    :raises NotAList: when something in it is not a number.
    :raises TooManyArtifacts: past ``limit``.
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
    """The number that a word is, or all artifacts from one to another: ``1-42``.

    :raises ValueError: when it is neither.
    :raises UnknownArtifact: when an end of a range is not in the catalog.
    """
    ends = _RANGE.fullmatch(word)
    if ends is None:
        return [whole_number(word)]
    first, last = (known_artifact(whole_number(end), catalog) for end in ends.groups())
    if first > last:
        raise ValueError("a range that runs backwards")
    return [number for number in catalog if first <= number <= last]


def known_artifact(number: int, catalog: Catalog) -> ArtifactId:
    """:raises UnknownArtifact: when the catalog has no such number."""
    if number not in catalog:
        raise UnknownArtifact(str(number), catalog.first, catalog.last)
    return ArtifactId(number)
