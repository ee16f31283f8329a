"""What monitoring costs a server: ``python -m benchmarks.measuring``.

With ``--parts``, the two things that ``--metrics`` adds are measured: the answers to questions, and
the looks at the clock.  That works on a busy machine.

Without it, two servers run in turns, one with ``--metrics`` and one without.  The first is asked as
Prometheus asks, but more often.  Each pair runs in the opposite order of the pair before.  The
figure is the server's processor time for each delivered line.  On a busy machine the pairs differ
by a third, so this needs a quiet one.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Final
from urllib.request import urlopen

from benchmarks import scenarios, servers
from benchmarks.ignoring import Crowd
from benchmarks.measure import Cores, cpu_account, raise_file_limit
from benchmarks.run import Result, free_port, run
from benchmarks.scenarios import Scenario
from benchmarks.servers import Server, Start
from benchmarks.workshop import Workshop
from tests.support.server import Server as TestServer

#: Seconds between two questions.  By default, Prometheus asks every 15 s.
EACH: Final = 5.0
#: How many lines each talker says.  A run then takes about two seconds.
LINES: Final = {"flood-100": 3_000, "flood-1000": 300}
#: People in the chat, questions, seconds between two of Prometheus's, and seconds of silence.
PEOPLE, QUESTIONS, OFTEN, IDLE = 100, 500, 15.0, 30.0
#: How often we draw the pairs again, to learn how certain their median is.
DRAWS: Final = 2_000


class Comparison:
    """Runs pairs of servers.

    :param scenario: the load.
    :param folder: for the compiled programs.
    """

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self._scenario = replace(scenario, lines=LINES.get(scenario.name, scenario.lines))
        self._workshop = Workshop.build(folder)
        self._cores = Cores.available()
        self.asked = 0

    def pair(self, number: int) -> float:
        """How much more time the server with metrics takes: 0.1 is a tenth more."""
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
        """Ask for the metrics as long as the block runs."""
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


def idle(seconds: float, *options: str) -> float:
    """The part of a processor that a server takes where nobody says anything."""
    with running_server(PEOPLE, *options) as pid:
        before = cpu_account(pid).total
        time.sleep(seconds)
        return (cpu_account(pid).total - before) / seconds


@contextmanager
def running_server(people: int, *options: str) -> Iterator[int]:
    """The process of a server with so many people in the chat."""
    with TestServer(*options, fresh=True) as server:
        crowd = Crowd(server.port)
        for number in range(people):
            crowd.comes(f"Farmer{number}")
        assert server.process is not None
        yield server.process.pid


def parts(seconds: float) -> Iterator[str]:
    """What the questions and the looks cost, as parts of one processor."""
    port = free_port()
    option = "--metrics", f"tcp:{port}:interface=127.0.0.1"
    with running_server(PEOPLE, *option) as pid:
        before = cpu_account(pid).total
        for _ in range(QUESTIONS):
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                answer.read()
        each = (cpu_account(pid).total - before) / QUESTIONS
    yield (
        f"A question takes {each * 1e3:.2f} ms of the server's processor, with {PEOPLE} people in "
        f"the chat: {each / OFTEN:.4%} of it at one in {OFTEN:.0f} s."
    )
    found = [idle(seconds, *some) for some in ((), option)]
    yield (
        f"While nobody speaks the server takes {found[0]:.3%} of a processor without --metrics and "
        f"{found[1]:.3%} with it, unasked, in {seconds:.0f} s each."
    )


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the median: its range when we draw the pairs again many times."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(DRAWS))
    return medians[DRAWS // 40], medians[-DRAWS // 40]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="20 by default")
    help = "keep the pairs there, and count those that are there from earlier runs"
    parser.add_argument("--into", type=Path, metavar="FILE", help=help)
    parser.add_argument("--scenario", default="flood-100", help="flood-100 by default")
    parser.add_argument("--parts", action="store_true", help="what is done more, and its cost")
    options = parser.parse_args()
    raise_file_limit(20_000)
    if options.parts:
        sys.stdout.writelines(line + "\n" for line in parts(IDLE))
        return
    [scenario] = scenarios.named([options.scenario])
    with tempfile.TemporaryDirectory(prefix="granja-measuring-") as folder:
        comparison = Comparison(scenario, Path(folder))
        kept = options.into
        more: list[float] = json.loads(kept.read_text()) if kept and kept.exists() else []
        for number in range(options.pairs):
            more.append(comparison.pair(number))
            if kept:
                kept.write_text(json.dumps(more))
    low, high = interval(more)
    sys.stdout.write(
        f"{scenario.title}, {len(more)} pairs: {statistics.median(more):+.2%} processor time a "
        f"line with --metrics (95 %: {low:+.2%} to {high:+.2%}); asked {comparison.asked} times; "
        f"pairs {', '.join(f'{part:+.1%}' for part in sorted(more))}\n"
    )


if __name__ == "__main__":
    main()
