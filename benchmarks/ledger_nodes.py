"""How many facts a second several nodes write to one database with a synchronous standby.

``python -m benchmarks.ledger_nodes [SECONDS]`` starts its own primary and standby (Debian's
``postgresql``), with syncs on.  Then it runs 1, 2 and 3 processes.  Each process appends one fact
after another, and decides again whenever another process was quicker.  For comparison, one
connection updates one row: that is the speed of the disks and PostgreSQL alone.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg

from granja.contract.ids import FarmerId
from granja.ledger.interface import Stale
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.ledger import PostgreSQLLedger
from granja.market.facts import Declared
from tests.support.ledgers import AnyThread, wait_for
from tests.support.postgresql import Pair

NODES = (1, 2, 3)


def work(name: str, url: str, seconds: float, ready: Barrier, found: Any) -> None:
    """Run one node.  It puts into ``found`` how long each of its facts took, in seconds."""
    reactor: Any = AnyThread()
    ledger = PostgreSQLLedger(Address(url), name, reactor, time.time, time.monotonic)
    after, took = ledger.open().sequence, []
    ready.wait()
    end = time.monotonic() + seconds
    while (begun := time.monotonic()) < end:
        fact = Declared(FarmerId(1), name, ())
        while True:
            try:
                after = wait_for(ledger.append([fact], after, {}))
                break
            except Stale as stale:
                after += len(stale.missed)
        took.append(time.monotonic() - begun)
    wait_for(ledger.close())
    found.put(took)


def update(url: str, seconds: float) -> list[float]:
    """How long each bare update took, in seconds."""
    took: list[float] = []
    where = Address(url).conninfo("bare")
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.bare AS SELECT 0 AS n")
        end = time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            connection.execute("UPDATE public.bare SET n = n + 1")
            took.append(time.monotonic() - begun)
        connection.execute("DROP TABLE public.bare")
    return took


def row(name: str, took: list[list[float]], seconds: float) -> str:
    """One line of the table."""
    every = sorted(one for node in took for one in node)
    served = sorted(map(len, took))
    return (
        f"{name:>5}  {len(every) / seconds:7.0f}  {every[len(every) // 2] * 1e3:6.1f}  "
        f"{every[len(every) * 99 // 100] * 1e3:6.1f}  {served[0] / served[-1]:.2f}\n"
    )


def measure(url: str, nodes: int, seconds: float) -> list[list[float]]:
    """How long each fact of each node took, in seconds."""
    ready = multiprocessing.Barrier(nodes)
    found: Any = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=work, args=(f"node{n}", url, seconds, ready, found))
        for n in range(nodes)
    ]
    for worker in workers:
        worker.start()
    took = [found.get() for _ in workers]
    for worker in workers:
        worker.join()
    return took


def main() -> None:
    """Measure, and print a table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    pair = Pair()
    try:
        sys.stdout.write("nodes  facts/s  p50 ms  p99 ms  least/most served\n")
        sys.stdout.write(row("bare", [update(pair.url, seconds)], seconds))
        for nodes in NODES:
            sys.stdout.write(row(str(nodes), measure(pair.url, nodes, seconds), seconds))
    finally:
        pair.remove()


if __name__ == "__main__":
    main()
