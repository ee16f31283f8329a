"""Who is here, and which names are held."""

from __future__ import annotations

from collections.abc import Iterator, KeysView
from typing import Protocol

from twisted.internet.defer import Deferred

from granja.board.board import Listener
from granja.board.receipts import Receipts
from granja.contract.errors import GranjaError
from granja.contract.ids import FarmerId
from granja.contract.messages import Message, Prompt, Whispered
from granja.text.names import Name, NameIndex, fold
from granja.wire.rate import Rate


class Conversation(Protocol):
    """Where a farmer is on the way in: ``question`` is what is asked, None where nothing is."""

    @property
    def question(self) -> Prompt | None: ...

    def answer(self, text: str) -> Deferred[None] | None:
        """Take one clean line.  A Deferred is waited for before the next line.

        :raises GranjaError: what is wrong with it.
        """

    def abandon(self) -> None:
        """The connection is over: what only it waits for need not be done."""


class Connection(Protocol):
    """One connection, as far as people need it (:class:`granja.protocol.FarmerProtocol`).

    ``address`` and ``port``: of who is at the other end; ``port`` is 0 where there is none.
    ``over``: nothing more is obeyed.  ``cut``: it is lost, and was not finished.  ``chain``: of its
    passes; empty before the first.  ``has_pass``: it has been told one.  ``may_linger``: whoever is
    on it stays for a while after it is lost, if it has a pass.
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
        """From here on a line is talk or a command of this farmer."""

    def converse(self, conversation: Conversation) -> None:
        """Go on to another place of the conversation, and ask what is asked there."""

    def ask(self) -> None:
        """Ask the question at hand, if there is one."""

    def refuse(self, error: GranjaError) -> None:
        """Say why something was refused."""

    def finish(self) -> None:
        """Obey nothing more, write what was told, and close."""

    def allow(self, rate: Rate | None) -> None:
        """From here on it may speak so fast."""

    def abort(self) -> None:
        """Close at once, told or not."""

    def stop_obeying(self) -> Deferred[None]:
        """Obey no further line.  Fires when the one under way is done."""

    def stop_the_clock(self) -> float:
        """Take no more of the time for arriving.  Returns the seconds that are left of it."""

    def start_the_clock(self, seconds: float) -> None:
        """From here on, so many seconds are left for arriving."""


class Mute(Protocol):
    """Why somebody may not speak (:class:`granja.moderation.sanctions.Sanction`)."""

    @property
    def ends(self) -> float:
        """When it is over, in Unix seconds."""

    @property
    def why(self) -> str: ...

    def said(self, now: float) -> str:
        """Its end, as a moment is said."""


class Crowd(Protocol):
    """Who is at one node."""

    def add(self, farmer: Farmer) -> None: ...
    def remove(self, farmer: Farmer) -> None: ...


class Elsewhere(Protocol):
    """Another node, where somebody is (:class:`granja.nodes.neighbour.Neighbour`)."""

    @property
    def writer(self) -> int:
        """Its number."""

    @property
    def census(self) -> Crowd: ...

    def whisper(self, to: Farmer, name: str, text: str, speaker: FarmerId) -> Deferred[None]:
        """:returns: fails with NotDelivered."""

    def expel(self, farmer: Farmer, why: str) -> None:
        """Put them out there."""


class Farmer:
    """Somebody: a visitor for as long as they stay, or a registered farmer for good.

    ``connection`` is the wire that they are on now, None while they linger and while a registered
    farmer is away.  ``receipts`` are those of their stay in the chat, if they have heard it as
    data; ``visit`` is the number of that stay.  ``was_at``: from where they were connected, while
    they linger.  ``since``: the reactor's seconds when they came
    into the chat.  ``elsewhere``: the node where they are, if it is another; ``arrived`` and
    ``entered``: when they came into the chat, at any node and at the one where they are, in Unix
    seconds, where there are several.  ``moderator``: they look after the farm.  ``mute``: why they
    may not speak; it may be over already.
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
        self.elsewhere: Elsewhere | None = None
        self.arrived = self.entered = 0.0

    def __str__(self) -> str:
        return self.name.spelling

    @property
    def address(self) -> str:
        """Of their connection, also of the one that they have lost; empty while they are away."""
        return self.connection.address if self.connection is not None else self.was_at

    def tell(self, *messages: Message) -> None:
        """Answer their own command: never dropped, unless they are away."""
        if self.connection is not None:
            self.connection.listener.tell(*messages)
        else:
            self._keep(*messages)

    def tell_kept(self, message: Message) -> None:
        """The same, and kept: they hear it when they come back, if the line is lost."""
        if self.connection is not None:
            self.connection.listener.tell_kept(message)
        else:
            self._keep(message)

    def hear(self, message: Message) -> None:
        """Something private that somebody else caused: dropped when they do not read."""
        if self.connection is not None:
            self.connection.listener.hear(message)
        else:
            self._keep(message)

    def hear_whisper(
        self, name: str, text: str, by: Listener | None, speaker: FarmerId
    ) -> Deferred[None] | None:
        """The same for what ``name``, whose number is ``speaker``, whispers.

        :returns: what has to be waited for if they are at another node; fails with NotDelivered.
        """
        if self.connection is not None:
            self.connection.listener.hear_whisper(name, text, by, speaker)
        elif self.elsewhere is not None:
            return self.elsewhere.whisper(self, name, text, speaker)
        elif self.receipts is not None:
            self.receipts.keep(Whispered(name, text), speaker)
        return None

    def _keep(self, *messages: Message) -> None:
        """They linger, or they are away: then there are no receipts."""
        if self.receipts is not None:
            for message in messages:
                self.receipts.keep(message)


class Roster:
    """The user registry.

    A name is held from the moment it is accepted, and for good once it is registered; those in
    the chat are *present*, in the order in which they arrived.
    """

    def __init__(self) -> None:
        self._held: NameIndex[Farmer] = NameIndex()
        self._here: NameIndex[Farmer] = NameIndex()
        self._present: dict[FarmerId, Farmer] = {}
        self._names: tuple[str, ...] | None = ()
        #: Those who have left, which is not on record yet.
        self.leaving: set[FarmerId] = set()
        #: Whoever is in the chat under the name that it is called with (PROTOCOL §2).
        self.find = self._here.find

    def hold(self, farmer: Farmer) -> None:
        """Keep a name from everybody else."""
        self._held.add(farmer.name, farmer)

    def free(self, farmer: Farmer) -> None:
        self._held.remove(farmer.name)

    def held(self) -> Iterator[Farmer]:
        """All who hold a name, present or not."""
        return iter(self._held)

    def holder(self, name: str | Name) -> Farmer | None:
        """Who holds this name or one that could be mistaken for it, present or not."""
        return self._held.find(name)

    def meant(self, name: str) -> Farmer | None:
        """Who holds this name, in any spelling: those in the chat before those who are not."""
        holder = self.holder(name)
        if holder is not None and holder.name.folded == fold(name):
            return holder
        return self.find(name) or holder

    def person(self, name: str) -> Farmer | None:
        """Whoever a name means, in the chat or registered, but not still arriving."""
        meant = self.meant(name)
        if meant is None or meant.registered or meant.id in self._present:
            return meant
        return None

    def owner(self, text: str) -> Farmer | None:
        """The registered farmer of this very name, whatever rules are newer than it."""
        holder = self._held.exact(text)
        return holder if holder is not None and holder.registered else None

    def enter(self, farmer: Farmer) -> None:
        self._present[farmer.id] = farmer
        self.leaving.discard(farmer.id)
        self._names = None
        self._here.add(farmer.name, farmer)

    def leave(self, farmer: Farmer) -> None:
        del self._present[farmer.id]
        self._names = None
        self._here.remove(farmer.name)

    def names(self) -> tuple[str, ...]:
        """Of those in the chat, in order of arrival.

        Made anew when somebody has come or gone: of ten thousand it is most of what ``:u`` takes.
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

    def absent(self, ids: set[FarmerId]) -> set[FarmerId]:
        """Those of them who are not in the chat."""
        return ids.difference(self._present)

    def listening(self, id: FarmerId) -> Farmer | None:
        """The same, if they hear what is told to them now: not of those who linger."""
        farmer = self._present.get(id)
        return farmer if farmer is not None and farmer.connection is not None else None

    def __iter__(self) -> Iterator[Farmer]:
        """Those in the chat, in order of arrival."""
        return iter(list(self._present.values()))

    def __len__(self) -> int:
        return len(self._present)
