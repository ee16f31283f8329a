"""Keeps a run of the benchmark on disk: the results as JSON, and the page and plots made of
them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import scenarios as all_scenarios, servers as all_servers
from benchmarks.figures import Book
from benchmarks.plots import Bar, bar_chart
from benchmarks.report import scenario_section, table, targets_table
from benchmarks.run import Result
from benchmarks.scenarios import Scenario
from benchmarks.servers import Server

BEGIN, END = "<!-- results: written by python -m benchmarks -->", "<!-- end of results -->"
EMPTY_PAGE = f"# Plain lines: what the benchmark found\n\n{BEGIN}\n{END}\n"


def save(path: Path, machine: dict[str, str], command: str, results: Sequence[Result]) -> None:
    """Write everything that was measured.  `load` reads it back."""
    document = {
        "command": command,
        "machine": machine,
        "results": [result.as_json() for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def load(path: Path) -> tuple[dict[str, str], str, list[Result]]:
    """Read the machine, the command and the results of a saved run."""
    document: dict[str, Any] = json.loads(path.read_text())
    results = [Result(**entry) for entry in document["results"]]
    return document["machine"], document["command"], results


def present(book: Book) -> tuple[list[Scenario], list[Server]]:
    """The scenarios and servers that have results."""
    ran = {result.scenario for result in book.results}
    measured = {result.server for result in book.results}
    scenarios = [s for s in all_scenarios.SCENARIOS if s.name in ran]
    servers = [s for s in all_servers.SERVERS if s.name in measured]
    return scenarios, servers


def page_part(book: Book, machine: dict[str, str], command: str, plots: Sequence[str]) -> str:
    """The generated part of the page: the targets, each scenario, and the machine."""
    scenarios, servers = present(book)
    titles = {server.name: server.title for server in all_servers.SERVERS}
    rounds = max(result.round for result in book.results)
    intro = (
        f"Medians of {rounds} interleaved rounds, the least and the greatest in brackets; "
        "ratios are taken within a round."
    )
    parts = [
        "## What was set out to be reached, and what was",
        intro,
        targets_table(book, scenarios, titles),
        "## Every scenario",
        *(scenario_section(book, scenario, servers, plots) for scenario in scenarios),
        "## Where this was measured",
        table(("", ""), list(machine.items())),
        f"By `{command}`.",
    ]
    return "\n\n".join(parts)


def bars(book: Book, scenario: Scenario, servers: Sequence[Server], figure: str) -> list[Bar]:
    found = []
    for server in servers:
        value = book.figure(scenario.name, server.name, figure)
        if value and value.middle > 0:
            bar = Bar(server.title, server.name, value.middle, value.least, value.greatest)
            found.append(bar)
    return found


def draw(book: Book, folder: Path) -> list[str]:
    """Write the plots into ``folder``.  Returns their names without the suffix."""
    scenarios, servers = present(book)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for scenario in scenarios:
        for figure, what in figures_of(scenario):
            found = bars(book, scenario, servers, figure)
            if not found:
                continue
            name = f"{scenario.name}-{figure.partition('_')[0]}"
            (folder / f"{name}.svg").write_text(bar_chart(scenario.title, what, found))
            drawn.append(name)
    return drawn


def figures_of(scenario: Scenario) -> list[tuple[str, str]]:
    """The figures that get a plot, each with the title of its axis."""
    if scenario.mode == "crowd":
        return [
            ("reached_ms", "ms until the last of the farmers has the line"),
            ("kib_each", "KiB of server memory for each farmer"),
        ]
    cpu = ("cpu_us", "µs of server CPU per delivered line (logarithmic)")
    if scenario.mode == "flood":
        return [cpu]  # In a flood the latency tells how full the window is, not how fast a server.
    return [cpu, ("p99_us", "µs until 99 % of the deliveries were read (logarithmic)")]


def write_page(path: Path, part: str) -> None:
    """Put ``part`` between the page's two marks, and keep what people wrote around them."""
    page = path.read_text() if path.exists() else EMPTY_PAGE
    before, mark, rest = page.partition(BEGIN)
    _, closing, after = rest.partition(END)
    if not mark or not closing:
        raise ValueError(f"{path} has no place for results: {BEGIN} … {END}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{BEGIN}\n\n{part}\n\n{END}{after}")
