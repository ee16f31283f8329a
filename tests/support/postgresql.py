"""A PostgreSQL server for tests: one for all tests of a process, with a database for each."""

from __future__ import annotations

import atexit
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import BinaryIO
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

#: Seconds that anything here may take.
PATIENCE = 60.0

#: The secret of the role that the tests connect as.
PASSWORD = "c0ntraseña s3creta"

#: Nothing here has to survive a power cut.
QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=16MB")


def programs() -> Path:
    """The folder of ``initdb`` and ``postgres``; Debian keeps them out of the way.

    :raises SkipTest: where there are none.
    """
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise SkipTest("psycopg is missing: pip install 'granja[cluster]'") from None
    kept = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    versions = sorted(kept, key=lambda path: int(path.parts[-3]))
    found = versions[-1] if versions else shutil.which("initdb")
    if not found:
        raise SkipTest("PostgreSQL is missing: apt-get install postgresql")
    return Path(found).resolve().parent


class Server:
    """A server with a folder of its own, on a port of loopback, as an unprivileged user.

    :param settings: such as ``fsync=off``.
    :param port: a free one when it is 0.
    """

    def __init__(self, settings: Sequence[str] = QUICK, port: int = 0) -> None:
        self._programs = programs()
        self.settings = list(settings)
        self.folder = Path(tempfile.mkdtemp(prefix="granja-postgresql-"))
        self.data = self.folder / "data"
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _unprivileged()
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        atexit.register(self.remove)

    def make(self) -> None:
        """A new cluster with the role ``granja``."""
        self.run("initdb", "-D", str(self.data), "-U", "root", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync", "--no-instructions")  # fmt: skip
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nlocal replication all trust\n"
            "host all root 127.0.0.1/32 trust\nhost replication root 127.0.0.1/32 trust\n"
            "host all all 127.0.0.1/32 scram-sha-256\n"
        )

    def start(self) -> None:
        """Run it, and wait until it answers."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "log_timezone=UTC"]
        options += [f"unix_socket_directories={self.folder}", *self.settings]
        words = [part for option in options for part in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self._process = self._popen([self._program("postgres"), "-D", str(self.data), *words],
                                        log)  # fmt: skip
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            assert self._process is not None
            try:
                self.sql("SELECT 1")
                return
            except self._errors():
                if self._process.poll() is not None or time.monotonic() > end:
                    raise AssertionError((self.folder / "log").read_text()) from None
            time.sleep(0.05)  # Between two looks; there is nothing to be told by.

    def _errors(self) -> type[Exception]:
        import psycopg

        return psycopg.OperationalError

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, how: int = 2) -> None:
        """End it: by SIGINT, at once and in good order."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def kill(self) -> None:
        """``kill -9`` of all its processes."""
        assert self._process is not None
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            os.kill(pid, 9)
        self._process.wait(PATIENCE)
        self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, program: str, *words: str) -> None:
        """One of PostgreSQL's programs, to its end."""
        with (self.folder / "log").open("ab") as log:
            done = self._popen([self._program(program), *words], log)
        if done.wait(PATIENCE):
            raise AssertionError((self.folder / "log").read_text())

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run as superuser; what the last one answers."""
        import psycopg

        rows: list[tuple[object, ...]] = []
        where = f"host=127.0.0.1 port={self.port} user=root dbname={database}"
        with psycopg.connect(where, autocommit=True) as connection:
            for statement in statements:
                done = connection.execute(statement)
                rows = list(done) if done.description else []
        return rows

    def url(self, database: str, user: str = "granja") -> str:
        """Of a database here, as an operator writes it."""
        from urllib.parse import quote

        return f"postgresql://{user}:{quote(PASSWORD)}@127.0.0.1:{self.port}/{database}"

    def _program(self, name: str) -> str:
        return str(self._programs / name)

    def _popen(self, words: Sequence[str], log: BinaryIO) -> subprocess.Popen[bytes]:
        user = self._user
        made: subprocess.Popen[bytes] = subprocess.Popen(
            words,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=self.folder,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
        )
        return made


def _unprivileged() -> pwd.struct_passwd | None:
    """Who is to run it, if we are root: PostgreSQL would not."""
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SkipTest("PostgreSQL does not run as root, and there is no other user")


def free_port() -> int:
    """One of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def server() -> Server:
    """The one of this process, which goes when the process ends.

    :raises SkipTest: where PostgreSQL is missing.
    """
    made = Server()
    made.make()
    made.start()
    made.sql(f"CREATE ROLE granja LOGIN PASSWORD '{PASSWORD}'")
    return made


_numbers = count(1)

#: Databases that no test uses: to make one takes longer than to empty one.
_free: list[str] = []


def database(test: SynchronousTestCase) -> str:
    """An empty database, for as long as the test takes: its URL."""
    at = server()
    if not _free:
        _free.append(f"granja{next(_numbers)}")
        at.sql(f"CREATE DATABASE {_free[0]} OWNER granja TEMPLATE template0")
    name = _free.pop()
    test.addCleanup(_empty, name)
    return at.url(name)


def _empty(name: str) -> None:
    server().sql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' "
        "AND pid <> pg_backend_pid()",
        "DROP SCHEMA IF EXISTS granja CASCADE",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        database=name,
    )
    _free.append(name)


def name_of(url: str) -> str:
    """The database that a URL of :func:`database` says."""
    found = re.search(r"/(\w+)$", url)
    assert found is not None
    return found[1]


#: What a standby calls itself to its primary.  Not ``*``: pg_basebackup counts as a standby then.
_STANDBY = "granja_standby"

_IN_STEP = (
    "SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') "
    "AND state = 'streaming'"
)


class Pair:
    """A primary and its synchronous standby, with an empty database ``granja``.

    :param always: whether one that was promoted waits for a standby of its own, too; and nothing is
        synced, for a test that only kills processes.
    """

    def __init__(self, always: bool = False) -> None:
        settings = ["full_page_writes=off", "shared_buffers=16MB", "autovacuum=off"]
        if always:
            names = f"synchronous_standby_names={_STANDBY}"
            settings += [f"cluster_name={_STANDBY}", names, "fsync=off"]
        self.primary = Server(settings)
        self.primary.make()
        self.primary.start()
        self.primary.sql(
            "SET synchronous_commit = local",
            f"CREATE ROLE granja LOGIN PASSWORD '{PASSWORD}'",
            "CREATE DATABASE granja OWNER granja",
        )
        self.standby = Server(self.primary.settings)
        self._join()
        if not always:
            self.primary.sql(
                "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"
            )

    def _join(self) -> None:
        """Let the standby be one of this primary."""
        self.standby.run(
            "pg_basebackup", "-h", str(self.primary.folder), "-p", str(self.primary.port),
            "-U", "root", "-D", str(self.standby.data), "-R", "-c", "fast", "-X", "stream",
            "--no-sync",
        )  # fmt: skip
        self.standby.start()

    @property
    def url(self) -> str:
        """With both hosts."""
        first, second = self.primary.port, self.standby.port
        return self.primary.url("granja").replace(f":{first}/", f":{first},127.0.0.1:{second}/")

    def promote(self) -> None:
        """Let the standby be the primary, by itself."""
        self.standby.sql("SELECT pg_promote()")

    def replace(self) -> None:
        """The primary is dead and the standby promoted: make a new standby where that one was."""
        dead = self.primary
        dead.remove()
        self.primary, self.standby = self.standby, Server(dead.settings, dead.port)
        self._join()
        self.wait_for_standby()

    def wait_for_standby(self) -> None:
        """Wait until what is committed waits for the standby, and for nothing else."""
        end = time.monotonic() + PATIENCE
        while not self.primary.sql(_IN_STEP):
            if time.monotonic() > end:
                raise AssertionError((self.standby.folder / "log").read_text())
            time.sleep(0.05)  # Between two looks; there is nothing to be told by.

    def remove(self) -> None:
        self.primary.remove()
        self.standby.remove()
