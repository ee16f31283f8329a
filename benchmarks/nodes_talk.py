"""Talk on several nodes: floods, talk at a pace, and 10,000 arrivals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.nodes_farm import Farm, Spent, alone, apart, temporary, together
from benchmarks.nodes_peers import PEERS
from benchmarks.run import KINDS_OF_FAULT, RunError, generating, generator_command
from benchmarks.scenarios import Scenario, paced
from benchmarks.servers.server import Server, Start
from benchmarks.servers.table import named
from benchmarks.workshop import Workshop

#: Nine of ten only count bytes, so that the people cost little beside the nodes.
FLOOD = Scenario("flood", "flood", "flood", 1_000, 10, 8_000, counting=900, arriving=300)
CROWDED = replace(FLOOD, farmers=4_000, counting=3_800, lines=2_000)

#: Everybody looks at what they hear: for the peers, whose lines are longer.
FLOOD_ALL = replace(FLOOD, counting=0, lines=2_000)
PACED = replace(paced("paced", 1_000, 0.2, 15.0), arriving=300)
CROWD = Scenario("crowd", "crowd", "crowd", 10_000, 1, 10, arriving=600, deadline=150.0)


@dataclass(frozen=True)
class Setting:
    """What is measured: how many nodes of what.

    - ``kind``: ``alone``, ``together``, ``apart`` (each node is a farm of its own, with its part of
      the people and as many who talk), or the name of a peer.
    """

    name: str
    kind: str
    nodes: int

    def start(self, folder: Path) -> AbstractContextManager[Farm]:
        if self.kind == "alone":
            return alone(folder)
        if self.kind == "together":
            return together(self.nodes, folder)
        if self.kind == "apart":
            return apart(self.nodes, folder)
        return PEERS[self.kind](self.nodes, folder)

    @property
    def server(self) -> Server:
        """Whose language is spoken."""
        return named([self.kind if self.kind in PEERS else "granja"])[0]


ALONE = Setting("one node, SQLite, no daemon", "alone", 1)
SETTINGS = (ALONE, *(Setting(f"nodes, {n}", "together", n) for n in (1, 2)))
#: What two cores can give, with nothing in common.
FLOODED = (*SETTINGS, Setting("two farms at once", "apart", 2))
PEER_SETTINGS = tuple(
    Setting(f"{peer}, {n}", peer, n) for peer in PEERS for n in (1, 2)
)  # fmt: skip


@dataclass(frozen=True)
class Talk:
    """One run."""

    setting: Setting
    spent: Spent
    memory_mib: tuple[float, ...]
    arrived: dict[str, Any]
    ran: dict[str, Any]
    counted: dict[str, Any]
    arriving: Spent

    @property
    def delivered(self) -> int:
        return int(self.ran["delivered"])

    @property
    def a_second(self) -> float:
        """Lines delivered a second, by the clock on the wall."""
        return self.delivered / float(self.ran["seconds"])

    @property
    def of_the_busiest(self) -> float:
        """Lines delivered, over the CPU seconds of the node that had most to do: what there would
        be a second if the cores had nothing else to do."""
        return self.delivered / max(self.spent.nodes)

    @property
    def cpu_us(self) -> float:
        """CPU of nodes, bus and database in µs for each delivered line."""
        return self.spent.all * 1e6 / max(1, self.delivered)

    @property
    def faults(self) -> int:
        wrong = sum(int(self.counted[kind]) for kind in KINDS_OF_FAULT)
        return wrong + int(self.ran["unfinished"]) + int(self.arrived["cut"])


def measure(
    setting: Setting, scenario: Scenario, round_: int, workshop: Workshop, *, parted: bool = False
) -> Talk:
    """:param parted: whether each node's people are a process of their own, on the node's core.
    If not, one process has all people, and may run on every core that a node has.
    :raises RunError: when a run fails, or lines are lost, doubled or out of order.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(temporary())
        farm = stack.enter_context(setting.start(folder))
        begun = farm.spent()
        crowds = [
            stack.enter_context(generating(command, *cores))
            for command, *cores in _crowds(setting, scenario, round_, farm, workshop, parted)
        ]
        arrived = summed([crowd.hear() for crowd in crowds])
        memory = tuple(farm.memory_mib())
        before = farm.spent()
        for crowd in crowds:
            crowd.go()
        ran = summed([crowd.hear() for crowd in crowds])
        spent = farm.spent().since(before)
        for crowd in crowds:
            crowd.go()
        counted = summed([crowd.hear() for crowd in crowds])
    talk = Talk(setting, spent, memory, arrived, ran, counted, before.since(begun))
    if talk.faults:
        raise RunError(f"{setting.name}, {scenario.name}: {arrived} {ran} {counted}")
    return talk


def _crowds(
    setting: Setting, scenario: Scenario, round_: int, farm: Farm, workshop: Workshop, parted: bool
) -> Iterator[tuple[Any, ...]]:
    """The commands of the generators, each with its cores."""
    count = len(farm.cores)

    def command(scenario: Scenario, *ports: int) -> list[str]:
        start = Start(ports[0], workshop.folder, workshop, scenario)
        return generator_command(setting.server, start, round_, ",".join(map(str, ports)))

    if setting.kind == "apart":
        part = replace(
            scenario, farmers=scenario.farmers // count, counting=scenario.counting // count
        )
        for port, core in zip(farm.ports, farm.cores, strict=True):
            yield command(part, port), core
    elif parted:
        for n, core in enumerate(farm.cores):
            yield [*command(scenario, *farm.ports), f"--parts={count}", f"--part={n}"], core
    else:
        yield command(scenario, *farm.ports), *farm.cores


def summed(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Reports of the parts as one: the longest times, and the sums of everything else."""
    first, *others = reports
    if not others:
        return first
    return {
        key: max(one[key] for one in reports)
        if key.endswith(("_us", "seconds"))
        else sum(one[key] for one in reports)
        for key in first
    }


def figures(talk: Talk) -> dict[str, float]:
    """What is written down of a run."""
    lines = talk.delivered
    found = {
        "lines_a_second": talk.a_second,
        "lines_of_the_busiest": talk.of_the_busiest,
        "cpu_us": talk.cpu_us,
        "nodes_us": sum(talk.spent.nodes) * 1e6 / lines,
        "bus_us": talk.spent.bus * 1e6 / lines,
        "database_us": talk.spent.database * 1e6 / lines,
        "p50_ms": float(talk.ran["p50_us"]) / 1e3,
        "p99_ms": float(talk.ran["p99_us"]) / 1e3,
        "generator_s": float(talk.ran["generator_cpu_s"]),
        "seconds": float(talk.ran["seconds"]),
    }
    for key in ("within_p50_us", "within_p99_us", "across_p50_us", "across_p99_us"):
        if key in talk.ran:
            found[key.replace("_us", "_ms")] = float(talk.ran[key]) / 1e3
    return found


def flood(setting: Setting, round_: int, workshop: Workshop) -> dict[str, float]:
    scenario = FLOOD
    if setting.kind in PEERS:
        scenario = replace(FLOOD_ALL, lines=FLOOD_ALL.lines_for(setting.server.share), arriving=100)
    return figures(measure(setting, scenario, round_, workshop, parted=True))


def flood_4000(setting: Setting, round_: int, workshop: Workshop) -> dict[str, float]:
    return figures(measure(setting, CROWDED, round_, workshop, parted=True))


def pace(setting: Setting, round_: int, workshop: Workshop) -> dict[str, float]:
    scenario = replace(PACED, arriving=100) if setting.kind in PEERS else PACED
    return figures(measure(setting, scenario, round_, workshop))


def arrivals(setting: Setting, round_: int, workshop: Workshop) -> dict[str, float]:
    """Ten thousand arrive, and then a line reaches them all."""
    began = time.monotonic()
    talk = measure(setting, CROWD, round_, workshop)
    if int(talk.arrived["inside"]) != CROWD.farmers:
        raise RunError(f"{talk.arrived['inside']} of {CROWD.farmers} arrived")
    reached = sorted(map(float, talk.counted["reached_ms"]))
    return {
        "arrived_s": float(talk.arrived["arrived_s"]),
        "announced_s": float(talk.arrived["announced_s"]),
        "announcements": float(talk.arrived["announcements"]),
        "nodes_ms_each": sum(talk.arriving.nodes) * 1e3 / CROWD.farmers,
        "bus_ms_each": talk.arriving.bus * 1e3 / CROWD.farmers,
        "database_ms_each": talk.arriving.database * 1e3 / CROWD.farmers,
        "generator_ms_each": float(talk.arrived["generator_cpu_s"]) * 1e3 / CROWD.farmers,
        "memory_mib": sum(talk.memory_mib),
        "reached_p50_ms": reached[len(reached) // 2],
        "reached_max_ms": reached[-1],
        "in_all_s": time.monotonic() - began,
    }


#: Runs a setting in a round.
Talking = Callable[[Setting, int, Workshop], dict[str, float]]

#: What can be measured with the generator, and on what.
TALKS: dict[str, tuple[Talking, Sequence[Setting]]] = {
    "flood": (flood, FLOODED),
    "flood-4000": (flood_4000, FLOODED),
    "pace": (pace, SETTINGS),
    "flood-peers": (flood, PEER_SETTINGS),
    "pace-peers": (pace, PEER_SETTINGS),
    "arrivals": (arrivals, (ALONE, Setting("nodes, 3", "together", 3))),
}
