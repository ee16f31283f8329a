"""Names: what a name is, and which names count as one name (PROTOCOL §2).

If a person could take one name for another, both are one name.  There are three comparisons, and
any of them is enough: the *skeleton* of the folded forms (``Ana``, ``ANA`` and ``аnа`` in
Cyrillic); the folded form of the skeletons (``SERVlDOR`` with an l and ``SERVIDOR``; ``B0B`` with a
zero); and the folded skeleton of the forms in capitals (``beto`` and ``вето``, because ``BETO``
looks like ``ВЕТО``).  The folded form is NFKC_Casefold of the Unicode standard.  The skeleton is
that of UTS 39, ``confusable``.  Some Latin letters and digits look alike but have different
skeletons, such as ``d`` and ``cl``.  At the end of each comparison we replace one by the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from operator import contains, eq
from typing import Generic, TypeVar

from granja.contract.errors import InvalidName
from granja.text.scripts import mixture
from granja.text.unicode import char_set, prototypes

T = TypeVar("T")

MAX_CHARACTERS = 20
MAX_BYTES = 64
MAX_MARKS = 4
PUNCTUATION = "_-."

_MAX_SOUGHT = 80
"""No spelling of a name is longer.  We do not compare longer texts at all."""

RESERVED = (
    *("server", "servidor", "servidora", "sistema", "system", "root", "granja", "soporte"),
    *("admin", "administrador", "administradora", "administrator"),
    *("moderador", "moderadora", "moderator", "operador", "operadora", "operator"),
    *("ninguno", "ninguna", "nadie", "todos", "todas"),
)
"""With one of these names somebody could speak for the granja, or seem to be nobody."""


Keys = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Name:
    """A name: its owner's spelling (in NFC), and the forms by which we compare it."""

    spelling: str
    folded: str
    keys: Keys
    """The skeleton of the folded form; the folded skeleton of the spelling, and of the capitals."""

    def __str__(self) -> str:
        return self.spelling


def parse(text: str) -> Name:
    """The name that somebody typed, without the spaces around it.

    :raises InvalidName: with the reason, in Spanish, when it is no name, or is reserved.
    """
    spelling = unicodedata.normalize("NFC", text.strip())
    fault = _fault(spelling)
    if fault:
        raise InvalidName(fault)
    name = recall(spelling)
    if _reserved().keeps(name):
        raise InvalidName("está reservado")
    mixed = mixture(spelling)
    if mixed:
        raise InvalidName(mixed)
    return name


class Reserved:
    """Words that nobody may use as a name, also with digits behind, or with a sign and more behind.

    :param words: they may contain a word that is no name; it has no effect.
    """

    def __init__(self, words: Iterable[str]) -> None:
        spelled = [form for word in words for form in (word, word.upper(), word.title())]
        keys = [recall(form).keys for form in spelled]
        self._keys = [frozenset(key) for key in zip(*keys, strict=True)]

    def keeps(self, name: Name) -> bool:
        """Whether a person with this name could be taken for one of the words."""
        stems = map(recall, _stems(name.spelling) - {name.spelling})
        return any(any(map(contains, self._keys, each.keys)) for each in (name, *stems))


def _stems(spelling: str) -> set[str]:
    """A name without the digits at its end, and a name up to its first sign (PROTOCOL §2)."""
    return {_DIGITS_AT_THE_END.sub("", spelling), _SIGN.split(spelling, maxsplit=1)[0]}


_DIGITS_AT_THE_END = re.compile(r"\d+\Z")
_SIGN = re.compile(f"[{re.escape(PUNCTUATION)}]")

#: An IPv4 or IPv6 address, or a network.  A ban of one of these is not a ban of a farmer.
_ADDRESS = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3}){3} | [0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*) (?:/\d{1,3})?",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def recall(spelling: str) -> Name:
    """A name that was accepted before.  We do not check it: a new rule must lock nobody out."""
    folded = fold(spelling)
    looks = _pairs_apart(skeleton(folded))
    folded_looks = _pairs_apart(fold(skeleton(spelling)))
    capital_looks = _pairs_apart(fold(skeleton(folded.upper())))
    # There may be ten thousand names, so we keep equal texts only once.
    folded = spelling if folded == spelling else folded
    looks = folded if looks == folded else looks
    folded_looks = looks if folded_looks == looks else folded_looks
    capital_looks = folded_looks if capital_looks == folded_looks else capital_looks
    return Name(spelling, folded, (looks, folded_looks, capital_looks))


def same(one: Name, other: Name) -> bool:
    """Whether a person could take one name for the other."""
    return any(map(eq, one.keys, other.keys))


def fold(text: str) -> str:
    """``text`` without case and compatibility forms: NFKC_Casefold, repeated until it is stable."""
    if text.isascii():
        return text.lower()  # The same, and many times faster.
    text = unicodedata.normalize("NFC", _visible(text))
    while True:
        folded = unicodedata.normalize("NFKC", text.casefold())
        if folded == text:
            return text
        text = folded


def skeleton(text: str) -> str:
    """What ``text`` looks like: the same for texts that look alike (UTS 39, section 4).

    We leave out a dot above i or j: these letters show one dot in any case.
    """
    visible = _visible(unicodedata.normalize("NFD", text))
    look = unicodedata.normalize("NFD", visible.translate(prototypes()))
    return look if look.isascii() else re.sub("([ij])\u0307", r"\1", look)


#: What looks alike in Latin letters (PROTOCOL §2).  We replace the left side by the right one.
_PAIRS = str.maketrans({"0": "o", "1": "l", "5": "s", "d": "cl", "m": "rn", "w": "vv"})


def _pairs_apart(look: str) -> str:
    return look.translate(_PAIRS)


def _visible(text: str) -> str:
    return text if text.isascii() else text.translate(_ignorable())


@cache
def _ignorable() -> dict[int, None]:
    return dict.fromkeys(map(ord, char_set("ignorable")))


# -- what is not a name ----------------------------------------------------------------------


def _fault(spelling: str) -> str | None:
    """Why this is no name; None if it is one.  ``spelling`` is in NFC."""
    if not spelling:
        return "está vacío"
    if _ADDRESS.fullmatch(spelling):
        return "parece una dirección"
    if len(spelling) > MAX_CHARACTERS:
        return f"tiene más de {MAX_CHARACTERS} caracteres"
    return _fault_in_characters(spelling) or _fault_in_order(spelling)


def _fault_in_characters(spelling: str) -> str | None:
    if _visible(spelling) != spelling:
        return "tiene caracteres invisibles"
    if any(char.isspace() for char in spelling):
        return "no puede tener espacios"
    if "?" in map(_kind, spelling):
        return "solo puede tener letras, números, «_», «-» y «.»"
    if len(spelling.encode()) > MAX_BYTES:
        return f"ocupa más de {MAX_BYTES} bytes"
    return None


def _fault_in_order(spelling: str) -> str | None:
    kinds = "".join(map(_kind, spelling))
    if kinds[0] not in "LN":
        return "debe empezar con una letra o un número"
    if re.search("[^LM]M", kinds):
        return "tiene una marca que no está sobre una letra"
    if "M" * (MAX_MARKS + 1) in kinds:
        return f"tiene más de {MAX_MARKS} marcas sobre una letra"
    return None


def _kind(char: str) -> str:
    """``L`` for a letter, ``M`` for a mark, ``N`` for a decimal digit, ``.``, or ``?``."""
    if char in PUNCTUATION:
        return "."
    category = unicodedata.category(char)
    if category[0] in "LM":
        return category[0]
    return "N" if category == "Nd" else "?"


@cache
def _reserved() -> Reserved:
    return Reserved(RESERVED)


# -- who has which name ----------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class _Entry(Generic[T]):
    name: Name
    item: T
    place: int


#: Nearly always a key has one entry, and a tuple of one is small.
_Keyed = dict[str, tuple[_Entry[T], ...]]


class NameIndex(Generic[T]):
    """Finds the item that a typed name means, in any spelling.

    A third name may mean both of two different names, each by another comparison.  To iterate gives
    the items in the order in which they were added.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry[T]] = {}
        self._spelled: dict[str, _Entry[T]] = {}
        self._by_key: tuple[_Keyed[T], _Keyed[T], _Keyed[T]] = ({}, {}, {})
        self._places = 0

    def add(self, name: Name, item: T) -> None:
        """Add ``item`` at the end.

        :raises ValueError: if there is an item with the same folded form.  Names that look alike
            are allowed: two names that were different stay different when Unicode learns more.
        """
        if name.folded in self._entries:
            raise ValueError(f"{name} is there already")
        self._places += 1
        self._file(_Entry(name, item, self._places))

    def remove(self, name: Name) -> T:
        """Remove the item with the same folded form, and return it.

        :raises KeyError: if there is none.
        """
        entry = self._entries.pop(name.folded)
        self._unfile(entry)
        return entry.item

    def replace(self, name: Name, item: T) -> T:
        """Replace the item with the same folded form, and return the old one.

        :raises KeyError: if there is none.
        """
        entry = self._entries[name.folded]
        self._unfile(entry)
        self._file(_Entry(name, item, entry.place))
        return entry.item

    def find(self, name: str | Name) -> T | None:
        """The item with the same folded form, else the first added of those that look alike.

        ``name`` may be any text, also one that is no name.
        """
        # Nearly always somebody types the spelling, and folding is much slower than this.
        spelled = self._spelled.get(name) if isinstance(name, str) else None
        if spelled is not None:
            return spelled.item
        sought = self._sought(name)
        if sought is None:
            return None
        exact = self._entries.get(sought.folded)
        if exact is not None:
            return exact.item
        alike = self._alike(sought)
        return alike[0].item if alike else None

    def exact(self, name: str | Name) -> T | None:
        """The item with the same folded form, or None."""
        sought = self._sought(name)
        entry = self._entries.get(sought.folded) if sought is not None else None
        return entry.item if entry is not None else None

    def matches(self, name: str | Name) -> list[T]:
        """All items whose name counts as this one, in the order in which they were added."""
        if not self._entries:
            return []  # As on most farms with their bans: nobody is compared with nothing.
        sought = self._sought(name)
        return [] if sought is None else [entry.item for entry in self._alike(sought)]

    def __contains__(self, name: str | Name) -> bool:
        return bool(self.matches(name))

    def __iter__(self) -> Iterator[T]:
        return iter([entry.item for entry in self._entries.values()])

    def __len__(self) -> int:
        return len(self._entries)

    def _sought(self, name: str | Name) -> Name | None:
        if isinstance(name, Name):
            return name
        if len(name) > _MAX_SOUGHT:
            return None
        return recall(unicodedata.normalize("NFC", name.strip()))

    def _alike(self, sought: Name) -> list[_Entry[T]]:
        found = {
            entry.place: entry
            for entries, key in zip(self._by_key, sought.keys, strict=True)
            for entry in entries.get(key, ())
        }
        return [found[place] for place in sorted(found)]

    def _file(self, entry: _Entry[T]) -> None:
        self._entries[entry.name.folded] = entry
        self._spelled[entry.name.spelling] = entry
        alone = (entry,)  # One tuple for all three tables, as nearly always nobody else is there.
        for entries, key in zip(self._by_key, entry.name.keys, strict=True):
            others = entries.get(key)
            entries[key] = alone if others is None else (*others, entry)

    def _unfile(self, entry: _Entry[T]) -> None:
        """Remove it from everything but ``_entries``, where it keeps its place in the order."""
        del self._spelled[entry.name.spelling]
        for entries, key in zip(self._by_key, entry.name.keys, strict=True):
            left = tuple(other for other in entries[key] if other is not entry)
            if left:
                entries[key] = left
            else:
                del entries[key]
