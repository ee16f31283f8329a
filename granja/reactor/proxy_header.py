"""The PROXY header, in both versions: a proxy says with it which client is behind it.

A proxy sends it before anything else.
https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address as IPv4, IPv6Address as IPv6
from typing import Final

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
WORD: Final = b"PROXY "

#: The longest header of version 1, with its line end.
LONGEST_LINE: Final = 107
#: Bytes of version 2 before the addresses.
_FIXED: Final = 16

_LINE = re.compile(rb"PROXY (TCP[46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})")
_UNKNOWN = re.compile(rb"PROXY UNKNOWN(?: .*)?")

_LOCAL, _PROXY = 0, 1
_UNSPECIFIED, _INET, _INET6, _UNIX = range(4)
#: Bytes of both addresses with their ports, by family.
_SIZES: Final = {_INET: 12, _INET6: 36, _UNIX: 216}
#: The transports are: unspecified, streams, datagrams.
_MOST_TRANSPORT: Final = 2


class Malformed(ValueError):
    """This is no PROXY header.  The text says why, and repeats nothing that was received."""


@dataclass(frozen=True)
class Header:
    """``source``: the client behind the proxy; None for the proxy itself.  ``rest``: the bytes
    after the header."""

    source: IAddress | None
    rest: bytes


def read_header(received: bytes) -> Header | None:
    """The header at the beginning of ``received``.

    :return: None while the header is not complete.
    :raises Malformed: as soon as the bytes cannot become a header.
    """
    if _may_begin(received, SIGNATURE):
        return _read_binary(received)
    if _may_begin(received, WORD):
        return _read_line(received)
    raise Malformed("it does not begin with a PROXY header")


def _may_begin(received: bytes, beginning: bytes) -> bool:
    return received[: len(beginning)] == beginning[: len(received)]


# -- version 1 -----------------------------------------------------------------------------------


def _read_line(received: bytes) -> Header | None:
    line, end, rest = received[:LONGEST_LINE].partition(b"\r\n")
    if not end:
        if len(received) >= LONGEST_LINE or b"\n" in line:
            raise Malformed("its PROXY header does not end")
        return None
    rest += received[LONGEST_LINE:]
    if _UNKNOWN.fullmatch(line):
        return Header(None, rest)
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("its PROXY header makes no sense")
    family, source, destination, source_port, port = found.groups()
    if max(int(source_port), int(port)) > 0xFFFF:
        raise Malformed("its PROXY header has a port that there is not")
    _address_of(family, destination, 0)
    return Header(_address_of(family, source, int(source_port)), rest)


def _address_of(family: bytes, text: bytes, port: int) -> IAddress:
    try:
        if family == b"TCP4":
            return IPv4Address("TCP", str(IPv4(text.decode("ascii"))), port)
        address = IPv6(text.decode("ascii"))
    except ValueError:
        raise Malformed("its PROXY header has an address that is none") from None
    if address.scope_id is not None:
        raise Malformed("its PROXY header has an address that is none")
    return IPv6Address("TCP", str(address), port)


# -- version 2 -----------------------------------------------------------------------------------


def _read_binary(received: bytes) -> Header | None:
    _check_kind(received[len(SIGNATURE) :])
    if len(received) < _FIXED:
        return None
    kind, family, size = struct.unpack_from("!BBH", received, len(SIGNATURE))
    if kind & 0xF == _PROXY and size < _SIZES.get(family >> 4, 0):
        raise Malformed("its PROXY header is too short for its addresses")
    end = _FIXED + size
    if len(received) < end:
        return None
    source = None
    if kind & 0xF == _PROXY and family & 0xF:
        source = _unpack(family >> 4, received[_FIXED:end])
    return Header(source, received[end:])


def _check_kind(fixed: bytes) -> None:
    """Check version, command, family and transport, as far as those bytes have come.

    :raises Malformed: when one of them is unknown.
    """
    if fixed[:1] and (fixed[0] >> 4 != 2 or fixed[0] & 0xF not in (_LOCAL, _PROXY)):
        raise Malformed("its PROXY header has a version or a command that there is not")
    if fixed[1:2] and (fixed[1] >> 4 > _UNIX or fixed[1] & 0xF > _MOST_TRANSPORT):
        raise Malformed("its PROXY header has a kind of address that there is not")


def _unpack(family: int, addresses: bytes) -> IAddress | None:
    """The client's address.  We ignore the bytes after the addresses (TLVs)."""
    if family == _INET:
        source, port = struct.unpack_from("!4s4xH", addresses)
        return IPv4Address("TCP", str(IPv4(source)), port)
    if family == _INET6:
        source, port = struct.unpack_from("!16s16xH", addresses)
        return IPv6Address("TCP", str(IPv6(source)), port)
    if family == _UNIX:
        return UNIXAddress(addresses[:108].rstrip(b"\0"))
    return None
