"""What a network is (PROTOCOL §5): the part of an address that one stranger can have for free."""

from __future__ import annotations

from collections.abc import Iterable
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

#: The bits of an IPv6 address that its owner chooses: one customer gets at least a /64.
FREE_BITS: Final = 64

#: How many parsed addresses we remember: the server asks about each new connection ten times.
KNOWN: Final = 256

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: The bits before an IPv4 address in the form of IPv6.
_MAPPED: Final = 96


@lru_cache(maxsize=KNOWN)
def address_of(text: str) -> Address | None:
    """An address without its zone.  An IPv4 address in the form of IPv6 becomes IPv4.

    None for a unix socket, which has no address.
    """
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return found if mapped is None else mapped


@lru_cache(maxsize=KNOWN)
def network_of(text: str) -> str | None:
    """The network of an address: an IPv4 address, or the first address of an IPv6 /64.

    None for a unix socket, which is in no network.
    """
    found = address_of(text)
    if isinstance(found, IPv6Address):
        found = IPv6Address(int(found) >> FREE_BITS << FREE_BITS)
    return None if found is None else str(found)


def read_network(text: str) -> Network:
    """Read ``192.0.2.0/24``, ``2001:db8::/32``, or one address.

    :raises ValueError: for anything else; the text says what a network looks like.
    """
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError("it must be a network, such as 10.0.0.0/8") from None
    return unmapped(network)


def unmapped(network: Network) -> Network:
    """The same network; IPv4 in the form of IPv6 becomes IPv4."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED))


def is_among(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of these networks, or belongs to this machine."""
    found = address_of(address)
    return found is not None and (
        found.is_loopback or any(found in network for network in networks)
    )
