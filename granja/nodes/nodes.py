"""This node among the others: it tells them how far it is, and answers their questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.accounts.throttle import Attempt
from granja.board.receipts import Receipts
from granja.bus.interface import Bus, NoAnswer
from granja.clockwork.timer import Timer
from granja.contract import errors
from granja.contract.ids import FarmerId, OfferId
from granja.contract.messages import Departed
from granja.ledger.interface import NotStored
from granja.ledger.shared import Holder
from granja.nodes.errands import NodeErrands
from granja.nodes.hearing import Hearing
from granja.nodes.names import SharedNames
from granja.nodes.neighbour import DONE, GONE, Neighbour, subject_of
from granja.nodes.outbox import Outbox, TellingHistory
from granja.nodes.people import Census, SharedRoster, everybody
from granja.nodes.readers import Readers
from granja.nodes.retelling import pack
from granja.nodes.tick import TALK, Entry
from granja.nodes.watching import Farm, Watching
from granja.people.passes import Visit
from granja.people.returning import MOST_LINES, unread
from granja.people.roster import Farmer

#: Seconds between two ticks that tell how far we are and how many people are here.
RENEWAL: Final = 1.0
#: Seconds between two looks whether we have followed the record, and the most in all.
LOOK: Final = 0.01
FOLLOWING: Final = 1.0
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
        self._answers: dict[str, Callable[..., bytes | Deferred[bytes]]] = {
            "people": self._tell_people,
            "whisper": self._whisper,
            "expel": self._expel,
            "unread": self._tell_unread,
            "errand": self.errands.asked,
        }
        self._clock = clock
        self._now = now
        self._up_since = 0.0
        #: Nodes that have ended, where somebody may linger.
        self._mourned: list[Neighbour] = []
        self._hearing: Hearing
        self._readers: Readers
        self._farm: Farm
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
        self.names = SharedNames(self._clock, ledger, self.roster, inside)
        farm.presence.attendance.claims = farm.registration.claims = self.names
        for farmer in self.roster.here.people.values():
            self.names.enter(farmer).addErrback(_cannot_yet)  # They linger since the last run.
        self._readers = Readers(farm.board)
        make = partial(
            Neighbour,
            bus=self.bus,
            outbox=self._outbox,
            sequence=lambda: farm.lane.sequence,
            remember=self._readers.remember,
        )
        self._hearing = Hearing(
            farm.board,
            self.history,
            farm.ignoring.deaf_to,
            self._happened,
            make,
            self.writer,
            self._is_late,
        )
        farm.accounts.tell_wrong = self._tell_wrong
        farm.hints.elsewhere = self._hint
        ledger.watch(Watching(farm, self))
        self.bus.watch(self._changed)
        self.bus.subscribe(TALK, self._heard)
        self.bus.answer(subject_of(self.writer), self._asked)
        self.bus.open()

    def renumber(self, writer: int) -> None:
        """Go on with another number, and with nobody here."""
        self.bus.withdraw(subject_of(self.writer))
        self._outbox.begin(writer)
        self._hearing.writer = writer
        self.bus.answer(subject_of(writer), self._asked)
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
        self._let_go()

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
                self._came(node, entry)
            case ["went", int(id)] if node.known:
                self._went(node, FarmerId(id))
            case ["paused", *_] if node.known:
                _pause(node, entry)
            case ["read", [*told]]:
                self._readers.note(node.writer, told)
            case ["bye"]:
                self.gone(node.writer)
            case ["dead", int(writer)] if writer != self.writer:
                self.gone(writer)
            case ["wrong", str(name), str(address)]:
                self._farm.accounts.note_wrong(Attempt(name, address))
            case ["hint", *hint]:
                self._hinted(hint)

    def _tell_wrong(self, attempt: Attempt) -> None:
        """Let all nodes count a wrong password, so that a guesser gains nothing by another node."""
        self._outbox.add(("wrong", attempt.name, attempt.address), 0)

    def _hint(self, number: OfferId, most: int) -> None:
        """Let people at other nodes hear of a swap, node after node.

        :param most: how many.
        """
        nodes = sorted(self._hearing.nodes, key=lambda writer: (writer < self.writer, writer))
        self._hand_on(self._farm.lane.sequence, number, nodes, most)

    def _hand_on(self, sequence: int, number: OfferId, nodes: Sequence[int], most: int) -> None:
        if most and nodes:
            self._outbox.add(("hint", sequence, number, most, *nodes), 0)

    def _hinted(self, hint: Entry) -> None:
        """Tell people here of another node's swap if it is our turn, then hand it on."""
        match hint:
            case [int(sequence), int(offer), int(most), int(turn), *rest] if turn == self.writer:
                number = OfferId(offer)
                hand_on = partial(self._hand_on, sequence, number, rest)

                def tell() -> bytes:
                    self._farm.hints.tell(number, most, hand_on)
                    return DONE

                self._once_followed(sequence, tell, self._clock.seconds() + FOLLOWING)

    def _is_late(self, node: Neighbour, by: FarmerId, time: float) -> bool:
        """Return whether somebody said this before they came in where they are now."""
        farmer = self.roster.present(by)
        return farmer is not None and farmer.elsewhere is not node and time < farmer.entered

    def _came(self, node: Neighbour, entry: Entry) -> None:
        match entry:
            case [_, int(id), str(name), bool(registered), arrived, entered, str(address)]:
                farmer = self.roster.let_in(FarmerId(id), name, registered=registered)
                if farmer is None or (farmer.elsewhere is node and farmer.entered == entered):
                    return
                if self._stays(farmer, node, float(entered)):
                    return
                farmer.registered = farmer.registered or registered
                farmer.arrived, farmer.entered = float(arrived), float(entered)
                farmer.was_at = address
                farmer.since = self._clock.seconds() - (self._now() - float(arrived))
                self.roster.enter_other(farmer, node)

    def _stays(self, farmer: Farmer, node: Neighbour, entered: float) -> bool:
        """Whether they came in somewhere else later.  If not, they are no longer there."""
        if self.roster.present(farmer.id) is None:
            return False
        elsewhere = farmer.elsewhere
        writer = self.writer if elsewhere is None else elsewhere.writer
        if (entered, node.writer) < (farmer.entered, writer):
            return True
        if elsewhere is None:
            self._farm.presence.move(farmer)
        return False

    def _went(self, node: Neighbour, id: FarmerId) -> None:
        farmer = node.census.people.get(id)
        if farmer is not None:
            self._readers.forget(id)
            self.roster.let_go(farmer)
            farmer.arrived, farmer.was_at = 0.0, ""
            if not farmer.registered:
                self.roster.free(farmer)
                # Who has a pass may be on the way to another node.
                if id not in self._farm.presence.passes.visits:
                    self._farm.presence.attendance.visit_over(id)

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
        if node is None:
            return
        for farmer in list(node.census.people.values()):
            if not self.lingers(farmer.id):
                self._went(node, farmer.id)
                self._hearing.announce(Departed(str(farmer)))
        self._mourned.append(node)

    def _let_go(self) -> None:
        """Let go whoever lingered since their node ended, and does so no more.  If another node
        took them in and let them go, we have not heard it."""
        for node in self._mourned:
            for id in [id for id in node.census.people if not self.lingers(id)]:
                self._went(node, id)
        self._mourned = [node for node in self._mourned if node.census.people]

    def lingers(self, farmer: FarmerId) -> bool:
        """Whether a farmer who is cut off may come back."""
        presence = self._farm.presence
        return farmer in presence.passes.visits and presence.lingering.seconds > 0

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
                    self._know(node, people)

    def _know(self, node: Neighbour, people: list[Entry]) -> None:
        """Note that these people are there, and nobody else."""
        there = {entry[1] for entry in people}
        for id in [id for id in node.census.people if id not in there]:
            self._went(node, id)
        for entry in people:
            self._came(node, entry)
            _pause(node, entry)
        node.known = True

    # -- what is asked ---------------------------------------------------------------------------

    def _asked(self, data: bytes) -> bytes | Deferred[bytes]:
        word, *rest = json.loads(data)
        return self._answers[word](*rest)

    def _tell_people(self) -> bytes:
        self._outbox.publish()
        people = everybody(self.roster.here.people.values())
        return json.dumps([self._outbox.number, self._outbox.lines, people]).encode()

    def _whisper(
        self, writer: int, number: int, lines: int, to: int, name: str, text: str, speaker: int
    ) -> bytes:
        node, by = self._hearing.nodes.get(writer), FarmerId(speaker)
        if node is not None:
            self._hearing.miss(node, number, lines)
        farmer = self.roster.here.people.get(FarmerId(to))
        if farmer is None:
            return GONE
        if by not in self._farm.ignoring.ignored_by(farmer.id):
            farmer.hear_whisper(name, text, None, by)
        return DONE

    def _tell_unread(self, sequence: int, *question: Any) -> bytes | Deferred[bytes]:
        """Tell another node what somebody who comes back there has not read here.

        First we follow the record as far as that node: what it did not tell them, we do.
        """
        until = self._clock.seconds() + FOLLOWING
        return self._once_followed(sequence, partial(self._unread, *question), until)

    def _once_followed(
        self, sequence: int, then: Callable[[], bytes], until: float
    ) -> bytes | Deferred[bytes]:
        if self._farm.lane.sequence >= sequence or self._clock.seconds() >= until:
            return then()
        later: Deferred[Any] = deferLater(self._clock, LOOK)
        return later.addCallback(lambda _: self._once_followed(sequence, then, until))

    def _unread(
        self, writer: int, number: int, lines: int, id: int, visit: int, after: int | None
    ) -> bytes:
        node, farmer = self._hearing.nodes.get(writer), self.roster.here.people.get(FarmerId(id))
        if node is not None:
            self._hearing.miss(node, number, lines)
        board = self._farm.board
        if farmer is None or farmer.receipts is None or farmer.visit != visit:
            return GONE
        board.flush()  # Lines that wait get their numbers first.
        farmer.receipts.skip_to(min(after or 0, MOST_LINES))
        receipts, connection = farmer.receipts, farmer.connection
        if after is None:
            after = receipts.sent if connection is None else connection.listener.last_sent()
        but = self._farm.ignoring.not_told_again(farmer.id)
        told = unread(board, receipts, after, but)
        self._outbox.publish()
        heard = {node.writer: node.lines for node in self._hearing.nodes.values()}
        heard[self.writer] = self._outbox.lines
        last = receipts.count
        return pack(told, after=after, count=last, partial=receipts.partial, heard=heard)

    def _expel(self, id: int, why: str) -> bytes:
        farmer = self.roster.here.people.get(FarmerId(id))
        if farmer is None:
            return GONE
        self._farm.order.put_out(farmer, why)
        return DONE


def _pause(node: Neighbour, entry: Entry) -> None:
    """Note whether somebody lingers at that node, if this entry says it."""
    match entry:
        case ["paused", int(id), bool(paused)]:
            farmer = node.census.people.get(FarmerId(id))
            if farmer is not None:
                farmer.paused = paused


def _cannot_yet(failure: Failure) -> None:
    """Do nothing: the database is away, and they linger all the same."""
    failure.trap(errors.CannotEnter)
