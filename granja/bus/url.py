"""The URL of a bus: ``nats://HOST:PORT``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from granja.contract.errors import ConfigurationError

PORT: Final = 4222

#: For each scheme, whether a connection is encrypted before we send any secret.
SCHEMES: Final = {"nats": False, "tls": True}


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a bus.  ``tls``: we encrypt the connection before we send any secret."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.tls else 'nats'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BusAddress:
    """Where a bus is: any of these servers.

    ``login``: what the first message to a server says about who we are.
    """

    servers: tuple[Server, ...]
    login: dict[str, str] = field(repr=False)

    def __str__(self) -> str:
        """The address for people, without secrets."""
        return ",".join(map(str, self.servers))


def read_bus(url: str) -> BusAddress:
    """Read ``nats://[USER:PASSWORD@ or TOKEN@]HOST[:PORT]``, or ``tls://…``; several with commas.

    :raises ConfigurationError: when it is none; the sentence quotes nothing that may be secret.
    """
    parts = [_split(part.strip()) for part in url.split(",")]
    servers = tuple(Server(part.hostname or "", part.port or PORT, SCHEMES[part.scheme])
                    for part in parts)  # fmt: skip
    logins = [_login(part) for part in parts]
    return BusAddress(servers, next((login for login in logins if login), {}))


def _split(part: str) -> SplitResult:
    whole = part if "://" in part else f"nats://{part}"
    try:
        split = urlsplit(whole)
        _ = split.port
    except ValueError:
        raise _wrong() from None
    rest = (split.path.strip("/"), split.query, split.fragment)
    if split.scheme not in SCHEMES or not split.hostname or any(rest):
        raise _wrong()
    return split


def _login(part: SplitResult) -> dict[str, str]:
    if part.username is None:
        return {}
    if part.password is None:
        return {"auth_token": unquote(part.username)}
    return {"user": unquote(part.username), "pass": unquote(part.password)}


def _wrong() -> ConfigurationError:
    return ConfigurationError(
        "the bus must be like nats://HOST:4222, or tls://HOST:4222, several with commas between"
    )
