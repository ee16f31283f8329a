"""One farm on several nodes beside one node alone.

``python -m benchmarks.nodes flood --rounds 3`` measures and prints JSON, a line a run, and then the
medians.  Each node is pinned to a core of its own; the generator, the bus and the database share
those cores.  It needs Linux, Debian's ``postgresql`` and ``nats-server``, and two cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import raise_file_limit
from benchmarks.nodes_talk import TALKS, Setting, Talking
from benchmarks.nodes_trades import trades
from benchmarks.workshop import Workshop

#: Measures one setting in one round.
Measured = Callable[[int], dict[str, float]]


def plan(what: str, workshop: Workshop, seconds: float) -> dict[str, Measured]:
    """What to run, by the name of the setting."""
    if what == "trades":
        return {f"nodes, {n}": partial(_trades, n, seconds) for n in (1, 2, 3)}
    run, settings = TALKS[what]
    return {setting.name: partial(_talk, run, setting, workshop) for setting in settings}


def _trades(nodes: int, seconds: float, _: int) -> dict[str, float]:
    return trades(nodes, seconds)


def _talk(run: Talking, setting: Setting, workshop: Workshop, round_: int) -> dict[str, float]:
    return run(setting, round_, workshop)


def middle(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {key: round(statistics.median(one[key] for one in rounds), 4) for key in rounds[0]}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nodes", description=__doc__)
    parser.add_argument("what", choices=[*TALKS, "trades"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run of trades")
    parser.add_argument("--only", default="", help="settings whose name contains this")
    arguments = parser.parse_args(argv)
    raise_file_limit(65536)
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="granja-") as folder:
        runs = plan(arguments.what, Workshop.build(Path(folder)), arguments.seconds)
        for round_ in range(1, arguments.rounds + 1):
            for name, run in runs.items():
                if arguments.only in name:
                    figures = run(round_)
                    found.setdefault(name, []).append(figures)
                    _say(f"round {round_}, {name}", figures)
    for name, rounds in found.items():
        _say(f"median of {len(rounds)}, {name}", middle(rounds))


def _say(what: str, figures: dict[str, float]) -> None:
    short = {key: round(value, 4) for key, value in figures.items()}
    sys.stdout.write(f"{what}: {json.dumps(short)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
