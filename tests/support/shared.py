"""A ledger in memory that several nodes of one farm share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.ledger.interface import Kept, NotStored, Opened
from granja.ledger.memory import MemoryLedger
from granja.ledger.shared import Holder, ISharedLedger, Watcher
from granja.market.facts import Fact, Registered
from granja.text.names import Name, NameIndex, recall


@dataclass
class Record:
    """What the nodes share.  ``record`` holds the facts, and what the ledger keeps beside them.

    :meth:`renew` tells the nodes of people who were at a dead node, until a node frees them.
    """

    clock: Clock
    record: MemoryLedger = field(default_factory=MemoryLedger)

    def __post_init__(self) -> None:
        self.names: NameIndex[Holder] = NameIndex()
        self.rows: dict[FarmerId, Holder] = {}
        self.live: dict[int, NodeLedger] = {}
        #: All nodes that ever were; also one without a lease hears what others store.
        self.nodes: list[NodeLedger] = []
        self.writers = count(1)
        self.arrivals = count(1)
        self.farmers = count(1)
        for fact in self.record.facts:
            if isinstance(fact, Registered):
                self.put(Holder(fact.farmer, fact.name, True, None, None))
                self.farmers = count(fact.farmer + 1)

    def put(self, row: Holder) -> Holder:
        self.take(row.farmer)
        self.rows[row.farmer] = row
        self.names.add(recall(row.spelling), row)
        return row

    def take(self, farmer: FarmerId) -> None:
        row = self.rows.pop(farmer, None)
        if row is not None:
            self.names.remove(recall(row.spelling))

    def end(self, writer: int) -> None:
        """End a node's lease."""
        self.live.pop(writer, None)

    def renew(self) -> None:
        """Do what each node does every second."""
        for node in list(self.live.values()):
            orphans = [row for row in self.rows.values() if row.writer not in (None, *self.live)]
            if orphans and not node.away and node.watcher is not None:
                node.watcher.orphaned(orphans)


@implementer(ISharedLedger)
class NodeLedger:
    """One node's end of the shared ledger.  ``away``: the node does not reach the ledger."""

    def __init__(self, shared: Record) -> None:
        self.shared = shared
        shared.nodes.append(self)
        self.away = False
        self.writer = 0
        self.clock_ahead = 0.0
        self.watcher: Watcher | None = None
        self.here: dict[FarmerId, Holder] = {}

    def open(self) -> Opened:
        self.writer = next(self.shared.writers)
        live = self.shared.live
        rows = self.shared.rows.items()
        self.here = {id: row for id, row in rows if row.arrived and row.writer in live}
        live[self.writer] = self
        return self.shared.record.open()

    @property
    def older_nodes(self) -> int:
        return sum(writer < self.writer for writer in self.shared.live)

    def fence(self) -> None:
        """Let the others end this node's lease, and tell the node."""
        self.shared.end(self.writer)
        self.writer = next(self.shared.writers)
        self.shared.live[self.writer] = self
        assert self.watcher is not None
        self.watcher.fenced(self.writer)

    def hurry(self) -> None:
        """Do nothing: this ledger never waits."""

    def watch(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def append(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        if self.away or self.shared.live.get(self.writer) is not self:
            return fail(NotStored("away"))
        before = self.shared.record.facts[:]
        done = self.shared.record.append(facts, after, credentials, kept)
        return done.addCallback(self._stored, len(before), facts, kept)

    def _stored(
        self, sequence: int, after: int, facts: Sequence[Fact], kept: Sequence[Kept]
    ) -> int:
        for fact in facts:
            if isinstance(fact, Registered):
                row = self.shared.rows.get(fact.farmer)
                if row is not None:
                    self.shared.put(replace(row, registered=True))
        for node in self.shared.nodes:
            if node is not self and node.watcher is not None:
                watcher, clock = node.watcher, self.shared.clock
                if facts:
                    clock.callLater(0, watcher.others, after, tuple(facts))
                if kept:
                    clock.callLater(0, watcher.beside, tuple(kept))
        return sequence

    def claim(self, name: Name) -> Deferred[Holder]:
        return self._ask(lambda: self._claim(name))

    def _claim(self, name: Name) -> Holder:
        found = self.shared.names.matches(name)
        if found:
            return found[0]
        farmer = FarmerId(next(self.shared.farmers))
        return self.shared.put(Holder(farmer, name.spelling, False, self.writer, None))

    def enter(self, farmer: FarmerId, writer: int) -> Deferred[Holder | None]:
        return self._ask(lambda: self._enter(farmer, writer))

    def _enter(self, farmer: FarmerId, writer: int) -> Holder | None:
        row = self.shared.rows.get(farmer) if writer in self.shared.live else None
        if row is not None:
            arrived = row.arrived if row.writer and row.arrived else next(self.shared.arrivals)
            self.shared.put(replace(row, writer=writer, arrived=arrived))
        return row

    def free(self, holders: Iterable[Holder]) -> Deferred[None]:
        wanted = {(holder.farmer, holder.writer) for holder in holders}
        return self._ask(lambda: self._free(wanted))

    def _free(self, wanted: set[tuple[FarmerId, int | None]]) -> None:
        for row in [r for r in self.shared.rows.values() if (r.farmer, r.writer) in wanted]:
            if row.registered:
                self.shared.put(replace(row, writer=None, arrived=None))
            else:
                self.shared.take(row.farmer)

    def nowhere(self, farmers: Collection[FarmerId]) -> Deferred[set[FarmerId]]:
        rows = self.shared.rows
        return self._ask(
            lambda: {one for one in farmers if one not in rows or not rows[one].writer}
        )

    def living(self) -> Deferred[set[int]]:
        return self._ask(lambda: {*self.shared.live})

    def verifier(self, farmer: FarmerId) -> Deferred[str]:
        return self._ask(lambda: self.shared.record.credentials.get(farmer, ""))

    def _ask(self, question: Callable[[], Any]) -> Deferred[Any]:
        """Answer in a later tick, as a thread does."""
        asked: Deferred[Any] = Deferred()
        self.shared.clock.callLater(0, self._answer, asked, question)
        return asked

    def _answer(self, asked: Deferred[Any], question: Callable[[], Any]) -> None:
        if self.away:
            asked.errback(NotStored("away"))
        else:
            asked.callback(question())

    def wants_checkpoint(self) -> bool:
        return False

    def checkpoint(self, snapshot: dict[str, Any], sequence: int) -> None:
        """Do nothing: this ledger needs no snapshot."""

    def close(self) -> Deferred[None]:
        self.shared.end(self.writer)
        return succeed(None)
