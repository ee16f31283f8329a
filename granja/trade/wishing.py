"""Wishing: what a farmer lacks, who gives and seeks what, and what the farmer seeks and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from twisted.internet.defer import Deferred

from granja.contract import errors, messages
from granja.contract.answers import (
    EVERYTHING,
    NOTHING,
    SPARES,
    artifact_list,
    folded,
    known_artifact,
)
from granja.contract.catalog import Artifact, Catalog
from granja.contract.ids import ArtifactId, FarmerId
from granja.ledger.lane import Lane
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.swapping import decide_wish
from granja.market.wishes import Wish
from granja.people.roster import Farmer, Roster
from granja.settings import Settings
from granja.trade.hints import Hints

#: Names that ``:quien`` shows on each side (PROTOCOL §4b).
MOST_NAMES = 20
#: So many farmers are quickly sorted.
FEW = 200

Artifacts = tuple[ArtifactId, ...]


class Wishing:
    """The commands about what people seek and give.  ``me`` is the farmer who typed the line."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        roster: Roster,
        market: Market,
        lane: Lane,
        hints: Hints,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._roster = roster
        self._market = market
        self._lane = lane
        self._hints = hints

    # -- looking ---------------------------------------------------------------------------------

    def show_missing(self, me: Farmer) -> None:
        """``:falta``."""
        self._hints.note_use(me)
        copies = self._market.copies(me.id)
        missing = [number for number in self._catalog if not copies.get(ArtifactId(number))]
        me.tell(messages.Missing(self._described(missing), len(self._catalog)))

    def show_who(self, me: Farmer, number: int) -> None:
        """``:quien``: people here in order of arrival, then registered ones who are away."""
        self._hints.note_use(me)
        artifact = known_artifact(number, self._catalog)
        wishes, here = self._market.wishes, self._hints.view().here
        givers, more_givers = self._names(wishes.givers(artifact) & here)
        seekers, more_seekers = self._names(wishes.who_said_to_seek(artifact) & here)
        more = messages.Unnamed(more_givers, more_seekers)
        me.tell(messages.Who(self._catalog[artifact], givers, seekers, more))

    def _names(self, bits: int) -> tuple[tuple[str, ...], int]:
        """The names of these, and how many more there are.

        There may be ten thousand, so it looks at few of them.
        """
        count, wishes = bits.bit_count(), self._market.wishes
        if count <= FEW:
            named = self._roster.in_order(wishes.people(bits))[:MOST_NAMES]
        else:
            named = [*islice(wishes.among(self._roster.ids(), bits), MOST_NAMES)]
        if len(named) < min(count, MOST_NAMES):
            away = filter(self._is_away, sorted(wishes.people(bits)))
            named += islice(away, MOST_NAMES - len(named))
        return tuple(map(self._name, named)), count - len(named) if len(named) == MOST_NAMES else 0

    def _is_away(self, id: FarmerId) -> bool:
        return id in self._market.registered and self._roster.present(id) is None

    def _name(self, id: FarmerId) -> str:
        farmer = self._roster.present(id)
        return self._market.registered[id] if farmer is None else str(farmer)

    def show_person(self, me: Farmer, name: str) -> None:
        """``:ver`` (PROTOCOL §4b).

        :raises Nobody: when nobody has this name.
        """
        self._hints.note_use(me)
        person = self._roster.person(name)
        if person is None:
            raise errors.Nobody(name)
        view, typed = self._hints.view(), self._market.wishes.of(person.id)
        seeks = None if typed.seeks is None else self._described(view.seeks(person.id))
        me.tell(messages.Shown(str(person), self._described(view.gives(person.id)), seeks))

    # -- what one seeks and gives ------------------------------------------------------------------

    def seek(self, me: Farmer, text: str | None) -> Deferred[None] | None:
        """``:busco``."""
        self._hints.note_use(me)
        if text is None:
            self._show_seeks(me)
            return None
        seeks = self._listed(text, EVERYTHING)
        return self._wish(me, lambda wish: replace(wish, seeks=seeks), self._show_seeks)

    def give(self, me: Farmer, text: str | None) -> Deferred[None] | None:
        """``:doy``."""
        self._hints.note_use(me)
        if text is None:
            self._show_gives(me)
            return None
        gives = self._listed(text, SPARES)
        return self._wish(me, lambda wish: replace(wish, gives=gives), self._show_gives)

    def _wish(
        self, me: Farmer, change: Callable[[Wish], Wish], show: Callable[[Farmer], None]
    ) -> Deferred[None]:
        """Change the wish of ``me``, and show it as it is then."""

        def decide() -> Sequence[Fact]:
            return decide_wish(self._market, me.id, change(self._market.wishes.of(me.id)))

        return self._lane.submit([me.id], decide).addCallback(lambda _: show(me))

    def _listed(self, text: str, default: str) -> Artifacts | None:
        """The typed numbers, sorted; None for the word that means the same as nothing typed."""
        word = folded(text.strip())
        if word == default:
            return None
        if word == NOTHING:
            return ()
        numbers = artifact_list(text, self._catalog, self._settings.limits.artifacts)
        return tuple(sorted({*numbers}))

    def _show_seeks(self, me: Farmer) -> None:
        mode = "all" if self._market.wishes.of(me.id).seeks is None else "list"
        me.tell(messages.Seeks(mode, self._described(self._hints.view().seeks(me.id))))

    def _show_gives(self, me: Farmer) -> None:
        mode = "spares" if self._market.wishes.of(me.id).gives is None else "list"
        me.tell(messages.Gives(mode, self._described(self._hints.view().gives(me.id))))

    def _described(self, numbers: Iterable[int]) -> tuple[Artifact, ...]:
        return tuple(map(self._catalog.describe, numbers))
