"""What it costs to be measured: ``python -m benchmarks.measuring``.

A server with ``--metrics``, which is asked as Prometheus asks it, only more often, and one without,
in turns: each pair in the other order than the one before.  What is compared is the server's
processor time for each line that it delivered.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Final
from urllib.request import urlopen

from benchmarks import scenarios, servers
from benchmarks.measure import Cores, raise_file_limit
from benchmarks.run import Result, free_port, run
from benchmarks.scenarios import Scenario
from benchmarks.servers import Server, Start
from benchmarks.workshop import Workshop

#: Seconds between two questions; Prometheus asks each 15 s where nobody says otherwise.
EACH: Final = 5.0
#: Lines of each talker: a run of some two seconds.
LINES: Final = {"flood-100": 3_000, "flood-1000": 300}
#: How often the pairs are drawn anew, to say how sure their median is.
DRAWS: Final = 2_000


class Comparison:
    """:param scenario: the load.
    :param folder: for what is compiled.
    """

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self._scenario = replace(scenario, lines=LINES.get(scenario.name, scenario.lines))
        self._workshop = Workshop.build(folder)
        self._cores = Cores.available()
        self.asked = 0

    def pair(self, number: int) -> float:
        """How much more the measured server took, as a part."""
        [plain] = servers.named(["granja"])
        port = free_port()

        def command(start: Start) -> Sequence[str]:
            at = f"tcp:{port}:interface=127.0.0.1"
            return [*plain.command(start), "--metrics", at]

        watched = replace(plain, command=command)
        order = (plain, watched) if number % 2 else (watched, plain)
        with self._asking(port):
            taken = {id(server): self._run(server, number).cpu_us for server in order}
        return taken[id(watched)] / taken[id(plain)] - 1

    def _run(self, server: Server, number: int) -> Result:
        result = run(server, self._scenario, number, self._workshop, self._cores)
        if result.faults:
            sys.exit(f"{result.faults} lines were not delivered as they should have been")
        return result

    @contextmanager
    def _asking(self, port: int) -> Iterator[None]:
        """Ask for the metrics, whenever there is somebody to answer."""
        over = Event()

        def ask() -> None:
            while not over.wait(0.2):
                try:
                    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                        self.asked += b"granja_lines_total" in answer.read()
                except OSError:
                    continue
                over.wait(EACH)

        thread = Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Between which values the median lies, 95 times of 100, if the pairs are drawn anew."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(DRAWS))
    return medians[DRAWS // 40], medians[-DRAWS // 40]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="20 by default")
    parser.add_argument("--scenario", default="flood-100", help="flood-100 by default")
    options = parser.parse_args()
    raise_file_limit(20_000)
    [scenario] = scenarios.named([options.scenario])
    with tempfile.TemporaryDirectory(prefix="granja-measuring-") as folder:
        comparison = Comparison(scenario, Path(folder))
        more = [comparison.pair(number) for number in range(options.pairs)]
    low, high = interval(more)
    sys.stdout.write(
        f"{scenario.title}, {options.pairs} pairs: {statistics.median(more):+.2%} processor time a "
        f"line with --metrics (95 %: {low:+.2%} to {high:+.2%}); asked {comparison.asked} times; "
        f"pairs {', '.join(f'{part:+.1%}' for part in sorted(more))}\n"
    )


if __name__ == "__main__":
    main()
