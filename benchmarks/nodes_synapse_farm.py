"""How Synapse is started for :mod:`benchmarks.nodes_synapse`, and what it costs.

As one process it is Synapse on PostgreSQL.  As several it is what Synapse's page on workers
describes: a main process, two ``generic_worker`` that people are connected to, a third that writes
the events (``stream_writers``), and Redis between them.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.measure import cpu_account, cpu_of_tree, pinned
from benchmarks.nodes_farm import Farm, cores_for
from benchmarks.run import START_SECONDS, RunError, free_port, wait_until_open
from benchmarks.servers.server import find
from tests.support.postgresql import Server

#: As that of our own nodes, but with the memory that Synapse's page on PostgreSQL advises to give.
POSTGRESQL = ("full_page_writes=off", "shared_buffers=256MB")

#: Writes all events.
WRITER = "writer"

#: People are connected to these.
DOORS = ("door1", "door2")

_NEVER = {"per_second": 1e6, "burst_count": 1_000_000}

#: No limit on what a person may do, and nothing that Granja has not: no presence, no push, no
#: directory, no federation.
SETTINGS: Mapping[str, Any] = {
    "server_name": "granja.test",
    "report_stats": False,
    "trusted_key_servers": [],
    "federation_domain_whitelist": [],
    "enable_registration": True,
    "enable_registration_without_verification": True,
    "bcrypt_rounds": 4,
    "macaroon_secret_key": "granja",
    "form_secret": "granja",
    "presence": {"enabled": False},
    "push": {"enabled": False},
    "user_directory": {"enabled": False},
    "filter_timeline_limit": -1,
    "rc_message": _NEVER,
    "rc_registration": _NEVER,
    "rc_login": {"address": _NEVER, "account": _NEVER, "failed_attempts": _NEVER},
    "rc_joins": {"local": _NEVER, "remote": _NEVER},
    "rc_joins_per_room": _NEVER,
}

LOG = {
    "version": 1,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
}


def listener(port: int, *names: str) -> dict[str, Any]:
    return {
        "type": "http",
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "resources": [{"names": list(names)}],
    }


def settings(folder: Path, database: int) -> dict[str, Any]:
    """What every process of one Synapse is told.

    :param database: PostgreSQL's port.
    """
    key, log = folder / "signing.key", folder / "log.json"
    key.write_text(f"ed25519 a_0 {base64.b64encode(os.urandom(32)).decode().rstrip('=')}\n")
    log.write_text(json.dumps(LOG))
    where = {"host": "127.0.0.1", "port": database, "user": "root", "dbname": "synapse"}
    return {
        **SETTINGS,
        "signing_key_path": str(key),
        "media_store_path": str(folder / "media"),
        "pid_file": str(folder / "pid"),
        "log_config": str(log),
        "database": {"name": "psycopg2", "args": {**where, "cp_min": 5, "cp_max": 10}},
    }


@contextmanager
def database() -> Iterator[Server]:
    """PostgreSQL, with syncs on and the collation that Synapse wants."""
    server = Server(POSTGRESQL)
    try:
        server.make()
        server.start()
        server.sql("CREATE DATABASE synapse TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        yield server
    finally:
        server.remove()


class Processes:
    """Those of one Synapse."""

    def __init__(self, python: str, folder: Path) -> None:
        self._python, self._folder = python, folder
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(one.pid for one in self._started)

    def write(self, name: str, told: Mapping[str, Any]) -> None:
        """Write a file of settings.  All JSON is YAML."""
        (self._folder / f"{name}.yaml").write_text(json.dumps(told, indent=1))

    def start(self, app: str, port: int, *files: str) -> None:
        """Start a process with some files of settings, and wait until it answers on ``port``."""
        words = [self._python, "-m", f"synapse.app.{app}"]
        for file in files:
            words += ["-c", str(self._folder / f"{file}.yaml")]
        self.run(words, files[-1])
        until = time.monotonic() + START_SECONDS
        while not _healthy(port):
            if self._started[-1].poll() is not None or time.monotonic() > until:
                raise RunError((self._folder / f"{files[-1]}.log").read_text()[-2000:])
            time.sleep(0.1)  # No figure contains the time of the start.

    def run(self, words: Sequence[str], name: str) -> subprocess.Popen[bytes]:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        with (self._folder / f"{name}.log").open("wb") as log:
            one = subprocess.Popen(
                words,
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._started.append(one)
        return one

    def end(self) -> None:
        for one in reversed(self._started):
            one.kill()
            one.wait()


def _healthy(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@contextmanager
def one_process(python: str, folder: Path) -> Iterator[Farm]:
    """Synapse as it starts by default, and PostgreSQL, on one core."""
    with ExitStack() as stack:
        cores = cores_for(1)
        stack.enter_context(pinned(*cores))
        base = stack.enter_context(database())
        some = Processes(python, folder)
        stack.callback(some.end)
        port = free_port()
        told = settings(folder, base.port)
        some.write("main", {**told, "listeners": [listener(port, "client")]})
        some.start("homeserver", port, "main")
        yield Farm((port,), some.pids, cores, lambda: (0.0, cpu_of_tree(base.pid)))


@contextmanager
def workers(python: str, folder: Path) -> Iterator[Farm]:
    """Synapse as several processes.  Each of its doors has a core; the other processes, Redis and
    PostgreSQL may run on both."""
    with ExitStack() as stack:
        cores = cores_for(len(DOORS))
        stack.enter_context(pinned(*cores))
        base = stack.enter_context(database())
        some, bus = Processes(python, folder), Processes(python, folder)
        stack.callback(bus.end)
        stack.callback(some.end)
        redis = start_redis(bus, folder)
        names = ("main", WRITER, *DOORS)
        public = {name: free_port() for name in ("main", *DOORS)}
        inner = {name: free_port() for name in names}
        some.write(
            "main",
            {
                **settings(folder, base.port),
                "listeners": [listener(public["main"], "client"),
                              listener(inner["main"], "replication", "health")],
                "redis": {"enabled": True, "host": "127.0.0.1", "port": redis},
                "worker_replication_secret": "granja",
                "instance_map": {n: {"host": "127.0.0.1", "port": inner[n]} for n in names},
                "stream_writers": {"events": WRITER},
            },
        )  # fmt: skip
        some.start("homeserver", public["main"], "main")
        for name, cores_of_it in ((WRITER, cores), *zip(DOORS, zip(cores), strict=True)):
            listens = [listener(inner[name], "replication", "health")]
            if name in public:
                listens.append(listener(public[name], "client"))
            some.write(
                name,
                {
                    "worker_app": "synapse.app.generic_worker",
                    "worker_name": name,
                    "worker_listeners": listens,
                    "worker_log_config": str(folder / "log.json"),
                },
            )
            with pinned(*cores_of_it):
                some.start("generic_worker", inner[name], "main", name)

        def others() -> tuple[float, float]:
            return cpu_account(bus.pids[0]).total, cpu_of_tree(base.pid)

        ports = tuple(public[name] for name in DOORS)
        yield Farm(ports, some.pids, cores, others)


def start_redis(processes: Processes, folder: Path) -> int:
    """Start Redis, which keeps nothing.  Returns its port."""
    port = free_port()
    words = [find("redis-server") or "redis-server", "--port", str(port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no"]  # fmt: skip
    wait_until_open(processes.run(words, "redis"), port, folder / "redis.log")
    return port


def version(python: str) -> str:
    """:param python: the interpreter that has Synapse."""
    script = (
        "import platform, importlib.metadata as m;"
        "print('Synapse', m.version('matrix-synapse'), 'Twisted', m.version('twisted'),"
        " 'Python', platform.python_version())"
    )
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()
