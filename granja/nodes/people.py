"""People: who is here, at any node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, KeysView
from typing import ClassVar, Final
from zlib import crc32

from twisted.logger import Logger

from granja.contract.ids import FarmerId
from granja.nodes.outbox import Outbox
from granja.nodes.tick import Entry
from granja.people.roster import Elsewhere, Farmer, Roster
from granja.text.names import recall

_MASK: Final = (1 << 32) - 1


class Census:
    """The people of one node: how many they are, and a sum that other nodes can compare."""

    def __init__(self) -> None:
        self.people: dict[FarmerId, Farmer] = {}
        self._sum = 0

    def add(self, farmer: Farmer) -> None:
        if farmer.id not in self.people:
            self.people[farmer.id] = farmer
            self._sum += crc32(b"%d" % farmer.id)

    def remove(self, farmer: Farmer) -> None:
        if self.people.pop(farmer.id, None) is not None:
            self._sum -= crc32(b"%d" % farmer.id)

    def count(self) -> tuple[int, int]:
        """The number of people, and the sum."""
        return len(self.people), self._sum & _MASK


class SharedRoster(Roster):
    """The farmers in the chat at any node, in order of arrival.

    It tells the other nodes who comes and goes here.

    :param outbox: tells them.
    :param now: the time of day, in Unix seconds.

    ``here``: the farmers at this node, also those who linger.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, outbox: Outbox, now: Callable[[], float], here: Census) -> None:
        super().__init__()
        self.here = here
        self._outbox = outbox
        self._now = now
        self._last = 0.0
        self._in_order = True

    # -- this node's own -------------------------------------------------------------------------

    def enter(self, farmer: Farmer) -> None:
        """Let them into the chat here.  A farmer from another node keeps their place in the
        order."""
        if farmer.elsewhere is not None:
            self.let_go(farmer)
        elif not farmer.arrived:
            farmer.arrived = max(self._now(), self._last)
        farmer.entered = self._now()
        self._add(farmer)
        self.here.add(farmer)
        self._outbox.add(came(farmer), 0)

    def comes_again(self, farmer: Farmer) -> None:
        """Note that they are here on a new connection: it is later than one at another node."""
        farmer.entered = self._now()
        self._outbox.add(came(farmer), 0)

    def leave(self, farmer: Farmer) -> None:
        """Let them go from here."""
        super().leave(farmer)
        farmer.arrived = 0.0
        self.here.remove(farmer)
        self._outbox.add(("went", farmer.id), 0)

    def pause(self, farmer: Farmer, paused: bool) -> None:
        super().pause(farmer, paused)
        self._outbox.add(("paused", farmer.id, paused), 0)

    # -- those of others -------------------------------------------------------------------------

    def enter_other(self, farmer: Farmer, at: Elsewhere) -> None:
        """Note that they are in the chat at another node."""
        if farmer.elsewhere is not None:
            self.let_go(farmer)
        farmer.elsewhere = at
        try:
            self._add(farmer)
        except ValueError:  # Two farmers with one name: only without a common table of names.
            self.log.warn("{name} is here twice", name=str(farmer))
            farmer.elsewhere = None
            self._present.pop(farmer.id, None)
        else:
            at.census.add(farmer)

    def let_go(self, farmer: Farmer) -> None:
        """Note that they are no longer at that node."""
        if farmer.elsewhere is not None:
            super().leave(farmer)
            farmer.elsewhere.census.remove(farmer)
            farmer.elsewhere = None
            farmer.paused = False

    def let_in(self, id: FarmerId, spelling: str, *, registered: bool) -> Farmer | None:
        """A farmer of another node, whose name we hold now; None if somebody here has the name."""
        name = recall(spelling)
        known = self._present.get(id) or self.holder(name)
        if known is not None and known.id == id:
            return known
        farmer = Farmer(id, name, registered=registered)
        try:
            self.hold(farmer)
        except ValueError:
            self.log.warn("{name} is somebody's here already", name=spelling)
            return None
        return farmer

    def count_here(self) -> int:
        return len(self.here.people)

    # -- in order --------------------------------------------------------------------------------

    def _add(self, farmer: Farmer) -> None:
        self._in_order = self._in_order and farmer.arrived > self._last
        self._last = max(self._last, farmer.arrived)
        super().enter(farmer)

    def _sort(self) -> None:
        if not self._in_order:
            ordered = sorted(self._present.values(), key=self._arrival)
            self._present = {farmer.id: farmer for farmer in ordered}
            self._names, self._in_order = None, True

    def names(self) -> tuple[str, ...]:
        self._sort()
        return super().names()

    def ids(self) -> KeysView[FarmerId]:
        self._sort()
        return super().ids()

    def __iter__(self) -> Iterator[Farmer]:
        self._sort()
        return super().__iter__()

    def _arrival(self, farmer: Farmer) -> tuple[float, int]:
        return farmer.arrived, farmer.id


def came(farmer: Farmer) -> Entry:
    """The entry that tells other nodes that somebody is here."""
    name, registered = str(farmer), farmer.registered
    return ("came", farmer.id, name, registered, farmer.arrived, farmer.entered, farmer.address)


def everybody(people: Iterable[Farmer]) -> list[Entry]:
    """The entries for many."""
    entries: list[Entry] = []
    for farmer in people:
        entries.append(came(farmer))
        if farmer.paused:
            entries.append(("paused", farmer.id, True))
    return entries
