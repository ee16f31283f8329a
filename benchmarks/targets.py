"""What was set out to be reached: Granja's figure over a peer's, in the same round."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """``figure`` of Granja divided by that of ``peer`` must stay at or under ``bound``.

    Figures are those of `benchmarks.figures`. Without a peer it is the figure itself, and ``floor``
    says that it must be at least the bound.
    """

    scenario: str
    peer: str | None
    bound: float
    figure: str = "cpu_us"
    floor: bool = False

    def met(self, value: float) -> bool:
        return value >= self.bound if self.floor else value <= self.bound


TARGETS = (
    Target("flood-100", "limit", 2.0),
    Target("flood-100", "ngircd", 0.12),
    Target("flood-100", "nats", 0.35),
    Target("flood-100-varied", "limit", 2.0),
    Target("flood-100-varied", "ngircd", 0.12),
    Target("flood-1000", "limit", 1.5),
    Target("flood-1000", "ngircd", 0.10),
    Target("flood-1000", "nats", 0.25),
    Target("paced-200", "limit", 1.35),
    Target("paced-200", "ngircd", 1.0),
    Target("paced-200", "ngircd", 0.35, "p99_us"),
    Target("paced-200", "nats", 0.8),
    Target("paced-1000", "limit", 1.0),
    Target("paced-1000", "ngircd", 0.75),
    Target("paced-1000", "ngircd", 0.85, "p99_us"),
    Target("paced-1000", "nats", 0.6),
    Target("whispers", "limit", 2.3),
    Target("whispers", "ngircd", 1.4),
    Target("whispers", "nats", 0.8),
    Target("crowd", None, 4.0, "kib_each"),
    Target("crowd", None, 2_000.0, "arrivals_s", floor=True),
    Target("crowd", "limit", 1.3, "reached_ms"),
)

NAMES = {
    "cpu_us": "CPU per delivered line",
    "p99_us": "p99",
    "reached_ms": "one line reaches the last",
    "kib_each": "memory of each farmer, KiB",
    "arrivals_s": "arrivals a second, all heard",
}
