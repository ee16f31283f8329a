"""What a network is (PROTOCOL §5): how much of an address one stranger can have for nothing."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

#: The bits of an IPv6 address that its owner chooses: one customer gets a /64 at the least.
FREE_BITS = 64

Address = IPv4Address | IPv6Address


def address_of(text: str) -> Address | None:
    """An address without its zone, and as IPv4 if that is what is mapped into it.

    None for the peer of a unix socket, which has no address.
    """
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return found if mapped is None else mapped


def network_of(text: str) -> str | None:
    """The network of an address: an IPv4 address, or the first address of an IPv6 /64.

    None for the peer of a unix socket, who is in no network.
    """
    found = address_of(text)
    if isinstance(found, IPv6Address):
        found = IPv6Address(int(found) >> FREE_BITS << FREE_BITS)
    return None if found is None else str(found)
