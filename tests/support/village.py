"""Several farms of one bus in memory, in one process and with one clock."""

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

#: The password of everybody who is registered.
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
        """Die as by ``kill -9``.  Nobody knows it yet."""
        self.bus.cut()
        self.bus.publish = lambda *_: None  # type: ignore[method-assign]
        self.bus.mend = lambda: None  # type: ignore[method-assign]
        self.shared.away = True
        self.shared.watcher = None

    def is_buried(self) -> None:
        """End the lease of this dead node, and tell the others."""
        self.village.record.end(self.writer)
        self.village.record.renew()
        self.village.pass_time(2.0)
        self.village.record.renew()
        self.village.settle()


@dataclass
class Village:
    """``farms`` holds the nodes; the first is the oldest.  ``registered`` names are registered."""

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
        """Start one more node."""
        farm = NodeFarm(self.settings, village=self)
        self.farms.append(farm)
        return farm

    def settle(self) -> None:
        """Let the ticks happen, and let messages arrive."""
        for _ in range(8):
            self.clock.advance(0.001)

    def pass_time(self, seconds: float) -> None:
        """Let time pass in small steps."""
        for _ in range(20):
            self.clock.advance(seconds / 20)
        self.settle()

    def quiet(self) -> None:
        """Forget everything that people heard until now."""
        for farm in self.farms:
            for person in farm.people:
                person.hears()

    def arrive(self, *names: str) -> list[Person]:
        """Visitors arrive: the first at the first node, the second at the second, and so on."""
        people = [farm.arrives(name) for farm, name in zip(self.farms, names, strict=True)]
        self.quiet()
        return people

    def lists(self) -> list[list[str]]:
        """The names that ``:u`` shows, node by node."""
        return [list(farm.factory.roster.names()) for farm in self.farms]


def missed(count: int) -> str:
    """What everybody hears when lines were lost."""
    noun = "línea" if count == 1 else "líneas"
    return f"[SERVER] Te perdiste {count} {noun}."
