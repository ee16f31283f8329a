"""Names: which names a site answers to, and which pages may talk to it.

A browser asks the address that its name server gives for a name.  So somebody else's page can let
its own name lead here (DNS rebinding).  The browser then takes that page for ours.  Only the Host
header shows the difference.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

#: How many names we remember: nearly all browsers send the same few.
KNOWN: Final = 64

_PORTS = {"http": 80, "https": 443}

_HOST = re.compile(r"(\[[^\[\]]+\]|[^:\[\]]+)(?::(\d*))?")

#: A name of letters, digits and hyphens.
_NAME = re.compile(r"(?!.*\.\.)[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?")


class NoHost(ValueError):
    """This is no name of a host."""


@dataclass(frozen=True)
class Place:
    """A host, in small letters, and its port; None for the scheme's usual port."""

    host: str
    port: int | None


@dataclass(frozen=True)
class Origin:
    """Where a page comes from (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def is_at(self, place: Place) -> bool:
        """Whether a page of this origin came from this place."""
        usual = _PORTS[self.scheme]
        return (self.host, self.port) == (place.host, place.port or usual)


@lru_cache(maxsize=KNOWN)
def read_host(text: str) -> Place:
    """Read a Host header or ``--web-host``: ``granja.example``, ``[::1]:8080``.

    :raises NoHost: when it is no host.
    """
    found = _HOST.fullmatch(text)
    if found is None or not (_is_address(found[1]) or _NAME.fullmatch(found[1].lower())):
        raise NoHost("it must be the name of a host, such as granja.example")
    return Place(found[1].lower().rstrip("."), int(found[2]) if found[2] else None)


@lru_cache(maxsize=KNOWN)
def read_origin(text: str) -> Origin | None:
    """Read an origin; None if it is none, such as ``null``."""
    try:
        parts = urlsplit(text.lower())
        port = parts.port
        place = read_host(parts.netloc)
    except ValueError:
        return None
    if parts.scheme not in _PORTS or text.lower() != f"{parts.scheme}://{parts.netloc}":
        return None
    return Origin(parts.scheme, place.host, port or _PORTS[parts.scheme])


@lru_cache(maxsize=KNOWN)
def _is_address(host: str) -> bool:
    bracketed = host.startswith("[")
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return isinstance(address, IPv6Address) == bracketed


class Names:
    """:param hosts: the names of this site; None if it answers to every name.
    :param origins: the pages that may connect besides the site's own.
    :raises NoHost: when one of ``hosts`` is none.
    """

    def __init__(self, hosts: Collection[str] | None, origins: Collection[str]) -> None:
        found = (read_origin(origin.rstrip("/")) for origin in origins)
        self._origins = frozenset(origin for origin in found if origin is not None)
        self._hosts: frozenset[str] | None = None
        if hosts is not None:
            named = {read_host(host).host for host in hosts}
            self._hosts = frozenset({"localhost", *named, *(o.host for o in self._origins)})

    def answers_to(self, host: str) -> bool:
        """Whether the Host header names this site.  A program may send none; browsers send one.

        :raises NoHost: when it makes no sense.
        """
        if not host:
            return True
        name = read_host(host).host
        return self._hosts is None or name in self._hosts or _is_address(name)

    def may_come_from(self, text: str, host: str) -> bool:
        """Whether a page of this origin may talk to us.

        Otherwise any page could speak for its visitor.  The page's own host may, and so may the
        origins that the operator has named.  (Other programs send no Origin, and nobody asks them.)

        :param text: the Origin header, such as ``https://granja.example``.
        :param host: the Host header.
        """
        origin = read_origin(text)
        if origin is None:
            return False
        return origin in self._origins or (host != "" and origin.is_at(read_host(host)))
