"""A server from Debian that is one place on several machines, too, and how it is linked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.nodes_farm import Farm, processes
from benchmarks.run import free_port
from benchmarks.servers.peers import NATS_CONF
from benchmarks.servers.server import find

NATS_CLUSTER = """\
cluster {{
    name: granja
    listen: "127.0.0.1:{own}"
    routes: [{routes}]
}}
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


PEERS: Mapping[str, Callable[[int, Path], AbstractContextManager[Farm]]] = {
    "nats": nats,
}
