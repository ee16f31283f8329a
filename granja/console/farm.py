"""What the console needs from a farm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from granja.console.drain import Drained
from granja.contract.ids import FarmerId, OfferId
from granja.ledger.interface import ILedger
from granja.moderation.acts import Acts
from granja.moderation.moderators import Moderators
from granja.moderation.order import Order
from granja.people.roster import Farmer, Roster
from granja.text import names


class Lane(Protocol):
    @property
    def halted(self) -> bool: ...
    @property
    def sequence(self) -> int: ...


class Market(Protocol):
    @property
    def registered(self) -> Mapping[FarmerId, str]: ...
    @property
    def offers(self) -> Mapping[OfferId, Any]: ...
    def snapshot(self) -> dict[str, Any]: ...


class Freezing(Protocol):
    @property
    def frozen(self) -> bool: ...

    def set(self, by: Farmer | None, frozen: bool) -> Deferred[None]:
        """Stop or resume trading."""


class Presence(Protocol):
    @property
    def issuing(self) -> Issuing: ...

    def end_passes(self, farmer: Farmer) -> Deferred[None]:
        """End all their passes; fails with NotStored or Halted."""


class Issuing(Protocol):
    def put_out(self, farmer: Farmer) -> None:
        """They are to leave: no pass of theirs serves any more, and they do not linger."""


class OneUse(Protocol):
    def give(self, farmer: FarmerId) -> Deferred[tuple[str, float]]:
        """Give a password that works once, and when it ends (Unix seconds)."""


class Registration(Protocol):
    @property
    def one_use(self) -> OneUse: ...

    def release(self, farmer: Farmer) -> Deferred[None]:
        """Free a registered name; fails with NotStored, Halted or NotRegistered."""

    def register_for(self, name: names.Name, secret: str) -> Deferred[Farmer]:
        """Register a free name.

        :raises NameTaken: when somebody holds it.
        """


class Farm(Drained, Protocol):
    """What the console needs from a farm."""

    @property
    def acts(self) -> Acts: ...
    @property
    def chance(self) -> Callable[[int], bytes]: ...
    @property
    def registration(self) -> Registration: ...

    @property
    def connections(self) -> Sized: ...
    @property
    def freezing(self) -> Freezing: ...
    @property
    def ledger(self) -> ILedger: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def market(self) -> Market: ...
    @property
    def moderators(self) -> Moderators: ...
    @property
    def order(self) -> Order: ...
    @property
    def presence(self) -> Presence: ...
    @property
    def roster(self) -> Roster: ...
