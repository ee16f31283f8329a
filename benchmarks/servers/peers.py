"""How the limits and the peers are configured and started."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable, Sequence
from importlib import metadata

from benchmarks.servers.server import (
    HERE,
    Start,
    another_port,
    find,
    new_certificate,
    python_version,
)

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


def start_fanout(style: str, *more: str) -> Callable[[Start], Sequence[str]]:
    def command(start: Start) -> Sequence[str]:
        quiet = start.quiet if style == "each" else []
        return [str(start.workshop.fanout), str(start.port), style, *quiet, *more]

    return command


def start_fanout_tls(start: Start) -> Sequence[str]:
    pem = start.folder / "both.pem"
    pem.write_text("".join(path.read_text() for path in new_certificate(start.folder)))
    return start_fanout("pass", f"tls={pem}")(start)


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
