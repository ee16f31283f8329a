"""Several farms of one bus in memory, in one process and by one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from twisted.internet.task import Clock

from granja.bus.memory import Exchange, MemoryBus
from granja.ledger.memory import MemoryLedger
from granja.nodes.nodes import Nodes
from granja.settings import Settings
from tests.support.farm import DAWN, Farm, Person
from tests.support.shared import NodeLedger, Record

#: Of everybody who is registered.
PASSWORD = "una clave larga"


@dataclass
class NodeFarm(Farm):
    """The farm of one node."""

    village: Any = None

    def __post_init__(self) -> None:
        self.clock = self.village.clock
        self.bus: MemoryBus = self.village.exchange.bus()
        self.shared = NodeLedger(self.village.record)
        self.ledger = self.shared
        self.people = []
        self.set_forward = 0.0
        self.open()

    @property
    def writer(self) -> int:
        """The number of this node."""
        return self.shared.writer

    def make_nodes(self) -> Nodes:
        name = f"node-{len(self.village.exchange.buses)}"
        return Nodes(self.clock, self.clock.seconds, self.bus, self.settings.history, name)

    def open(self) -> None:
        super().open()
        self.village.settle()

    def settle(self) -> None:
        self.village.settle()

    def dies(self) -> None:
        """As by kill -9; nobody knows yet."""
        self.bus.cut()
        self.bus.publish = lambda *_: None  # type: ignore[method-assign]
        self.bus.mend = lambda: None  # type: ignore[method-assign]
        self.shared.away = True
        self.shared.watcher = None

    def is_buried(self) -> None:
        """Its lease is over, and the others know."""
        self.village.record.end(self.writer)
        self.village.record.renew()
        self.village.pass_time(2.0)
        self.village.record.renew()
        self.village.settle()


@dataclass
class Village:
    """``farms``: its nodes, of which the first was there first; ``registered`` are registered."""

    count: int = 2
    settings: Settings = field(default_factory=lambda: Settings(rate=None))
    registered: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(DAWN)
        ledger = MemoryLedger()
        before = Farm(ledger=ledger)
        for name in self.registered:
            person = before.arrives(name)
            person.types(f":registrar {PASSWORD}", ":q")
            person.drops()
        self.record = Record(self.clock, ledger)
        self.exchange = Exchange(self.clock)
        self.farms: list[NodeFarm] = []
        for _ in range(self.count):
            self.starts()

    def starts(self) -> NodeFarm:
        """One more node."""
        farm = NodeFarm(self.settings, village=self)
        self.farms.append(farm)
        return farm

    def settle(self) -> None:
        """Let ticks happen, and messages arrive."""
        for _ in range(8):
            self.clock.advance(0.001)

    def pass_time(self, seconds: float) -> None:
        """Let time go by, in small steps."""
        for _ in range(20):
            self.clock.advance(seconds / 20)
        self.settle()

    def quiet(self) -> None:
        """Nobody has anything more to hear."""
        for farm in self.farms:
            for person in farm.people:
                person.hears()

    def arrive(self, *names: str) -> list[Person]:
        """Visitors, the first at the first node, and so on."""
        people = [farm.arrives(name) for farm, name in zip(self.farms, names, strict=True)]
        self.quiet()
        return people

    def lists(self) -> list[list[str]]:
        """What ``:u`` shows at each node."""
        return [list(farm.factory.roster.names()) for farm in self.farms]


def missed(count: int) -> str:
    """What everybody hears of lines that were lost."""
    noun = "línea" if count == 1 else "líneas"
    return f"[SERVER] Te perdiste {count} {noun}."
