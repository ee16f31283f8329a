"""Watching: what happens in the ledger that the nodes share, and what this node does about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, Protocol

from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.board.board import Board
from granja.board.receipts import Receipts
from granja.contract import errors
from granja.contract.ids import FarmerId, OfferId
from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.ledger.shared import Holder
from granja.market.facts import Fact
from granja.market.market import Market
from granja.moderation.acts import Acts
from granja.moderation.order import Order
from granja.nodes.beside import Beside, Follower
from granja.nodes.names import SharedNames
from granja.people.ignoring import Ignoring
from granja.people.passes import Visit
from granja.people.presence import Presence
from granja.people.registration import Registration
from granja.people.roster import Connection, Farmer, Roster


class Hints(Protocol):
    """Tells people of swaps that they could close (:class:`granja.trade.hints.Hints`)."""

    elsewhere: Callable[[OfferId, int], None]

    def tell(self, number: OfferId, most: int, rest: Callable[[int], None]) -> None: ...


class Settling(Protocol):
    """Settles rings of swaps (:class:`granja.trade.settling.Settling`)."""

    def turned_up(self, farmer: FarmerId) -> None:
        """Look again: this farmer is known here by now."""

    def look_again(self) -> None:
        """Settle everything that can settle."""


class Farm(Protocol):
    """The rooms of this node."""

    @property
    def accounts(self) -> Any:
        """See :class:`granja.accounts.passwords.IAccounts`."""

    @property
    def ledger(self) -> Any: ...
    @property
    def market(self) -> Market: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def board(self) -> Board: ...
    @property
    def presence(self) -> Presence: ...
    @property
    def registration(self) -> Registration: ...
    @property
    def roster(self) -> Roster: ...
    @property
    def ignoring(self) -> Ignoring: ...
    @property
    def acts(self) -> Acts: ...
    @property
    def order(self) -> Order: ...
    @property
    def connections(self) -> Collection[Connection]: ...
    @property
    def hints(self) -> Hints: ...
    @property
    def settling(self) -> Settling: ...
    @property
    def followers(self) -> dict[str, Follower]:
        """The followers of further subjects beside the chain."""


class Others(Protocol):
    """This node among the others (:class:`granja.nodes.nodes.Nodes`)."""

    names: SharedNames

    @property
    def writer(self) -> int: ...
    def renumber(self, writer: int) -> None: ...
    def is_first(self) -> bool: ...
    def bury(self, writer: int) -> None: ...
    def lives(self, writer: int) -> bool: ...
    def lingers(self, farmer: FarmerId) -> bool: ...
    def read_by(self, visit: Visit) -> Receipts | None: ...


class Watching:
    """Hears what happens in the ledger (:class:`granja.ledger.shared.Watcher`)."""

    log: ClassVar[Logger] = Logger()

    def __init__(self, farm: Farm, others: Others) -> None:
        self._farm = farm
        self._others = others
        registration = farm.registration
        self._beside = Beside(
            farm.ignoring,
            farm.acts,
            farm.order,
            farm.presence.passes,
            registration.homes,
            farm.followers,
        )

    def others(self, after: int, facts: Sequence[Fact]) -> None:
        self._farm.lane.follow(after, facts)

    def beside(self, items: Sequence[Kept]) -> None:
        self._beside.follow(items)

    def unsure(self) -> None:
        self._farm.lane.unsure()

    def sure(self) -> None:
        self._farm.lane.sure()

    def fenced(self, writer: int) -> None:
        """Put everybody out: for the other nodes, they have left."""
        self._farm.presence.put_all_out(self._farm.connections)
        self._others.renumber(writer)

    def orphaned(self, holders: Sequence[Holder]) -> None:
        """Bury the nodes of these farmers.  Several nodes may do this, more than once."""
        for writer in {holder.writer for holder in holders}:
            if writer is not None and writer != self._others.writer:
                self._others.bury(writer)
        for holder in holders:
            self._bury(holder)

    def _bury(self, holder: Holder) -> None:
        farm, names = self._farm, self._others.names
        farmer = farm.roster.present(holder.farmer)
        if farmer is not None and farmer.elsewhere is None:
            if farm.presence.passes.has_moved(farmer):  # To the node that has ended.
                farm.presence.passes.begin_visit(farmer)
            names.enter(farmer).addErrback(self._not_yet)
        elif farmer is not None and self._is_at_another(farmer):
            pass  # They were at two nodes, and that one knows what to do.
        elif self._others.lingers(holder.farmer):
            if self._others.is_first():
                self._adopt(holder)
        elif farmer is None:
            done = farm.presence.attendance.absent(holder.farmer)
            done.addCallback(lambda _: names.orphaned(holder)).addErrback(self._not_yet)

    def _is_at_another(self, farmer: Farmer) -> bool:
        """Whether they are at another node, and that one lives."""
        return farmer.elsewhere is not None and self._others.lives(farmer.elsewhere.writer)

    def _adopt(self, holder: Holder) -> None:
        visit = self._farm.presence.passes.visits[holder.farmer]
        if self._farm.presence.adopt(visit, self._others.read_by(visit)):
            farmer = self._farm.roster.present(holder.farmer)
            assert farmer is not None
            self._others.names.enter(farmer).addErrback(self._not_yet)
            if farmer.registered:
                self._farm.presence.attendance.absent(farmer.id).addErrback(self._not_yet)
        else:
            self._farm.presence.passes.forget_visit(holder.farmer)

    def _not_yet(self, failure: Failure) -> None:
        """Do nothing: the ledger says it again."""
        failure.trap(errors.NotStored, errors.Halted, errors.CannotEnter)
