"""How Granja is started, by each of its doors."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from benchmarks.servers.server import Start, new_certificate, twisted_version


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


def twistd(*options: str, ledger: str = "memory:") -> list[str]:
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
        ledger,
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
