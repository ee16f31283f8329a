"""What people meet in a farm: the rooms that each connection and each command is given.

:class:`Farm` is what the factory offers.  This room only says what it needs of it, so that nothing
here imports the factory.
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
    """What a farmer reads of the market."""

    def inventory(self, farmer: FarmerId) -> Inventory: ...
    def offers(self, farmer: FarmerId) -> list[Message]: ...

    def meanwhile(self, farmer: FarmerId, news: News) -> list[Message]:
        """What a farmer who comes back has still to hear."""


class Hints(Protocol):
    """Who hears of swaps (:class:`granja.trade.hints.Hints`)."""

    def came_in(self, farmer: Farmer) -> None: ...
    def went(self, farmer: Farmer) -> None: ...
    def greeting(self, farmer: Farmer) -> list[Message]: ...


class Comings(Protocol):
    """Who comes and who goes (:class:`granja.people.presence.Presence`)."""

    def arrive(
        self, farmer: Farmer, connection: Connection, artifacts: Sequence[ArtifactId]
    ) -> Deferred[None]: ...

    def come_back(self, farmer: Farmer, connection: Connection) -> Deferred[None]: ...
    def bearer(self, secret: str) -> Farmer | None:
        """Whom a pass brings back; None if it does not serve."""

    def return_with(
        self, secret: str, number: int | None, connection: Connection
    ) -> Deferred[None]:
        """Somebody comes back with a pass.

        :param number: of the last line that they have heard, if they say so.
        :raises BadPass: when it does not serve.
        """


class Leavings(Comings, Protocol):
    """Who comes, and who goes when a connection ends."""

    def gone(self, connection: Connection) -> None:
        """A connection ended: leave the chat, or let go of a name that was only claimed."""


class Doorkeeper(Protocol):
    """Who counts the connections of each network."""

    def enter(self, address: str) -> float:
        """Somebody comes in; returns the seconds that their first question has to wait."""

    def leave(self, address: str) -> None:
        """They are gone."""


class Talk(commands.Talk, Protocol):
    """The commands of talk, and where a chunk of it goes."""

    def say_block(self, me: Farmer, data: bytes) -> None:
        """Clean lines of plain talk: UTF-8 with LF between them."""


class Registry(commands.Registration, Protocol):
    """The commands of names, and who may come in under one."""

    def claim(self, text: str) -> Farmer | Deferred[Farmer]:
        """The registered farmer of this name, or a new visitor who holds it from here on.

        A Deferred is waited for; it fails with what is raised, and with CannotEnter.

        :raises InvalidName: when it is not a name.
        :raises NameTaken: when a visitor has it, or one that could be mistaken for it.
        """

    def check(
        self, farmer: Farmer, password: str, address: str, waits: Callable[[], object]
    ) -> Deferred[bool]:
        """Whether it is this farmer's password.

        :param waits: called when the answer waits, because there were too many wrong ones.
        """

    @property
    def one_use(self) -> OneUse: ...

    def spend(self, farmer: Farmer, password: str) -> Deferred[None]:
        """A password of the operator's has served; no pass of theirs serves from here on."""

    def renew(self, farmer: Farmer, password: str, connection: Connection) -> Deferred[None]:
        """Have another password, while they come in on this connection."""

    def judge(self, right: bool, address: str, waits: Callable[[], object]) -> Deferred[bool]:
        """Whether a pass was right, as soon as that may be said."""

    def let_go(self, farmer: Farmer) -> None:
        """Who has claimed a name is gone before they were in."""

    def came_in(self, farmer: Farmer, address: str) -> None:
        """A registered farmer is in the chat, from this address."""


class Order(Protocol):
    """What moderators have forbidden, and to whom."""

    def turns_away(self, farmer: Farmer, connection: Connection) -> bool:
        """Whether they are banned; then they are told, and the connection is closed."""

    def welcome(self, farmer: Farmer) -> None:
        """They come into the chat."""


class Farm(commands.Farm, Protocol):
    """Everything that the connections of one farm share.

    ``now``: the time on the wall in Unix seconds.  ``closing``: the server stops.
    ``draining``: nobody comes in.
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
    """What a connection needs of the factory that made it."""

    refusals: Counter[str]

    @property
    def doorkeeper(self) -> Doorkeeper: ...

    @property
    def presence(self) -> Leavings: ...

    def welcome(self, connection: Connection) -> None:
        """The connection is there."""

    def forget(self, connection: Connection) -> None:
        """The connection is closed at both ends."""
