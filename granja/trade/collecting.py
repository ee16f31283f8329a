"""A collection: what a farmer has, finds and gives away for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from twisted.internet.defer import Deferred

from granja.contract import errors, messages
from granja.contract.answers import known_artifact
from granja.contract.catalog import Catalog
from granja.contract.ids import ArtifactId
from granja.ledger.lane import Lane
from granja.market import holding
from granja.market.facts import Fact
from granja.market.market import Market
from granja.people.roster import Farmer
from granja.settings import Settings
from granja.trade.circulation import Circulation
from granja.trade.notices import Teller


class Collecting:
    """The commands for one's own artifacts.  ``me`` is the farmer who typed the line."""

    def __init__(
        self, settings: Settings, catalog: Catalog, market: Market, lane: Lane, teller: Teller
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._circulation = Circulation(catalog, market)
        self._market = market
        self._lane = lane
        self._teller = teller

    def show_inventory(self, me: Farmer) -> None:
        me.tell(self._teller.inventory(me.id))

    def show_artifact(self, me: Farmer, number: int) -> None:
        me.tell(messages.ArtifactIs(self._catalog.describe(self._known(number))))

    def show_catalog(self, me: Farmer) -> None:
        me.tell(*(messages.CatalogEntry(artifact) for artifact in self._catalog.values()))

    def add(self, me: Farmer, number: int) -> Deferred[None]:
        """``:agregar`` (PROTOCOL §3).

        :raises DeclaredOnce: when the operator lets nobody add.
        :raises UnknownArtifact: when the catalog has no such number.
        """
        if self._settings.declare_once:
            raise errors.DeclaredOnce
        artifact = known_artifact(number, self._catalog)
        declare = partial(holding.decide_declaration, self._market, me.id, str(me), [artifact])
        return self._change(me, declare)

    def remove(self, me: Farmer, number: int) -> Deferred[None]:
        """``:quitar``."""
        artifact = self._known(number)
        return self._change(me, partial(holding.decide_withdrawal, self._market, me.id, artifact))

    def _known(self, number: int) -> ArtifactId:
        """The artifact with that number.

        :raises UnknownArtifact: when there is none.
        """
        found = self._circulation.find(number)
        return known_artifact(number, self._catalog) if found is None else found

    def _change(self, me: Farmer, decide: Callable[[], Sequence[Fact]]) -> Deferred[None]:
        done = self._lane.submit([me.id], decide)
        return done.addCallback(lambda _: self.show_inventory(me))
