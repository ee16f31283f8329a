"""Rings: swaps in a circle.  Each gives what the next one takes.

The search goes by artifact, not by people.  A layer is the set of artifacts that one more swap
gives
for those of the layer before.  No artifact is in two layers, so a ring never uses a copy twice.
Nobody takes what they have, so nobody gets their own copy back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from granja.contract.ids import ArtifactId, OfferId
from granja.market import columns
from granja.market.columns import Columns
from granja.market.swaps import Swap, Swaps, Table

#: The search may use all swaps.
ALL = -1


@dataclass(frozen=True, slots=True)
class Ring:
    """The maker of each of ``swaps`` gives one of ``gives`` to the maker of the next, in a
    circle."""

    swaps: tuple[OfferId, ...]
    gives: tuple[ArtifactId, ...]


def closed_by(swaps: Swaps, closing: Swap, usable: int = ALL) -> Ring | None:
    """The shortest ring with ``closing`` in it; of several, the one with the oldest swaps.

    :param usable: the slots of ``swaps.table`` that it may use.
    """
    table = swaps.table
    path = _path(table, closing.giving, closing.taking, usable)
    if path is None:
        return None
    circle = [closing, *(swaps[table.numbers[slot]] for slot in path)]
    after = [*circle[1:], closing]
    pairs = zip(circle, after, strict=True)
    gives = [min({*giver.giving} & {*taker.taking}) for giver, taker in pairs]
    return Ring(tuple(swap.number for swap in circle), tuple(gives))


def _path(
    table: Table, giving: Iterable[ArtifactId], taking: Iterable[ArtifactId], usable: int
) -> list[int] | None:
    """The slots of the fewest swaps that lead from ``giving`` to ``taking``."""
    goal = frozenset(taking)
    layers = [frozenset(giving)]
    seen = set(layers[0])
    while not layers[-1] & goal:
        reached = _next_layer(table, layers[-1], seen, usable)
        if not reached:
            return None
        seen |= reached
        layers.append(reached)
    layers[-1] &= goal
    return _oldest(table, _leading(table, layers, usable), usable)


def _next_layer(
    table: Table, layer: Iterable[ArtifactId], seen: set[ArtifactId], usable: int
) -> frozenset[ArtifactId]:
    takers = _any(table.takers, layer) & usable
    if not takers:
        return frozenset()
    return frozenset(
        artifact
        for artifact, givers in table.givers.items()
        if artifact not in seen and givers & takers
    )


def _leading(
    table: Table, layers: Sequence[frozenset[ArtifactId]], usable: int
) -> list[frozenset[ArtifactId]]:
    """The part of each layer that leads to the last one."""
    kept = [layers[-1]]
    for layer in reversed(layers[:-1]):
        givers = _any(table.givers, kept[-1]) & usable
        kept.append(frozenset(a for a in layer if table.takers.get(a, 0) & givers))
    return kept[::-1]


def _oldest(table: Table, layers: Sequence[frozenset[ArtifactId]], usable: int) -> list[int]:
    """A swap for each step between layers: the oldest that fits the one before it."""
    chosen: list[int] = []
    at = layers[0]
    for layer in layers[1:]:
        slot = columns.first(_any(table.takers, at) & _any(table.givers, layer) & usable)
        chosen.append(slot)
        at = frozenset(artifact for artifact in layer if table.givers[artifact] >> slot & 1)
    return chosen


def _any(of: Columns, artifacts: Iterable[ArtifactId]) -> int:
    found = 0
    for artifact in artifacts:
        found |= of.get(artifact, 0)
    return found


def reachable(
    table: Table,
    artifacts: Iterable[ArtifactId],
    usable: int = ALL,
    known: Iterable[ArtifactId] = (),
) -> set[ArtifactId]:
    """These artifacts, and everything that standing swaps give for them.

    :param known: artifacts not to look at again: an earlier search found them and what they give.
    """
    layer = frozenset(artifacts)
    found, seen = set(layer), {*layer, *known}
    while layer := _next_layer(table, layer, seen, usable):
        found |= layer
        seen |= layer
    return found


def leading(table: Table, artifacts: Iterable[ArtifactId], usable: int = ALL) -> set[ArtifactId]:
    """These artifacts, and everything for which standing swaps give them."""
    layer = frozenset(artifacts)
    seen = set(layer)
    while layer:
        givers = _any(table.givers, layer) & usable
        layer = frozenset(
            a for a, takers in table.takers.items() if a not in seen and takers & givers
        )
        seen |= layer
    return seen


def any_ring(swaps: Swaps, usable: int = ALL) -> Ring | None:
    """A ring, if there is one: the shortest that the youngest possible swap closes.

    The search first drops artifacts that no swap takes, or that no swap gives, until none is left
    to drop.  A ring can only be among the rest.
    """
    table = swaps.table
    left = {*table.givers} & {*table.takers}
    while True:
        takers, givers = _any(table.takers, left) & usable, _any(table.givers, left) & usable
        kept = {a for a in left if table.takers[a] & givers and table.givers[a] & takers}
        if kept == left:
            break
        left = kept
    candidates = _any(table.takers, left) & _any(table.givers, left) & usable
    for slot in reversed(list(columns.slots(candidates))):
        ring = closed_by(swaps, swaps[table.numbers[slot]], usable)
        if ring is not None:
            return ring
    return None
