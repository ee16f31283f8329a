"""Servers from Debian that are one place on several machines, too: how they are linked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.nodes_farm import Farm, processes
from benchmarks.run import free_port
from benchmarks.servers.peers import NATS_CONF, NGIRCD_CONF
from benchmarks.servers.server import find

NATS_CLUSTER = """\
cluster {{
    name: granja
    listen: "127.0.0.1:{own}"
    routes: [{routes}]
}}
"""

#: An IRC network: the second server calls the first.
NGIRCD_LINK = """\
[Server]
    Name = irc{number}.granja.example
    MyPassword = hola
    PeerPassword = hola
"""
NGIRCD_CALLS = """\
    Host = 127.0.0.1
    Port = {port}
"""


@contextmanager
def nats(nodes: int, folder: Path) -> Iterator[Farm]:
    """nats-server, as a cluster when there are several."""
    own = [free_port() for _ in range(nodes)]
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in own)

    def command(number: int, port: int) -> Sequence[str]:
        text = NATS_CONF.format(port=port)
        if nodes > 1:
            text += NATS_CLUSTER.format(own=own[number], routes=routes)
        path = folder / f"nats-{number}.conf"
        path.write_text(text)
        return [find("nats-server") or "nats-server", "-c", str(path)]

    with processes(command, nodes, folder) as farm:
        yield farm


@contextmanager
def ngircd(nodes: int, folder: Path) -> Iterator[Farm]:
    """ngircd, two as a network."""
    first: list[int] = []

    def command(number: int, port: int) -> Sequence[str]:
        first.append(port)
        text = NGIRCD_CONF.format(port=port).replace("irc.", f"irc{number}.")
        if nodes > 1:
            text += NGIRCD_LINK.format(number=1 - number)
            text += NGIRCD_CALLS.format(port=first[0]) if number else ""
        path = folder / f"ngircd-{number}.conf"
        path.write_text(text)
        return [find("ngircd") or "ngircd", "--nodaemon", "--config", str(path)]

    with processes(command, nodes, folder) as farm:
        yield farm


PEERS: Mapping[str, Callable[[int, Path], AbstractContextManager[Farm]]] = {
    "nats": nats,
    "ngircd": ngircd,
}
