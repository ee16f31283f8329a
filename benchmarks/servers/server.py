"""What a server is to the benchmark, and what all need to start."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.scenarios import Scenario
from benchmarks.workshop import Workshop

HERE = Path(__file__).parent.parent
ROOT = HERE.parent


@dataclass(frozen=True)
class Start:
    """What a server may need to know for its start."""

    port: int
    folder: Path
    workshop: Workshop
    scenario: Scenario

    @property
    def quiet(self) -> list[str]:
        """In a crowd there are no announcements: 50 million sends would take minutes."""
        return ["quiet"] if self.scenario.mode == "crowd" else []


@dataclass(frozen=True)
class Server:
    """One row of the table.

    - ``command``: makes the command line.
    - ``missing``: says why the server can't run here, or None.
    - ``share``: its part of a flood.  A server that takes 5 µs a line needs fewer lines for the
      same figure.
    - ``accepts``: how many connections may be on their way in at once; its accept queue is longer.
    - ``without``: the scenarios in which it takes no part, and why.
    - ``limit``: the server that only does the fan-out, by the same door.
    """

    name: str
    title: str
    dialect: str
    command: Callable[[Start], Sequence[str]]
    version: Callable[[], str]
    missing: Callable[[], str | None] = field(default=lambda: None)
    share: float = 1.0
    accepts: int = 1_000
    tls: bool = False
    without: Mapping[str, str] = field(default_factory=dict)
    limit: str = "limit"


def absent(program: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        return None if find(program) else f"{program} is not installed"

    return missing


def find(program: str) -> str | None:
    """The path of a program.  Debian keeps servers outside a user's PATH."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


def first_line_of(program: str) -> Callable[[], str]:
    def version() -> str:
        path = find(program)
        if not path:
            return ""
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).splitlines()[0]

    return version


def python_version() -> str:
    return f"Python {sys.version.split()[0]}"


def twisted_version() -> str:
    from twisted import __version__

    return f"{python_version()}, Twisted {__version__}"


def new_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a new RSA key of 2,048 bits and its certificate."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-days", "2"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject]
    subprocess.run(
        [*new, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    return key, certificate


def start_script(name: str) -> Callable[[Start], Sequence[str]]:
    def command(start: Start) -> Sequence[str]:
        return [sys.executable, str(HERE / name), str(start.port), *start.quiet]

    return command


def another_port(start: Start) -> int:
    """A free port, different from the measured one."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port if port != start.port else another_port(start)
