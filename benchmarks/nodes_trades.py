"""Trades between farmers of different nodes, on a database with a synchronous standby."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.ledger_farmers import Farm as Farmers, Times
from benchmarks.measure import pinned
from benchmarks.nodes_farm import temporary, together

#: Trades under way at the same time.
MAKERS = 60


def percentile(values: Sequence[float], which: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[which - 1]


def trades(nodes: int, seconds: float) -> dict[str, float]:
    """Each maker is at another node than the partner, where there are several.

    :param seconds: how long they trade, after a quarter of it that warms up.
    """
    with temporary() as folder, together(nodes, folder) as farm, pinned(*farm.cores):
        people = Farmers(farm.ports, MAKERS)
        people.run(seconds / 4)
        people.times = Times()
        before = farm.spent()
        people.run(seconds)
        spent, times = farm.spent().since(before), people.times
        people.close()
    done = len(times.trade)
    return {
        "trades_a_second": done / seconds,
        "trade_p50_ms": percentile(times.trade, 50) * 1e3,
        "trade_p99_ms": percentile(times.trade, 99) * 1e3,
        "talk_p99_ms": percentile(times.talk, 99) * 1e3,
        "nodes_ms_each": sum(spent.nodes) * 1e3 / done,
        "bus_ms_each": spent.bus * 1e3 / done,
        "database_ms_each": spent.database * 1e3 / done,
    }
