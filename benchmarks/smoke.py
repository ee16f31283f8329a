"""The benchmark's shapes, for CI: facts that must hold on any machine.  It measures no times."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.figures import FIGURES
from benchmarks.measure import Cores
from benchmarks.run import Result, run
from benchmarks.scenarios import Scenario, paced
from benchmarks.servers import Server, named
from benchmarks.workshop import Workshop

MOST_GROWTH_MIB = 64
LEAST_LINES_A_WRITE = 20  # A server that writes line by line has 1; one that coalesces, hundreds.


@dataclass(frozen=True)
class Check:
    """``holds`` looks at a result.  ``sentence`` says in words what must hold."""

    sentence: str
    holds: Callable[[Result], bool]


def clean(result: Result) -> bool:
    return not result.faults


def coalesced(result: Result) -> bool:
    return FIGURES["lines_a_write"](result) >= LEAST_LINES_A_WRITE


def bounded(result: Result) -> bool:
    return FIGURES["growth_mib"](result) <= MOST_GROWTH_MIB


def heard_in_order(result: Result) -> bool:
    return result.arrived.get("in_order") is True


def one_write_each(result: Result) -> bool:
    """Whether there are no more writes than lines, replies and whispers."""
    return int(result.ran["segments"]) <= result.delivered


def accounted(scenario: Scenario) -> Callable[[Result], bool]:
    said = scenario.talkers * scenario.lines

    def holds(result: Result) -> bool:
        counted = result.counted
        closed = bool(counted["stalled_closed"])
        return closed or int(counted["stalled_heard"]) + int(counted["stalled_told"]) == said

    return holds


CLEAN = Check("every line reaches everybody once and in order", clean)
FEW_WRITES = Check("in a flood a write holds many lines", coalesced)
ONE_WRITE = Check("nobody is written to more than once for a line", one_write_each)
BOUNDED = Check(f"a flood takes no more than {MOST_GROWTH_MIB} MiB", bounded)

FLOOD = Scenario("smoke-flood", "flood", "flood", 100, 10, 2_000)
SHORT = replace(FLOOD, name="smoke-short", lines=1_000)
VARIED = replace(FLOOD, name="smoke-varied", title="flood of varied lines", varied=True)
PACED = paced("smoke-paced", 100, 2.0, 1.0)
WHISPERS = Scenario("smoke-whispers", "whispers", "whispers", 100, 100, 50)
CROWD = Scenario("smoke-crowd", "crowd", "crowd", 300, 1, 3, arriving=100)
STALL = Scenario("smoke-stall", "stall", "flood", 30, 10, 8_000, stalled=1)

Plan = tuple[tuple[Scenario, tuple[Check, ...]], ...]

PLAN: Plan = (
    (FLOOD, (CLEAN, FEW_WRITES, BOUNDED)),
    (VARIED, (CLEAN, FEW_WRITES, BOUNDED)),
    (PACED, (CLEAN, ONE_WRITE)),
    (WHISPERS, (CLEAN, ONE_WRITE)),
    (CROWD, (CLEAN, Check("everybody hears everybody arrive, in one order", heard_in_order))),
    (
        STALL,
        (
            CLEAN,
            BOUNDED,
            Check("who stopped reading is told what they missed, or closed", accounted(STALL)),
        ),
    ),
)


def rests_in(kib: float) -> Check:
    """Allow 16 KiB more a farmer: with 64 farmers, one MiB taken once counts as 16 KiB each."""

    def holds(result: Result) -> bool:
        return FIGURES["kib_each"](result) <= kib + 16

    return Check(f"a farmer at rest takes no more than {kib:g} KiB, and 16 for a few", holds)


def door(most_kib: float) -> Plan:
    """What must hold at every door.  There, too, one tick's talk is one write."""
    return ((SHORT, (CLEAN, FEW_WRITES, BOUNDED)), (PACED, (CLEAN, ONE_WRITE, rests_in(most_kib))))


#: Which plan runs against which server.
PLANS: tuple[tuple[str, Plan], ...] = (
    ("granja", PLAN),
    ("granja-ws", door(6)),
    ("granja-tls", door(32)),
    ("granja-wss", door(36)),
)


def outcomes(
    server: Server, plan: Plan, workshop: Workshop, cores: Cores
) -> Iterator[tuple[str, bool]]:
    """Each check as a sentence, and whether it holds."""
    for scenario, checks in plan:
        result = run(server, scenario, 1, workshop, cores)
        for check in checks:
            yield f"{server.title}: {scenario.title}: {check.sentence}", check.holds(result)


def smoke(folder: Path) -> int:
    """Run the plans and print each check.  Returns the exit code."""
    workshop, cores = Workshop.build(folder), Cores.available()
    wrong = 0
    for name, plan in PLANS:
        (server,) = named([name])
        reason = server.missing()
        if server.tls and not workshop.tls:
            reason = "the generator was compiled without OpenSSL's headers"
        if reason:
            sys.stdout.write(f"skipped: {server.title}: {reason}\n")
            continue
        for sentence, held in outcomes(server, plan, workshop, cores):
            sys.stdout.write(f"{'ok  ' if held else 'FAIL'} {sentence}\n")
            wrong += not held
    return int(bool(wrong))
