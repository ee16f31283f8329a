"""What the sockets of farmers are asked for, beyond what Twisted asks."""

from __future__ import annotations

import socket
from typing import Final

from twisted.internet import tcp
from twisted.internet.interfaces import IListeningPort

#: Seconds of silence before the first probe, between two, and how many go without an answer: a peer
#: that has gone without a word is noticed within 75 s (PROTOCOL §6 allows 90).
IDLE: Final = 30
INTERVAL: Final = 15
PROBES: Final = 3


def prepare(port: IListeningPort) -> None:
    """Have the kernel notice peers that are gone, and keep urgent bytes in the stream.

    A connection inherits the options of the socket that it came in by (tcp(7)), so one place serves
    every kind of door.  Urgent bytes are a telnet's SYNCH (RFC 854): without ``SO_OOBINLINE`` its
    IAC is lost.
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
        ("TCP_USER_TIMEOUT", 1000 * (IDLE + PROBES * INTERVAL)),
    ):
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
