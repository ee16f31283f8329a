"""The servers of the benchmark: how to find, configure and start each of them."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
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

NGIRCD_TLS = """\
[SSL]
    CertFile = {certificate}
    KeyFile = {key}
    Ports = {port}
"""

# Mosquitto does not start without a listener for plain MQTT.
MOSQUITTO_CONF = """\
listener {other} 127.0.0.1
listener {port} 127.0.0.1
protocol websockets
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
"""

NATS_WEBSOCKET = """
websocket {{
    listen: "127.0.0.1:{port}"
    no_tls: true
}}
"""

NATS_TLS = """
tls {{
    cert_file: "{certificate}"
    key_file: "{key}"
}}
"""

NATS_CONF = """\
listen: "127.0.0.1:{port}"
max_connections: 20000
ping_interval: "1h"
"""


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


def start_fanout(style: str, *more: str) -> Callable[[Start], Sequence[str]]:
    def command(start: Start) -> Sequence[str]:
        quiet = start.quiet if style == "each" else []
        return [str(start.workshop.fanout), str(start.port), style, *quiet, *more]

    return command


def start_fanout_tls(start: Start) -> Sequence[str]:
    pem = start.folder / "both.pem"
    pem.write_text("".join(path.read_text() for path in new_certificate(start.folder)))
    return start_fanout("pass", f"tls={pem}")(start)


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


def start_ngircd(start: Start) -> Sequence[str]:
    return ngircd(start, NGIRCD_CONF.format(port=start.port))


def start_ngircd_tls(start: Start) -> Sequence[str]:
    """Its port without TLS is a free port that nobody uses: with 0, ngircd would take 6667."""
    key, certificate = new_certificate(start.folder)
    secured = NGIRCD_TLS.format(port=start.port, key=key, certificate=certificate)
    return ngircd(start, NGIRCD_CONF.format(port=another_port(start)) + secured)


def ngircd(start: Start, configuration: str) -> Sequence[str]:
    path = start.folder / "ngircd.conf"
    path.write_text(configuration)
    return [find("ngircd") or "ngircd", "--nodaemon", "--config", str(path)]


def start_nats(start: Start) -> Sequence[str]:
    return nats(start, NATS_CONF.format(port=start.port))


def start_nats_ws(start: Start) -> Sequence[str]:
    plain = NATS_CONF.format(port=another_port(start))
    return nats(start, plain + NATS_WEBSOCKET.format(port=start.port))


def start_nats_tls(start: Start) -> Sequence[str]:
    key, certificate = new_certificate(start.folder)
    secured = NATS_TLS.format(key=key, certificate=certificate)
    return nats(start, NATS_CONF.format(port=start.port) + secured)


def nats(start: Start, configuration: str) -> Sequence[str]:
    path = start.folder / "nats.conf"
    path.write_text(configuration)
    return [find("nats-server") or "nats-server", "-c", str(path)]


def start_mosquitto(start: Start) -> Sequence[str]:
    path = start.folder / "mosquitto.conf"
    path.write_text(MOSQUITTO_CONF.format(port=start.port, other=another_port(start)))
    return [find("mosquitto") or "mosquitto", "-c", str(path)]


def another_port(start: Start) -> int:
    """A free port, different from the measured one."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port if port != start.port else another_port(start)


def node_missing() -> str | None:
    """Why Node can't run: it needs ``npm install ws``, with ``node_modules`` in NODE_PATH."""
    if not find("node"):
        return "node is not installed"
    done = subprocess.run(["node", "-e", "require('ws')"], capture_output=True, check=False)
    return "Node has no ws (NODE_PATH)" if done.returncode else None


def node_version() -> str:
    ask = "console.log(process.version, require('ws/package.json').version)"
    done = subprocess.run(["node", "-e", ask], capture_output=True, text=True, check=False)
    node, _, ws = done.stdout.strip().partition(" ")
    return f"Node {node}, ws {ws}"


def start_node(start: Start) -> Sequence[str]:
    return [find("node") or "node", str(HERE / "ws_broadcast.js"), str(start.port)]


def websockets_missing() -> str | None:
    found = importlib.util.find_spec("websockets")
    return None if found else "websockets is not installed (pip)"


def websockets_version() -> str:
    return f"{python_version()}, websockets {metadata.version('websockets')}"


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


#: With room for all connections that wait to be accepted.  Twisted has room for 50; clients beyond
#: that try again a second later.
LOCAL = "interface=127.0.0.1:backlog=1024"


def start_granja(start: Start) -> Sequence[str]:
    return twistd("--listen", f"tcp:{start.port}:{LOCAL}")


def start_granja_ws(start: Start) -> Sequence[str]:
    return twistd("--listen", "tcp:0:interface=127.0.0.1", "--web", f"tcp:{start.port}:{LOCAL}")


def start_granja_wss(start: Start) -> Sequence[str]:
    key, certificate = new_certificate(start.folder)
    web = f"ssl:{start.port}:{LOCAL}:privateKey={key}:certKey={certificate}"
    return twistd("--listen", "tcp:0:interface=127.0.0.1", "--web", web)


def start_granja_tls(start: Start) -> Sequence[str]:
    key, certificate = new_certificate(start.folder)
    listen = f"ssl:{start.port}:{LOCAL}:privateKey={key}:certKey={certificate}"
    return twistd("--listen", listen)


ONLY_TALK = dict.fromkeys(("whispers", "crowd", "stall"), "only talk is compared")
TALK_AND_CROWD = dict.fromkeys(("whispers", "stall"), "only talk and arriving are compared")

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
        without=TALK_AND_CROWD,
        limit="limit-ws",
    ),
    Server(
        "limit-ws",
        "C, a send per pass, WebSocket (its limit)",
        "plain-ws",
        start_fanout("pass", "frames"),
        first_line_of("cc"),
        without=TALK_AND_CROWD,
        limit="limit-ws",
    ),
    Server(
        "nats-ws",
        "nats-server, WebSocket",
        "nats-ws",
        start_nats_ws,
        first_line_of("nats-server"),
        absent("nats-server"),
        share=0.25,
        without=ONLY_TALK,
        limit="limit-ws",
    ),
    Server(
        "node-ws",
        "Node, ws",
        "plain-ws",
        start_node,
        node_version,
        node_missing,
        share=0.05,
        without=ONLY_TALK,
        limit="limit-ws",
    ),
    Server(
        "websockets",
        "Python, websockets",
        "plain-ws",
        start_script("websockets_broadcast.py"),
        websockets_version,
        websockets_missing,
        share=0.05,
        without=ONLY_TALK,
        limit="limit-ws",
    ),
    Server(
        "mosquitto-ws",
        "Mosquitto, WebSocket",
        "mqtt-ws",
        start_mosquitto,
        first_line_of("mosquitto"),
        absent("mosquitto"),
        share=0.05,
        without=ONLY_TALK,
        limit="limit-ws",
    ),
    Server(
        "granja-tls",
        "Granja, TLS",
        "granja",
        start_granja_tls,
        granja_version,
        granja_missing,
        tls=True,
        without=TALK_AND_CROWD,
        limit="limit-tls",
    ),
    Server(
        "granja-wss",
        "Granja, WebSocket over TLS",
        "granja-ws",
        start_granja_wss,
        granja_version,
        web_missing,
        tls=True,
        without=TALK_AND_CROWD,
        limit="limit-tls",
    ),
    Server(
        "limit-tls",
        "C, a send per pass, OpenSSL (its limit)",
        "plain",
        start_fanout_tls,
        first_line_of("cc"),
        tls=True,
        without=TALK_AND_CROWD,
        limit="limit-tls",
    ),
    Server(
        "ngircd-tls",
        "ngircd, TLS",
        "irc",
        start_ngircd_tls,
        first_line_of("ngircd"),
        absent("ngircd"),
        share=0.25,
        accepts=8,
        tls=True,
        without=ONLY_TALK,
        limit="limit-tls",
    ),
    Server(
        "nats-tls",
        "nats-server, TLS",
        "nats",
        start_nats_tls,
        first_line_of("nats-server"),
        absent("nats-server"),
        share=0.25,
        tls=True,
        without=ONLY_TALK,
        limit="limit-tls",
    ),
)


def named(names: list[str]) -> list[Server]:
    """The servers of these names, in the table's order; `LookupError` for a name that is none."""
    known = {server.name for server in SERVERS}
    for name in names:
        if name not in known:
            raise LookupError(f"no server {name!r}; there are {', '.join(sorted(known))}")
    return [server for server in SERVERS if not names or server.name in names]
