"""Options that we set on farmers' sockets, beyond those that Twisted sets."""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Any, Final, NamedTuple

from twisted.internet import tcp
from twisted.internet.interfaces import IListeningPort

#: Seconds of silence before the first probe, seconds between two probes, and how many probes go
#: without an answer.  We notice a silent peer within 75 s (PROTOCOL §6 allows 90).
IDLE: Final = 30
INTERVAL: Final = 15
PROBES: Final = 3

#: Limits the milliseconds between two attempts to reach a peer.  Python has no name for it yet.
_TCP_RTO_MAX_MS: Final = 44

#: Seconds after which a peer that answers nothing counts as gone.
SILENCE: Final = IDLE + PROBES * INTERVAL


def prepare(port: IListeningPort) -> None:
    """Make the kernel notice peers that are gone, and keep urgent bytes in the stream.

    A connection inherits the options of the socket that accepted it (tcp(7)), so this one place
    serves every kind of door.  Telnet sends urgent bytes for its SYNCH (RFC 854).  Without
    ``SO_OOBINLINE`` the IAC in it is lost.
    """
    if not isinstance(port, tcp.Port) or port.addressFamily not in (
        socket.AF_INET,
        socket.AF_INET6,
    ):
        return
    listening = port.socket
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", IDLE),
        ("TCP_KEEPINTVL", INTERVAL),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", 1000 * SILENCE),
    ):
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    # Linux knows it since 6.15.  Older ones probe a peer that takes nothing every two minutes.
    with suppress(OSError):
        listening.setsockopt(socket.IPPROTO_TCP, _TCP_RTO_MAX_MS, 1000 * IDLE)


class Account(NamedTuple):
    """What the kernel says about a connection.

    ``acknowledged``: all bytes that the peer has taken.  ``in_flight``: packets that the peer has
    not acknowledged yet.  ``unsent``: bytes that may not be sent yet.  ``unanswered``: probes
    without an answer.  ``heard``: seconds since the peer last acknowledged anything, or said that
    it takes nothing.
    """

    acknowledged: int
    in_flight: int
    unsent: int
    unanswered: int
    heard: float


#: Where those fields are in Linux's ``struct tcp_info``.
_UP_TO_HERE: Final = 160
_UNANSWERED, _IN_FLIGHT, _HEARD, _ACKNOWLEDGED, _UNSENT = 3, 24, 56, 120, 144


def account_of(transport: tcp.Connection) -> Account | None:
    """The kernel's numbers for this connection; None if the kernel does not say."""
    try:
        info = transport.getHandle().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UP_TO_HERE)
    except (AttributeError, OSError):
        return None
    if len(info) < _UP_TO_HERE:
        return None
    return Account(
        struct.unpack_from("=Q", info, _ACKNOWLEDGED)[0],
        struct.unpack_from("=I", info, _IN_FLIGHT)[0],
        struct.unpack_from("=I", info, _UNSENT)[0],
        info[_UNANSWERED],
        struct.unpack_from("=I", info, _HEARD)[0] / 1000,
    )


def unacknowledged(transport: tcp.Connection) -> int:
    """Bytes that the peer's system has not taken; after the end, the number from before it."""
    kept: Any = transport
    told = bytearray(4)
    try:
        ioctl(transport.getHandle(), TIOCOUTQ, told)
    except (AttributeError, OSError, ValueError):
        return int(getattr(kept, "unacknowledged", 0))
    waiting: int = len(kept.dataBuffer) - kept.offset + sum(map(len, kept._tempDataBuffer))
    return int.from_bytes(told, sys.byteorder) + waiting


def remember_unacknowledged(transport: Any) -> None:
    """Keep the number of unacknowledged bytes: the socket closes next."""
    if isinstance(transport, tcp.Connection):
        transport.unacknowledged = unacknowledged(transport)  # type: ignore[attr-defined]
