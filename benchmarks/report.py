"""The results as Markdown: the targets and what was reached, then a table for each scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.figures import Book, Spread
from benchmarks.run import KINDS_OF_FAULT
from benchmarks.scenarios import Scenario
from benchmarks.servers import Server
from benchmarks.targets import NAMES, TARGETS, Target


def number(value: float) -> str:
    """Write a number with three significant digits, and thousands with commas."""
    if value >= 1000:
        return f"{value:,.0f}"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"


def spread(value: Spread | None) -> str:
    if value is None:
        return "–"
    return f"{number(value.middle)} ({number(value.least)}–{number(value.greatest)})"


def middle(value: Spread | None) -> str:
    return "–" if value is None else number(value.middle)


def latency(value: Spread | None) -> str:
    """Write microseconds as milliseconds."""
    return "–" if value is None else number(value.middle / 1000)


def percent(value: Spread | None) -> str:
    return "–" if value is None else f"{value.middle:.0%}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def reached(book: Book, target: Target) -> Spread | None:
    if target.peer is None:
        return book.figure(target.scenario, target.door, target.figure)
    return book.ratio(target.scenario, target.door, target.peer, target.figure)


def verdict(target: Target, value: Spread | None) -> str:
    if value is None:
        return "not run"
    return "yes" if target.met(value.middle) else "**no**"


def bound(target: Target) -> str:
    sign = "≥" if target.floor else "≤"
    return f"{sign} {target.bound:g}{' ×' if target.peer else ''}"


def targets_table(book: Book, scenarios: Sequence[Scenario], titles: Mapping[str, str]) -> str:
    """Each target with what was reached: the median, and the range in brackets."""
    names = {scenario.name: scenario.title for scenario in scenarios}
    rows = []
    for target in TARGETS:
        value = reached(book, target)
        if target.scenario not in names:
            continue
        against = titles[target.peer] if target.peer else "–"
        row = (names[target.scenario], titles[target.door], NAMES[target.figure], against)
        rows.append((*row, bound(target), spread(value), verdict(target, value)))
    head = ("scenario", "door", "figure", "against", "to reach", "reached", "met")
    return table(head, rows)


def talk_row(book: Book, scenario: Scenario, server: Server) -> tuple[str, ...]:
    def figure(name: str) -> Spread | None:
        return book.figure(scenario.name, server.name, name)

    return (
        server.title,
        spread(figure("cpu_us")),
        middle(book.ratio(scenario.name, server.name, server.limit)),
        middle(figure("user_us")),
        middle(figure("lines_a_write")),
        latency(figure("p50_us")),
        latency(figure("p99_us")),
        latency(figure("p999_us")),
        middle(figure("growth_mib")),
        percent(figure("generator")),
        faults(book, scenario.name, server.name),
    )


TALK_HEAD = (
    "server",
    "CPU µs per delivered line",
    "× its door's limit",
    "of it in user space",
    "lines per write",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "memory growth MiB",
    "generator busy",
    "lost, doubled, out of order",
)


def faults(book: Book, scenario: str, server: str) -> str:
    """The faults of all rounds by kind, or 0 when there were none."""
    sums: Counter[str] = Counter()
    for result in book.of(scenario, server):
        sums.update({kind: int(result.counted[kind]) for kind in KINDS_OF_FAULT})
        sums["held up"] += int(result.ran["unfinished"])
    return ", ".join(f"{count:,} {kind}" for kind, count in sums.items() if count) or "0"


def crowd_row(book: Book, scenario: Scenario, server: Server) -> tuple[str, ...]:
    results = book.of(scenario.name, server.name)

    def figure(name: str) -> str:
        return spread(book.figure(scenario.name, server.name, name))

    told = any(result.arrived["announcements"] for result in results)
    ordered = all(result.arrived.get("in_order", False) for result in results)
    heard = ("each once, in one order" if ordered else "**wrong**") if told else "not announced"
    return (
        server.title,
        figure("arrivals_s"),
        heard,
        figure("kib_each"),
        figure("reached_ms"),
        middle(book.ratio(scenario.name, server.name, "limit", "reached_ms")),
        faults(book, scenario.name, server.name),
    )


CROWD_HEAD = (
    "server",
    "arrivals a second",
    "everybody heard everybody arrive",
    "KiB for each farmer",
    "ms until the last has the line",
    "× limit",
    "lost, doubled, out of order",
)


def stalled_row(book: Book, scenario: Scenario, server: Server) -> tuple[str, ...]:
    results = book.of(scenario.name, server.name)
    said = scenario.talkers * scenario.lines_for(server.share)

    def total(member: str) -> int:
        return sum(int(result.counted[member]) for result in results) // len(results)

    heard, told = total("stalled_heard"), total("stalled_told")
    fate = "closed" if total("stalled_closed") else "open"
    return (server.title, f"{said:,}", f"{heard:,}", f"{told:,}", f"{said - heard - told:,}", fate)


STALLED_HEAD = (
    "what the one who stopped got, on reading again",
    "lines said",
    "heard",
    "told of as missed",
    "neither",
    "its connection",
)


def scenario_section(
    book: Book, scenario: Scenario, servers: Sequence[Server], plots: Sequence[str] = ()
) -> str:
    """A heading, the scenario's plots and table, and which servers took no part and why."""
    present = [server for server in servers if book.of(scenario.name, server.name)]
    parts = [f"### {scenario.title[0].upper()}{scenario.title[1:]}"]
    own = [name for name in plots if name.startswith(f"{scenario.name}-")]
    parts += [f"![{scenario.title}]({name}.svg)" for name in own]
    if scenario.mode == "crowd":
        parts.append(table(CROWD_HEAD, [crowd_row(book, scenario, s) for s in present]))
    else:
        parts.append(table(TALK_HEAD, [talk_row(book, scenario, s) for s in present]))
    if scenario.stalled:
        parts.append(table(STALLED_HEAD, [stalled_row(book, scenario, s) for s in present]))
    absent = [
        f"{s.title}: {s.without[scenario.name]}." for s in servers if scenario.name in s.without
    ]
    if absent and scenario.mode == "crowd":
        parts.append("No part in it: " + " ".join(absent))
    return "\n\n".join(parts)
