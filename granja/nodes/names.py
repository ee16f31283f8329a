"""The table of names that the nodes of a farm share, as this node uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from granja.clockwork.timer import Timer
from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.ledger.interface import NotStored
from granja.ledger.shared import Holder
from granja.nodes.people import SharedRoster
from granja.people.roster import Farmer
from granja.text.names import Name, recall

#: Seconds between two attempts to free names.
RETRY: Final = 1.0
#: Seconds until we claim again the name of somebody who is just leaving, and how often we try.
AGAIN: Final = 0.05
TRIES: Final = 20


class SharedNames:
    """:param ledger: the one that the nodes share (:class:`granja.ledger.shared.ISharedLedger`).
    :param writer: the number of this node, until it hears that its lease has ended.
    :param absent: farmers whose absence this node has to record: no other node was there for it
        when this node began.
    :param lives: whether a node lives, as this one knows.  If not, all have heard that its people
        are gone.
    """

    def __init__(
        self,
        clock: IReactorTime,
        ledger: Any,
        roster: SharedRoster,
        writer: Callable[[], int],
        absent: Iterable[FarmerId],
        lives: Callable[[int], bool],
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._roster = roster
        self._writer = writer
        self._ours = set(absent)
        self._lives = lives
        self._moving: set[FarmerId] = set()
        self._watched: set[FarmerId] = set()
        #: Farmers whose names we must free, and the node where they were.
        self._to_free: dict[FarmerId, int] = {}
        self._retry = Timer(clock, self._free)
        #: Called with a visitor who is here without a name: anybody may have it by now.
        self.dropped: Callable[[Farmer], None] = lambda _: None

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
        known = known or row.farmer in self._to_free
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
        id = farmer.id
        self._watched.discard(id)
        left = self._to_free.pop(id, None)  # The next try would free it from under them.
        asked: Deferred[Holder | None] = self._ledger.enter(id, self._writer())
        return asked.addCallbacks(self._entered, self._not_entered, (id,), errbackArgs=(id, left))

    def _entered(self, before: Holder | None, farmer: FarmerId) -> None:
        if before is None:
            raise errors.CannotEnter
        self._ours.add(farmer)
        self._moving.discard(farmer)
        if before.arrived is not None and before.writer is not None and self._lives(before.writer):
            self._moving.add(farmer)

    def _not_entered(self, failure: Failure, farmer: FarmerId, left: int | None) -> Any:
        """:param left: the node where we had to free their name."""
        if left is not None:
            self._to_free[farmer] = left
            self._retry.start(RETRY)
        return _cannot_enter(failure)

    def moves(self, farmer: FarmerId) -> bool:
        """See :class:`granja.people.claims.Claims`."""
        return farmer in self._moving

    def watch(self, farmer: FarmerId) -> None:
        """See :class:`granja.people.claims.Claims`."""
        self._watched.add(farmer)

    def watches(self, farmer: FarmerId) -> bool:
        """See :class:`granja.people.claims.Claims`."""
        return farmer in self._watched

    def verifier(self, farmer: FarmerId) -> Deferred[str]:
        """See :class:`granja.people.claims.Claims`."""
        asked: Deferred[str] = self._ledger.verifier(farmer)
        return asked.addErrback(_cannot_enter)

    def concerns(self, farmer: FarmerId) -> bool:
        """See :class:`granja.people.claims.Claims`."""
        return farmer in self._ours

    def moved(self, farmer: FarmerId) -> None:
        """Note that another node has to say when this farmer is absent: they are there."""
        self._ours.discard(farmer)

    def all_are_of_others(self) -> None:
        """Note that others have to say when anybody is absent: this node has lost its lease, and
        they have let its people go."""
        self._ours.clear()

    # -- staying ---------------------------------------------------------------------------------

    def check(self) -> None:
        """See whether the table has everybody who is here, after a node was cut off from us: it may
        have taken them in and let them go, and we did not hear it."""
        here = [farmer for id, farmer in self._roster.here.people.items() if id in self._ours]
        if here:
            entered = {farmer: farmer.entered for farmer in here}
            asked: Deferred[set[FarmerId]] = self._ledger.nowhere([one.id for one in here])
            asked.addCallbacks(self._checked, _another_time, (entered,))

    def _checked(self, nowhere: set[FarmerId], here: dict[Farmer, float]) -> None:
        """:param here: when they came in, as it was when we asked."""
        for farmer, entered in here.items():
            present = self._roster.here.people.get(farmer.id)
            if farmer.id in nowhere and present is farmer and farmer.entered == entered:
                if farmer.registered:
                    self.enter(farmer).addErrback(_another_time)
                else:
                    self.dropped(farmer)

    # -- leaving ---------------------------------------------------------------------------------

    def left(self, farmer: FarmerId) -> None:
        """See :class:`granja.people.claims.Claims`."""
        self._ours.discard(farmer)
        self._moving.discard(farmer)
        self._watched.discard(farmer)
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


def _another_time(failure: Failure) -> None:
    """Do nothing: the table is away."""
    failure.trap(NotStored, errors.CannotEnter)


def _cannot_enter(failure: Failure) -> Any:
    failure.trap(NotStored)
    raise errors.CannotEnter
