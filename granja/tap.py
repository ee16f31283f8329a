"""The command line of ``twistd granja``: the only place where real things are chosen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from secrets import token_bytes
from typing import Any, NoReturn

from twisted.application.service import IService
from twisted.internet.endpoints import UNIXServerEndpoint, serverFromString, wrapServerTLS
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from granja import __version__
from granja.accounts.doorkeeper import DoorLimits
from granja.accounts.networks import read_network
from granja.catalog_file import is_lasting, read_catalog, read_text
from granja.contract.errors import ConfigurationError, InvalidName
from granja.factory import GranjaFactory
from granja.ledger.url import path_of
from granja.market.market import Limits
from granja.operations.announcing import announce
from granja.operations.logfile import take_over
from granja.operations.rereading import Sources, reread
from granja.reactor.tls_contexts import secured
from granja.service import Doorway, GranjaService, Wrap, as_it_is
from granja.settings import Settings
from granja.text.clean import clean
from granja.text.names import parse as parse_name
from granja.web.names import NoHost, read_host, read_origin
from granja.wire.addresses import NoNetwork, Proxies
from granja.wire.rate import Rate

DEFAULT_LISTEN = "tcp:5555:interface=127.0.0.1"

#: Bytes that the path of a unix socket may have; a lock stands beside it.
LONGEST_SOCKET = 100

#: What the description of an endpoint begins with where proxies say who is behind them.
PROXIED = "haproxy:"


Coercion = Callable[[str], Any]


def _number(kind: Callable[[str], float], least: float, what: str) -> Coercion:
    """A coercion for usage.Options that says what it wants."""

    def coerce(value: str) -> float:
        try:
            number = kind(value)
        except ValueError:
            raise ValueError(f"it must be {what}") from None
        if not least <= number < float("inf"):
            raise ValueError(f"it must be {what}")
        return number

    return coerce


def _parameter(name: str, default: object, help: str, coerce: Coercion) -> list[object]:
    """A row of ``optParameters`` whose refusals say which option is meant; Twisted's do not."""

    def coerce_named(value: str) -> object:
        try:
            return coerce(value)
        except ValueError as error:
            raise UsageError(f"--{name} {value}: {error}") from None

    return [name, None, default, help, coerce_named]


def rate(value: str) -> Rate | None:
    """``5/20`` is 20 lines at once and 5 a second after that; ``off`` is no limit.

    :raises ConfigurationError: for anything else.
    """
    if value == "off":
        return None
    per_second, slash, burst = value.partition("/")
    try:
        parsed = Rate(float(per_second), int(burst))
    except ValueError:
        parsed = Rate(0, 0)
    if not slash or not 0 < parsed.per_second < float("inf") or parsed.burst < 1:
        raise ConfigurationError(
            f"--rate {value}: it must be LINES-A-SECOND/LINES-AT-ONCE, such as 5/20, or off"
        )
    return parsed


def _choice(*choices: str) -> Coercion:
    def coerce(value: str) -> str:
        if value not in choices:
            raise ValueError(f"it must be {' or '.join(choices)}")
        return value

    return coerce


_whole = _number(int, 1, "a whole number, 1 or more")
_count = _number(int, 0, "a whole number, 0 or more")
_line = _number(int, 64, "a whole number of bytes, 64 or more")
_seconds_or_none = _number(float, 0, "a number of seconds, 0 or more")
_days = _number(float, 0, "a number of days, 0 or more")
_seconds = _number(float, 0.001, "a number of seconds above 0")


class Options(UsageOptions):
    """What ``twistd granja --help`` shows."""

    synopsis = "[options]"
    longdesc = (
        "A chat and trading post for farmers. They come in with telnet, netcat, the client "
        "`granja`, or a browser."
    )
    optParameters = [  # noqa: N815
        ["artifacts", None, None, "The catalog, a JSON file (default: the packaged one)"],
        ["ledger", None, "sqlite:granja.db", "Where trades are recorded: sqlite:PATH or memory:"],
        _parameter("declarations", "open", "Where artifacts come from: open (visitors declare at "
                   "every arrival) or once (registered farmers, one time)",
                   _choice("open", "once")),
        _parameter("max-line", 4096, "Most bytes in a line", _line),
        _parameter("max-artifacts", 100, "Most artifacts that a farmer declares", _whole),
        _parameter("max-offers", 20, "Most pending offers of a farmer, out and in", _whole),
        _parameter("max-offers-each", 5, "Most pending offers of a farmer to one other", _whole),
        _parameter("offer-lifetime", 604800.0, "Seconds that an offer stands", _seconds),
        _parameter("arrival-timeout", 60.0, "Seconds from connecting to being in the chat",
                   _seconds),
        _parameter("max-per-network", 64, "Most connections at once from one network: an IPv4 "
                   "address, or an IPv6 /64", _whole),
        _parameter("linger", 120.0, "Seconds that a dropped line may take to come back, or 0",
                   _seconds_or_none),
        _parameter("remember", 30.0, "Days that a registered farmer's pass serves, or 0", _days),
        ["rate", None, "5/20", "Lines a second / lines at once of one connection, or off"],
        _parameter("history", 200, "Lines of talk that :historial can show, or 0", _count),
        ["admin", None, None, "The socket of `granja admin`, or off (default: beside the ledger)"],
        ["motd", None, None, "A text file that everybody is shown on arriving"],
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self["listen"] = []
        self["web"] = []
        self["metrics"] = []
        self["web-origin"] = []
        self["web-host"] = []
        self["proxy"] = []
        self["moderator"] = []
        self["trusted-network"] = []

    def opt_listen(self, description: str) -> None:
        """A Twisted endpoint to listen on, such as tcp:5555 (repeatable).
        [default: tcp:5555:interface=127.0.0.1]"""
        self["listen"].append(description)

    def opt_web(self, description: str) -> None:
        """A Twisted endpoint for browsers, such as tcp:8080: the page, /ws and /healthz
        (repeatable)."""
        self["web"].append(description)

    def opt_metrics(self, description: str) -> None:
        """A Twisted endpoint for machines that watch the farm, such as
        tcp:9105:interface=127.0.0.1: /metrics for Prometheus, /livez and /readyz (repeatable).
        Needs granja[metrics]."""
        self["metrics"].append(description)

    def opt_web_origin(self, origin: str) -> None:
        """Another origin whose pages may open a WebSocket here, such as https://granja.example
        (repeatable; the site's own always may)."""
        if read_origin(origin.rstrip("/")) is None:
            raise UsageError(
                f"--web-origin {origin}: it must be an origin, such as https://granja.example"
            )
        self["web-origin"].append(origin)

    def opt_web_host(self, host: str) -> None:
        """A name that this site has, such as granja.example (repeatable). Browsers that ask for
        another one are refused; localhost, addresses and the hosts of --web-origin are known."""
        try:
            read_host(host)
        except NoHost as error:
            raise UsageError(f"--web-host {host}: {error}") from None
        self["web-host"].append(host)

    def opt_proxy(self, network: str) -> None:
        """A network of proxies, such as 10.0.0.0/8, whose word is believed on who is behind them:
        PROXY headers at haproxy: endpoints, X-Forwarded-For on the web. Or unix, for who connects
        by a unix socket (repeatable). [default: loopback and unix]"""
        try:
            Proxies.named([network])
        except NoNetwork as error:
            raise UsageError(f"--proxy {network}: {error}") from None
        self["proxy"].append(network)

    def opt_moderator(self, name: str) -> None:
        """A registered farmer who looks after the farm, with commands for it; a name that nobody
        has registered is kept from everybody (repeatable)."""
        try:
            self["moderator"].append(str(parse_name(name)))
        except InvalidName as error:
            raise UsageError(f"--moderator {name}: nobody can have it ({error.why})") from None

    def opt_trusted_network(self, network: str) -> None:
        """A network, such as 10.0.0.0/8, whose connections and registrations are not limited, but
        for the total (repeatable; loopback always is one)."""
        try:
            self["trusted-network"].append(read_network(network))
        except ValueError as error:
            raise UsageError(f"--trusted-network {network}: {error}") from None

    def opt_version(self) -> NoReturn:
        """Print Granja's version and exit."""
        print(f"granja {__version__}")  # noqa: T201
        raise SystemExit(0)

    def postOptions(self) -> None:  # noqa: N802
        """Everything that can be checked before anything starts, is.

        :raises UsageError: with the sentence that says what is wrong.
        """
        self["listen"] = self["listen"] or [DEFAULT_LISTEN]
        try:
            self["rate"] = rate(self["rate"])
            self["doorways"] = [doorway(listen) for listen in self["listen"]]
            browsers = partial(open_to_browsers, origins=self["web-origin"], hosts=self["web-host"])
            self["doorways"] += [doorway(web, browsers) for web in self["web"]]
            for endpoint in check_metrics(self["metrics"]):
                doorway(endpoint)
            path_of(self["ledger"])
            self["catalog"] = read_catalog(self["artifacts"])
            self["motd-lines"] = read_motd(self["motd"])
            self["log-file"] = take_over(self.parent)
        except ConfigurationError as error:
            raise UsageError(str(error)) from None

    def settings(self) -> Settings:
        """The values that the farm itself needs."""
        return Settings(
            max_line=self["max-line"],
            arrival_timeout=self["arrival-timeout"],
            rate=self["rate"],
            motd=self["motd-lines"],
            declare_once=self["declarations"] == "once",
            linger=self["linger"],
            remember=self["remember"] * 86400.0,
            history=self["history"],
            proxies=Proxies.named(self["proxy"]),
            moderators=tuple(self["moderator"]),
            doors=DoorLimits(self["max-per-network"], tuple(self["trusted-network"])),
            limits=Limits(
                offers=self["max-offers"],
                lifetime=self["offer-lifetime"],
                artifacts=self["max-artifacts"],
                offers_each=self["max-offers-each"],
            ),
        )


def check_metrics(endpoints: Sequence[str]) -> Sequence[str]:
    """``endpoints``, if the library for them is there.

    :raises ConfigurationError: when it is not.
    """
    if endpoints and find_spec("prometheus_client") is None:
        raise ConfigurationError(
            f"--metrics {endpoints[0]}: it needs prometheus-client; "
            "install it with: pip install 'granja[metrics]'"
        )
    return endpoints


def open_to_watchers(farm: GranjaFactory, ports: Sequence[IListeningPort]) -> IProtocolFactory:
    """What answers at a ``--metrics`` endpoint.

    :param ports: what farmers come in at.
    """
    from granja.health.watch import watch

    return watch(farm, ports)


def consoles(path: str | None, ledger: str) -> list[Doorway]:
    """Where ``granja admin`` finds this server; one at most.

    :param path: of the socket, or ``off``; None is beside the ledger, where the system can.
    """
    from twisted.internet import reactor  # As in doorway.

    file = path_of(ledger)
    if path is None and file is not None:
        path = f"{file}.admin"
        if len(os.fsencode(path)) > LONGEST_SOCKET:
            path = None
    if path in (None, "off"):
        return []
    assert path is not None
    endpoint = UNIXServerEndpoint(reactor, path, mode=0o600, wantPID=True)
    return [Doorway(f"the console {path}", endpoint, open_to_the_operator)]


def open_to_the_operator(farm: GranjaFactory) -> IProtocolFactory:
    """What answers at ``--admin``."""
    from granja.console.line import ConsoleFactory

    return ConsoleFactory(farm)


def read_motd(path: str | None) -> tuple[str, ...]:
    """The lines of a file, cleaned like everything that farmers read.

    :raises ConfigurationError: when it can't be read.
    """
    return tuple(clean(line) for line in read_text(path).splitlines()) if path else ()


def open_to_browsers(
    farm: GranjaFactory, origins: Sequence[str], hosts: Sequence[str]
) -> IProtocolFactory:
    """What answers at a ``--web`` endpoint."""
    from granja.web.site import web_site

    return web_site(farm, origins=origins, hosts=hosts, proxies=farm.settings.proxies)


def doorway(description: str, wrap: Wrap = as_it_is) -> Doorway:
    """An endpoint from its description, and what answers there.

    :raises ConfigurationError: when Twisted can't make sense of it.
    """
    from twisted.internet import reactor  # Not at the top: it would choose the reactor.

    below = description.removeprefix(PROXIED)
    proxied = below != description
    try:
        tls = secured(below)
        endpoint = serverFromString(reactor, tls.below if tls else below)
    except Exception as error:  # Endpoint parsers are plugins and raise what they like.
        raise ConfigurationError(f"cannot listen on {description}: {error}") from None
    if tls is None:
        return Doorway(description, endpoint, wrap, proxied=proxied)
    secure = wrapServerTLS(tls.certificates, endpoint)
    return Doorway(description, secure, wrap, tls.certificates, proxied=proxied)


def _lasting(path: str | None) -> str | None:
    """A path that is still the same when ``twistd`` has gone to its ``--rundir``."""
    return path and os.path.abspath(path)


def makeService(options: Options) -> IService:  # noqa: N802
    """The service of ``twistd granja`` for parsed options."""
    from twisted.internet import reactor as installed

    from granja.accounts.passwords import Accounts
    from granja.ledger import open_ledger

    reactor: Any = installed  # typed as a union of all reactors, of which none has everything
    # Twisted's timers go by the clock on the wall: were that set back by an hour, whatever is about
    # to be written would wait for an hour.  Nothing is scheduled yet.
    reactor.seconds = time.monotonic

    def open_farm() -> GranjaFactory:
        farm = GranjaFactory(
            clock=reactor,
            now=time.time,
            catalog=options["catalog"],
            ledger=open_ledger(options["ledger"], reactor, time.time),
            accounts=Accounts(reactor),
            chance=token_bytes,
            settings=options.settings(),
        )
        announce(farm, options["ledger"])
        return farm

    plain_ports: list[IListeningPort] = []
    watch = partial(open_to_watchers, ports=plain_ports)
    doorways = [*options["doorways"], *(doorway(at, watch) for at in options["metrics"])]
    doorways += consoles(options["admin"], options["ledger"])
    artifacts, motd = _lasting(options["artifacts"]), _lasting(options["motd"])
    sources = Sources(
        lambda: read_catalog(artifacts) if is_lasting(artifacts) else options["catalog"],
        lambda: read_motd(motd) if is_lasting(motd) else options["motd-lines"],
        [doorway.certificates for doorway in doorways if doorway.certificates is not None],
    )
    return GranjaService(
        open_farm, doorways, lambda farm: reread(sources, farm), options["log-file"], plain_ports
    )
