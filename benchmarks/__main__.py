"""``python -m benchmarks``: measures Granja and its peers, in rounds that take turns."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import book, scenarios, servers
from benchmarks.figures import Book
from benchmarks.machine import description
from benchmarks.measure import Cores, raise_file_limit
from benchmarks.report import number
from benchmarks.run import Result, RunError, run
from benchmarks.scenarios import Scenario
from benchmarks.servers import Server
from benchmarks.smoke import smoke
from benchmarks.workshop import NoCompilerError, Workshop

FILES = 20_000


def names(value: str) -> list[str]:
    return [name for name in value.split(",") if name]


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ", ".join(scenario.name for scenario in scenarios.SCENARIOS)
    parser.add_argument("--scenarios", type=names, default=[], help=f"of {known}; all by default")
    known = ", ".join(server.name for server in servers.SERVERS)
    parser.add_argument("--servers", type=names, default=[], help=f"of {known}; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="3 by default")
    parser.add_argument("--quick", action="store_true", help="a fifth of the work, for a look")
    parser.add_argument("--smoke", action="store_true", help="shapes only, no times: for CI")
    parser.add_argument("--out", type=Path, help="results as JSON")
    parser.add_argument("--docs", type=Path, help="a folder for results.md and its plots")
    parser.add_argument("--read", type=Path, help="results of an earlier run instead of a new one")
    return parser.parse_args(arguments)


def say(line: str) -> None:
    sys.stderr.write(line + "\n")


def able(wanted: Sequence[Server], workshop: Workshop) -> list[Server]:
    """The servers that can run here.  For each other server it says the reason."""
    found = []
    for server in wanted:
        reason = server.missing()
        if server.tls and not workshop.tls:
            reason = "the generator was compiled without OpenSSL's headers"
        if reason:
            say(f"skipped: {server.title}: {reason}")
        else:
            found.append(server)
    return found


def rounds(
    wanted: Sequence[Scenario], able_servers: Sequence[Server], count: int
) -> Iterator[tuple[int, Scenario, Server]]:
    """Change the server fastest, so that a round compares servers within about a minute."""
    for round_ in range(1, count + 1):
        for scenario in wanted:
            for server in able_servers:
                if scenario.name not in server.without:
                    yield round_, scenario, server


def summary(result: Result) -> str:
    p99 = number(float(result.ran["p99_us"]) / 1000)
    return (
        f"{result.round}  {result.scenario:<11} {result.server:<11} {number(result.cpu_us):>6} µs"
        f"  p99 {p99:>6} ms  {result.faults} faults"
    )


def measure_all(chosen: argparse.Namespace, folder: Path) -> tuple[dict[str, str], list[Result]]:
    workshop, cores = Workshop.build(folder), Cores.available()
    if cores.server == cores.generator:
        say("only one core: server and generator share it, so latencies mean little")
    wanted = scenarios.named(chosen.scenarios)
    if chosen.quick:
        wanted = [scenario.shrunk() for scenario in wanted]
    found = able(servers.named(chosen.servers), workshop)
    machine, results = description(found), []
    for round_, scenario, server in rounds(wanted, found, chosen.rounds):
        try:
            results.append(run(server, scenario, round_, workshop, cores))
        except RunError as error:
            say(f"{round_}  {scenario.name:<11} {server.name:<11} {error}")
        else:
            say(summary(results[-1]))
    return machine, results


def publish(
    chosen: argparse.Namespace, machine: dict[str, str], command: str, results: list[Result]
) -> None:
    whole = Book(tuple(results))
    if chosen.out:
        book.save(chosen.out, machine, command, results)
    plots = book.draw(whole, chosen.docs) if chosen.docs else []
    part = book.page_part(whole, machine, command, plots)
    if chosen.docs:
        book.write_page(chosen.docs / "results.md", part)
    else:
        sys.stdout.write(part + "\n")


def main(arguments: Sequence[str]) -> int:
    """Measure, then print or write the page.  The exit code is 1 when a delivery was faulty."""
    chosen = options(arguments)
    if chosen.read:
        publish(chosen, *book.load(chosen.read))
        return 0
    raise_file_limit(FILES)
    try:
        with tempfile.TemporaryDirectory(prefix="granja-benchmark-") as folder:
            if chosen.smoke:
                return smoke(Path(folder))
            machine, results = measure_all(chosen, Path(folder))
    except (NoCompilerError, LookupError) as error:
        say(str(error))
        return 2
    if not results:
        say("nothing was measured")
        return 2
    command = shlex.join(["python", "-m", "benchmarks", *arguments])
    publish(chosen, machine, command, results)
    return int(any(result.faults for result in results if result.server.startswith("granja")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
