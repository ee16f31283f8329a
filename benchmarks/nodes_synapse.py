"""Talk in one place on several processes: Granja beside Synapse, in turns.

``python -m benchmarks.nodes_synapse --synapse PYTHON`` measures and prints JSON, a line a run, and
then a table.  ``PYTHON`` is an interpreter that has ``matrix-synapse[postgres,redis]``.  It needs
Linux, Debian's ``postgresql``, ``redis-server`` and ``nats-server``, and two cores.  As in
:mod:`benchmarks.nodes`, each node has a core, and everything else runs on the same cores.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from benchmarks.measure import raise_file_limit
from benchmarks.nodes import middle
from benchmarks.nodes_farm import Farm, alone, temporary, together
from benchmarks.nodes_synapse_farm import one_process, version, workers
from benchmarks.run import RunError, generating
from benchmarks.servers.ours import granja_version
from benchmarks.servers.server import first_line_of

#: Starts something in a folder.
Starting = Callable[[Path], AbstractContextManager[Farm]]

#: The columns of the table.
COLUMNS = {
    "lines_a_second": "lines delivered/s",
    "cpu_us": "CPU µs a line",
    "bus_us": "of that bus",
    "database_us": "database",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "generator_cores": "generator, cores",
    "server_cores": "servers, cores",
    "others_cores": "others, cores",
}


def plan(synapse: str) -> dict[str, tuple[str, Starting]]:
    """What to run, by name: whose language people speak, and how it starts."""
    return {
        "Granja, one node": ("granja", alone),
        "Granja, two nodes": ("granja", partial(together, 2)),
        "Synapse, one process": ("matrix", partial(one_process, synapse)),
        "Synapse, workers": ("matrix", partial(workers, synapse)),
    }


def busy() -> float:
    """CPU seconds that all cores have been busy, or taken by the machine's host."""
    user, nice, system, _, _, *others = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, *others))) / os.sysconf("SC_CLK_TCK")


def measure(kind: str, starting: Starting, crowd: Sequence[str]) -> dict[str, float]:
    """:param crowd: the options of the people.
    :raises RunError: when a run fails, or lines are lost, doubled or out of order.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(temporary())
        farm = stack.enter_context(starting(folder))
        ports = ",".join(map(str, farm.ports))
        command = [sys.executable, "-m", "benchmarks.nodes_people", kind, "--ports", ports, *crowd]
        people = stack.enter_context(generating(command, *farm.cores))
        arrived = people.hear()
        memory, before = farm.memory_mib(), farm.spent()
        busy_before, began = busy(), time.perf_counter()
        people.go()
        ran = people.hear()
        spent, took = farm.spent().since(before), time.perf_counter() - began
        others = busy() - busy_before - spent.all - ran["generator_cpu_s"]
    if ran["wrong"] or ran["missing"]:
        raise RunError(f"lines were lost, doubled or out of order: {ran}")
    lines, seconds = ran["delivered"], ran["seconds"]
    return {
        "lines_a_second": lines / seconds,
        "cpu_us": spent.all * 1e6 / lines,
        "bus_us": spent.bus * 1e6 / lines,
        "database_us": spent.database * 1e6 / lines,
        "p50_ms": ran["p50_ms"],
        "p99_ms": ran["p99_ms"],
        "generator_cores": ran["generator_cpu_s"] / took,
        "server_cores": spent.all / took,
        "others_cores": others / took,
        "seconds": seconds,
        "delivered": lines,
        "arrived_s": arrived["arrived_s"],
        "memory_mib": sum(memory),
        "load": os.getloadavg()[0],
    }


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """Medians, as Markdown."""
    rows = [["", *COLUMNS.values()], ["---"] * (len(COLUMNS) + 1)]
    for name, rounds in found.items():
        median = middle(rounds)
        rows.append([name, *(written(median[key]) for key in COLUMNS)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def written(figure: float) -> str:
    """With three digits or more."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def versions(synapse: str) -> str:
    """Of everything that runs."""
    programs = map(first_line_of, ("redis-server", "nats-server", "postgres"))
    return "; ".join([granja_version(), version(synapse), *(program() for program in programs)])


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nodes_synapse", description=__doc__)
    parser.add_argument("--synapse", required=True, help="an interpreter that has Synapse")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--talkers", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0, help="of talk")
    pause = "seconds between a talker's lines; 0 is as fast as they are answered"
    parser.add_argument("--every", type=float, default=0.0, help=pause)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default="", help="settings whose name contains this")
    arguments = parser.parse_args(argv)
    raise_file_limit(65536)
    options = {key: getattr(arguments, key) for key in ("people", "talkers", "seconds", "every")}
    crowd = [f"--{key}={value}" for key, value in options.items()]
    say(f"{versions(arguments.synapse)}; {options}")
    found: dict[str, list[dict[str, float]]] = {}
    for round_ in range(1, arguments.rounds + 1):
        for name, (kind, starting) in plan(arguments.synapse).items():
            if arguments.only in name:
                figures = measure(kind, starting, crowd)
                found.setdefault(name, []).append(figures)
                short = {key: round(value, 3) for key, value in figures.items()}
                say(f"round {round_}, {name}: {json.dumps(short)}")
    say(table(found))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
