"""Where a connection comes from: one form of each address, and the proxies that we believe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from twisted.internet.interfaces import IAddress

#: The address of everybody who comes in by a unix socket.  No network contains it.
UNIX: Final = "unix"

#: How many parsed addresses we remember: the server asks about each new connection ten times.
KNOWN: Final = 256

Network = IPv4Network | IPv6Network

_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def address_of(peer: IAddress) -> str:
    """The address in the one form that the log, limits and bans use.

    :return: :data:`UNIX` if the peer has no address.
    """
    host = getattr(peer, "host", None)
    return UNIX if host is None else plain(host) or host


@lru_cache(maxsize=KNOWN)
def plain(text: str) -> str | None:
    """The one form of an address: ``::ffff:192.0.2.1`` becomes ``192.0.2.1``, ``2001:DB8:0::1``
    becomes ``2001:db8::1``.

    :return: None if ``text`` is no address.
    """
    address = _parse(text)
    return None if address is None else str(address)


@lru_cache(maxsize=KNOWN)
def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class NoNetwork(ValueError):
    """This is no network.  The text says what a network looks like."""


@dataclass
class Proxies:
    """The proxies that we believe when they name the client behind them (PROTOCOL §6).

    ``unix``: whether we believe clients that connect by a unix socket.  The operator may change the
    list while the server runs.  Other objects therefore keep this object, not its networks.
    """

    networks: tuple[Network, ...] = _LOOPBACK
    unix: bool = True

    @classmethod
    def named(cls, names: Sequence[str]) -> Proxies:
        """The proxies that an operator names: networks, addresses, ``unix``.

        :param names: if there are none, we believe loopback and unix sockets.
        :raises NoNetwork: for anything else.
        """
        if not names:
            return cls()
        return cls(tuple(_network(name) for name in names if name != UNIX), UNIX in names)

    def become(self, other: Proxies) -> None:
        """Believe the proxies of ``other`` from now on."""
        self.networks, self.unix = other.networks, other.unix

    def believes(self, address: str) -> bool:
        """Whether a connection from this address is a proxy that we believe."""
        if address == UNIX:
            return self.unix
        found = _parse(address.partition("%")[0])
        return found is not None and any(found in network for network in self.networks)

    def who_is_behind(self, peer: str, forwarded: Iterable[str]) -> str:
        """The client behind the proxies: the rightmost address that is no proxy of ours.

        Anybody could have written the addresses to the left of it.

        :param peer: the address that is connected to us.
        :param forwarded: the ``X-Forwarded-For`` headers, in their order.
        """
        hops = ",".join(forwarded).split(",")
        while self.believes(peer) and hops:
            hop = _hop(hops.pop())
            if hop is None:
                break  # This hop is no address.  We take the proxy that let it in.
            peer = hop
        return peer


def _network(name: str) -> Network:
    try:
        return ip_network(name)
    except ValueError:
        raise NoNetwork("it must be a network, such as 10.0.0.0/8, or unix") from None


def _hop(text: str) -> str | None:
    """One address of the header.  Some proxies add the port; IPv6 is then in brackets."""
    text = text.strip(" \t")
    if text.startswith("["):
        host, end, port = text[1:].partition("]")
        return plain(host) if end and (port == "" or _is_port(port)) else None
    host, colon, port = text.partition(":")
    if colon and _is_port(colon + port):
        return plain(host)
    return plain(text)


def _is_port(text: str) -> bool:
    return text[:1] == ":" and text[1:].isascii() and text[1:].isdecimal()
