"""Farm: the rooms that each connection and each command gets.

:class:`Farm` is what the factory offers.  This room says only what it needs.  So nothing here
imports the factory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from granja.board.board import Board
from granja.contract import commands
from granja.contract.catalog import Catalog
from granja.contract.ids import ArtifactId, FarmerId
from granja.contract.messages import Inventory, Message
from granja.ledger.lane import Lane
from granja.market.market import Market
from granja.market.offers import News
from granja.people.ignoring import Ignoring
from granja.people.incidents import Incidents
from granja.people.one_use import OneUse
from granja.people.roster import Connection, Farmer, Roster
from granja.people.visits import Journal
from granja.settings import Settings


class Notices(Protocol):
    """What a farmer reads about the market."""

    def inventory(self, farmer: FarmerId) -> Inventory: ...
    def offers(self, farmer: FarmerId) -> list[Message]: ...

    def meanwhile(self, farmer: FarmerId, news: News) -> list[Message]:
        """What a farmer who comes back has not heard yet."""


class Hints(Protocol):
    """Who hears of swaps (:class:`granja.trade.hints.Hints`)."""

    def came_in(self, farmer: Farmer) -> None: ...
    def went(self, farmer: Farmer) -> None: ...
    def greeting(self, farmer: Farmer) -> list[Message]: ...


class Comings(Protocol):
    """Who comes in (:class:`granja.people.presence.Presence`)."""

    def arrive(
        self, farmer: Farmer, connection: Connection, artifacts: Sequence[ArtifactId]
    ) -> Deferred[None]: ...

    def come_back(self, farmer: Farmer, connection: Connection) -> Deferred[None]: ...
    def bearer(self, secret: str) -> Farmer | None:
        """The farmer of a pass; None if the pass does not work."""

    def is_unheard(self, secret: str) -> bool:
        """Whether this is the pass of a visitor who is at another node, and we have not heard that:
        the bus is away."""

    def return_with(
        self, secret: str, number: int | None, connection: Connection
    ) -> Deferred[None]:
        """Bring somebody back with a pass.

        :param number: of the last line that they have heard, if they say so.
        :raises BadPass: when the pass does not work.
        """


class Leavings(Comings, Protocol):
    """Who comes in, and who goes when a connection ends."""

    def gone(self, connection: Connection) -> None:
        """Leave the chat, or free a name that was only claimed: a connection ended."""


class Doorkeeper(Protocol):
    """Counts the connections of each network."""

    def enter(self, address: str) -> float:
        """Count somebody who comes in.

        :return: seconds that their first question has to wait.
        """

    def leave(self, address: str) -> None:
        """Count them no more: they are gone."""


class Talk(commands.Talk, Protocol):
    """The commands of talk, and talk of many lines."""

    def say_block(self, me: Farmer, data: bytes) -> None:
        """Say clean lines of plain talk: UTF-8 with LF between them."""


class Registry(commands.Registration, Protocol):
    """The commands of names, and the question who may use a name."""

    def claim(self, text: str) -> Farmer | Deferred[Farmer]:
        """The registered farmer of this name, or a new visitor who holds it from now on.

        A Deferred fails with the same errors, and with CannotEnter.

        :raises InvalidName: when it is not a name.
        :raises NameTaken: when a visitor holds it, or a name that looks like it.
        """

    def check(
        self, farmer: Farmer, password: str, address: str, waits: Callable[[], object]
    ) -> Deferred[bool]:
        """Whether this is the farmer's password.

        :param waits: called when the answer must wait after too many wrong ones.
        """

    @property
    def one_use(self) -> OneUse: ...

    def spend(self, farmer: Farmer, password: str) -> Deferred[None]:
        """Use up an operator's password.  All passes of the farmer end."""

    def renew(self, farmer: Farmer, password: str, connection: Connection) -> Deferred[None]:
        """Set a new password for a farmer who comes in on this connection."""

    def judge(self, right: bool, address: str, waits: Callable[[], object]) -> Deferred[bool]:
        """Whether a pass was right; the answer may have to wait."""

    def let_go(self, farmer: Farmer) -> None:
        """Free a name: its visitor has gone before coming in."""

    def came_in(self, farmer: Farmer, address: str) -> None:
        """Note that a registered farmer is in the chat, from this address."""


class Order(Protocol):
    """What moderators have forbidden to whom."""

    def turns_away(self, farmer: Farmer, connection: Connection) -> bool:
        """Turn a banned farmer away: tell them and close.

        :return: whether they are banned.
        """

    def welcome(self, farmer: Farmer) -> None:
        """Note that they come into the chat."""


class Farm(commands.Farm, Protocol):
    """Everything that the connections of one farm share.

    ``now``: the time of day, in Unix seconds.  ``closing``: the server stops.  ``draining``: nobody
    may come in.
    """

    clock: IReactorTime
    now: Callable[[], float]
    closing: bool
    draining: bool

    @property
    def board(self) -> Board: ...
    @property
    def catalog(self) -> Catalog: ...
    @property
    def incidents(self) -> Incidents: ...
    @property
    def hints(self) -> Hints: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def ignoring(self) -> Ignoring: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def market(self) -> Market: ...
    @property
    def order(self) -> Order: ...
    @property
    def presence(self) -> Comings: ...
    @property
    def roster(self) -> Roster: ...
    @property
    def registration(self) -> Registry: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def talk(self) -> Talk: ...
    @property
    def teller(self) -> Notices: ...


class Host(Farm, Protocol):
    """What a connection needs from the factory that made it."""

    refusals: Counter[str]

    @property
    def doorkeeper(self) -> Doorkeeper: ...

    @property
    def presence(self) -> Leavings: ...

    def welcome(self, connection: Connection) -> None:
        """Count a new connection."""

    def forget(self, connection: Connection) -> None:
        """Forget a connection that is closed at both ends."""
