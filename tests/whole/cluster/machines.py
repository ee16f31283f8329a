"""The processes of a farm, and the wires between them."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from granja.operations import admin
from tests.support.links import Wire
from tests.support.nats import NatsServer
from tests.support.postgresql import PASSWORD, Pair
from tests.support.server import Server

NAMES = ("norte", "sur", "este")

#: Seconds that a start may take: the database may be away, and the machine busy.
PATIENCE = 120.0


class Node:
    """One server, with its own wires.

    ``life``: counts up whenever it is a new node for the others.

    :param ports: of the members of the database.
    :param lease: seconds that its lease lasts without being renewed.
    """

    def __init__(
        self, name: str, folder: Path, ports: Sequence[int], bus: NatsServer, lease: float
    ) -> None:
        self.name = name
        self.life = 1
        self.up = False
        self.database = [Wire(port) for port in ports]
        self.bus = [Wire(bus.port)]
        self.lease = lease
        self._admin = folder / f"{name}.admin"
        own = folder / name
        own.mkdir()
        hosts = ",".join(f"127.0.0.1:{wire.port}" for wire in self.database)
        self.server = Server(
            *("--node", name, "--bus", f"nats://127.0.0.1:{self.bus[0].port}"),
            *("--rate", "off", "--linger", "0", "--admin", str(self._admin)),
            folder=str(own),
            ledger=f"postgresql://granja:{quote(PASSWORD)}@{hosts}/granja",
            prelude=f"import granja.ledger.postgresql.lease as l; l.LASTS = {lease}; ",
            patience=PATIENCE,
            fresh=False,  # What the mother has loaded knows nothing of leases.
        )

    def start(self) -> None:
        """Start it, and wait until it serves: until its old lease is over, at least."""
        self.server.start()
        self.up = True

    def kill(self) -> None:
        """``kill -9``."""
        self.up = False
        self.life += 1
        self.server.kill()

    def pause(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.server.process is not None
        self.server.process.send_signal(number)

    def fingerprint(self) -> tuple[int, str]:
        """The entry at which its market is, and the market's fingerprint."""
        answer = admin.ask(str(self._admin), {"do": "fingerprint"})
        return answer["sequence"], answer["fingerprint"]

    def close(self) -> None:
        with suppress(AssertionError, ProcessLookupError):
            self.resume()
        if self.server.process is not None and self.server.process.poll() is None:
            self.server.kill()
        for wire in (*self.database, *self.bus):
            wire.close()


class Farm:
    """Three nodes and their bus.  What database they have, a subclass says.

    :param folder: for the logs of the nodes, and their sockets.
    :param lease: seconds.
    :param ports: of the members of the database.
    """

    def __init__(self, folder: Path, lease: float, ports: Sequence[int]) -> None:
        self.folder = folder
        self.lease = lease
        self.bus = NatsServer()
        self.bus.start()
        self.nodes = [Node(name, folder, ports, self.bus, lease) for name in NAMES]

    @property
    def ledger(self) -> str:
        """The URL of the record, past all wires."""
        raise NotImplementedError

    def logs(self) -> dict[str, str]:
        """What each node has written, by its name."""
        return {node.name: node.server.read_log() for node in self.nodes}

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        self.bus.kill()


class Machines(Farm):
    """A farm on a primary and its synchronous standby, for :mod:`tests.whole.cluster.faults`."""

    def __init__(self, folder: Path, lease: float) -> None:
        self.pair = Pair(always=True)
        super().__init__(folder, lease, [self.pair.primary.port, self.pair.standby.port])

    def fail_over(self, pause: float) -> None:
        """Kill the primary, promote its standby, and give that a standby of its own.

        :param pause: seconds that nobody notices.
        """
        self.pair.primary.kill()
        time.sleep(pause)
        self.pair.promote()
        self.pair.replace()

    def divide(self, number: int, pause: float) -> None:
        """Promote the standby while the old primary lives on.  One node reaches only the old
        primary for a while, and the others only the new one.  Then the old one is turned off.

        :param number: of that node.
        :param pause: seconds from the new primary's first commit to the end of the old one.
        """
        old, new = self.pair.primary.port, self.pair.standby.port
        wires = [(n == number, wire) for n, node in enumerate(self.nodes) for wire in node.database]
        for apart, wire in wires:
            if wire.far == (new if apart else old):
                wire.closed = True
                wire.cut()
        before = self.pair.divide()
        time.sleep(pause)
        before.kill()
        before.remove()
        for _, wire in wires:
            wire.far = self.pair.standby.port if wire.far == old else wire.far
            wire.mend()

    def lose_standby(self, pause: float) -> None:
        """Kill the standby.  Nothing is stored for this many seconds."""
        self.pair.standby.kill()
        time.sleep(pause)
        self.pair.standby.start()
        self.pair.wait_for_standby()

    @property
    def ledger(self) -> str:
        return self.pair.primary.url("granja")

    def close(self) -> None:
        super().close()
        self.pair.remove()
