"""Claims: what the way in asks of the table of names that several nodes share."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred

from granja.contract.ids import FarmerId
from granja.people.roster import Farmer
from granja.text.names import Name


class Claims(Protocol):
    """The table of names (:class:`granja.nodes.names.SharedNames`).

    Each Deferred fails with CannotEnter while the table is away.
    """

    def claim(self, name: Name) -> Deferred[Farmer]:
        """Hold a name for a new visitor, or find the farmer who has registered it.

        :returns: fails with NameTaken when a visitor holds the name.
        """

    def enter(self, farmer: Farmer) -> Deferred[None]:
        """Note that they come into the chat here, perhaps from another node."""

    def moves(self, farmer: FarmerId) -> bool:
        """Whether they were in the chat at another node when they came."""

    def watch(self, farmer: FarmerId) -> None:
        """Note that this node has a part in where somebody is who may be at another one: they began
        to come in here, or it objected to the record of their leaving."""

    def watches(self, farmer: FarmerId) -> bool:
        """Whether this node has to see that their leaving of another node is on record."""

    def left(self, farmer: FarmerId) -> None:
        """Note that they are not in the chat, and that the record says so."""

    def verifier(self, farmer: FarmerId) -> Deferred[str]:
        """The verifier of their present password."""

    def concerns(self, farmer: FarmerId) -> bool:
        """Whether this node has to say that they are absent."""
