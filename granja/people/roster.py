"""The roster: who is here, and which names are held."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, KeysView, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from granja.board.board import Listener
from granja.board.receipts import Receipts
from granja.contract.errors import GranjaError
from granja.contract.ids import FarmerId
from granja.contract.messages import Message, Prompt, Whispered
from granja.text.names import Name, NameIndex, fold
from granja.wire.rate import Rate


class Conversation(Protocol):
    """A place on the way in.  ``question``: what it asks; None if it asks nothing."""

    @property
    def question(self) -> Prompt | None: ...

    def answer(self, text: str) -> Deferred[None] | None:
        """Take one clean line.  The next line waits for a Deferred.

        :raises GranjaError: what is wrong with the line.
        """

    def abandon(self) -> None:
        """Stop work that only this connection waits for: it is over."""


class Connection(Protocol):
    """One connection, as far as people need it (:class:`granja.protocol.FarmerProtocol`).

    ``address`` and ``port``: of the other end; ``port`` is 0 if there is none.  ``over``: it obeys
    nothing more.  ``cut``: it was lost without a proper end.  ``chain``: of its passes; empty
    before the first.  ``has_pass``: it has received one.  ``may_linger``: a farmer with a pass
    stays
    for a while after this connection is lost.
    """

    address: str
    port: int
    over: bool
    cut: bool
    chain: str
    has_pass: bool
    may_linger: bool
    listener: Listener
    farmer: Farmer | None

    def tell(self, *messages: Message) -> None:
        """Say something to this connection alone."""

    def enter_chat(self, farmer: Farmer) -> None:
        """Take each line as talk or as a command of this farmer from now on."""

    def converse(self, conversation: Conversation) -> None:
        """Go to another place of the conversation, and ask its question."""

    def ask(self) -> None:
        """Ask the present question, if there is one."""

    def refuse(self, error: GranjaError) -> None:
        """Say why something was refused."""

    def finish(self) -> None:
        """Obey nothing more, write what was told, and close."""

    def allow(self, rate: Rate | None) -> None:
        """Let it speak this fast from now on."""

    def abort(self) -> None:
        """Close at once, even if something was not told."""

    def stop_obeying(self) -> Deferred[None]:
        """Obey no further line.

        :return: fires when the line that is being obeyed is done.
        """

    def stop_the_clock(self) -> float:
        """Stop the time for arriving.

        :return: the seconds that are left of it.
        """

    def start_the_clock(self, seconds: float) -> None:
        """From now on, give ``seconds`` for arriving."""


class Mute(Protocol):
    """Why somebody may not speak (:class:`granja.moderation.sanctions.Sanction`)."""

    @property
    def ends(self) -> float:
        """When it is over, in Unix seconds."""

    @property
    def why(self) -> str: ...

    def said(self, now: float) -> str:
        """The sentence for its end."""


class Crowd(Protocol):
    """The farmers at one node."""

    def add(self, farmer: Farmer) -> None: ...
    def remove(self, farmer: Farmer) -> None: ...


@dataclass(frozen=True)
class Retelling:
    """What somebody has not read at the node that they come from.

    ``after``: the last line that they have read there.  ``count``: the number of its last line.
    ``partial``: whether the record has news that are not among the lines.  ``lines``: in order,
    each with the farmer who whispers it.
    """

    after: int
    count: int
    partial: bool
    lines: Sequence[tuple[Message, FarmerId | None]]


class Elsewhere(Protocol):
    """Another node, where a farmer is (:class:`granja.nodes.neighbour.Neighbour`)."""

    @property
    def writer(self) -> int:
        """Its number."""

    @property
    def census(self) -> Crowd: ...

    def whisper(self, to: Farmer, name: str, text: str, speaker: FarmerId) -> Deferred[None]:
        """:returns: fails with NotDelivered."""

    def expel(self, farmer: Farmer, why: str) -> None:
        """Put them out at that node."""

    def unread(
        self, farmer: Farmer, visit: int, number: int | None, but: Container[FarmerId]
    ) -> Deferred[Retelling | None]:
        """What they have not read there after a line, if it was in this visit.

        :param number: of the line; None if they do not say it.
        :param but: leave out the lines of these farmers.
        """


class Farmer:
    """A person: a visitor for one visit, or a registered farmer for good.

    ``connection``: their connection; None while they linger, and while a registered farmer is
    away.  ``receipts``: of their visit, if they have heard it as data.  ``visit``: the visit's
    number.  ``was_at``: the address that they had before they lost the connection, while they
    linger. ``paused``: whether they linger, at whatever node. ``since``: the reactor's seconds when
    they came into the chat. ``elsewhere``: their node, if it is another one. ``arrived`` and
    ``entered``: with several nodes, when they came into the chat at any node, and at their present
    one, in Unix seconds. ``place``: with one node, in the order of arrival. ``moderator``: they
    look after the farm. ``mute``: why they may not speak; it may be over already.
    """

    __slots__ = (
        "arrived",
        "connection",
        "elsewhere",
        "entered",
        "id",
        "moderator",
        "mute",
        "name",
        "paused",
        "place",
        "receipts",
        "registered",
        "since",
        "visit",
        "was_at",
    )

    def __init__(self, id: FarmerId, name: Name, *, registered: bool = False) -> None:
        self.id = id
        self.name = name
        self.registered = registered
        self.connection: Connection | None = None
        self.moderator = False
        self.mute: Mute | None = None
        self.since = 0.0
        self.receipts: Receipts | None = None
        self.visit = 0
        self.was_at = ""
        self.paused = False
        self.elsewhere: Elsewhere | None = None
        self.arrived = self.entered = 0.0
        self.place = 0

    def __str__(self) -> str:
        return self.name.spelling

    @property
    def address(self) -> str:
        """The address of their connection, or of the one that they lost; empty while away."""
        return self.connection.address if self.connection is not None else self.was_at

    def tell(self, *messages: Message) -> None:
        """Answer their own command.  We never drop it, unless they are away."""
        if self.connection is not None:
            self.connection.listener.tell(*messages)
        else:
            self._keep(*messages)

    def tell_kept(self, message: Message) -> None:
        """Answer, and keep the answer: if the connection is lost, they hear it after coming
        back."""
        if self.connection is not None:
            self.connection.listener.tell_kept(message)
        else:
            self._keep(message)

    def hear(self, message: Message) -> None:
        """Tell something private that another farmer caused.  We drop it if they do not read."""
        if self.connection is not None:
            self.connection.listener.hear(message)
        else:
            self._keep(message)

    def hear_whisper(
        self, name: str, text: str, by: Listener | None, speaker: FarmerId
    ) -> Deferred[None] | None:
        """Tell a whisper of ``name``, whose number is ``speaker``.

        :returns: the caller waits for it if they are at another node; fails with NotDelivered.
        """
        if self.connection is not None:
            self.connection.listener.hear_whisper(name, text, by, speaker)
        elif self.elsewhere is not None:
            return self.elsewhere.whisper(self, name, text, speaker)
        elif self.receipts is not None:
            self.receipts.keep(Whispered(name, text), speaker)
        return None

    def _keep(self, *messages: Message) -> None:
        """Keep messages for a farmer who lingers.  A farmer who is away has no receipts."""
        if self.receipts is not None:
            for message in messages:
                self.receipts.keep(message)


class Roster:
    """Knows all farmers by number and by name.

    A name is *held* from the moment that we accept it; a registered name is held for good.  Farmers
    in the chat are *present*, in the order in which they came.
    """

    def __init__(self) -> None:
        self._held: NameIndex[Farmer] = NameIndex()
        self._here: NameIndex[Farmer] = NameIndex()
        self._present: dict[FarmerId, Farmer] = {}
        self._names: tuple[str, ...] | None = ()
        self._places = count()
        #: Farmers who have left; the record does not say so yet.
        self.leaving: set[FarmerId] = set()
        #: Finds the farmer in the chat whom a typed name means (PROTOCOL §2).
        self.find = self._here.find

    def hold(self, farmer: Farmer) -> None:
        """Hold a name, so that nobody else gets it."""
        self._held.add(farmer.name, farmer)

    def free(self, farmer: Farmer) -> None:
        self._held.remove(farmer.name)

    def held(self) -> Iterator[Farmer]:
        """All farmers who hold a name, present or not."""
        return iter(self._held)

    def holder(self, name: str | Name) -> Farmer | None:
        """The farmer who holds this name, or a name that looks like it, present or not."""
        return self._held.find(name)

    def meant(self, name: str) -> Farmer | None:
        """The farmer who holds this name in any spelling; farmers in the chat come first."""
        holder = self.holder(name)
        if holder is not None and holder.name.folded == fold(name):
            return holder
        return self.find(name) or holder

    def person(self, name: str) -> Farmer | None:
        """The farmer whom a name means, in the chat or registered; not one who is arriving."""
        meant = self.meant(name)
        if meant is None or meant.registered or meant.id in self._present:
            return meant
        return None

    def owner(self, text: str) -> Farmer | None:
        """The registered farmer of exactly this name, even if it breaks a newer rule."""
        holder = self._held.exact(text)
        return holder if holder is not None and holder.registered else None

    def enter(self, farmer: Farmer) -> None:
        self._present[farmer.id] = farmer
        farmer.place = next(self._places)
        self.leaving.discard(farmer.id)
        self._names = None
        self._here.add(farmer.name, farmer)

    def leave(self, farmer: Farmer) -> None:
        del self._present[farmer.id]
        self._names = None
        self._here.remove(farmer.name)

    def comes_again(self, farmer: Farmer) -> None:
        """Note that they are here on a new connection.  Their place in the order stays."""

    def pause(self, farmer: Farmer, paused: bool) -> None:
        """Note that they begin or cease to linger here."""
        farmer.paused = paused

    def names(self) -> tuple[str, ...]:
        """The names of those in the chat, in order of arrival.

        We keep the list until somebody comes or goes, because it is most of the work of ``:u``.
        """
        if self._names is None:
            self._names = tuple(map(str, self._present.values()))
        return self._names

    def present(self, id: FarmerId) -> Farmer | None:
        """The farmer with this number, if they are in the chat."""
        return self._present.get(id)

    def ids(self) -> KeysView[FarmerId]:
        """The numbers of those in the chat, in order of arrival."""
        return self._present.keys()

    def in_order(self, ids: Iterable[FarmerId]) -> list[FarmerId]:
        """Those of ``ids`` who are in the chat, in order of arrival.  It looks at nobody else."""
        here = filter(None, map(self._present.get, ids))
        return [farmer.id for farmer in sorted(here, key=self._arrival)]

    def _arrival(self, farmer: Farmer) -> Any:
        return farmer.place

    def __iter__(self) -> Iterator[Farmer]:
        """The farmers in the chat, in order of arrival."""
        return iter(list(self._present.values()))

    def __len__(self) -> int:
        return len(self._present)

    def count_here(self) -> int:
        """How many farmers in the chat are at this node."""
        return len(self._present)
