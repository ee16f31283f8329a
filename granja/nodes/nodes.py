"""This node among the others: it tells them how far it is, and takes what they tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.accounts.throttle import Attempt
from granja.board.receipts import Receipts
from granja.bus.interface import Bus, NoAnswer
from granja.clockwork.timer import Timer
from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.ledger.interface import NotStored
from granja.ledger.shared import Holder
from granja.nodes.answers import Answers
from granja.nodes.errands import NodeErrands
from granja.nodes.hearing import Hearing
from granja.nodes.hinting import Hinting
from granja.nodes.names import SharedNames
from granja.nodes.neighbour import Neighbour, subject_of
from granja.nodes.outbox import Outbox, TellingHistory
from granja.nodes.people import Census, SharedRoster
from granja.nodes.readers import Readers
from granja.nodes.tick import TALK, Entry
from granja.nodes.watching import Farm, Watching
from granja.nodes.whereabouts import Whereabouts
from granja.people.passes import Visit

#: Seconds between two ticks that tell how far we are and how many people are here.
RENEWAL: Final = 1.0
#: We hear a running node at least once in this many seconds.
SILENT: Final = 6.0


class Nodes:
    """:param now: the time of day, in Unix seconds.
    :param lines: how many lines of talk to keep.
    :param name: this node's name.

    ``errands`` does errands here or passes them on.  ``history`` and ``roster`` take the place of
    a single node's.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self, clock: IReactorTime, now: Callable[[], float], bus: Bus, lines: int, name: str
    ) -> None:
        self.bus = bus
        here = Census()
        self._outbox = Outbox(clock, bus, here.count)
        self.history = TellingHistory(lines, self._outbox)
        self.roster = SharedRoster(self._outbox, now, here)
        self._renewal = Timer(clock, self._renew)
        self.errands = NodeErrands(name, lambda: self._hearing.nodes.values())
        self._clock = clock
        self._now = now
        self._up_since = 0.0
        self._farm: Farm
        self._hearing: Hearing
        self._readers: Readers
        self._whereabouts: Whereabouts
        self._answers: Answers
        self._hinting: Hinting
        self.names: SharedNames

    @property
    def writer(self) -> int:
        """The number of this node."""
        return self._outbox.writer

    def begin(self, farm: Farm, here: Mapping[FarmerId, Holder]) -> None:
        """Begin to hear the others and to be heard.

        :param here: farmers who were at other nodes when the ledger was opened.
        """
        self._farm = farm
        ledger: Any = farm.ledger
        self._outbox.writer = ledger.writer
        market = farm.market
        inside = (id for id in (*market.registered, *market.held) if id not in here)
        self.names = SharedNames(
            self._clock, ledger, self.roster, lambda: self.writer, inside, self.lives
        )
        self.names.dropped = farm.presence.put_out
        farm.presence.attendance.claims = farm.registration.claims = self.names
        for farmer in self.roster.here.people.values():
            self.names.enter(farmer).addErrback(_cannot_yet)  # They linger since the last run.
        self._readers = Readers(farm.board)
        self._hearing = Hearing(
            farm.board,
            self.history,
            farm.ignoring.deaf_to,
            self._happened,
            partial(
                Neighbour,
                bus=self.bus,
                outbox=self._outbox,
                sequence=lambda: farm.lane.sequence,
                remember=self._readers.remember,
            ),
            self.writer,
        )
        self._whereabouts = Whereabouts(
            self._clock,
            self._now,
            self.roster,
            farm.presence,
            self._readers,
            self._hearing,
            self.names,
            farm.settling.turned_up,
        )
        more = {"errand": self.errands.asked}
        parts = self._clock, self._outbox, self._hearing, farm
        self._answers = Answers(*parts, self.roster, more)
        self._hinting = Hinting(*parts)
        farm.accounts.tell_wrong = self._tell_wrong
        ledger.watch(Watching(farm, self))
        self.bus.watch(self._changed)
        self.bus.subscribe(TALK, self._heard)
        self.bus.answer(subject_of(self.writer), self._answers.asked)
        self.bus.open()

    def renumber(self, writer: int) -> None:
        """Go on with another number, and with nobody here."""
        self.bus.withdraw(subject_of(self.writer))
        self._outbox.begin(writer)
        self._hearing.writer = writer
        self.names.all_are_of_others()
        self.bus.answer(subject_of(writer), self._answers.asked)
        self._renew()

    def is_first(self) -> bool:
        """Whether this node began before all nodes that we hear."""
        return all(self.writer < writer for writer in self._hearing.nodes)

    def stop(self) -> None:
        """Say goodbye to the others: everybody here is gone."""
        self._outbox.add(("bye",), 0)
        self._outbox.stop()
        self._renewal.stop()
        self.names.stop()

    # -- how far we are --------------------------------------------------------------------------

    def _changed(self, up: bool) -> None:
        if up:
            self._up_since = self._clock.seconds()
            self._renew()

    def _renew(self) -> None:
        self._tell_how_far()
        self._outbox.renew()
        self._renewal.restart(RENEWAL)
        self._look_for_the_silent()
        self._whereabouts.let_go()

    def _tell_how_far(self) -> None:
        """Tell how far people here have read: should this node die, the others tell the rest."""
        self._farm.board.flush()  # Lines that wait get their numbers first.
        entry = self._readers.entry(self.roster.here.people.values())
        if entry is not None:
            self._outbox.add(entry, 0)

    # -- what is heard ---------------------------------------------------------------------------

    def _heard(self, data: bytes) -> None:
        strangers = len(self._hearing.nodes)
        tick = self._hearing.hear(data)
        if len(self._hearing.nodes) > strangers:
            self._readers.tell_all()
            self._tell_how_far()
            self._outbox.renew()  # So the new node does not have to wait for it.
        node = self._hearing.nodes.get(tick.writer) if tick is not None else None
        if tick is None or node is None:
            return
        node.heard_at = self._clock.seconds()
        if tick.people is not None:
            self._readers.renewed(tick.writer)
            node.known = node.known and tick.people == node.census.count()
        if not node.known and not node.asked:
            self._ask_for_people(node)

    def _happened(self, node: Neighbour, entry: Entry) -> None:
        match entry:
            case ["came", *_] if node.known:
                self._whereabouts.came(node, entry)
            case ["went", int(id)] if node.known:
                self._whereabouts.went(node, FarmerId(id))
            case ["paused", *_] if node.known:
                self._whereabouts.paused(node, entry)
            case ["read", [*told]]:
                self._readers.note(node.writer, told)
            case ["bye"]:
                self.gone(node.writer)
            case ["dead", int(writer)]:
                self.gone(writer)
            case ["wrong", str(name), str(address)]:
                self._farm.accounts.note_wrong(Attempt(name, address))
            case ["hint", *_]:
                self._hinting.take(entry)

    def _tell_wrong(self, attempt: Attempt) -> None:
        """Let all nodes count a wrong password, so that a guesser gains nothing by another node."""
        self._outbox.add(("wrong", attempt.name, attempt.address), 0)

    def bury(self, writer: int) -> None:
        """Tell the other nodes that a node has ended.  The ledger tells it to only one of us."""
        if writer not in self._hearing.dead:
            self._outbox.add(("dead", writer), 0)
            self.gone(writer)

    def _look_for_the_silent(self) -> None:
        """Check the silent nodes: one may have ended while the bus was away."""
        before = self._clock.seconds() - SILENT
        silent = [node for node in self._hearing.nodes.values() if node.heard_at < before]
        if silent and self.bus.up and self._up_since < before:
            asked: Deferred[set[int]] = self._farm.ledger.living()
            asked.addCallbacks(self._found, self._not_found, (silent,))

    def _found(self, living: set[int], silent: list[Neighbour]) -> None:
        for node in silent:
            if node.writer not in living:
                self.gone(node.writer)

    def _not_found(self, failure: Failure) -> None:
        failure.trap(NotStored)  # We ask again at the next renewal.

    def gone(self, writer: int) -> None:
        """A node has ended: everybody there is gone, except those who linger."""
        self._hearing.dead.add(writer)
        node = self._hearing.nodes.pop(writer, None)
        if node is not None:
            self._whereabouts.all_went(node)
            # It may have ended after a swap and before its ring.
            self._farm.settling.look_again()

    def lives(self, writer: int) -> bool:
        """Whether we hear another node, and it has not ended."""
        return writer in self._hearing.nodes

    def lingers(self, farmer: FarmerId) -> bool:
        """Whether a farmer who is cut off may come back."""
        return self._whereabouts.lingers(farmer)

    def read_by(self, visit: Visit) -> Receipts | None:
        """What somebody has read at a node that has died, as far as we know it."""
        return self._readers.receipts(visit.farmer, visit.number)

    # -- who is there ----------------------------------------------------------------------------

    def _ask_for_people(self, node: Neighbour) -> None:
        node.asked = True
        asked = node.ask("people")
        asked.addCallbacks(self._told_people, self._not_told, (node,), errbackArgs=(node,))

    def _not_told(self, failure: Failure, node: Neighbour) -> None:
        failure.trap(NoAnswer)
        node.asked = False  # We ask again when we hear it again.

    def _told_people(self, data: bytes, node: Neighbour) -> None:
        node.asked = False
        match json.loads(data):
            case [int(number), int(lines), [*people]]:
                self._hearing.miss(node, number, lines)
                if number == node.number and node.writer not in self._hearing.dead:
                    self._whereabouts.know(node, people)


def _cannot_yet(failure: Failure) -> None:
    """Do nothing: the database is away, and they linger all the same."""
    failure.trap(errors.CannotEnter)
