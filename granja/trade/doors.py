"""Doors: who takes new offers, and from whom (PROTOCOL §4)."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from granja.contract import messages
from granja.contract.ids import FarmerId
from granja.ledger.interface import AllKept, Kept
from granja.ledger.lane import Lane
from granja.people.ignoring import Ignoring
from granja.people.keepsakes import Keepsakes
from granja.people.roster import Farmer

#: The ledger's subject.  It has a key for each farmer with a closed door.
SUBJECT = "closed-doors"


class Doors:
    """:param kept: what the ledger keeps beside its chain, by subject and key."""

    def __init__(self, lane: Lane, ignoring: Ignoring, kept: AllKept) -> None:
        self._keepsakes = Keepsakes(lane)
        self._ignoring = ignoring
        keys = kept.get(SUBJECT, {})
        self._closed = {FarmerId(int(key)) for key in keys if key.isascii() and key.isdigit()}

    def closed_to(self, taker: FarmerId, maker: FarmerId) -> bool:
        """Whether ``taker`` takes no new offer from ``maker``, for whatever reason."""
        return taker in self._closed or maker in self._ignoring.ignored_by(taker)

    def set_open(self, me: Farmer, open: bool) -> Deferred[None] | None:
        """``:ofertas no`` and ``:ofertas si``."""

        def done() -> None:
            if open:
                self._closed.discard(me.id)
            else:
                self._closed.add(me.id)
            me.tell(messages.DOOR_OPEN if open else messages.DOOR_CLOSED)

        return self._keepsakes.keep(me, [_kept(me.id, None if open else True)], done)

    def follow(self, item: Kept) -> None:
        """Follow another node, which has opened or closed a door."""
        if item.key.isascii() and item.key.isdigit():
            change = self._closed.discard if item.value is None else self._closed.add
            change(FarmerId(int(item.key)))

    def carried(self, farmer: Farmer) -> list[Kept]:
        """What the ledger must keep when this visitor registers."""
        return [_kept(farmer.id, True)] if farmer.id in self._closed else []

    def farmers(self) -> set[FarmerId]:
        """All whose door is closed."""
        return {*self._closed}

    def forget(self, visitor: FarmerId) -> None:
        """Forget a visitor whose visit is over."""
        if visitor in self._closed:
            self._closed.remove(visitor)
            self._keepsakes.keep_soon([_kept(visitor, None)])


def _kept(farmer: FarmerId, value: bool | None) -> Kept:
    return Kept(SUBJECT, str(farmer), value)
