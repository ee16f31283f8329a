"""Which artifacts there are: those of the catalog, and those that are only in people's hands."""

from __future__ import annotations

from granja.contract.catalog import Catalog
from granja.contract.ids import ArtifactId
from granja.market.market import Market


class Circulation:
    """An operator may take a number out of the catalog; what people hold of it stays theirs.

    It can be looked at, offered and given away, and not be declared any more: so there are never
    more of these numbers than when the catalog came.
    """

    def __init__(self, catalog: Catalog, market: Market) -> None:
        self._catalog = catalog
        self._market = market
        self._edition = -1
        self._others: frozenset[ArtifactId] = frozenset()

    def find(self, number: int) -> ArtifactId | None:
        """The artifact of that number, if there is one."""
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
