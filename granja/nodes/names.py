"""The table of names that the nodes of a farm share, as this node uses it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from granja.clockwork.timer import Timer
from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.ledger.interface import NotStored
from granja.ledger.shared import Holder
from granja.people.roster import Farmer, Roster
from granja.text.names import Name, recall

#: Seconds between two attempts to free names.
RETRY: Final = 1.0
#: Seconds until we claim again the name of somebody who is just leaving, and how often we try.
AGAIN: Final = 0.05
TRIES: Final = 20


class SharedNames:
    """:param ledger: the one that the nodes share (:class:`granja.ledger.shared.ISharedLedger`).
    :param absent: farmers whose absence this node has to record: no other node was there for it
        when this node began.
    """

    def __init__(
        self, clock: IReactorTime, ledger: Any, roster: Roster, absent: Iterable[FarmerId]
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._roster = roster
        self._ours = set(absent)
        self._moving: set[FarmerId] = set()
        self._stayed: set[FarmerId] = set()
        #: Farmers whose names we must free, and the node where they were.
        self._to_free: dict[FarmerId, int] = {}
        self._retry = Timer(clock, self._free)

    # -- coming ----------------------------------------------------------------------------------

    def claim(self, name: Name) -> Deferred[Farmer]:
        """See :class:`granja.people.claims.Claims`."""
        return self._claim(name, TRIES)

    def _claim(self, name: Name, tries: int) -> Deferred[Farmer]:
        asked: Deferred[Holder] = self._ledger.claim(name)
        return asked.addCallbacks(self._claimed, _cannot_enter, (name, tries))

    def _claimed(self, row: Holder, name: Name, tries: int) -> Deferred[Farmer] | Farmer:
        if row.registered:
            return self._owner(row)
        if row.writer == self._ledger.writer and row.farmer in self._to_free and tries:
            again: Deferred[None] = Deferred()  # They are just leaving.
            self._clock.callLater(AGAIN, again.callback, None)
            return again.addCallback(lambda _: self._claim(name, tries - 1))
        known = self._roster.present(row.farmer) is not None or row.farmer in self._ours
        if known or row.writer != self._ledger.writer or row.spelling != name.spelling:
            raise errors.NameTaken
        self._ours.add(row.farmer)
        visitor = Farmer(row.farmer, name)
        try:
            self._roster.hold(visitor)
        except ValueError:
            self.left(row.farmer)
            raise errors.NameTaken from None
        return visitor

    def _owner(self, row: Holder) -> Farmer:
        """The owner of a name, even if this node has not read the registration yet."""
        name = recall(row.spelling)
        known = self._roster.holder(name)
        if known is None or known.id != row.farmer:
            known = Farmer(row.farmer, name, registered=True)
            try:
                self._roster.hold(known)
            except ValueError:
                raise errors.NameTaken from None
        return known

    def enter(self, farmer: Farmer) -> Deferred[None]:
        """See :class:`granja.people.claims.Claims`."""
        self._stayed.discard(farmer.id)
        asked: Deferred[Holder | None] = self._ledger.enter(farmer.id)
        return asked.addCallbacks(self._entered, _cannot_enter, (farmer.id,))

    def _entered(self, before: Holder | None, farmer: FarmerId) -> None:
        if before is None:
            raise errors.CannotEnter
        self._ours.add(farmer)
        self._to_free.pop(farmer, None)
        self._moving.discard(farmer)
        if before.arrived is not None and before.writer not in (None, self._ledger.writer):
            self._moving.add(farmer)

    def confirm(self, farmer: Farmer) -> Deferred[bool]:
        """See :class:`granja.people.claims.Claims`."""
        asked: Deferred[Holder | None] = self._ledger.enter(farmer.id)
        return asked.addCallbacks(lambda before: before is not None, _cannot_enter)

    def moves(self, farmer: FarmerId) -> bool:
        """See :class:`granja.people.claims.Claims`."""
        return farmer in self._moving

    def stays(self, farmer: FarmerId) -> None:
        """See :class:`granja.people.claims.Claims`."""
        self._stayed.add(farmer)

    def has_stayed(self, farmer: FarmerId) -> bool:
        """See :class:`granja.people.claims.Claims`."""
        return farmer in self._stayed

    def verifier(self, farmer: FarmerId) -> Deferred[str]:
        """See :class:`granja.people.claims.Claims`."""
        asked: Deferred[str] = self._ledger.verifier(farmer)
        return asked.addErrback(_cannot_enter)

    def concerns(self, farmer: FarmerId) -> bool:
        """See :class:`granja.people.claims.Claims`."""
        return farmer in self._ours

    # -- leaving ---------------------------------------------------------------------------------

    def left(self, farmer: FarmerId) -> None:
        """See :class:`granja.people.claims.Claims`."""
        self._ours.discard(farmer)
        self._moving.discard(farmer)
        self._stayed.discard(farmer)
        self._to_free[farmer] = self._ledger.writer
        self._free()

    def orphaned(self, holder: Holder) -> None:
        """Free the name of a farmer whose node is gone.  The record says that they left."""
        if holder.writer is not None:
            self._to_free[holder.farmer] = holder.writer
            self._free()

    def _free(self) -> None:
        freeing = dict(self._to_free)
        rows = [Holder(farmer, "", False, writer, None) for farmer, writer in freeing.items()]
        if rows:
            freed: Deferred[None] = self._ledger.free(rows)
            freed.addCallbacks(self._freed, self._not_freed, (freeing,))

    def _freed(self, _: None, freed: dict[FarmerId, int]) -> None:
        for farmer, writer in freed.items():
            if self._to_free.get(farmer) == writer:
                del self._to_free[farmer]

    def _not_freed(self, failure: Failure) -> None:
        failure.trap(NotStored)
        self._retry.start(RETRY)

    def stop(self) -> None:
        """Stop trying.  The other nodes notice a node that is gone."""
        self._retry.stop()
        self._to_free.clear()


def _cannot_enter(failure: Failure) -> Any:
    failure.trap(NotStored)
    raise errors.CannotEnter
