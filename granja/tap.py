"""The command line of ``twistd granja``.  Only here real clocks, sockets and chance come in."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.util import find_spec
from secrets import token_bytes
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import UNIXServerEndpoint, serverFromString, wrapServerTLS
from twisted.internet.interfaces import IListeningPort, IProtocolFactory

from granja.bus.open import open_bus
from granja.bus.url import read_bus
from granja.console.errands import Errands
from granja.contract.errors import ConfigurationError
from granja.factory import GranjaFactory
from granja.health.probes import Liveness
from granja.health.supervised import Supervised
from granja.ledger.url import is_shared, password_of, path_of
from granja.nodes.nodes import Nodes
from granja.operations.announcing import announce
from granja.operations.logfile import take_over
from granja.operations.rereading import Rereading
from granja.options.anew import Standing
from granja.options.table import Table
from granja.reactor.supervisor import Supervisor
from granja.reactor.title import hide
from granja.reactor.tls_contexts import Certificates, secured
from granja.reactor.unix_doors import UnixDoor
from granja.service import Doorway, GranjaService, Wrap, as_it_is

#: The most bytes of a unix socket's path; a lock has its place beside it.
LONGEST_SOCKET = 100

#: How the description of an endpoint begins where proxies name the client behind them.
PROXIED = "haproxy:"


class Options(Table):
    """The table, and the endpoints of its descriptions."""

    def check(self) -> None:
        """Check what the options name.

        :raises ConfigurationError: also when an endpoint is not possible.
        """
        super().check()
        browsers = partial(open_to_browsers, origins=self["web-origin"], hosts=self["web-host"])
        self["doorways"] = [doorway(listen) for listen in self._openable("listen")]
        self["doorways"] += [doorway(web, browsers) for web in self._openable("web")]
        check_metrics(self["metrics"])
        for endpoint in self._openable("metrics"):
            doorway(endpoint)
        check_bus(self["bus"], self["ledger"])
        self["log-file"] = take_over(self.parent, self["log-format"], self["log-level"])

    def _openable(self, name: str) -> list[str]:
        """The endpoints to open.  Without a runner, systemd has handed over no sockets."""
        return [at for at in self[name] if self.parent is not None or not is_handed_over(at)]


def is_handed_over(description: str) -> bool:
    """Whether an endpoint is a socket that systemd has opened."""
    return description.removeprefix(PROXIED).startswith("systemd:")


def check_metrics(endpoints: Sequence[str]) -> Sequence[str]:
    """``endpoints``, if the library for them is installed.

    :raises ConfigurationError: when it is not.
    """
    if endpoints and find_spec("prometheus_client") is None:
        raise ConfigurationError(
            f"--metrics {endpoints[0]}: it needs prometheus-client; "
            "install it with: pip install 'granja[metrics]'"
        )
    return endpoints


def check_bus(bus: str | None, ledger: str) -> None:
    """Check the bus's URL.

    :raises ConfigurationError: when it is none, or when the ledger is not one that nodes share.
    """
    if bus is None:
        return
    read_bus(bus)
    if not is_shared(ledger):
        raise ConfigurationError(
            "a bus is for nodes that share a ledger, so it needs one at "
            "postgresql://USER@HOST/DATABASE (--ledger)"
        )


def open_to_watchers(
    farm: GranjaFactory, ports: Sequence[IListeningPort], certificates: Sequence[Certificates]
) -> IProtocolFactory:
    """The factory for a ``--metrics`` endpoint.

    :param ports: the ports for farmers.
    :param certificates: of each endpoint that has some.
    """
    from granja.health.watch import watch

    return watch(farm, ports, certificates)


def consoles(
    path: str | None, ledger: str, errands: Callable[[GranjaFactory], Errands]
) -> list[Doorway]:
    """The doorway at which ``granja admin`` finds this server; at most one.

    :param path: of the socket, or ``off``; None means beside the ledger, if the path is not too
        long.
    :param errands: makes the errands of a farm.
    """
    from twisted.internet import reactor  # Here, as in doorway.

    file = path_of(ledger)
    if path is None and file is not None:
        path = f"{file}.admin"
        if len(os.fsencode(path)) > LONGEST_SOCKET:
            path = None
    if path in (None, "off"):
        return []
    assert path is not None
    endpoint = UNIXServerEndpoint(reactor, path, mode=0o600, wantPID=True)
    wrap = partial(open_to_the_operator, errands=errands)
    return [Doorway(f"the console {path}", UnixDoor(endpoint, path), wrap)]


def errands_of(farm: GranjaFactory, rereading: Rereading) -> Errands:
    """The errands that an operator may ask of a farm, at this node and from others."""
    from twisted.internet import reactor  # Here, as in doorway.

    stop: Any = reactor.stop
    nodes = None if farm.nodes is None else farm.nodes.errands
    errands = Errands(farm, partial(rereading.reread, farm), stop, nodes)
    if nodes is not None:
        nodes.run = errands.run
    return errands


def open_to_the_operator(
    farm: GranjaFactory, errands: Callable[[GranjaFactory], Errands]
) -> IProtocolFactory:
    """The factory for ``--admin``."""
    from granja.console.line import ConsoleFactory

    return ConsoleFactory(errands(farm))


def open_to_browsers(
    farm: GranjaFactory, origins: Sequence[str], hosts: Sequence[str]
) -> IProtocolFactory:
    """The factory for a ``--web`` endpoint."""
    from granja.web.site import web_site

    return web_site(farm, origins=origins, hosts=hosts, proxies=farm.settings.proxies)


def doorway(description: str, wrap: Wrap = as_it_is) -> Doorway:
    """An endpoint from its description, and what answers there.

    :raises ConfigurationError: when Twisted does not understand it.
    """
    from twisted.internet import reactor  # Not at the top: it would choose the reactor.

    below = description.removeprefix(PROXIED)
    proxied = below != description
    try:
        tls = secured(below)
        endpoint = serverFromString(reactor, tls.below if tls else below)
    except (KeyError, IndexError) as error:
        if not is_handed_over(description):
            raise ConfigurationError(f"cannot listen on {description}: {error}") from None
        why = "systemd has handed no such socket to this process"
        raise ConfigurationError(f"cannot listen on {description}: {why}") from None
    except Exception as error:  # Endpoint parsers are plugins, and may raise anything.
        raise ConfigurationError(f"cannot listen on {description}: {error}") from None
    if isinstance(endpoint, UNIXServerEndpoint):
        endpoint = UnixDoor(endpoint, endpoint._address)
    if tls is None:
        return Doorway(description, endpoint, wrap, proxied=proxied)
    secure = wrapServerTLS(tls.certificates, endpoint)
    return Doorway(description, secure, wrap, tls.certificates, proxied=proxied)


def nodes(options: Options, reactor: Any) -> Nodes | None:
    """This node among the others; None for a farm without nodes."""
    if not is_shared(options["ledger"]):
        return None
    name = options["node"] or os.uname().nodename
    bus = open_bus(options["bus"], reactor, f"granja {name}", token_bytes(16).hex())
    return Nodes(reactor, time.time, bus, options["history"], name)


def makeService(options: Options) -> IService:  # noqa: N802
    """The service of ``twistd granja`` for parsed options."""
    from twisted.internet import reactor as installed

    from granja.accounts.passwords import Accounts
    from granja.ledger import open_ledger

    reactor: Any = installed  # Its type is a union of all reactors, and none has everything.
    # Twisted's timers use the time of day.  If somebody set the clock back by an hour, everything
    # that waits would wait an hour longer.  No timer runs yet.
    reactor.seconds = time.monotonic
    hide(password_of(options["ledger"]))
    for secret in read_bus(options["bus"]).login.values() if options["bus"] else ():
        hide(secret)

    def open_farm() -> GranjaFactory:
        farm = GranjaFactory(
            clock=reactor,
            now=time.time,
            catalog=options["catalog"],
            ledger=open_ledger(options["ledger"], reactor, time.time, options["node"] or ""),
            accounts=Accounts(reactor),
            chance=token_bytes,
            settings=options.settings(),
            nodes=nodes(options, reactor),
        )
        announce(farm, options["ledger"])
        errands(farm)
        return farm

    plain_ports: list[IListeningPort] = []
    certificates: list[Certificates] = []
    watch = partial(open_to_watchers, ports=plain_ports, certificates=certificates)
    doorways = [*options["doorways"], *(doorway(at, watch) for at in options["metrics"])]
    certificates += [d.certificates for d in doorways if d.certificates is not None]
    rereading = Rereading(Standing(options, os.getcwd()), certificates)
    errands = cache(partial(errands_of, rereading=rereading))
    doorways += consoles(options["admin"], options["ledger"], errands)
    alive = Liveness(reactor, plain_ports).look
    supervised = Supervised(reactor, Supervisor(os.environ, os.getpid()), alive)
    log_file = options["log-file"]
    return GranjaService(open_farm, doorways, rereading, supervised, log_file, plain_ports)
