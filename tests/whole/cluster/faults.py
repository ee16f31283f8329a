"""What breaks, when, and for how long: a seed chooses it before anything starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.support.links import Wire
from tests.whole.cluster.machines import NAMES, Machines, Node

#: How a wire may break.
WAYS = ("cut", "stalled", "deaf", "swallowing")

#: The name of a kind, and the fewest and the most seconds that it lasts.
_Kind = tuple[str, float, float]

#: What may cost a node its lease, beside a broken link.
_FATAL = ("node killed", "node stopped", "database divided")


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind`` befalls ``target`` (a node's number, -1 for what there is one of) ``at`` seconds
    after the round began, for ``seconds``."""

    kind: str
    target: int
    at: float
    seconds: float

    @property
    def concerns(self) -> tuple[str, int]:
        """The thing that cannot break twice at once."""
        kind = self.kind.split(" ")[0]
        return kind, -1 if kind == "database" else self.target

    @property
    def fatal(self) -> bool:
        """Whether a node may lose its lease by it."""
        return self.kind in _FATAL or self.kind.startswith("link")

    def __str__(self) -> str:
        where = f" of {NAMES[self.target]}" if self.target >= 0 else ""
        return f"{self.kind}{where} at {self.at:.1f} s for {self.seconds:.1f} s"


def schedule(seed: int, faults: int, lease: float) -> Iterator[list[Fault]]:
    """The rounds of a seed."""
    return rounds(Random(f"faults {seed}"), faults, lease)


def rounds(chance: Random, faults: int, lease: float) -> Iterator[list[Fault]]:
    """This many faults, one to three at a time.  None comes again before all kinds have come.

    :param lease: seconds of a node's lease.
    """
    deck: list[_Kind] = []
    left = faults
    while left:
        number = min(left, chance.choice((1, 1, 2, 2, 3)))
        made: dict[tuple[str, int], Fault] = {}
        while len(made) < number:
            deck = deck or chance.sample(kinds := _kinds(lease), len(kinds))
            fault = _fault(chance, *deck[-1])
            if fault.concerns in made:
                break  # One thing cannot break twice at once: this kind begins the next round.
            made[fault.concerns] = fault
            deck.pop()
        yield list(made.values())
        left -= len(made)


def _fault(chance: Random, kind: str, shortest: float, longest: float) -> Fault:
    of_one = kind.split(" ")[0] in ("node", "link", "tie") or kind == "database divided"
    target = chance.randrange(len(NAMES)) if of_one else -1
    return Fault(kind, target, chance.uniform(0, 1), chance.uniform(shortest, longest))


def _kinds(lease: float) -> list[_Kind]:
    """Each kind with its shortest and longest time.  A *link* leads to the database, a *tie* to the
    bus.  When the database is *divided*, one node is left with an old primary that lives on."""
    return [
        ("node killed", 0, 1),
        ("node paused", 0.2, lease * 0.6),
        ("node stopped", lease * 1.3, lease * 1.6),
        ("database primary killed", 0, 1),
        ("database divided", 0.2, lease * 1.4),
        ("database standby killed", 0.2, lease * 1.4),
        *((f"link {way}", 0.3, lease * 1.6) for way in WAYS),
        *((f"tie {way}", 0.3, lease * 1.4) for way in WAYS),
        ("bus killed", 0.2, lease * 0.8),
        ("bus stopped", 0.2, lease * 1.2),
    ]


async def happen(machines: Machines, fault: Fault) -> None:
    """Break it, and mend it."""
    await asyncio.sleep(fault.at)
    kind, _, how = fault.kind.partition(" ")
    if fault.target < 0:
        await asyncio.to_thread(_ALONE[fault.kind], machines, fault.seconds)
        return
    if kind == "database":
        await asyncio.to_thread(machines.divide, fault.target, fault.seconds)
        return
    node = machines.nodes[fault.target]
    if kind == "node":
        await asyncio.to_thread(_NODE[how], node, fault.seconds)
    else:
        wires = node.database if kind == "link" else node.bus
        for wire in wires:
            _break(wire, how)
        await asyncio.sleep(fault.seconds)
        for wire in wires:
            wire.mend()


def _break(wire: Wire, how: str) -> None:
    match how:
        case "cut":
            wire.closed = True
            wire.cut()
        case "stalled":
            wire.stall()
        case "deaf":
            wire.deaf = True
        case "swallowing":
            wire.swallowing = True


def _kill(node: Node, seconds: float) -> None:
    node.kill()
    time.sleep(seconds)
    node.start()


def _stop(node: Node, seconds: float) -> None:
    node.pause()
    time.sleep(seconds)
    node.resume()


def _kill_bus(machines: Machines, seconds: float) -> None:
    machines.bus.kill()
    time.sleep(seconds)
    machines.bus.start()


def _stop_bus(machines: Machines, seconds: float) -> None:
    machines.bus.pause()
    time.sleep(seconds)
    machines.bus.resume()


_NODE: dict[str, Callable[[Node, float], None]] = {
    "killed": _kill,
    "paused": _stop,
    "stopped": _stop,
}
_ALONE: dict[str, Callable[[Machines, float], None]] = {
    "database primary killed": Machines.fail_over,
    "database standby killed": Machines.lose_standby,
    "bus killed": _kill_bus,
    "bus stopped": _stop_bus,
}
