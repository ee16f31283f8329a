"""The targets: Granja's figure divided by a peer's, in the same round."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """``figure`` of Granja divided by that of ``peer`` must be at most ``bound``.

    ``figure`` is one of `benchmarks.figures`.  Without a peer, the figure itself must be at most
    ``bound``.  With ``floor`` it must be at least ``bound``.  ``door`` names the server that is
    Granja by one of its doors.
    """

    scenario: str
    peer: str | None
    bound: float
    figure: str = "cpu_us"
    floor: bool = False
    door: str = "granja"

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
    Target("flood-100", "limit-ws", 4.0, door="granja-ws"),
    Target("flood-100", "granja", 2.0, door="granja-ws"),
    Target("flood-100", "node-ws", 0.03, door="granja-ws"),
    Target("flood-100", "nats-ws", 0.55, door="granja-ws"),
    Target("flood-1000", "limit-ws", 2.0, door="granja-ws"),
    Target("flood-1000", "granja", 2.0, door="granja-ws"),
    Target("flood-1000", "node-ws", 0.03, door="granja-ws"),
    Target("flood-1000", "nats-ws", 0.55, door="granja-ws"),
    Target("paced-200", "limit-ws", 1.4, door="granja-ws"),
    Target("paced-200", "granja", 1.3, door="granja-ws"),
    Target("paced-200", "node-ws", 0.5, "p99_us", door="granja-ws"),
    Target("paced-1000", "limit-ws", 1.4, door="granja-ws"),
    Target("paced-1000", "granja", 1.3, door="granja-ws"),
    Target("paced-1000", "node-ws", 0.5, "p99_us", door="granja-ws"),
    Target("crowd", "granja", 0.5, "arrivals_s", floor=True, door="granja-ws"),
    Target("crowd", "granja", 1.5, "reached_ms", door="granja-ws"),
    Target("flood-100", "limit-tls", 2.0, door="granja-tls"),
    Target("flood-100", "ngircd-tls", 0.25, door="granja-tls"),
    Target("paced-200", "limit-tls", 1.5, door="granja-tls"),
    Target("paced-200", "ngircd-tls", 1.4, door="granja-tls"),
    Target("paced-200", "ngircd-tls", 0.5, "p99_us", door="granja-tls"),
)

NAMES = {
    "cpu_us": "CPU per delivered line",
    "p99_us": "p99",
    "reached_ms": "one line reaches the last",
    "kib_each": "memory of each farmer, KiB",
    "arrivals_s": "arrivals a second, all heard",
}
