"""What the kernel knows about a process, and on which core a process runs."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CPUCLOCK_SCHED = 2  # linux/posix-timers.h: the process's CPU clock, all threads, in ns


@dataclass(frozen=True)
class Account:
    """CPU seconds of a process: ``total`` is exact, ``user`` and ``system`` count 10 ms ticks."""

    total: float
    user: float
    system: float


def cpu_account(pid: int) -> Account:
    """Read the CPU time of process ``pid``, with the time of threads that have ended."""
    total = time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return Account(total, int(fields[11]) / tick, int(fields[12]) / tick)


def cpu_of_tree(pid: int) -> float:
    """CPU seconds of process ``pid``, of its children, and of children that have ended since it
    started.  PostgreSQL is such a tree: a process a connection."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    return cpu_account(pid).total + ended + sum(cpu_of_tree(int(child)) for child in children)


def memory_kib(pid: int, field: str = "VmRSS") -> int:
    """A field of ``/proc/PID/status`` in KiB: ``VmRSS`` is the size now, ``VmHWM`` the peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise LookupError(field)


def reset_peak(pid: int) -> None:
    """Make ``VmHWM`` start again at the present size (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5\n")


def raise_file_limit(wanted: int) -> int:
    """Let this process and its children open ``wanted`` files.  Returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(allowed, soft)


@dataclass(frozen=True)
class Cores:
    """The cores of the two sides.  It is the same core when the machine has only one."""

    server: int
    generator: int

    @classmethod
    def available(cls) -> Cores:
        cores = sorted(os.sched_getaffinity(0))
        return cls(server=cores[-1], generator=cores[0])


@contextmanager
def pinned(*cores: int) -> Iterator[None]:
    """Child processes that start inside this block run on ``cores`` from the beginning."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
