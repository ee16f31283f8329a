"""What a ledger promises that several nodes of one farm share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """Who has a name: a row of the table of names.

    ``writer`` is the lease of the node where they are, or are coming in; None while they are away.
    ``arrived`` is their place in the order of arrival, None before they are in the chat.
    """

    farmer: FarmerId
    spelling: str
    registered: bool
    writer: int | None
    arrived: int | None


class Watcher(Protocol):
    """Who hears, in the reactor's thread, what happens at the ledger."""

    def others(self, after: int, facts: Sequence[Fact]) -> None:
        """Other nodes stored these; ``after`` is the sequence number before the first."""

    def beside(self, items: Sequence[Kept]) -> None:
        """Other nodes changed this beside the chain."""

    def unsure(self) -> None:
        """Whether the write under way is stored is not known, until :meth:`sure`."""

    def sure(self) -> None:
        """It is known again, and whoever waits for it has the answer."""

    def fenced(self, writer: int) -> None:
        """The lease of this node was ended by another: nothing of it is stored any more, and this
        is the number of the new one."""

    def orphaned(self, holders: Sequence[Holder]) -> None:
        """The nodes where these were have ended without a word: somebody has to record that they
        left, and to free their names (:meth:`ISharedLedger.free`)."""


class ISharedLedger(ILedger):
    """An :class:`ILedger` to which other nodes write as well.

    All Deferreds fail with NotStored while the ledger is away.
    """

    writer = Attribute("the number of this node's lease (int), after open()")
    here = Attribute("farmers who are at other nodes that live (Mapping[FarmerId, Holder])")

    def hurry() -> None:
        """The server stops, and has waited for long enough: wait no more for a ledger that is away.

        An append whose outcome is not known then fails with Halted.
        """

    def watch(watcher: Watcher) -> None:  # noqa: N805 (a zope interface has no self)
        """Tell it from now on what others do; called once, after open()."""

    def claim(name: Name) -> Deferred[Holder]:  # noqa: N805
        """Hold a name for a new visitor of this node.

        :returns: fires with the new row, whose ``farmer`` is a new number; or with the row of
            whoever has the name, or one that could be mistaken for it, already.
        """

    def enter(farmer: FarmerId) -> Deferred[Holder | None]:  # noqa: N805
        """They are in the chat at this node from now on; the order of arrival is kept when they
        were in the chat at another.

        :returns: fires with the row as it was *before*; None when there is none.
        """

    def free(holders: Iterable[Holder]) -> Deferred[None]:  # noqa: N805
        """These are gone: visitors' rows go, registered farmers are away; but only where the row
        still says the same node."""

    def present() -> Deferred[list[Holder]]:
        """Who is in the chat, at any node, in order of arrival."""

    def verifier(farmer: FarmerId) -> Deferred[str]:  # noqa: N805
        """The password verifier as it is now, empty when there is none."""


#: Farmers who are at other nodes.
Elsewhere = Mapping[FarmerId, Holder]
