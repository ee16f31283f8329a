"""Rings: swaps in a circle, each of which gives what the next one takes.

The search goes by artifact and not by people: a layer is the artifacts that can be had for those of
the layer before, by one more swap.  No artifact is in two layers, so a ring never uses a copy twice
and, because nobody takes what they have, hands nobody back their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from granja.contract.ids import ArtifactId, OfferId
from granja.market import columns
from granja.market.columns import Columns
from granja.market.swaps import Swap, Swaps, Table

#: All swaps may be used.
ALL = -1


@dataclass(frozen=True, slots=True)
class Ring:
    """The maker of each of ``swaps`` gives one of ``gives`` to that of the next, in a circle."""

    swaps: tuple[OfferId, ...]
    gives: tuple[ArtifactId, ...]


def closed_by(swaps: Swaps, closing: Swap, usable: int = ALL) -> Ring | None:
    """The shortest ring that ``closing`` is part of, and of those the one of the oldest swaps.

    :param usable: the slots of ``swaps.table`` that may be part of it.
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
    """The slots of the fewest swaps by which ``giving`` becomes ``taking``."""
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
    """Of each layer what leads to the last one."""
    kept = [layers[-1]]
    for layer in reversed(layers[:-1]):
        givers = _any(table.givers, kept[-1]) & usable
        kept.append(frozenset(a for a in layer if table.takers.get(a, 0) & givers))
    return kept[::-1]


def _oldest(table: Table, layers: Sequence[frozenset[ArtifactId]], usable: int) -> list[int]:
    """A swap for each step from layer to layer, each the oldest that fits the one before it."""
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
    """These, and all that can be had for them by standing swaps.

    :param known: is not looked at again: it, and all that can be had for it, was found before.
    """
    layer = frozenset(artifacts)
    found, seen = set(layer), {*layer, *known}
    while layer := _next_layer(table, layer, seen, usable):
        found |= layer
        seen |= layer
    return found


def leading(table: Table, artifacts: Iterable[ArtifactId], usable: int = ALL) -> set[ArtifactId]:
    """These, and all for which they can be had by standing swaps."""
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
    """A ring, if there is one: of those that the youngest swap closes, the shortest.

    Artifacts that nothing can be had for, or that can be had for nothing, are in no ring; what is
    left when those are gone one after the other, is.
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
