"""Pseudonyms: the chain has salted hashes instead of names, so a name can be forgotten.

The chain holds ``7 9f86…`` in the place of farmer 7's name: the number, and a hash of a random
salt, the number and the name.  A table beside the chain holds names and salts.  When a row of it is
deleted, nobody can find out the name any more, not even by trying all names.  A reader of the chain
then sees *granjero 7*.  (No name has a space in it, so neither looks like a name.)

Older ledgers hold names in plain, and continue with them.  ``granja rewrite`` makes from such a
ledger one that can forget.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, NamedTuple

from granja.contract.ids import FarmerId
from granja.contract.messages import somebody
from granja.ledger.chain import canonical
from granja.market.facts import Begun, Declared, Fact, Left, Registered
from granja.market.offers import Ended, Happened

#: Bytes of a salt, and letters of a hash.
SALT: Final = 16
LENGTH: Final = 32

#: Facts with their farmer's name.  A union in ``isinstance`` would be made anew for each entry.
_NAMING = (Declared, Registered)


class NameRow(NamedTuple):
    """A name, and the hash that stands for it in the chain.

    ``gone``: when a visitor left, in Unix seconds; None while they are here, and for registered
    farmers.
    """

    hash: str
    farmer: FarmerId
    salt: bytes
    name: str
    gone: float | None = None

    @property
    def fits(self) -> bool:
        """Whether the hash belongs to this name."""
        return self.hash == hash_of(self.salt, self.farmer, self.name)


def hash_of(salt: bytes, farmer: FarmerId, name: str) -> str:
    text = f"{farmer} {name}".encode(errors="surrogateescape")
    return sha256(salt + text).hexdigest()[:LENGTH]


class Pseudonyms:
    """Knows which hash stands for which name.

    :param rows: the table.
    :param plain: whether the chain may also have names in plain: those that are not in the table.
    :param chance: gives a number of bytes that nobody can guess.
    """

    def __init__(
        self,
        rows: Iterable[NameRow] = (),
        *,
        plain: bool = False,
        chance: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.plain = plain
        self._chance = chance
        self._by_hash: dict[str, NameRow] = {}
        self._by_farmer: dict[tuple[FarmerId, str], NameRow] = {}
        self._by_name: dict[str, FarmerId] = {}
        self._hashes: dict[FarmerId, set[str]] = {}
        self._forgotten: set[FarmerId] = set()
        self._forgotten_names: set[str] = set()
        self._fresh: list[NameRow] = []
        #: Whether somebody asked for a name that is no longer in the table.
        self.missed = False
        for row in rows:
            self._add(row)

    def _add(self, row: NameRow) -> None:
        self._by_hash[row.hash] = row
        self._by_farmer[row.farmer, row.name] = row
        self._by_name[row.name] = row.farmer
        self._hashes.setdefault(row.farmer, set()).add(row.hash)

    def learn(self, rows: Iterable[NameRow]) -> None:
        """Learn rows that others have put into the table."""
        for row in rows:
            self._add(row)

    def rows(self) -> list[NameRow]:
        return [*self._by_hash.values()]

    def leave(self, farmer: FarmerId, time: float) -> None:
        """A visitor left, or a registered farmer left for good."""
        for row in self._of(farmer):
            self._add(row._replace(gone=time))

    def _of(self, farmer: FarmerId) -> list[NameRow]:
        return [self._by_hash[hash] for hash in self._hashes.get(farmer, ())]

    # -- hiding ----------------------------------------------------------------------------------

    def take_fresh(self) -> list[NameRow]:
        """The rows that are new since the last call.  They are stored together with the facts."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def drop(self, rows: Iterable[NameRow]) -> None:
        """Drop rows that are no longer in the table, or were never stored."""
        for row in rows:
            self._by_hash.pop(row.hash, None)
            self._hashes.get(row.farmer, set()).discard(row.hash)
            self._by_farmer.pop((row.farmer, row.name), None)
            if self._by_name.get(row.name) == row.farmer:
                del self._by_name[row.name]

    def forget(self, rows: Iterable[NameRow]) -> None:
        """Drop rows for good: these names never come back under those numbers."""
        rows = list(rows)
        self.drop(rows)
        self._forgotten.update(row.farmer for row in rows)
        self._forgotten_names.update(row.name for row in rows)

    def body(self, fact: Fact) -> str:
        """The fact's fields as the chain holds them."""
        return canonical(self.hide(fact))

    def hide(self, fact: Fact) -> Fact:
        """The fact without names.  A new farmer gets a row."""
        if isinstance(fact, _NAMING):
            return replace(fact, name=self._hidden(fact.farmer, fact.name, new=True))
        if isinstance(fact, Left) and fact.missed:
            return replace(fact, missed=tuple(map(self._hide_end, fact.missed)))
        if isinstance(fact, Begun):
            return replace(fact, state=self.hide_state(fact.state))
        return fact

    def _hide_end(self, end: Happened) -> Happened:
        if isinstance(end, Ended):
            maker = self._hidden(end.offer.maker, end.maker)
            return replace(end, maker=maker, taker=self._hidden(end.offer.taker, end.taker))
        return replace(end, to=self._hidden_name(end.to), source=self._hidden_name(end.source))

    def _hidden(self, farmer: FarmerId, name: str, *, new: bool = False) -> str:
        number = name.rpartition(" ")[2]
        if number.isdecimal() and name == somebody(int(number)):  # It is forgotten already.
            return f"{number} "
        row = self._by_farmer.get((farmer, name))
        if row is None and new and farmer not in self._forgotten:
            salt = self._chance(SALT)
            row = NameRow(hash_of(salt, farmer, name), farmer, salt, name)
            self._add(row)
            self._fresh.append(row)
        if row is None:
            gone = farmer in self._forgotten or name in self._forgotten_names
            return f"{farmer} " if gone else name  # A name in plain, from an older chain.
        return f"{farmer} {row.hash}"

    def _hidden_name(self, name: str) -> str:
        """Hide a name without a number: we take the last farmer with that name."""
        if not name:
            return name
        return self._hidden(self._by_name.get(name, FarmerId(0)), name)

    # -- showing ---------------------------------------------------------------------------------

    def show(self, fact: Fact) -> Fact:
        """The fact with its names.

        :raises ValueError: when a row of the table does not fit its hash.
        """
        if isinstance(fact, _NAMING):
            return replace(fact, name=self._shown(fact.name))
        if isinstance(fact, Left) and fact.missed:
            return replace(fact, missed=tuple(map(self._show_end, fact.missed)))
        if isinstance(fact, Begun):
            return replace(fact, state=self.show_state(fact.state))
        return fact

    def _show_end(self, end: Happened) -> Happened:
        if isinstance(end, Ended):
            return replace(end, maker=self._shown(end.maker), taker=self._shown(end.taker))
        return replace(end, to=self._shown(end.to), source=self._shown(end.source))

    def _shown(self, text: str) -> str:
        number, space, hashed = text.partition(" ")
        if not space or not number.isdecimal():
            return text
        farmer = FarmerId(int(number))
        row = self._by_hash.get(hashed)
        if row is None:
            self.missed = True
            return somebody(farmer)
        if row.farmer != farmer or not row.fits:
            raise ValueError(f"the name of farmer {farmer} does not fit its hash")
        return row.name

    # -- states ----------------------------------------------------------------------------------

    def hide_state(self, state: dict[str, Any]) -> dict[str, Any]:
        """A :meth:`granja.market.market.Market.snapshot` without names."""
        return _with_names(state, self._hidden, self._hidden_name)

    def show_state(self, state: dict[str, Any]) -> dict[str, Any]:
        """A state with its names.

        :raises ValueError: when a row of the table does not fit its hash.
        """
        return _with_names(state, lambda farmer, name: self._shown(name), self._shown)


def _with_names(
    state: dict[str, Any],
    of_farmer: Callable[[FarmerId, str], str],
    of_name: Callable[[str], str],
) -> dict[str, Any]:
    def end(value: dict[str, Any]) -> dict[str, Any]:
        if "offer" in value:
            maker = of_farmer(value["offer"]["maker"], value["maker"])
            return {
                **value,
                "maker": maker,
                "taker": of_farmer(value["offer"]["taker"], value["taker"]),
            }
        return {**value, "to": of_name(value["to"]), "source": of_name(value["source"])}

    def named(pairs: Any) -> list[list[Any]]:
        return [[farmer, of_farmer(farmer, name)] for farmer, name in pairs]

    changed: dict[str, Any] = {
        key: named(state[key]) for key in ("names", "registered") if key in state
    }
    if "away" in state:
        news = state["away"]
        changed["away"] = [[who, {**told, "ends": [*map(end, told["ends"])]}] for who, told in news]
    return {**state, **changed}
