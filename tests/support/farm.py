"""A farm in memory, and people who come to it.  Most tests use it.

There are no sockets and no real time.  Each person has a StringTransport to the real factory.  Time
is a ``task.Clock`` that starts at a fixed moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from secrets import token_bytes
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from granja.accounts.passwords import PlainAccounts
from granja.catalog_file import read_catalog
from granja.factory import GranjaFactory
from granja.ledger.interface import ILedger
from granja.ledger.memory import MemoryLedger
from granja.nodes.nodes import Nodes
from granja.settings import Settings
from granja.wire.telnet import Telnet

#: What the wall clock shows when a test begins.
DAWN = 1_700_000_000.0


class Wire(StringTransport):
    """A connection in memory that remembers how it ended.

    :param address: the peer's address.
    """

    aborted = False

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__(peerAddress=IPv4Address("TCP", address, 54321))

    def abortConnection(self) -> None:  # noqa: N802
        self.aborted = self.disconnecting = True


class Person:
    """Somebody at a terminal."""

    def __init__(self, farm: Farm, name: str = "", address: str = "127.0.0.1") -> None:
        self.farm = farm
        self.name = name
        self.wire = Wire(address)
        self.protocol: Any = farm.factory.buildProtocol(self.wire.getPeer())
        self.protocol.makeConnection(self.wire)
        self._lost = False

    def types(self, *lines: str) -> None:
        for line in lines:
            self.sends(line.encode() + b"\r\n")

    def sends(self, data: bytes) -> None:
        """Send raw bytes."""
        self.protocol.dataReceived(data)
        self.farm.settle()

    def hears_bytes(self) -> bytes:
        """Return all bytes that arrived since the last look."""
        self.farm.settle()
        data: bytes = self.wire.value()
        self.wire.clear()
        return data

    def hears(self) -> list[str]:
        """Return all lines that arrived since the last look, as a telnet client shows them."""
        text = Telnet().feed(self.hears_bytes()).decode()
        assert text == "" or text.endswith("\r\n"), text
        return text.split("\r\n")[:-1]

    def arrives(self, artifacts: str = "") -> Person:
        """Answer the questions as a visitor."""
        self.types(self.name, artifacts, "si")
        self.hears()
        return self

    def ends_input(self) -> None:
        """Half-close the connection, as ``printf … | nc`` does."""
        self.protocol.readConnectionLost()
        self.farm.settle()

    @property
    def is_closed(self) -> bool:
        return self.wire.disconnecting

    def drops(self) -> None:
        """Lose the connection."""
        if not self._lost:
            self._lost = True
            self.protocol.connectionLost(Failure(ConnectionDone()))
            self.farm.settle()


@dataclass
class Farm:
    """The factory and its surroundings."""

    settings: Settings = field(default_factory=lambda: Settings(rate=None))
    ledger: ILedger = field(default_factory=MemoryLedger)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(DAWN)
        #: Seconds by which somebody set the wall clock forward; timers do not notice.
        self.set_forward = 0.0
        self.people: list[Person] = []
        self.open()

    def open(self) -> None:
        """Start the factory on the ledger as it is, also again after :meth:`crash`."""
        self.factory = GranjaFactory(
            self.clock,
            self.wall,
            read_catalog(None),
            self.ledger,
            PlainAccounts(),
            token_bytes,
            self.settings,
            self.make_nodes(),
        )
        self.factory.presence.attendance.reconcile()

    def make_nodes(self) -> Nodes | None:
        """The other nodes of the farm: this farm has none."""
        return None

    def wall(self) -> float:
        """What the wall clock shows, in Unix seconds."""
        return self.clock.seconds() + self.set_forward

    def moderators(self, *names: str) -> None:
        """The operator names these moderators too.  The next start reads the names."""
        named = (*self.settings.moderators, *names)
        self.settings = replace(self.settings, moderators=named)

    def person(self, name: str = "", address: str = "127.0.0.1") -> Person:
        """Somebody connects from an address."""
        person = Person(self, name, address)
        self.people.append(person)
        return person

    def arrives(self, name: str, artifacts: str = "", address: str = "127.0.0.1") -> Person:
        """Somebody connects and comes in as a visitor."""
        person = self.person(name, address).arrives(artifacts)
        for other in self.people:
            other.hears()
        return person

    def settle(self) -> None:
        """Let the reactor's ticks happen, without time passing."""
        self.clock.advance(0)
        self.clock.advance(0)

    def pass_time(self, seconds: float) -> None:
        """Let time pass in small steps."""
        self.settle()
        for _ in range(10):
            self.clock.advance(seconds / 10)
        self.settle()
