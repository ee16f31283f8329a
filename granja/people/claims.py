"""Names where several nodes have them in common: what each step of the way in has to ask for."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred

from granja.contract.ids import FarmerId
from granja.people.roster import Farmer
from granja.text.names import Name


class Claims(Protocol):
    """The table of names (:class:`granja.nodes.names.SharedNames`).

    All that is waited for fails with CannotEnter while the table is away.
    """

    def claim(self, name: Name) -> Deferred[Farmer]:
        """Hold a name for a new visitor; or whoever has registered it.

        :returns: fails with NameTaken when it is a visitor's.
        """

    def enter(self, farmer: Farmer) -> Deferred[None]:
        """They come into the chat here; also from another node."""

    def moves(self, farmer: FarmerId) -> bool:
        """Whether they were in the chat at another node when they came."""

    def left(self, farmer: FarmerId) -> None:
        """They are in the chat no more, and that is on record; or they never were."""

    def verifier(self, farmer: FarmerId) -> Deferred[str]:
        """Of the password as it is now."""

    def concerns(self, farmer: FarmerId) -> bool:
        """Whether it is for this node to say that somebody is absent."""
