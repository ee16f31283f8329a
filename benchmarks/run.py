"""One run: a new server, a new generator, one scenario."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks.measure import Account, Cores, cpu_account, memory_kib, pinned, reset_peak
from benchmarks.scenarios import Scenario
from benchmarks.servers import ROOT, Server, Start
from benchmarks.workshop import Workshop

START_SECONDS = 60.0
KINDS_OF_FAULT = ("lost", "doubled", "disordered", "corrupt", "stray", "cut")


class RunError(Exception):
    """A server did not start, or the generator did not end.  The text says what happened."""


@dataclass(frozen=True)
class Result:
    """What one run measured.

    ``cpu``, ``user`` and ``system`` are CPU seconds of the server, from "go" to the last delivery.
    The ``rss`` fields are its memory in KiB.  ``arrived``, ``ran`` and ``counted`` are the three
    reports of the generator.  A latency in them is in µs, from the moment a line went to its socket
    until it was read back.  ``segments`` counts the data segments that all listeners received; on
    loopback these are the server's writes.
    """

    scenario: str
    server: str
    round: int
    cpu: float
    user: float
    system: float
    rss_idle: int
    rss_arrived: int
    rss_peak: int
    arrived: dict[str, Any] = field(default_factory=dict)
    ran: dict[str, Any] = field(default_factory=dict)
    counted: dict[str, Any] = field(default_factory=dict)

    @property
    def delivered(self) -> int:
        """The lines delivered until the end of the run, which the server's CPU time paid for."""
        return int(self.ran["delivered"])

    @property
    def cpu_us(self) -> float:
        """Server CPU in µs for each delivered line."""
        return self.cpu * 1e6 / max(1, self.delivered)

    @property
    def faults(self) -> int:
        """The number of all faults.  It must be zero."""
        counted = self.counted
        wrong = sum(int(counted[kind]) for kind in KINDS_OF_FAULT)
        return wrong + int(self.ran["unfinished"]) + int(self.arrived["cut"])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until something accepts on ``port``.  The connection that tried closes at once."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)  # No figure contains the time of the start.
        else:
            return
    raise RunError("the server did not start: " + log.read_text(errors="replace")[-600:])


@contextmanager
def running(server: Server, start: Start, core: int) -> Iterator[int]:
    """Run the server.  Yields its process id."""
    log = start.folder / "server.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output, pinned(core):
        process = subprocess.Popen(
            server.command(start),
            cwd=start.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_open(process, start.port, log)
        yield process.pid
    finally:
        process.kill()  # Not SIGTERM: there is no need to wait for 10,000 goodbyes.
        process.wait()


def generator_command(server: Server, start: Start, round_: int, ports: str = "") -> list[str]:
    """:param ports: of several nodes, with commas between; one port otherwise."""
    scenario = start.scenario
    options = {
        "mode": scenario.mode,
        "dialect": server.dialect,
        "port": ports or start.port,
        "farmers": scenario.farmers,
        "talkers": scenario.talkers,
        "lines": scenario.lines_for(server.share),
        "window": scenario.window,
        "rate": scenario.rate,
        "stalled": scenario.stalled,
        "counting": scenario.counting,
        "arriving": min(scenario.arriving, server.accepts),
        "deadline": scenario.deadline,
        "patience": scenario.patience,
        "seed": round_,
        "tls": int(server.tls),
        "varied": int(scenario.varied),
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [str(start.workshop.generator), *arguments]


@contextmanager
def generating(command: list[str], *cores: int) -> Iterator[Conversation]:
    with pinned(*cores):
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        yield Conversation(process)
    finally:
        process.kill()
        process.communicate()


class Conversation:
    """Reads the generator's reports and tells it to go on."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def _pipe(self, pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def hear(self) -> dict[str, Any]:
        line = self._pipe(self.process.stdout).readline()
        if not line:
            raise RunError(
                "the generator stopped: " + self._pipe(self.process.stderr).read()[-600:]
            )
        report: dict[str, Any] = json.loads(line)
        return report

    def go(self) -> None:
        pipe = self._pipe(self.process.stdin)
        pipe.write("go\n")
        pipe.flush()


def run(
    server: Server, scenario: Scenario, round_: int, workshop: Workshop, cores: Cores
) -> Result:
    """Measure ``server`` in ``scenario`` once.

    :raises RunError: when the run fails.
    """
    with tempfile.TemporaryDirectory(dir=workshop.folder) as folder:
        start = Start(free_port(), Path(folder), workshop, scenario)
        with running(server, start, cores.server) as pid:
            idle = memory_kib(pid)
            command = generator_command(server, start, round_)
            with generating(command, cores.generator) as generator:
                return measured(generator, pid, idle, (scenario.name, server.name, round_))


def measured(generator: Conversation, pid: int, idle: int, key: tuple[str, str, int]) -> Result:
    arrived = generator.hear()
    rss_arrived = memory_kib(pid)
    reset_peak(pid)
    before = cpu_account(pid)
    generator.go()
    ran = generator.hear()
    after = cpu_account(pid)
    peak = memory_kib(pid, "VmHWM")
    generator.go()
    counted = generator.hear()
    used = Account(
        after.total - before.total, after.user - before.user, after.system - before.system
    )
    return Result(
        *key,
        cpu=used.total,
        user=used.user,
        system=used.system,
        rss_idle=idle,
        rss_arrived=rss_arrived,
        rss_peak=peak,
        arrived=arrived,
        ran=ran,
        counted=counted,
    )
