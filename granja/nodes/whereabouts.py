"""Whereabouts: who is at which other node, as this node hears it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IReactorTime

from granja.contract.ids import FarmerId
from granja.contract.messages import Departed
from granja.nodes.hearing import Hearing
from granja.nodes.names import SharedNames
from granja.nodes.neighbour import Neighbour
from granja.nodes.people import SharedRoster
from granja.nodes.readers import Readers
from granja.nodes.tick import Entry
from granja.people.presence import Presence
from granja.people.roster import Farmer


class Whereabouts:
    """:param now: the time of day, in Unix seconds.
    :param turned_up: called with somebody at another node of whom we had not heard.
    """

    def __init__(
        self,
        clock: IReactorTime,
        now: Callable[[], float],
        roster: SharedRoster,
        presence: Presence,
        readers: Readers,
        hearing: Hearing,
        names: SharedNames,
        turned_up: Callable[[FarmerId], None],
    ) -> None:
        self._clock = clock
        self._now = now
        self._roster = roster
        self._presence = presence
        self._readers = readers
        self._hearing = hearing
        self._names = names
        self._turned_up = turned_up
        hearing.late = self.is_late
        #: Nodes that have ended, where somebody may linger.
        self._mourned: list[Neighbour] = []

    # -- what a node tells -----------------------------------------------------------------------

    def came(self, node: Neighbour, entry: Entry) -> None:
        """Take the entry of somebody who came there."""
        match entry:
            case [_, int(id), str(name), bool(registered), arrived, entered, str(address)]:
                farmer = self._roster.let_in(FarmerId(id), name, registered=registered)
                if farmer is None or (farmer.elsewhere is node and farmer.entered == entered):
                    return
                known = self._roster.present(farmer.id) is not None
                if self._stays(farmer, node, float(entered)):
                    return
                farmer.registered = farmer.registered or registered
                farmer.arrived, farmer.entered = float(arrived), float(entered)
                farmer.was_at = address
                farmer.since = self._clock.seconds() - (self._now() - float(arrived))
                self._roster.enter_other(farmer, node)
                if not known:
                    self._turned_up(farmer.id)

    def _stays(self, farmer: Farmer, node: Neighbour, entered: float) -> bool:
        """Whether they came in somewhere else later.  If not, they are no longer there."""
        if self._roster.present(farmer.id) is None:
            return False
        elsewhere = farmer.elsewhere
        if elsewhere is not None and elsewhere.writer in self._hearing.dead:
            return False  # They lingered since that node ended.
        writer = self._hearing.writer if elsewhere is None else elsewhere.writer
        if (entered, node.writer) < (farmer.entered, writer):
            return True
        if elsewhere is None:
            if farmer.paused:  # Each of us may have taken them in when a node died.
                self._names.watch(farmer.id)
            self._presence.move(farmer)
            self._names.moved(farmer.id)
        return False

    def went(self, node: Neighbour, id: FarmerId) -> None:
        """Note that somebody is no longer there."""
        farmer = node.census.people.get(id)
        if farmer is not None:
            self._readers.forget(id)
            self._roster.let_go(farmer)
            farmer.arrived, farmer.was_at = 0.0, ""
            self._presence.attendance.went(id)
            on_the_way = self._names.concerns(id) and not self._names.watches(id)
            if not farmer.registered and not on_the_way:
                self._roster.free(farmer)
                # Who has a pass may be on the way to another node.
                if id not in self._presence.passes.visits:
                    self._presence.attendance.visit_over(id)

    def paused(self, node: Neighbour, entry: Entry) -> None:
        """Note whether somebody lingers there, if this entry says it."""
        match entry:
            case ["paused", int(id), bool(paused)]:
                farmer = node.census.people.get(FarmerId(id))
                if farmer is not None:
                    farmer.paused = paused

    def know(self, node: Neighbour, people: Sequence[Entry]) -> None:
        """Note that these people are there, and nobody else."""
        there = {entry[1] for entry in people}
        for id in [id for id in node.census.people if id not in there]:
            self.went(node, id)
        for entry in people:
            self.came(node, entry)
            self.paused(node, entry)
        node.known = True
        self._names.check()

    def is_late(self, node: Neighbour, by: FarmerId, time: float) -> bool:
        """Return whether somebody said this before they came in where they are now."""
        farmer = self._roster.present(by)
        return farmer is not None and farmer.elsewhere is not node and time < farmer.entered

    # -- a node that has ended -------------------------------------------------------------------

    def all_went(self, node: Neighbour) -> None:
        """Say that everybody there is gone, except those who linger."""
        for farmer in list(node.census.people.values()):
            if not self.lingers(farmer.id):
                self.went(node, farmer.id)
                self._hearing.announce(Departed(str(farmer)))
        self._mourned.append(node)

    def let_go(self) -> None:
        """Let go whoever lingered since their node ended, and does so no more.  If another node
        took them in and let them go, we have not heard it."""
        for node in self._mourned:
            for id in [id for id in node.census.people if not self.lingers(id)]:
                self.went(node, id)
        self._mourned = [node for node in self._mourned if node.census.people]

    def lingers(self, farmer: FarmerId) -> bool:
        """Whether a farmer who is cut off may come back."""
        presence = self._presence
        return farmer in presence.passes.visits and presence.lingering.seconds > 0
