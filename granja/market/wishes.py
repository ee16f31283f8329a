"""Wishes: what people seek and give; without a typed list, what they lack and their spares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress, repeat

from granja.contract.ids import ArtifactId, FarmerId
from granja.market import columns
from granja.market.columns import Columns


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody typed, by number.  None: nothing typed, so what they lack, or their spares."""

    seeks: tuple[ArtifactId, ...] | None = None
    gives: tuple[ArtifactId, ...] | None = None


NOTHING_TYPED = Wish()


class Wishes:
    """Everybody in the market, by what they have, seek and give.  Each farmer has a slot.

    ``used``: the farmers who have ever typed what they seek or give, or made a swap.
    """

    def __init__(self) -> None:
        self.typed: dict[FarmerId, Wish] = {}
        self.used: set[FarmerId] = set()
        self._slots: dict[FarmerId, int] = {}
        self._farmers: list[FarmerId] = []
        self._free: list[int] = []
        self._everybody = 0
        self._typed_seeks = self._typed_gives = 0
        self._has: Columns = {}
        self._has_two: Columns = {}
        self._seek: Columns = {}
        self._give: Columns = {}

    def of(self, farmer: FarmerId) -> Wish:
        return self.typed.get(farmer, NOTHING_TYPED)

    def had(self) -> Iterable[ArtifactId]:
        """The artifacts that anybody has."""
        return self._has

    # -- who -----------------------------------------------------------------------------------

    def seekers(self, artifact: ArtifactId) -> int:
        """The farmers who seek it and have none, whether they typed it or not."""
        anything = self._everybody & ~self._typed_seeks
        return (anything | self._seek.get(artifact, 0)) & ~self._has.get(artifact, 0)

    def who_said_to_seek(self, artifact: ArtifactId) -> int:
        return self._seek.get(artifact, 0) & ~self._has.get(artifact, 0)

    def givers(self, artifact: ArtifactId) -> int:
        """The farmers who have it and give it: because they typed it, or because it is a spare."""
        spare = self._has_two.get(artifact, 0) & ~self._typed_gives
        return spare | self._give.get(artifact, 0) & self._has.get(artifact, 0)

    def bits(self, farmers: Iterable[FarmerId]) -> int:
        """The set of these farmers, without those who are not in the market."""
        found = 0
        for farmer in farmers:
            if farmer in self._slots:
                found |= 1 << self._slots[farmer]
        return found

    def people(self, bits: int) -> Iterator[FarmerId]:
        return columns.chosen(bits, self._farmers)

    def among(self, farmers: Collection[FarmerId], bits: int) -> Iterator[FarmerId]:
        """Those of ``farmers`` who are in a set, in the order of ``farmers``.

        It looks at no more of them than the caller takes.
        """
        marked = columns.marks(bits, len(self._farmers)) + b"\0"  # The last is for no slot.
        slots = map(self._slots.get, farmers, repeat(-1))
        return compress(farmers, map(marked.__getitem__, slots))

    # -- changes -------------------------------------------------------------------------------

    def enter(self, farmer: FarmerId) -> int:
        """Let a farmer into the market.

        :return: the set that contains only this farmer.
        """
        slot = self._slots.get(farmer)
        if slot is None:
            slot = self._slots[farmer] = self._free_slot()
            self._farmers[slot] = farmer
            self._everybody |= 1 << slot
        return 1 << slot

    def _free_slot(self) -> int:
        if self._free:
            return self._free.pop()
        self._farmers.append(FarmerId(0))
        return len(self._farmers) - 1

    def leave(self, farmer: FarmerId, held: Iterable[ArtifactId]) -> None:
        """Remove a farmer who has left for good with what they ``held``."""
        self.used.discard(farmer)
        self._type(farmer, NOTHING_TYPED)
        slot = self._slots.pop(farmer, None)
        if slot is None:
            return
        for artifact in held:
            columns.drop(self._has, artifact, 1 << slot)
            columns.drop(self._has_two, artifact, 1 << slot)
        self._everybody &= ~(1 << slot)
        self._free.append(slot)

    def fill(self, held: Mapping[FarmerId, Mapping[ArtifactId, int]]) -> None:
        """Let all these farmers in, with their copies of each artifact.  Nobody is here yet.

        It works on bytes, because single bits are much slower for ten thousand farmers.
        """
        size = (len(held) + 7) // 8
        has: dict[ArtifactId, bytearray] = {}
        has_two: dict[ArtifactId, bytearray] = {}
        for farmer, copies in held.items():
            self.enter(farmer)
            place, bit = self._slots[farmer] >> 3, 1 << (self._slots[farmer] & 7)
            for artifact, count in copies.items():
                _row(has, artifact, size)[place] |= bit
                if count > 1:
                    _row(has_two, artifact, size)[place] |= bit
        self._has = {a: int.from_bytes(bits, "little") for a, bits in has.items()}
        self._has_two = {a: int.from_bytes(bits, "little") for a, bits in has_two.items()}

    def gained(self, farmer: FarmerId, artifact: ArtifactId, copies: int) -> None:
        """Note how many copies they have now."""
        if copies <= 2:
            columns.put(self._has if copies == 1 else self._has_two, artifact, self.enter(farmer))

    def lost(self, farmer: FarmerId, artifact: ArtifactId, copies: int) -> None:
        """Note how many copies they have left."""
        if copies <= 1:
            columns.drop(self._has_two if copies else self._has, artifact, self.enter(farmer))

    def wish(self, farmer: FarmerId, wish: Wish) -> None:
        self.used.add(farmer)
        self._type(farmer, wish)

    def _type(self, farmer: FarmerId, wish: Wish) -> None:
        before = self.of(farmer)
        if before == wish:
            return
        bit = self.enter(farmer)
        self._exchange(self._seek, before.seeks, wish.seeks, bit)
        self._exchange(self._give, before.gives, wish.gives, bit)
        self._typed_seeks = _with(self._typed_seeks, bit, wish.seeks is not None)
        self._typed_gives = _with(self._typed_gives, bit, wish.gives is not None)
        if wish == NOTHING_TYPED:
            del self.typed[farmer]
        else:
            self.typed[farmer] = wish

    @staticmethod
    def _exchange(
        of: Columns,
        before: Iterable[ArtifactId] | None,
        after: Iterable[ArtifactId] | None,
        bit: int,
    ) -> None:
        for artifact in before or ():
            columns.drop(of, artifact, bit)
        for artifact in after or ():
            columns.put(of, artifact, bit)


def _with(bits: int, bit: int, wanted: bool) -> int:
    return bits | bit if wanted else bits & ~bit


def _row(rows: dict[ArtifactId, bytearray], artifact: ArtifactId, size: int) -> bytearray:
    row = rows.get(artifact)
    if row is None:
        row = rows[artifact] = bytearray(size)
    return row
