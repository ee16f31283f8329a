"""The servers that are measured: how each is found, configured and started."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.scenarios import Scenario
from benchmarks.workshop import Workshop

HERE = Path(__file__).parent
ROOT = HERE.parent

NGIRCD_CONF = """\
[Global]
    Name = irc.granja.example
    Info = benchmark
    Listen = 127.0.0.1
    Ports = {port}
    MotdPhrase = hola
[Limits]
    MaxConnections = 0
    MaxConnectionsIP = 0
    MaxJoins = 0
    MaxPenaltyTime = 0
    PingTimeout = 3600
[Options]
    DNS = no
    Ident = no
    PAM = no
"""

NATS_CONF = """\
listen: "127.0.0.1:{port}"
max_connections: 20000
ping_interval: "1h"
"""


@dataclass(frozen=True)
class Start:
    """What a server may need to know to be started."""

    port: int
    folder: Path
    workshop: Workshop
    scenario: Scenario

    @property
    def quiet(self) -> list[str]:
        """In a crowd, no announcements: 50 million sends would take minutes."""
        return ["quiet"] if self.scenario.mode == "crowd" else []


@dataclass(frozen=True)
class Server:
    """One row of the table.

    ``command`` makes the command line; ``missing`` says why the server can't run here, or None;
    ``share`` is the part of a flood that it is given (a server that takes 5 µs for a line needs
    fewer of them for the same figure); ``accepts`` how many connections may be on their way in at
    once, under its accept queue; ``without`` the scenarios that it has no part in, and why.
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


def absent(program: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        return None if find(program) else f"{program} is not installed"

    return missing


def find(program: str) -> str | None:
    """Where a program is; Debian keeps servers outside a user's PATH."""
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


def start_fanout(style: str) -> Callable[[Start], Sequence[str]]:
    def command(start: Start) -> Sequence[str]:
        quiet = start.quiet if style == "each" else []
        return [str(start.workshop.fanout), str(start.port), style, *quiet]

    return command


def start_script(name: str) -> Callable[[Start], Sequence[str]]:
    def command(start: Start) -> Sequence[str]:
        return [sys.executable, str(HERE / name), str(start.port), *start.quiet]

    return command


def start_ngircd(start: Start) -> Sequence[str]:
    path = start.folder / "ngircd.conf"
    path.write_text(NGIRCD_CONF.format(port=start.port))
    return [find("ngircd") or "ngircd", "--nodaemon", "--config", str(path)]


def start_nats(start: Start) -> Sequence[str]:
    path = start.folder / "nats.conf"
    path.write_text(NATS_CONF.format(port=start.port))
    return [find("nats-server") or "nats-server", "-c", str(path)]


def granja_missing() -> str | None:
    try:
        found = importlib.util.find_spec("granja.tap")
    except ModuleNotFoundError:
        found = None
    return None if found else "granja is not installed"


def web_missing() -> str | None:
    reason = granja_missing()
    if reason:
        return reason
    from granja.tap import Options

    return None if hasattr(Options, "opt_web") else "this Granja has no --web"


def granja_version() -> str:
    import granja

    return f"granja {granja.__version__}, {twisted_version()}"


def twistd(*options: str) -> list[str]:
    run = "from twisted.scripts.twistd import run; run()"
    common = ["--nodaemon", "--pidfile=", "--reactor=epoll"]
    return [
        sys.executable,
        "-c",
        run,
        *common,
        "granja",
        "--rate",
        "off",
        "--ledger",
        "memory:",
        *options,
    ]


def start_granja(start: Start) -> Sequence[str]:
    return twistd("--listen", f"tcp:{start.port}:interface=127.0.0.1:backlog=1024")


def start_granja_ws(start: Start) -> Sequence[str]:
    return twistd(
        "--listen", "tcp:0:interface=127.0.0.1", "--web", f"tcp:{start.port}:interface=127.0.0.1"
    )


def start_granja_tls(start: Start) -> Sequence[str]:
    key, certificate = start.folder / "key.pem", start.folder / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-days", "2"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject]
    subprocess.run(
        [*new, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    listen = f"ssl:{start.port}:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
    return twistd("--listen", listen)


ONLY_TALK = dict.fromkeys(("whispers", "crowd", "stall"), "only talk is compared")

SERVERS = (
    Server("granja", "Granja", "granja", start_granja, granja_version, granja_missing),
    Server(
        "limit",
        "C, a send per pass (the limit)",
        "plain",
        start_fanout("pass"),
        first_line_of("cc"),
    ),
    Server(
        "each",
        "C, a send per line",
        "plain",
        start_fanout("each"),
        first_line_of("cc"),
        share=0.05,
        without={"stall": "the same as the other C program"},
    ),
    Server(
        "ngircd",
        "ngircd",
        "irc",
        start_ngircd,
        first_line_of("ngircd"),
        absent("ngircd"),
        share=0.25,
        accepts=8,
        without={"crowd": "names everybody to everybody who joins: 3,299 had arrived after 90 s"},
    ),
    Server(
        "nats",
        "nats-server",
        "nats",
        start_nats,
        first_line_of("nats-server"),
        absent("nats-server"),
        share=0.5,
    ),
    Server(
        "loop",
        "Twisted, sendLine to each",
        "plain",
        start_script("twisted_loop.py"),
        twisted_version,
        share=0.1,
    ),
    Server(
        "classic",
        "a thread per client",
        "plain",
        start_script("classic.py"),
        python_version,
        share=0.025,
    ),
    Server(
        "granja-ws",
        "Granja, WebSocket",
        "granja-ws",
        start_granja_ws,
        granja_version,
        web_missing,
        without=ONLY_TALK,
    ),
    Server(
        "granja-tls",
        "Granja, TLS",
        "granja",
        start_granja_tls,
        granja_version,
        granja_missing,
        tls=True,
        without=ONLY_TALK,
    ),
)


def named(names: list[str]) -> list[Server]:
    """The servers of these names, in the table's order; `LookupError` for a name that is none."""
    known = {server.name for server in SERVERS}
    for name in names:
        if name not in known:
            raise LookupError(f"no server {name!r}; there are {', '.join(sorted(known))}")
    return [server for server in SERVERS if not names or server.name in names]
