"""The interface of a ledger that several nodes of one farm share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred
from zope.interface import Attribute

from granja.contract.ids import FarmerId
from granja.ledger.interface import ILedger, Kept
from granja.market.facts import Fact
from granja.text.names import Name


@dataclass(frozen=True, slots=True)
class Holder:
    """A farmer with a name: a row of the table of names.

    ``writer``: the lease of the node where they are, or come in; None while they are away.
    ``arrived``: their place in the order of arrival; None before they are in the chat.
    """

    farmer: FarmerId
    spelling: str
    registered: bool
    writer: int | None
    arrived: int | None


class Watcher(Protocol):
    """Hears, in the reactor's thread, what happens in the ledger."""

    def others(self, after: int, facts: Sequence[Fact]) -> None:
        """Other nodes stored these facts; ``after`` is the sequence number before the first."""

    def beside(self, items: Sequence[Kept]) -> None:
        """Other nodes changed these things beside the chain."""

    def unsure(self) -> None:
        """Nobody knows whether the present write is stored, until :meth:`sure`."""

    def sure(self) -> None:
        """The outcome is known again, and those who wait have their answer."""

    def fenced(self, writer: int) -> None:
        """Another node has ended this node's lease.

        The old lease stores nothing more.  ``writer`` is the number of the new one.
        """

    def orphaned(self, holders: Sequence[Holder]) -> None:
        """The nodes of these farmers died.

        Somebody has to record that the farmers left, and to free their names
        (:meth:`ISharedLedger.free`).
        """


class ISharedLedger(ILedger):
    """An :class:`ILedger` to which other nodes write as well.

    All Deferreds fail with NotStored while the ledger is away.
    """

    writer = Attribute("the number of this node's lease (int), after open()")
    clock_ahead = Attribute(
        "seconds (float) by which the clock that all nodes share is ahead of this machine's"
    )
    older_nodes = Attribute("how many nodes that live began before this one (int)")
    here = Attribute("farmers who are at other nodes that live (Mapping[FarmerId, Holder])")

    def hurry() -> None:
        """Stop waiting for a ledger that is away: the server stops and has waited long enough.

        An append with an unknown outcome then fails with Halted.
        """

    def watch(watcher: Watcher) -> None:  # noqa: N805 (a zope interface has no self)
        """Tell the watcher what others do, from now on.  Call this once, after open()."""

    def claim(name: Name) -> Deferred[Holder]:  # noqa: N805
        """Hold a name for a new visitor of this node.

        :returns: fires with the new row, whose ``farmer`` is a new number; or with the row of the
            farmer who has this name already, or a name that looks like it.
        """

    def enter(farmer: FarmerId, writer: int) -> Deferred[Holder | None]:  # noqa: N805
        """Note that they are in the chat at this node from now on.

        If they were in the chat at another node, they keep their place in the order of arrival.

        :param writer: the lease that this node had when it let them in.
        :returns: fires with the row as it was *before*; None when there is none, or that lease has
            ended: with it, they are out again.
        """

    def free(holders: Iterable[Holder]) -> Deferred[None]:  # noqa: N805
        """Note that these are gone: delete visitors' rows, and set registered farmers away.

        This changes a row only if it still names the same node.
        """

    def nowhere(farmers: Collection[FarmerId]) -> Deferred[set[FarmerId]]:  # noqa: N805
        """Those of these farmers whom the table of names has at no node, or not at all."""

    def living() -> Deferred[set[int]]:
        """The numbers of all leases: the nodes that have not ended."""

    def verifier(farmer: FarmerId) -> Deferred[str]:  # noqa: N805
        """The present password verifier; empty when there is none."""


#: Farmers who are at other nodes.
Elsewhere = Mapping[FarmerId, Holder]
