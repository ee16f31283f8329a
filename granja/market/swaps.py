"""Standing swaps: a yes in advance, to anybody (PROTOCOL §4b).

While a swap stands, its maker has what it gives and lacks what it takes.  What the maker cannot
give any more, or has by now, is struck from the swap for good.  If it could come back, the swap
would trade for ever.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market import columns
from granja.market.columns import Columns

#: Swaps that move to a tidier table at each change.
_CARRIED_AT_ONCE: Final = 8
#: A table with fewer slots is never tidied.
_SMALL: Final = 64


@dataclass(frozen=True, slots=True)
class Swap:
    """``maker`` gives one of ``giving`` for one of ``taking``, with anybody, while both last.

    ``gives`` and ``takes``: what the swap said at first, by number.  ``keep``: the maker keeps the
    last copy of each.  ``expires``: Unix seconds.
    """

    number: OfferId
    maker: FarmerId
    gives: tuple[ArtifactId, ...]
    takes: tuple[ArtifactId, ...]
    keep: bool
    expires: float
    giving: tuple[ArtifactId, ...]
    taking: tuple[ArtifactId, ...]

    @property
    def said(self) -> tuple[tuple[ArtifactId, ...], tuple[ArtifactId, ...], bool]:
        return self.gives, self.takes, self.keep

    def plain(self) -> dict[str, Any]:
        """The swap as values for JSON; :meth:`restore` takes them back."""
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def restore(cls, values: dict[str, Any]) -> Swap:
        lists = {name: tuple(values[name]) for name in ("gives", "takes", "giving", "taking")}
        return cls(**{**values, **lists})


_NAMES = tuple(field.name for field in fields(Swap))


class Table:
    """Which swaps give an artifact, and which take it.

    Each swap has a slot; an older swap has a lower one.  The slots of ended swaps stay empty.  We
    find a slot by halving: a dictionary of all slots would grow in one step, and that takes long.
    """

    def __init__(self) -> None:
        self.givers: Columns = {}
        self.takers: Columns = {}
        self.numbers: list[OfferId] = []

    def __contains__(self, number: OfferId) -> bool:
        """Whether it has a slot, even if it has ended."""
        slot = bisect_left(self.numbers, number)
        return slot < len(self.numbers) and self.numbers[slot] == number

    def bit(self, number: OfferId) -> int:
        """The set that contains only this swap, which has a slot."""
        return 1 << bisect_left(self.numbers, number)

    def add(self, swap: Swap) -> None:
        """Give a slot to a swap.  Its number is higher than all before."""
        self.numbers.append(swap.number)
        bit = self.bit(swap.number)
        for artifact in swap.giving:
            columns.put(self.givers, artifact, bit)
        for artifact in swap.taking:
            columns.put(self.takers, artifact, bit)

    def strike(
        self, before: Swap, giving: Iterable[ArtifactId], taking: Iterable[ArtifactId]
    ) -> None:
        """The swap no longer gives and takes these."""
        bit = self.bit(before.number)
        for artifact in giving:
            columns.drop(self.givers, artifact, bit)
        for artifact in taking:
            columns.drop(self.takers, artifact, bit)

    def remove(self, swap: Swap) -> None:
        self.strike(swap, swap.giving, swap.taking)


class Swaps:
    """The swaps that stand: by number, by maker and by artifact.

    ``table`` is for searches.  When most of its slots are empty, we fill another table, a few swaps
    at each change.  So no change takes long.
    """

    def __init__(self) -> None:
        self.table = Table()
        self._standing: dict[OfferId, Swap] = {}
        self._made: dict[FarmerId, dict[OfferId, None]] = {}
        self._tidier: Table | None = None
        self._to_carry: deque[OfferId] = deque()

    def __contains__(self, number: object) -> bool:
        return number in self._standing

    def __len__(self) -> int:
        return len(self._standing)

    def __getitem__(self, number: OfferId) -> Swap:
        return self._standing[number]

    def get(self, number: OfferId) -> Swap | None:
        return self._standing.get(number)

    def all(self) -> list[Swap]:
        """All swaps, oldest first."""
        return list(self._standing.values())

    def of(self, maker: FarmerId) -> list[Swap]:
        """The swaps of this maker, oldest first."""
        return [self._standing[number] for number in self._made.get(maker, ())]

    def stand(self, swap: Swap) -> None:
        """Let a swap stand.  Its number is higher than all before."""
        self._standing[swap.number] = swap
        self._made.setdefault(swap.maker, {})[swap.number] = None
        self.table.add(swap)
        if self._tidier is not None:
            self._to_carry.append(swap.number)
        self._tidy()

    def end(self, number: OfferId) -> Swap:
        """End a swap.

        :raises KeyError: if it does not stand.
        """
        swap = self._standing.pop(number)
        made = self._made[swap.maker]
        del made[number]
        if not made:
            del self._made[swap.maker]
        for table in self._tables(number):
            table.remove(swap)
        self._tidy()
        return swap

    def strike_gift(self, maker: FarmerId, artifact: ArtifactId, left: int) -> list[Swap]:
        """A copy is gone; ``left`` says how many remain.

        :return: the swaps that this ended.
        """
        gone = [swap for swap in self.of(maker) if artifact in swap.giving and left <= swap.keep]
        return [swap for swap in gone if self._strike(swap, gift=artifact)]

    def strike_wish(self, maker: FarmerId, artifact: ArtifactId) -> list[Swap]:
        """The maker has the artifact now.

        :return: the swaps that this ended.
        """
        got = [swap for swap in self.of(maker) if artifact in swap.taking]
        return [swap for swap in got if self._strike(swap, wish=artifact)]

    def _strike(
        self, swap: Swap, gift: ArtifactId | None = None, wish: ArtifactId | None = None
    ) -> bool:
        """Strike an artifact from a swap.

        :return: whether a side is empty: then the swap has ended.
        """
        giving = tuple(artifact for artifact in swap.giving if artifact != gift)
        taking = tuple(artifact for artifact in swap.taking if artifact != wish)
        if not giving or not taking:
            self.end(swap.number)
            return True
        self._standing[swap.number] = replace(swap, giving=giving, taking=taking)
        for table in self._tables(swap.number):
            table.strike(swap, {*swap.giving} - {*giving}, {*swap.taking} - {*taking})
        return False

    # -- tidying -----------------------------------------------------------------------------

    def _tables(self, number: OfferId) -> list[Table]:
        """The tables with a slot for this swap."""
        tables = [self.table] if self._tidier is None else [self.table, self._tidier]
        return [table for table in tables if number in table]

    def _tidy(self) -> None:
        if self._tidier is None:
            if len(self.table.numbers) <= 2 * len(self._standing) + _SMALL:
                return
            self._tidier = Table()
            self._to_carry = deque(self._standing)
        for _ in range(min(_CARRIED_AT_ONCE, len(self._to_carry))):
            number = self._to_carry.popleft()
            if number in self._standing:
                self._tidier.add(self._standing[number])
        if not self._to_carry:
            self.table, self._tidier = self._tidier, None
