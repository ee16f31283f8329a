"""Figures made of results: medians and ranges over the rounds, and ratios within a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from benchmarks.run import Result

FIGURES: Mapping[str, Callable[[Result], float]] = MappingProxyType(
    {
        "cpu_us": lambda result: result.cpu_us,
        "user_us": lambda result: result.user * 1e6 / max(1, result.delivered),
        "p50_us": lambda result: float(result.ran["p50_us"]),
        "p99_us": lambda result: float(result.ran["p99_us"]),
        "p999_us": lambda result: float(result.ran["p999_us"]),
        "lines_a_write": lambda result: result.delivered / max(1, int(result.ran["segments"])),
        "growth_mib": lambda result: (result.rss_peak - result.rss_arrived) / 1024,
        "kib_each": lambda result: (
            (result.rss_arrived - result.rss_idle) / result.arrived["inside"]
        ),
        "arrivals_s": lambda result: result.arrived["inside"] / result.arrived["announced_s"],
        "reached_ms": lambda result: median(result.counted["reached_ms"]),
        "generator": lambda result: result.ran["generator_cpu_s"] / result.ran["seconds"],
        "faults": lambda result: float(result.faults),
    }
)


@dataclass(frozen=True)
class Spread:
    """The median over the rounds, with the smallest and the largest value."""

    middle: float
    least: float
    greatest: float
    rounds: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """The spread of these values, or None when there are none."""
        known = sorted(values)
        return cls(median(known), known[0], known[-1], len(known)) if known else None


@dataclass(frozen=True)
class Book:
    """All results of a run of the benchmark."""

    results: tuple[Result, ...]

    def of(self, scenario: str, server: str) -> list[Result]:
        return [r for r in self.results if (r.scenario, r.server) == (scenario, server)]

    def figure(self, scenario: str, server: str, name: str) -> Spread | None:
        """A figure over the rounds, or None when that server did not run."""
        return Spread.of(FIGURES[name](result) for result in self.of(scenario, server))

    def ratio(self, scenario: str, server: str, peer: str, name: str = "cpu_us") -> Spread | None:
        """The server's figure divided by the peer's, round by round."""
        peers = {result.round: FIGURES[name](result) for result in self.of(scenario, peer)}
        return Spread.of(
            FIGURES[name](result) / peers[result.round]
            for result in self.of(scenario, server)
            if peers.get(result.round)
        )
