"""Vitals: what we measure of a farm, under the names that the handbook promises.

Names follow Prometheus: base units, ``_total`` for what only grows, ``_seconds`` for times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from itertools import accumulate
from typing import Any, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from granja import __version__
from granja.clockwork.stopwatch import BOUNDS, Stopwatch


class Counters(Protocol):
    """What the board has done since the start (:class:`granja.board.counters.Counters`)."""

    lines: int
    deliveries: int
    flushes: int
    writes: int
    skips: int
    missed: int
    holds: int
    aborted: int
    flushing: Stopwatch


class Slow(Sized, Protocol):
    """The listeners that are behind.  ``bytes``: what waits for them."""

    @property
    def bytes(self) -> int: ...


class Board(Protocol):
    @property
    def counters(self) -> Counters: ...
    @property
    def slow(self) -> Slow: ...


class Accounts(Protocol):
    """``waiting``: passwords that wait to be checked."""

    @property
    def waiting(self) -> int: ...


class Presence(Protocol):
    @property
    def lingering(self) -> Sized: ...


class Freezing(Protocol):
    @property
    def frozen(self) -> bool: ...


class Served(Protocol):
    """``ends``: when the first of them expires, in Unix seconds."""

    @property
    def ends(self) -> float: ...


class Certificates(Protocol):
    """The certificates of one endpoint (:class:`granja.reactor.tls_contexts.Certificates`)."""

    where: str

    @property
    def served(self) -> Served: ...


class Lane(Protocol):
    halted: bool

    @property
    def appending(self) -> Stopwatch: ...


class Market(Protocol):
    @property
    def held(self) -> Mapping[Any, Counter[Any]]: ...
    @property
    def offers(self) -> Sized: ...
    @property
    def swaps(self) -> Sized: ...
    @property
    def registered(self) -> Sized: ...


class Ledgered(Protocol):
    """What was put on record since the start.

    ``facts``: by kind.  ``artifacts``: copies, by what happened to them.  ``at_start``: copies that
    farmers held at the start.
    """

    at_start: int

    @property
    def facts(self) -> Mapping[str, int]: ...
    @property
    def artifacts(self) -> Mapping[str, int]: ...


class Farm(Protocol):
    """The farm that we measure.  ``now``: the time of day, in Unix seconds."""

    now: Callable[[], float]

    @property
    def accounts(self) -> Accounts: ...
    @property
    def freezing(self) -> Freezing: ...
    @property
    def presence(self) -> Presence: ...

    @property
    def board(self) -> Board: ...
    @property
    def connections(self) -> Sized: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def logins(self) -> Mapping[str, int]: ...
    @property
    def market(self) -> Market: ...
    @property
    def recorded(self) -> Ledgered: ...
    @property
    def refusals(self) -> Mapping[str, int]: ...
    @property
    def roster(self) -> Sized: ...


class Stalls(Protocol):
    """The reactor's stalls (:class:`granja.health.stalls.Stalls`)."""

    def longest(self) -> float: ...


class Vitals(Collector):
    """Everything in ``/metrics``, looked up when somebody asks.

    :param certificates: of each endpoint that has some.
    """

    def __init__(
        self, farm: Farm, stalls: Stalls, certificates: Sequence[Certificates] = ()
    ) -> None:
        self._farm = farm
        self._stalls = stalls
        self._certificates = certificates

    def registry(self) -> CollectorRegistry:
        """A registry with only this collector."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def collect(self) -> Iterator[Metric]:
        yield from self._people()
        yield from self._talk()
        yield from self._trade()
        yield from self._server()

    def _people(self) -> Iterator[Metric]:
        farm = self._farm
        yield _gauge("connections", "Connections, also of those who arrive.", len(farm.connections))
        yield _gauge("farmers", "People in the chat.", len(farm.roster))
        lingering = len(farm.presence.lingering)
        yield _gauge("lingering", "People whose line was lost, and who may come back.", lingering)
        yield _gauge("registered", "Registered names.", len(farm.market.registered))
        yield _counters("logins", "Answers to passwords.", "outcome", farm.logins)
        waiting = farm.accounts.waiting
        yield _gauge("passwords_waiting", "Passwords that are not looked at yet.", waiting)
        # A series that begins with its first count has grown by nothing: no rule sees that one.
        refusals = {"NotStored": 0, **farm.refusals}
        yield _counters("refusals", "Refused lines.", "reason", refusals)

    def _talk(self) -> Iterator[Metric]:
        counters, slow = self._farm.board.counters, self._farm.board.slow
        yield _counter("lines", "Lines said to everybody, each counted once.", counters.lines)
        yield _counter("deliveries", "The same, for each who listens.", counters.deliveries)
        yield _gauge("slow_listeners", "Connections that are behind.", len(slow))
        yield _gauge("backlog_bytes", "What they have not been sent.", slow.bytes)
        yield _counter("writes", "Writes to sockets and transports.", counters.writes)
        yield _counter("flushes", "Batches that were written.", counters.flushes)
        yield _histogram("flush_seconds", "Writing one batch to one group.", counters.flushing)
        yield _counter("skips", "Times that somebody who did not read was skipped.", counters.skips)
        yield _counter(
            "missed_lines", "Lines that listeners were told to have missed.", counters.missed
        )
        yield _counter(
            "holds", "Times that a talker had to wait for slow listeners.", counters.holds
        )
        yield _counter("slow_closed", "Connections closed for not reading.", counters.aborted)

    def _trade(self) -> Iterator[Metric]:
        farm = self._farm
        recorded = farm.recorded
        yield _gauge("offers", "Offers that wait.", len(farm.market.offers))
        yield _gauge("swaps", "Swaps that stand.", len(farm.market.swaps))
        yield _counter("rings", "Rings of swaps that settled.", recorded.facts.get("settled", 0))
        facts = {"traded": 0, **recorded.facts}
        yield _counters("facts", "Facts on record since the start.", "kind", facts)
        yield _counters("artifacts", "Copies since the start, by fate.", "fate", recorded.artifacts)
        yield _gauge("artifacts_at_start", "Copies held at the start.", recorded.at_start)
        held = sum(copies.total() for copies in farm.market.held.values())
        yield _gauge("artifacts_held", "Copies held now.", held)
        yield _histogram("append_seconds", "From a decision to the disk.", farm.lane.appending)
        yield _gauge("frozen", "1 while moderators stop trading.", int(farm.freezing.frozen))
        yield _gauge("halted", "1 while nothing can be traded.", int(farm.lane.halted))

    def _server(self) -> Iterator[Metric]:
        yield _gauge(
            "stall_seconds",
            "The longest that the reactor was kept, in the last minute.",
            self._stalls.longest(),
        )
        yield self._expiry()
        yield InfoMetricFamily("granja", "The version that runs.", {"version": __version__})

    def _expiry(self) -> Metric:
        help = "Until the first certificate of an endpoint expires."
        family = GaugeMetricFamily("granja_certificate_seconds", help, labels=["endpoint"])
        for each in self._certificates:
            family.add_metric([each.where], each.served.ends - self._farm.now())
        return family


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(f"granja_{name}", help, value)


def _counter(name: str, help: str, value: float) -> Metric:
    return CounterMetricFamily(f"granja_{name}", help, value)


def _counters(name: str, help: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"granja_{name}", help, labels=[label])
    for key in sorted(values):
        family.add_metric([key], values[key])
    return family


def _histogram(name: str, help: str, watch: Stopwatch) -> Metric:
    ends = [*(str(bound) for bound in BOUNDS), "+Inf"]
    buckets = list(zip(ends, accumulate(watch.counts), strict=True))
    return HistogramMetricFamily(f"granja_{name}", help, buckets, watch.total)
