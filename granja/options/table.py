"""The table of options: what ``twistd granja --help`` shows, and what ``granja.toml`` may say.

A value comes from a flag; else from the file that ``--config`` names; else it is the default.
"""

from __future__ import annotations

import getopt
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from twisted.python.usage import Options as UsageOptions, UsageError

from granja import __version__
from granja.accounts.doorkeeper import DoorLimits
from granja.catalog_file import is_lasting, read_catalog, read_text
from granja.contract.errors import ConfigurationError
from granja.ledger.url import check as check_ledger
from granja.market.market import Limits
from granja.options import coercions
from granja.options.coercions import Coercion
from granja.options.file import from_file
from granja.settings import Settings
from granja.text.clean import clean
from granja.wire.addresses import Proxies

DEFAULT_LISTEN: Final = "tcp:5555:interface=127.0.0.1"

#: The name, the default, the help, and the coercion for the text of a value.
Row = tuple[str, object, str, Coercion]

ROWS: Final[Sequence[Row]] = (
    ("artifacts", None, "The catalog, a JSON file (default: the packaged one)",
     coercions.anything),
    ("ledger", "sqlite:granja.db", "Where trades are recorded: sqlite:PATH or memory:, or "
     "postgresql://USER@HOST/DATABASE for several nodes", coercions.anything),
    ("node", None, "What this node is called among those that share the ledger (default: the "
     "machine's name)", coercions.anything),
    ("bus", None, "Where such nodes meet: nats://HOST:4222, or tls://; several with commas between "
     "(default: each has its own talk)", coercions.anything),
    ("declarations", "open", "Where artifacts come from: open (visitors declare at every arrival) "
     "or once (registered farmers, one time)", coercions.choice("open", "once")),
    ("max-line", 4096, "Most bytes in a line", coercions.line),
    ("max-artifacts", 100, "Most artifacts that a farmer declares", coercions.whole),
    ("max-offers", 20, "Most pending offers of a farmer, out and in", coercions.whole),
    ("max-offers-each", 5, "Most pending offers of a farmer to one other", coercions.whole),
    ("offer-lifetime", 604800.0, "Seconds that an offer stands", coercions.seconds),
    ("arrival-timeout", 60.0, "Seconds from connecting to being in the chat", coercions.seconds),
    ("max-per-network", 64, "Most connections at once from one network: an IPv4 address, or an "
     "IPv6 /64", coercions.whole),
    ("linger", 120.0, "Seconds that a dropped line may take to come back, or 0",
     coercions.seconds_or_none),
    ("remember", 30.0, "Days that a registered farmer's pass serves, or 0", coercions.days),
    ("keep-visitors", 30.0, "Days after which the name of a visitor who left is forgotten",
     coercions.days),
    ("rate", "5/20", "Lines a second / lines at once of one connection, or off",
     coercions.rate_as_written),
    ("history", 200, "Lines of talk that :historial can show, or 0", coercions.count),
    ("admin", None, "The socket of `granja admin`, or off (default: beside the ledger)",
     coercions.anything),
    ("log-format", "text", "How twistd's log is written: text, json (an object a line), or journal "
     "(to systemd's, with fields)", coercions.choice("text", "json", "journal")),
    ("log-level", "info", "The least urgent events that are logged: debug, info, warn or error",
     coercions.choice("debug", "info", "warn", "error")),
    ("motd", None, "A text file that everybody is shown on arriving", coercions.anything),
)  # fmt: skip

#: The coercions for each value of an option that may be given several times.
LISTS: Final[dict[str, Coercion]] = {
    "listen": coercions.anything,
    "web": coercions.anything,
    "metrics": coercions.anything,
    "web-origin": coercions.origin,
    "web-host": coercions.host,
    "proxy": coercions.proxy,
    "moderator": coercions.farmer,
    "reserved-name": coercions.word,
    "trusted-network": coercions.network,
}

#: Options that cannot change while the server runs.
FIXED: Final = frozenset(
    {
        "listen",
        "web",
        "metrics",
        "web-origin",
        "web-host",
        "ledger",
        "node",
        "bus",
        "declarations",
        "admin",
        "log-format",
        "log-level",
    }
)


def _named(name: str, coerce: Coercion) -> Coercion:
    """A coercion whose refusals name the option; Twisted's do not."""

    def read(value: str) -> object:
        try:
            return coerce(value)
        except ValueError as error:
            raise UsageError(f"--{name} {value}: {error}") from None

    return read


class Table(UsageOptions):
    """:param base: the folder in which relative paths begin, if it is not the current one.
    :param before: the options of the start.  They keep what came from a pipe.
    """

    synopsis = "[options]"
    longdesc = (
        "A chat and trading post for farmers. They come in with telnet, netcat, the client "
        "`granja`, or a browser."
    )
    optParameters = [  # noqa: N815
        ["config", None, None, "A TOML file with these options; `granja config` prints one"],
        *([name, None, default, help, _named(name, read)] for name, default, help, read in ROWS),
    ]  # fmt: skip

    def __init__(self, base: str = "", before: Table | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._base = base
        self._before = before
        #: The words of the command line.
        self.words: list[str] = []
        self._from_file: dict[str, Any] = {}
        for name in LISTS:
            self[name] = []

    def _add(self, name: str, value: str) -> None:
        self[name].append(_named(name, LISTS[name])(value))

    def opt_listen(self, description: str) -> None:
        """A Twisted endpoint to listen on, such as tcp:5555 (repeatable).
        [default: tcp:5555:interface=127.0.0.1]"""
        self._add("listen", description)

    def opt_web(self, description: str) -> None:
        """A Twisted endpoint for browsers, such as tcp:8080: the page, /ws and /healthz
        (repeatable)."""
        self._add("web", description)

    def opt_metrics(self, description: str) -> None:
        """A Twisted endpoint for machines that watch the farm, such as
        tcp:9105:interface=127.0.0.1: /metrics for Prometheus, /livez and /readyz (repeatable).
        Needs granja[metrics]."""
        self._add("metrics", description)

    def opt_web_origin(self, origin: str) -> None:
        """Another origin whose pages may open a WebSocket here, such as https://granja.example
        (repeatable; the site's own always may)."""
        self._add("web-origin", origin)

    def opt_web_host(self, host: str) -> None:
        """A name that this site has, such as granja.example (repeatable). Browsers that ask for
        another one are refused; localhost, addresses and the hosts of --web-origin are known."""
        self._add("web-host", host)

    def opt_proxy(self, network: str) -> None:
        """A network of proxies, such as 10.0.0.0/8, whose word is believed on who is behind them:
        PROXY headers at haproxy: endpoints, X-Forwarded-For on the web. Or unix, for who connects
        by a unix socket (repeatable). [default: loopback and unix]"""
        self._add("proxy", network)

    def opt_moderator(self, name: str) -> None:
        """A registered farmer who looks after the farm, with commands for it; a name that nobody
        has registered is kept from everybody (repeatable)."""
        self._add("moderator", name)

    def opt_reserved_name(self, word: str) -> None:
        """A name that nobody may take, nor with digits behind it, nor with a sign and anything
        (repeatable). Who has registered it keeps it."""
        self._add("reserved-name", word)

    def opt_trusted_network(self, network: str) -> None:
        """A network, such as 10.0.0.0/8, whose connections and registrations are not limited, but
        for the total (repeatable; loopback always is one)."""
        self._add("trusted-network", network)

    def opt_version(self) -> NoReturn:
        """Print Granja's version and exit."""
        print(f"granja {__version__}")  # noqa: T201
        raise SystemExit(0)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:  # noqa: N802
        """Read the file first, so that flags win.

        :raises UsageError: with a sentence about what is wrong.
        """
        self.words = list(options or ())
        path = self._config_among(self.words)
        try:
            self._from_file = self._read_config(path) if path else {}
        except ConfigurationError as error:
            raise UsageError(str(error)) from None
        self.update({n: v for n, v in self._from_file.items() if n not in LISTS})
        super().parseOptions(self.words)  # type: ignore[no-untyped-call]

    def _config_among(self, words: Sequence[str]) -> str:
        try:
            given, _ = getopt.getopt(list(words), self.shortOpt, self.longOpt)
        except getopt.GetoptError:
            return ""  # Twisted has a better sentence for it.
        return dict(given).get("--config", "")

    def _read_config(self, path: str) -> dict[str, Any]:
        path = os.path.join(self._base, path)
        if self._before is not None and not is_lasting(path):
            return self._before._from_file
        return from_file(path, ROWS, LISTS)

    def postOptions(self) -> None:  # noqa: N802
        """Check everything that we can check before anything starts.

        :raises UsageError: with a sentence about what is wrong.
        """
        for name in LISTS:
            self[name] = self[name] or self._from_file.get(name, [])
        self["listen"] = self["listen"] or [DEFAULT_LISTEN]
        try:
            self.check()
        except ConfigurationError as error:
            raise UsageError(str(error)) from None

    def check(self) -> None:
        """Read the files that options name.

        :raises ConfigurationError: when one is not what it must be.
        """
        check_ledger(self["ledger"])
        self["catalog"] = self._read("artifacts", "catalog", read_catalog)
        self["motd-lines"] = self._read("motd", "motd-lines", read_motd)

    def _read(self, option: str, field: str, read: Callable[[str | None], Any]) -> Any:
        path = self[option] and os.path.join(self._base, self[option])
        if self._before is not None and not is_lasting(path):
            return self._before[field]
        return read(path)

    def settings(self) -> Settings:
        """The values that the farm itself needs."""
        return Settings(
            max_line=self["max-line"],
            arrival_timeout=self["arrival-timeout"],
            rate=coercions.rate(self["rate"]),
            motd=self["motd-lines"],
            declare_once=self["declarations"] == "once",
            linger=self["linger"],
            remember=self["remember"] * 86400.0,
            keep_visitors=self["keep-visitors"] * 86400.0,
            history=self["history"],
            proxies=Proxies.named(self["proxy"]),
            moderators=tuple(self["moderator"]),
            reserved=tuple(self["reserved-name"]),
            doors=DoorLimits(self["max-per-network"], tuple(self["trusted-network"])),
            limits=Limits(
                offers=self["max-offers"],
                lifetime=self["offer-lifetime"],
                artifacts=self["max-artifacts"],
                offers_each=self["max-offers-each"],
            ),
        )


def read_motd(path: str | None) -> tuple[str, ...]:
    """The lines of a file, cleaned like everything that farmers read.

    :raises ConfigurationError: when it cannot be read.
    """
    return tuple(clean(line) for line in read_text(path).splitlines()) if path else ()
