"""Where somebody is: one form of each address, and which proxies speak for others."""

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

#: The address of everybody who comes in by a unix socket: it is in no network.
UNIX: Final = "unix"

#: Addresses of which it is remembered what they are: who arrives is asked for theirs ten times.
KNOWN: Final = 256

Network = IPv4Network | IPv6Network

_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def address_of(peer: IAddress) -> str:
    """In the one form that the log, limits and bans have; :data:`UNIX` where there is none."""
    host = getattr(peer, "host", None)
    return UNIX if host is None else plain(host) or host


@lru_cache(maxsize=KNOWN)
def plain(text: str) -> str | None:
    """``::ffff:192.0.2.1`` is ``192.0.2.1``, ``2001:DB8:0::1`` is ``2001:db8::1``; None for what is
    no address."""
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
    """It is no network; the text says what one looks like."""


@dataclass
class Proxies:
    """Whose word is believed on who is behind them (PROTOCOL §6).

    ``unix``: whether that of who connects by a unix socket is.  The operator may name others while
    the server runs, so those who ask keep this and not its networks.
    """

    networks: tuple[Network, ...] = _LOOPBACK
    unix: bool = True

    @classmethod
    def named(cls, names: Sequence[str]) -> Proxies:
        """Those that an operator names: networks, addresses, ``unix``; loopback if there are none.

        :raises NoNetwork: for anything else.
        """
        if not names:
            return cls()
        return cls(tuple(_network(name) for name in names if name != UNIX), UNIX in names)

    def become(self, other: Proxies) -> None:
        """Be those that an operator names now."""
        self.networks, self.unix = other.networks, other.unix

    def believes(self, address: str) -> bool:
        """Whether what comes from there is a proxy's word."""
        if address == UNIX:
            return self.unix
        found = _parse(address.partition("%")[0])
        return found is not None and any(found in network for network in self.networks)

    def who_is_behind(self, peer: str, forwarded: Iterable[str]) -> str:
        """The rightmost that is no proxy: what is left of it, anybody could have written.

        :param peer: who is connected to us.
        :param forwarded: the ``X-Forwarded-For`` headers, in their order.
        """
        hops = ",".join(forwarded).split(",")
        while self.believes(peer) and hops:
            hop = _hop(hops.pop())
            if hop is None:
                break  # Nobody knows who that is; this proxy has let them in.
            peer = hop
        return peer


def _network(name: str) -> Network:
    try:
        return ip_network(name)
    except ValueError:
        raise NoNetwork("it must be a network, such as 10.0.0.0/8, or unix") from None


def _hop(text: str) -> str | None:
    """Some proxies add the port, and then IPv6 is in brackets."""
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
