"""What a name is, and which names are one name (PROTOCOL §2).

Names that a person could mistake for one another are one name.  Three comparisons say so, and any
of them is enough: the *skeleton* of the folded forms (``Ana``, ``ANA`` and ``аnа`` in Cyrillic),
the folded form of the skeletons (``SERVlDOR`` with an l, ``SERVIDOR``, and ``B0B`` with a zero),
and that of the forms in capitals (``beto`` and ``вето``, because ``BETO`` looks like ``ВЕТО``).
Folding is NFKC_Casefold of the Unicode standard; a skeleton is that of UTS 39, ``confusable``.
Latin letters and digits that look alike but have skeletons of their own, such as ``d`` and ``cl``,
are put one for the other at the end of each.
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
"""No name is so long in any spelling; what is longer is not compared at all."""

RESERVED = (
    *("server", "servidor", "servidora", "sistema", "system", "root", "granja", "soporte"),
    *("admin", "administrador", "administradora", "administrator"),
    *("moderador", "moderadora", "moderator", "operador", "operadora", "operator"),
    *("ninguno", "ninguna", "nadie", "todos", "todas"),
)
"""Whoever had one of these names could speak for the granja, or be taken for no one."""


Keys = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Name:
    """A name: as its owner spells it (in NFC), and what it is compared by."""

    spelling: str
    folded: str
    keys: Keys
    """The skeleton of the folded form, the folded form of the skeleton, and that in capitals."""

    def __str__(self) -> str:
        return self.spelling


def parse(text: str) -> Name:
    """The name that somebody typed, spaces around it aside.

    :raises InvalidName: with the reason, in Spanish, when it is not one, or is reserved.
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
    """Words that nobody may have as a name, nor with digits behind, nor with a sign and anything.

    :param words: what is no name may be among them, and keeps nobody from anything.
    """

    def __init__(self, words: Iterable[str]) -> None:
        spelled = [form for word in words for form in (word, word.upper(), word.title())]
        keys = [recall(form).keys for form in spelled]
        self._keys = [frozenset(key) for key in zip(*keys, strict=True)]

    def keeps(self, name: Name) -> bool:
        """Whether somebody with this name could be taken for one of the words."""
        stems = map(recall, _stems(name.spelling) - {name.spelling})
        return any(any(map(contains, self._keys, each.keys)) for each in (name, *stems))


def _stems(spelling: str) -> set[str]:
    """What a name is without the digits at its end, and up to its first sign (PROTOCOL §2)."""
    return {_DIGITS_AT_THE_END.sub("", spelling), _SIGN.split(spelling, maxsplit=1)[0]}


_DIGITS_AT_THE_END = re.compile(r"\d+\Z")
_SIGN = re.compile(f"[{re.escape(PUNCTUATION)}]")

#: An IPv4 or IPv6 address, or a network of them: whoever bans one means no farmer.
_ADDRESS = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3}){3} | [0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*) (?:/\d{1,3})?",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def recall(spelling: str) -> Name:
    """A name that was parsed before: it is not checked again, lest a new rule lock someone out."""
    folded = fold(spelling)
    looks = _pairs_apart(skeleton(folded))
    folded_looks = _pairs_apart(fold(skeleton(spelling)))
    capital_looks = _pairs_apart(fold(skeleton(folded.upper())))
    # Ten thousand names are kept at a time, so equal texts are kept as one.
    folded = spelling if folded == spelling else folded
    looks = folded if looks == folded else looks
    folded_looks = looks if folded_looks == looks else folded_looks
    capital_looks = folded_looks if capital_looks == folded_looks else capital_looks
    return Name(spelling, folded, (looks, folded_looks, capital_looks))


def same(one: Name, other: Name) -> bool:
    """Whether a person could mistake one for the other."""
    return any(map(eq, one.keys, other.keys))


def fold(text: str) -> str:
    """``text`` without case and compatibility forms: NFKC_Casefold, until nothing changes."""
    text = unicodedata.normalize("NFC", _visible(text))
    while True:
        folded = unicodedata.normalize("NFKC", text.casefold())
        if folded == text:
            return text
        text = folded


def skeleton(text: str) -> str:
    """What ``text`` looks like: equal for texts that look alike (UTS 39, section 4).

    A dot above i or j is left out, because these letters show one dot with it or without.
    """
    visible = _visible(unicodedata.normalize("NFD", text))
    look = unicodedata.normalize("NFD", visible.translate(prototypes()))
    return re.sub("([ij])\u0307", r"\1", look)


#: What looks alike in Latin letters (PROTOCOL §2): one side stands for the other.
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
    """Why this is not a name, or None if it is one.  ``spelling`` is in NFC."""
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


#: Nearly always there is one for a key, and a tuple of one is small.
_Keyed = dict[str, tuple[_Entry[T], ...]]


class NameIndex(Generic[T]):
    """Finds whoever a name means, in any spelling.

    Two that are not one name may still both be meant by a third, one by each comparison.  Iterating
    gives the items in the order of their addition.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry[T]] = {}
        self._spelled: dict[str, _Entry[T]] = {}
        self._by_key: tuple[_Keyed[T], _Keyed[T], _Keyed[T]] = ({}, {}, {})
        self._places = 0

    def add(self, name: Name, item: T) -> None:
        """Put ``item`` last.

        :raises ValueError: if an item is there under the same folded form.  Look-alikes are let
            in: names that were two when they were given stay two when Unicode learns more.
        """
        if name.folded in self._entries:
            raise ValueError(f"{name} is there already")
        self._places += 1
        self._file(_Entry(name, item, self._places))

    def remove(self, name: Name) -> T:
        """Take out the item of that folded form, and return it.  :raises KeyError: if none is."""
        entry = self._entries.pop(name.folded)
        self._unfile(entry)
        return entry.item

    def replace(self, name: Name, item: T) -> T:
        """Put ``item`` in the place of the one of that folded form, which is returned.

        :raises KeyError: if there is none.
        """
        entry = self._entries[name.folded]
        self._unfile(entry)
        self._file(_Entry(name, item, entry.place))
        return entry.item

    def find(self, name: str | Name) -> T | None:
        """Whoever is meant: the one of the same folded form, else the first added of those alike.

        Any text may be asked for, also what is not a name.
        """
        # Nearly always the name is typed as it is spelled, and folding costs ten times as much.
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
        """The one of the same folded form, if there is one."""
        sought = self._sought(name)
        entry = self._entries.get(sought.folded) if sought is not None else None
        return entry.item if entry is not None else None

    def matches(self, name: str | Name) -> list[T]:
        """All whose name is one with this, in the order of their addition."""
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
        for entries, key in zip(self._by_key, entry.name.keys, strict=True):
            entries[key] = (*entries.get(key, ()), entry)

    def _unfile(self, entry: _Entry[T]) -> None:
        """Take it out of everything but ``_entries``, where it has its place in the order."""
        del self._spelled[entry.name.spelling]
        for entries, key in zip(self._by_key, entry.name.keys, strict=True):
            left = tuple(other for other in entries[key] if other is not entry)
            if left:
                entries[key] = left
            else:
                del entries[key]
