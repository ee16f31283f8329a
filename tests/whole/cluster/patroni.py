"""Patroni decides who is the primary, while people talk and trade: a switchover, and kill -9.

``python -m tests.whole.cluster.patroni`` needs root, Debian's ``patroni``, ``etcd-server``,
``postgresql`` and ``nats-server``, and three minutes.  Everything listens on loopback.  The nodes
know the members by their ``--ledger`` alone.  After each event the test makes the checks of
:mod:`tests.whole.cluster`, and tells how long nobody traded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from granja.ledger.postgresql.lease import LASTS
from tests.support import postgresql
from tests.support.ports import free_port
from tests.support.postgresql import PASSWORD
from tests.whole.cluster.faults import Fault
from tests.whole.cluster.machines import Farm
from tests.whole.cluster.run import ClusterTest

#: Seconds that Patroni may take for anything.
PATIENCE = 120.0

#: Seconds of trade before and after each event.
QUIET = 3.0

#: The settings for all members, which Patroni keeps in etcd.
SHARED = {
    "ttl": 20,
    "loop_wait": 5,
    "retry_timeout": 5,
    "primary_start_timeout": 0,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "maximum_lag_on_failover": 1048576,
    "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 100}},
}

_ACCESS = [
    "local all all trust",
    "host all root 127.0.0.1/32 trust",
    "host replication replicator 127.0.0.1/32 scram-sha-256",
    "host all all 127.0.0.1/32 scram-sha-256",
]


class Member:
    """PostgreSQL, and the Patroni that looks after it."""

    def __init__(self, name: str, folder: Path, etcd: int) -> None:
        self.name = name
        self.port, self.api = free_port(), free_port()
        self.folder = folder / name
        self.folder.mkdir()
        self.configuration = self.folder / "patroni.json"  # YAML reads JSON.
        self.configuration.write_text(json.dumps(self._settings(etcd), indent=1))
        self._process: subprocess.Popen[bytes] | None = None
        own(self.folder)
        own(self.configuration)

    def _settings(self, etcd: int) -> dict[str, Any]:
        return {
            "scope": "granja",
            "name": self.name,
            "restapi": _listening(self.api),
            "etcd3": {"hosts": f"127.0.0.1:{etcd}"},
            "bootstrap": {
                "dcs": SHARED,
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {
                **_listening(self.port),
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(postgresql.programs()),
                "pgpass": str(self.folder / "pgpass"),
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": _ACCESS,
                "authentication": {
                    "superuser": {"username": "root", "password": "raiz"},
                    "replication": {"username": "replicator", "password": "copia"},
                },
            },
        }

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = start("patroni", str(self.configuration), log=log, folder=self.folder)

    def kill_database(self) -> None:
        """Send ``kill -9`` to PostgreSQL; Patroni lives on."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, children)):
            os.kill(process, signal.SIGKILL)

    def kill(self) -> None:
        """Send ``kill -9`` to both, as when a machine loses its power."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.kill_database()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()  # It stops PostgreSQL first.
            self._process.wait(PATIENCE)

    def url(self, user: str, database: str) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"


def _listening(port: int) -> dict[str, str]:
    return {"listen": f"127.0.0.1:{port}", "connect_address": f"127.0.0.1:{port}"}


def own(path: Path) -> None:
    """Give it to the user that runs PostgreSQL."""
    shutil.chown(path, "postgres", "postgres")


def start(*words: str, log: Any, folder: Path) -> subprocess.Popen[bytes]:
    """Start a program as the user ``postgres``."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "ETCDCTL_API": "3"}
    return subprocess.Popen(
        words, stdout=log, stderr=log, cwd=folder, env=environment, user="postgres",
        group="postgres", extra_groups=[],
    )  # fmt: skip


class Cluster:
    """One etcd, and some members.

    :param number: of members.
    """

    def __init__(self, number: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="granja-patroni-"))
        own(self.folder)
        client, peer = free_port(), free_port()
        self._log = (self.folder / "etcd.log").open("ab")
        at, between = (f"http://127.0.0.1:{port}" for port in (client, peer))
        self._etcd = start(
            "etcd", "--data-dir", str(self.folder / "etcd"), "--listen-client-urls", at,
            "--advertise-client-urls", at, "--listen-peer-urls", between,
            "--initial-advertise-peer-urls", between, "--initial-cluster", f"default={between}",
            log=self._log, folder=self.folder,
        )  # fmt: skip
        self.members = [Member(f"db{n + 1}", self.folder, client) for n in range(number)]

    def start(self) -> None:
        """Start them, and make an empty database ``granja``."""
        self.members[0].start()
        self.wait("a primary", lambda: self.primary is not None)
        for member in self.members[1:]:
            member.start()
        self.wait("a synchronous standby", self.is_whole)
        primary = self.primary
        assert primary is not None
        self.sql(primary, f"CREATE ROLE granja LOGIN PASSWORD '{PASSWORD}'")
        self.sql(primary, "CREATE DATABASE granja OWNER granja TEMPLATE template0")

    @property
    def primary(self) -> Member | None:
        """Who has the lock in etcd, and takes writes."""
        found = (member for member in self.members if self._answers(member, "primary"))
        return next(found, None)

    def _answers(self, member: Member, role: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{member.api}/{role}", timeout=5) as got:
                return bool(got.status == 200)
        except OSError:
            return False

    def is_whole(self) -> bool:
        """Whether everybody else follows the primary, and one of them in step."""
        if self.primary is None:
            return False
        roles = [[self._answers(one, role) for role in ("replica", "synchronous")]
                 for one in self.members]  # fmt: skip
        return sum(role[0] for role in roles) == len(roles) - 1 and any(role[1] for role in roles)

    def wait(self, what: str, there: Callable[[], bool]) -> None:
        """Wait until something is there.

        :raises AssertionError: when it takes too long.
        """
        end = time.monotonic() + PATIENCE
        while not there():
            if time.monotonic() > end:
                raise AssertionError(f"{what} does not come; the logs are in {self.folder}")
            time.sleep(0.1)  # The pause between two looks: no event tells of it.

    def sql(self, member: Member, statement: str) -> None:
        import psycopg

        with psycopg.connect(member.url("root", "postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def switch_over(self) -> None:
        """Let Patroni exchange the roles of the primary and the standby."""
        before = self.primary
        assert before is not None
        subprocess.run(
            ["patronictl", "-c", str(before.configuration), "switchover", "granja", "--force"],
            check=True, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        self.wait("another primary", lambda: self.primary not in (None, before))
        self.wait("a synchronous standby", self.is_whole)

    def kill_database(self) -> None:
        """Kill the primary.  Its Patroni lives on, and starts it again as a standby."""
        before = self.primary
        assert before is not None
        before.kill_database()
        self.wait("another primary", lambda: self.primary not in (None, before))
        self.wait("a synchronous standby", self.is_whole)

    def kill_machine(self) -> None:
        """Kill the primary and its Patroni, and start them again when there is another primary."""
        before = self.primary
        assert before is not None
        before.kill()
        self.wait("another primary", lambda: self.primary not in (None, before))
        time.sleep(QUIET)
        before.start()
        self.wait("a synchronous standby", self.is_whole)

    def close(self) -> None:
        for member in self.members:
            member.close()
        self._etcd.terminate()
        self._etcd.wait(PATIENCE)
        self._log.close()


class PatroniFarm(Farm):
    """Three nodes on such a cluster."""

    def __init__(self, folder: Path, lease: float, cluster: Cluster) -> None:
        self.cluster = cluster
        super().__init__(folder, lease, [member.port for member in cluster.members])

    @property
    def ledger(self) -> str:
        primary = self.cluster.primary
        assert primary is not None
        return primary.url("root", "granja")

    def close(self) -> None:
        super().close()
        self.cluster.close()


#: What befalls the cluster, and how.
EVENTS: dict[str, Callable[[Cluster], None]] = {
    "switchover": Cluster.switch_over,
    "database killed": Cluster.kill_database,
    "machine killed": Cluster.kill_machine,
}


class Events:
    """Lets an event happen while people trade, and sees how long nobody did."""

    def __init__(self, cluster: Cluster) -> None:
        self.test: ClusterTest | None = None
        self._cluster = cluster

    async def befall(self, fault: Fault) -> None:
        assert self.test is not None
        await asyncio.sleep(QUIET)
        began = time.time()
        await asyncio.to_thread(EVENTS[fault.kind], self._cluster)
        took = time.time() - began
        await asyncio.sleep(QUIET)
        pause, talk = self._pause(began, "Intercambio aceptado"), self._pause(began, ": línea ")
        say(
            f"{fault.kind}: all members again after {took:.1f} s; "
            f"no trade for {pause:.1f} s, no talk for {talk:.2f} s"
        )

    def _pause(self, began: float, words: str) -> float:
        """The longest time, in seconds, between two lines with these words."""
        assert self.test is not None
        found = (line.split(" ", 1) for line in list(self.test.town.heard) if words in line)
        times = [began - QUIET, *(at for at, _ in ((float(a), b) for a, b in found)
                                  if at > began - QUIET), time.time()]  # fmt: skip
        return max(after - before for before, after in pairwise(sorted(times)))


def say(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def schedule(names: Sequence[str]) -> Iterator[list[Fault]]:
    """One event a round."""
    for name in names:
        yield [Fault(name, -1, 0, 0)]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.whole.cluster.patroni")
    parser.add_argument("events", nargs="*", help=f"of {', '.join(EVENTS)}; all of them")
    parser.add_argument("--members", type=int, default=2, help="of PostgreSQL (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what people do")
    arguments = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="granja-nodes-"))
    cluster = Cluster(arguments.members)
    try:
        cluster.start()
        farm = PatroniFarm(folder, LASTS, cluster)
    except BaseException:
        cluster.close()
        raise
    events = Events(cluster)
    events.test = test = ClusterTest(farm, arguments.seed, events.befall)
    asyncio.run(test.run(schedule(arguments.events or list(EVENTS))))
    say(test.report() + "all is well")
    for path in (folder, cluster.folder):
        shutil.rmtree(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
