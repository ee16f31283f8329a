"""This node among the others: it renews what they know of it, and answers what they ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.board.board import Board
from granja.bus.interface import Bus, NoAnswer
from granja.contract.ids import FarmerId
from granja.contract.messages import Departed
from granja.nodes.hearing import Hearing
from granja.nodes.neighbour import DONE, GONE, Neighbour, subject_of
from granja.nodes.outbox import Outbox, TellingHistory
from granja.nodes.people import Census, SharedRoster, everybody
from granja.nodes.tick import TALK, Entry
from granja.people.ignoring import Ignoring
from granja.people.roster import Farmer
from granja.reactor.clockwork import Timer

#: Seconds between two words of how far we are and how many are here.
RENEWAL: Final = 1.0


class Nodes:
    """:param writer: the number of this node, greater than those of nodes that began before.
    :param now: the time on the wall, in Unix seconds.
    :param lines: of talk that are kept.

    ``history`` and ``roster`` are what a farm of several nodes has instead of its own.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self, clock: IReactorTime, now: Callable[[], float], bus: Bus, writer: int, lines: int
    ) -> None:
        self.bus = bus
        here = Census()
        self._outbox = Outbox(clock, bus, writer, here.count)
        self.history = TellingHistory(lines, self._outbox)
        self.roster = SharedRoster(self._outbox, now, here)
        self._renewal = Timer(clock, self._renew)
        self._answers: dict[str, Callable[..., bytes]] = {
            "people": self._tell_people,
            "whisper": self._whisper,
            "expel": self._expel,
        }
        self._hearing: Hearing
        self._replaced: Callable[[Farmer], None]
        self._put_out: Callable[[Farmer, str], None]
        self._ignoring: Ignoring

    @property
    def writer(self) -> int:
        """The number of this node."""
        return self._outbox.writer

    def begin(
        self,
        board: Board,
        ignoring: Ignoring,
        replaced: Callable[[Farmer], None],
        put_out: Callable[[Farmer, str], None],
    ) -> None:
        """Hear the others, and be heard.

        :param replaced: called with whoever has come in at another node.
        :param put_out: called with whoever is expelled, and why.
        """
        make = partial(Neighbour, bus=self.bus, outbox=self._outbox)
        self._ignoring, self._replaced, self._put_out = ignoring, replaced, put_out
        self._hearing = Hearing(
            board, self.history, ignoring.deaf_to, self._happened, make, self.writer
        )
        self.bus.watch(self._changed)
        self.bus.subscribe(TALK, self._heard)
        self.bus.answer(subject_of(self.writer), self._asked)
        self.bus.open()

    def stop(self) -> None:
        """Say goodbye to the others: everybody here is gone."""
        self._outbox.add(("bye",), 0)
        self._outbox.stop()
        self._renewal.stop()

    # -- how far we are --------------------------------------------------------------------------

    def _changed(self, up: bool) -> None:
        if up:
            self._renew()

    def _renew(self) -> None:
        self._outbox.renew()
        self._renewal.restart(RENEWAL)

    # -- what is heard ---------------------------------------------------------------------------

    def _heard(self, data: bytes) -> None:
        strangers = len(self._hearing.nodes)
        tick = self._hearing.hear(data)
        if len(self._hearing.nodes) > strangers:
            self._outbox.renew()  # Whoever is new need not wait for it.
        node = self._hearing.nodes.get(tick.writer) if tick is not None else None
        if tick is None or node is None:
            return
        if tick.people is not None and tick.people != node.census.count():
            node.known = False
        if not node.known and not node.asked:
            self._ask_for_people(node)

    def _happened(self, node: Neighbour, entry: Entry) -> None:
        match entry:
            case ["came", *_] if node.known:
                self._came(node, entry)
            case ["went", int(id)] if node.known:
                self._went(node, FarmerId(id))
            case ["bye"]:
                self.gone(node.writer)

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
                self.roster.enter_other(farmer, node)

    def _stays(self, farmer: Farmer, node: Neighbour, entered: float) -> bool:
        """Whether they came in somewhere else after that; if not, they are there no more."""
        if self.roster.present(farmer.id) is None:
            return False
        elsewhere = farmer.elsewhere
        writer = self.writer if elsewhere is None else elsewhere.writer
        if (entered, node.writer) < (farmer.entered, writer):
            return True
        if elsewhere is None:
            self._replaced(farmer)
        return False

    def _went(self, node: Neighbour, id: FarmerId) -> None:
        farmer = node.census.people.get(id)
        if farmer is not None:
            self.roster.let_go(farmer)
            farmer.arrived, farmer.was_at = 0.0, ""
            if not farmer.registered:
                self.roster.free(farmer)

    def gone(self, writer: int) -> None:
        """A node has ended: everybody who was there is gone."""
        node = self._hearing.nodes.pop(writer, None)
        for farmer in list(node.census.people.values()) if node is not None else ():
            assert node is not None
            self._went(node, farmer.id)
            self._hearing.announce(Departed(str(farmer)))

    # -- who is there ----------------------------------------------------------------------------

    def _ask_for_people(self, node: Neighbour) -> None:
        node.asked = True
        asked = node.ask("people")
        asked.addCallbacks(self._told_people, self._not_told, (node,), errbackArgs=(node,))

    def _not_told(self, failure: Failure, node: Neighbour) -> None:
        failure.trap(NoAnswer)
        node.asked = False  # It is asked again when it is heard again.

    def _told_people(self, data: bytes, node: Neighbour) -> None:
        node.asked = False
        match json.loads(data):
            case [int(number), int(lines), [*people]]:
                self._hearing.miss(node, number, lines)
                if number == node.number:
                    self._know(node, people)

    def _know(self, node: Neighbour, people: list[Entry]) -> None:
        """These are there, and nobody else."""
        there = {entry[1] for entry in people}
        for id in [id for id in node.census.people if id not in there]:
            self._went(node, id)
        for entry in people:
            self._came(node, entry)
        node.known = True

    # -- what is asked ---------------------------------------------------------------------------

    def _asked(self, data: bytes) -> bytes:
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
        if by not in self._ignoring.ignored_by(farmer.id):
            farmer.hear_whisper(name, text, None, by)
        return DONE

    def _expel(self, id: int, why: str) -> bytes:
        farmer = self.roster.here.people.get(FarmerId(id))
        if farmer is None:
            return GONE
        self._put_out(farmer, why)
        return DONE
