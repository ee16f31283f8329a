"""How fast artifacts move: trades through the whole server, compared with raw SQLite.

``python -m benchmarks.ledger`` prints a table.  ``--start 1000000`` measures also a start of a
server with that many trades in its ledger.  It needs Linux, two cores or more, and a quiet machine.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ledger_raw, ledger_start
from benchmarks.ledger_farmers import Farm, Times
from benchmarks.measure import Cores, cpu_account, pinned, raise_file_limit
from tests.support.server import Server, environment

MAKERS = (1, 50, 500)

#: The targets of issue 3.
LEAST_OF_RAW = 0.5
MOST_CHAT = 0.020


@dataclass(frozen=True)
class Result:
    """One run, with ``makers`` trades under way at the same time."""

    makers: int
    seconds: float
    work: ledger_raw.Work
    raw_seconds: float
    server_cpu: float
    times: Times

    @property
    def trades_per_second(self) -> float:
        return self.work.trades / self.seconds

    @property
    def raw_trades_per_second(self) -> float:
        return self.work.trades / self.raw_seconds

    @property
    def share(self) -> float:
        return self.trades_per_second / self.raw_trades_per_second

    @property
    def chat_p99(self) -> float:
        return percentile(self.times.talk, 99)


def percentile(values: Sequence[float], which: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[which - 1]


def run(makers: int, seconds: float, folder: Path, cores: Cores) -> Result:
    """Run one server and one crowd, then give SQLite alone the rows that they made."""
    ledger = folder / f"{makers}.db"
    with ExitStack() as stack:
        with pinned(cores.server):  # It starts here, so all of its threads run on this core.
            server = Server(
                "--rate", "off", folder=str(folder), ledger=f"sqlite:{ledger}", fresh=True
            )
            stack.enter_context(server)
        assert server.process is not None
        pid = server.process.pid
        farm = Farm([server.port], makers)
        farm.run(seconds / 4)  # This warms the server up.
        with closing(sqlite3.connect(ledger)) as connection:
            after = connection.execute("SELECT max(sequence) FROM entries").fetchone()[0]
        farm.times = Times()
        cpu = cpu_account(pid).total
        farm.run(seconds)
        cpu = cpu_account(pid).total - cpu
        times = farm.times
        farm.close()
        server.stop()
    work = ledger_raw.read_work(ledger, after)
    assert work.trades == len(times.trade), "a trade was told that is not on record"
    return Result(makers, seconds, work, ledger_raw.replay(work, folder), cpu, times)


def table(results: Sequence[Result]) -> str:
    """The results, one line each."""
    lines = [
        "makers  trades/s  rows/write  raw SQLite trades/s  share  CPU µs/trade  "
        "trade p50/p99 ms  accept p50/p99 ms  chat p50/p99 ms"
    ]
    for r in results:
        pairs = (
            f"{percentile(t, 50) * 1000:.1f}/{percentile(t, 99) * 1000:.1f}"
            for t in (r.times.trade, r.times.accept, r.times.talk)
        )
        trade, accept, talk = pairs
        lines.append(
            f"{r.makers:6}  {r.trades_per_second:8,.0f}  {r.work.rows_per_write:10.1f}  "
            f"{r.raw_trades_per_second:19,.0f}  {r.share:5.2f}  "
            f"{r.server_cpu / r.work.trades * 1e6:12.0f}  {trade:>16}  {accept:>17}  {talk:>15}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print.

    :returns: 1 when a target is missed or the audit finds a fault.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--makers", type=int, nargs="+", default=MAKERS, help="trades under way")
    parser.add_argument("--seconds", type=float, default=10, help="of each run")
    parser.add_argument("--start", type=int, metavar="TRADES", help="also measure a start")
    parser.add_argument("--folder", help="on the disk to measure (default: the temporary one)")
    arguments = parser.parse_args(argv)
    raise_file_limit(4096)
    cores = Cores.available()
    with (
        pinned(cores.generator),
        tempfile.TemporaryDirectory(prefix="granja-", dir=arguments.folder) as temporary,
    ):
        folder = Path(temporary)
        results = [run(makers, arguments.seconds, folder, cores) for makers in arguments.makers]
        sys.stdout.write(table(results) + "\n\n")
        sys.stdout.flush()
        last = folder / f"{arguments.makers[-1]}.db"
        command = [sys.executable, "-m", "granja", "audit", "--ledger", f"sqlite:{last}"]
        audited = subprocess.call(command, env=environment())
        if arguments.start:
            sys.stdout.write("\n" + ledger_start.measure(arguments.start, folder) + "\n")
    missed = [r for r in results if r.share < LEAST_OF_RAW or r.chat_p99 > MOST_CHAT]
    for r in missed:
        sys.stdout.write(
            f"missed at {r.makers}: {r.share:.2f} of raw SQLite (at least {LEAST_OF_RAW}), "
            f"chat p99 {r.chat_p99 * 1000:.1f} ms (at most {MOST_CHAT * 1000:.0f})\n"
        )
    return 1 if missed or audited else 0


if __name__ == "__main__":
    sys.exit(main())
