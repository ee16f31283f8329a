"""Circulation: the artifacts of the catalog, and those that exist only in people's hands."""

from __future__ import annotations

from granja.contract.catalog import Catalog
from granja.contract.ids import ArtifactId
from granja.market.market import Market


class Circulation:
    """Knows the artifacts that commands may name.

    An operator may take a number out of the catalog.  People keep their copies: they can look at
    them, offer them and give them away.  Nobody can declare such a number, so the number of copies
    never grows.
    """

    def __init__(self, catalog: Catalog, market: Market) -> None:
        self._catalog = catalog
        self._market = market
        self._edition = -1
        self._others: frozenset[ArtifactId] = frozenset()

    def find(self, number: int) -> ArtifactId | None:
        """The artifact with that number; None if there is none."""
        artifact = ArtifactId(number)
        if artifact in self._catalog or artifact in self._only_held():
            return artifact
        return None

    def _only_held(self) -> frozenset[ArtifactId]:
        if self._edition != self._catalog.edition:
            self._edition = self._catalog.edition
            held = self._market.held.values()
            self._others = frozenset(a for inventory in held for a in inventory if inventory[a])
            self._others -= self._catalog.keys()
        return self._others
