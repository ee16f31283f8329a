"""The processes of a farm on several nodes, each node on a core, and what they cost.

A core stands for a machine: a node has one, with its part of the people.  The load generator, the
bus and the database may run on any core that a node has.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import cpu_account, cpu_of_tree, memory_kib, pinned
from benchmarks.run import free_port, wait_until_open
from benchmarks.servers.ours import LOCAL, twistd
from benchmarks.servers.server import ROOT
from tests.support.nats import NatsServer
from tests.support.postgresql import Pair

NAMES = ("norte", "sur", "este")


@dataclass(frozen=True)
class Spent:
    """CPU seconds, or the difference of two readings: of each node, the bus, and the database with
    its standby."""

    nodes: tuple[float, ...]
    bus: float
    database: float

    def since(self, before: Spent) -> Spent:
        nodes = tuple(now - then for now, then in zip(self.nodes, before.nodes, strict=True))
        return Spent(nodes, self.bus - before.bus, self.database - before.database)

    @property
    def all(self) -> float:
        return sum(self.nodes) + self.bus + self.database


@dataclass(frozen=True)
class Farm:
    """What runs: the ports of the nodes, and how to read what they cost."""

    ports: tuple[int, ...]
    pids: tuple[int, ...]
    cores: tuple[int, ...]
    others: Callable[[], tuple[float, float]] = lambda: (0.0, 0.0)

    def spent(self) -> Spent:
        """CPU seconds until now."""
        bus, database = self.others()
        return Spent(tuple(cpu_account(pid).total for pid in self.pids), bus, database)

    def memory_mib(self) -> list[float]:
        """Of each node."""
        return [memory_kib(pid) / 1024 for pid in self.pids]


#: Makes the command line of a node from its number and its port.
Command = Callable[[int, int], Sequence[str]]


def cores_for(nodes: int) -> tuple[int, ...]:
    """A core for each node; the last cores first.  Nodes share cores when there are too few."""
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    return tuple(cores[n % len(cores)] for n in range(nodes))


@contextmanager
def processes(command: Command, nodes: int, folder: Path) -> Iterator[Farm]:
    """Start each node on its core."""
    cores, ports = cores_for(nodes), tuple(free_port() for _ in range(nodes))
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number, port in enumerate(ports):
            started.append(_start(command(number, port), folder / f"{number}", cores[number]))
        for number, port in enumerate(ports):
            wait_until_open(started[number], port, folder / f"{number}" / "log")
        yield Farm(ports, tuple(one.pid for one in started), cores)
    finally:
        for one in started:
            one.kill()
            one.wait()


def _start(words: Sequence[str], folder: Path, core: int) -> subprocess.Popen[bytes]:
    folder.mkdir()
    with (folder / "log").open("wb") as output, pinned(core):
        return subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def granja(*options: str, ledger: str) -> Command:
    """How a node of Granja starts."""

    def command(number: int, port: int) -> Sequence[str]:
        listen = ("--listen", f"tcp:{port}:{LOCAL}", "--node", NAMES[number])
        return twistd(*listen, *options, ledger=ledger)

    return command


@contextmanager
def alone(folder: Path) -> Iterator[Farm]:
    """One node as it starts by default: SQLite, and no daemon."""
    command = granja(ledger=f"sqlite:{folder / 'granja.db'}")
    with processes(lambda n, port: _without_node(command(n, port)), 1, folder) as farm:
        yield farm


def _without_node(words: Sequence[str]) -> Sequence[str]:
    at = words.index("--node")
    return [*words[:at], *words[at + 2 :]]


@contextmanager
def apart(nodes: int, folder: Path) -> Iterator[Farm]:
    """As many farms of one node each, which know nothing of one another."""

    def command(number: int, port: int) -> Sequence[str]:
        ledger = f"sqlite:{folder / f'granja-{number}.db'}"
        return _without_node(granja(ledger=ledger)(number, port))

    with processes(command, nodes, folder) as farm:
        yield farm


@contextmanager
def together(nodes: int, folder: Path) -> Iterator[Farm]:
    """Nodes with PostgreSQL (a primary and a synchronous standby, syncs on) and NATS."""
    with ExitStack() as stack:
        stack.enter_context(pinned(*cores_for(nodes)))
        pair = Pair()
        stack.callback(pair.remove)
        bus = stack.enter_context(NatsServer())
        command = granja("--bus", bus.url, ledger=pair.url)
        farm = stack.enter_context(processes(command, nodes, folder))

        def others() -> tuple[float, float]:
            both = cpu_of_tree(pair.primary.pid) + cpu_of_tree(pair.standby.pid)
            return cpu_account(bus.pid).total, both

        yield Farm(farm.ports, farm.pids, farm.cores, others)


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder for one farm."""
    with tempfile.TemporaryDirectory(prefix="granja-nodes-") as folder:
        yield Path(folder)
