"""A PostgreSQL server for tests: one server a process, and one database a test."""

from __future__ import annotations

import atexit
import os
import pwd
import re
import shutil
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

from tests.support.ports import free_port

#: Seconds that an operation here may take.
PATIENCE = 60.0

#: The password of the role that the tests use.
PASSWORD = "c0ntraseña s3creta"

#: Settings for speed.  These data need not survive a power cut.
QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=16MB")


def programs() -> Path:
    """The folder of ``initdb`` and ``postgres``.  Debian does not put them on the path.

    :raises SkipTest: when PostgreSQL or psycopg is not installed.
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
    """A server on a port of loopback, with its own folder and an unprivileged user.

    :param settings: such as ``fsync=off``.
    :param port: 0 means a free port.
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
        """Make a new cluster with the role ``granja``."""
        self.run("initdb", "-D", str(self.data), "-U", "root", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync", "--no-instructions")  # fmt: skip
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nlocal replication all trust\n"
            "host all root 127.0.0.1/32 trust\nhost replication root 127.0.0.1/32 trust\n"
            "host all all 127.0.0.1/32 scram-sha-256\n"
        )

    def start(self) -> None:
        """Start the server, and wait until it answers."""
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
            time.sleep(0.05)  # The pause between two looks: no event tells that it is ready.

    def _errors(self) -> type[Exception]:
        import psycopg

        return psycopg.OperationalError

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, how: int = 2) -> None:
        """End it with SIGINT: at once, but in good order."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def kill(self) -> None:
        """Send ``kill -9`` to all its processes."""
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
        """Run one of PostgreSQL's programs to its end."""
        with (self.folder / "log").open("ab") as log:
            done = self._popen([self._program(program), *words], log)
        if done.wait(PATIENCE):
            raise AssertionError((self.folder / "log").read_text())

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as superuser.  Returns what the last one answers."""
        import psycopg

        rows: list[tuple[object, ...]] = []
        where = f"host=127.0.0.1 port={self.port} user=root dbname={database}"
        with psycopg.connect(where, autocommit=True) as connection:
            for statement in statements:
                done = connection.execute(statement)
                rows = list(done) if done.description else []
        return rows

    def url(self, database: str, user: str = "granja") -> str:
        """The URL of a database here, as an operator writes it."""
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
    """The user that runs PostgreSQL when we are root, because PostgreSQL refuses root."""
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SkipTest("PostgreSQL does not run as root, and there is no other user")


@cache
def server() -> Server:
    """The server of this process.  It ends with the process.

    :raises SkipTest: when PostgreSQL is missing.
    """
    made = Server()
    made.make()
    made.start()
    made.sql(f"CREATE ROLE granja LOGIN PASSWORD '{PASSWORD}'")
    return made


_numbers = count(1)

#: Databases that no test uses now.  It is faster to empty one than to make one.
_free: list[str] = []


def database(test: SynchronousTestCase) -> str:
    """The URL of an empty database, which the test may use until it ends."""
    at = server()
    if not _free:
        _free.append(f"granja{next(_numbers)}")
        # A fork that was killed may have left both, and a database that waits for a standby.
        at.sql("ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")
        at.sql(
            f"DROP DATABASE IF EXISTS {_free[0]} WITH (FORCE)",
            f"CREATE DATABASE {_free[0]} OWNER granja TEMPLATE template0",
        )
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
    """The name of the database in a URL of :func:`database`."""
    found = re.search(r"/(\w+)$", url)
    assert found is not None
    return found[1]


#: The name that a standby gives its primary.  With ``*``, pg_basebackup would count as a standby.
_STANDBY = "granja_standby"

_IN_STEP = (
    "SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') "
    "AND state = 'streaming'"
)


class Pair:
    """A primary and its synchronous standby, with an empty database ``granja``.

    :param always: whether a promoted server waits for a standby of its own, too.  It also turns
        fsync off, for tests that only kill processes.
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
        """Make the standby follow this primary."""
        self.standby.run(
            "pg_basebackup", "-h", str(self.primary.folder), "-p", str(self.primary.port),
            "-U", "root", "-D", str(self.standby.data), "-R", "-c", "fast", "-X", "stream",
            "--no-sync",
        )  # fmt: skip
        self.standby.start()

    @property
    def url(self) -> str:
        """The URL with both hosts."""
        first, second = self.primary.port, self.standby.port
        return self.primary.url("granja").replace(f":{first}/", f":{first},127.0.0.1:{second}/")

    def promote(self) -> None:
        """Make the standby the primary, without a standby of its own."""
        self.standby.sql("SELECT pg_promote()")

    def replace(self) -> None:
        """After the primary died and the standby was promoted, make a new standby in its place."""
        dead = self.primary
        dead.remove()
        self.primary, self.standby = self.standby, Server(dead.settings, dead.port)
        self._join()
        self.wait_for_standby()

    def divide(self) -> Server:
        """Promote the standby and give it a standby of its own, while the old primary lives on.

        :returns: the old primary.  It waits for a standby that it no longer has.
        """
        self.promote()
        old = self.primary
        self.primary, self.standby = self.standby, Server(old.settings)
        self._join()
        self.wait_for_standby()
        return old

    def wait_for_standby(self) -> None:
        """Wait until a commit waits for the standby only."""
        end = time.monotonic() + PATIENCE
        while not self.primary.sql(_IN_STEP):
            if time.monotonic() > end:
                raise AssertionError((self.standby.folder / "log").read_text())
            time.sleep(0.05)  # The pause between two looks: no event tells that it is in step.

    def remove(self) -> None:
        self.primary.remove()
        self.standby.remove()
