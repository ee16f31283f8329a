"""Swaps: how long a search makes others wait, and how many wishes come true.

``python -m benchmarks.swaps`` prints the tables of docs/performance/swaps.md.  The times of a
search are CPU time of its own thread, so other work on the machine does not change them.  Seeds
make the worlds.  A clock measures the whole server, so that part needs a quiet machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import swaps_people, swaps_search
from benchmarks.ledger import percentile
from benchmarks.ledger_farmers import Times
from benchmarks.measure import Cores, pinned, raise_file_limit
from benchmarks.swaps_farmers import Swappers
from tests.support.server import Server

FARMERS = (1000, 10_000)
TOWNS = (30, 100, 1000)
SEEDS = range(1, 4)


def search_table(farmers: int, rounds: int) -> str:
    """Milliseconds by command and world: the mean and the worst."""
    measured = {name: swaps_search.measure(name, farmers, rounds) for name in swaps_search.WORLDS}
    commands = dict.fromkeys(what for times in measured.values() for what in times.steps)
    lines = [
        f"| {farmers:,} farmers, ms | " + " | ".join(measured) + " |",
        "| --- |" + " --- |" * len(measured),
    ]
    for what in commands:
        cells = (_cell(times.steps.get(what)) for times in measured.values())
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(steps: Sequence[float] | None) -> str:
    if not steps:
        return "–"
    return f"{sum(steps) / len(steps) * 1000:.2f}, worst {max(steps) * 1000:.2f}"


def people_table(seeds: Sequence[int]) -> str:
    """The share of wishes within reach that came true, over all seeds."""
    lines = ["| farmers | who | " + " | ".join(swaps_people.WAYS) + " |", "| --- |" + " --- |" * 4]
    for farmers in TOWNS:
        for choosy in (False, True):
            who = f"want {swaps_people.CHOOSY} kinds" if choosy else "want all they lack"
            cells = (_share(way, farmers, choosy, seeds) for way in swaps_people.WAYS)
            lines.append(f"| {farmers:,} | {who} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(way: str, farmers: int, choosy: bool, seeds: Sequence[int]) -> str:
    played = [swaps_people.play(way, farmers, choosy, seed) for seed in seeds]
    got, reach = (sum(getattr(o, what) for o in played) for what in ("fulfilled", "reach"))
    return f"{100 * got / reach:.1f} %"


#: Swaps a second: none, the rate of issue 15, and as many as possible.
RATES = {"none": 0.0, "200 a second": 200.0, "as many as can be": 1e9}
PAIRS = 50


#: Seconds of a window, and of the pause after it, in which open swaps settle.
WINDOW, PAUSE = 2.0, 0.5


def server_table(seconds: float) -> str:
    """The whole server on SQLite: settlements a second, and the latency of the chat meanwhile.

    One server runs all rates in turns, so other work on the machine affects all of them.
    """
    settled: dict[str, list[float]] = {name: [] for name in RATES}
    talk: dict[str, list[float]] = {name: [] for name in RATES}
    with _farm() as farm:
        farm.swap(WINDOW, max(RATES.values()))  # This warms the server up.
        for _ in range(max(1, round(seconds / WINDOW))):
            for name, rate in RATES.items():
                farm.swap(PAUSE, 0)
                farm.times, farm.settled = Times(), 0
                farm.swap(WINDOW, rate)
                settled[name].append(farm.settled / 2 / WINDOW)
                talk[name] += farm.times.talk
    lines = [
        "| swaps | settlements/s | chat p50, ms | p90 | p99 | of that without |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, rates in settled.items():
        p50, p90, p99 = (percentile(talk[name], which) * 1000 for which in (50, 90, 99))
        of_none = p99 / 1000 / percentile(talk["none"], 99)
        each = sum(rates) / len(rates)
        cells = (f"{each:,.0f}", f"{p50:.2f}", f"{p90:.2f}", f"{p99:.2f}", f"{of_none:.2f} ×")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


@contextmanager
def _farm() -> Iterator[Swappers]:
    cores = Cores.available()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(pinned(cores.generator))
        with pinned(cores.server):
            ledger = f"sqlite:{Path(folder) / 'swaps.db'}"
            server = Server("--rate", "off", folder=folder, ledger=ledger)
            stack.enter_context(server)
        farm = Swappers(server.port, PAIRS)
        stack.callback(farm.close)
        yield farm


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swaps", description=__doc__)
    parser.add_argument("--only", choices=("search", "people", "server"), help="one of them")
    parser.add_argument("--farmers", type=int, nargs="+", default=FARMERS, help="in the search")
    parser.add_argument("--rounds", type=int, default=300, help="of each command in each world")
    parser.add_argument("--seconds", type=float, default=10, help="at each rate, with a server")
    arguments = parser.parse_args(argv)
    raise_file_limit(4096)
    only = arguments.only
    if only in (None, "server"):
        sys.stdout.write(server_table(arguments.seconds) + "\n\n")
    if only in (None, "search"):
        for farmers in arguments.farmers:
            sys.stdout.write(search_table(farmers, arguments.rounds) + "\n\n")
            sys.stdout.flush()
    if only in (None, "people"):
        sys.stdout.write(people_table(SEEDS) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
