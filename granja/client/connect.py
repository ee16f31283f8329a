"""Connects to a granja, by TCP or by TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl

from granja.client.arguments import Address
from granja.client.tls import TLSWire
from granja.client.wire import PlainWire, Wire

PATIENCE = 20.0
"""Seconds for a server to take a connection and to shake hands."""


async def open_wire(address: Address, context: ssl.SSLContext | None) -> Wire:
    """Connect; with TLS if there is a context for it.

    :raises OSError: also for TLS (``ssl.SSLError`` is one), and for a server that does not answer.
    :raises UnicodeError: for a host name that is not possible.
    """
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(
            address.host, address.port, happy_eyeballs_delay=0.25
        )
        wire = PlainWire(reader, writer)
        try:
            _notice_dead_peers(writer.get_extra_info("socket"))
            return await TLSWire.start(wire, context, address.host) if context else wire
        except BaseException:
            await wire.close()
            raise


def _notice_dead_peers(sock: socket.socket) -> None:
    """Make the system notice, within two minutes, a server that is gone without a word."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("KEEPIDLE", 60), ("KEEPINTVL", 15), ("KEEPCNT", 4)):
        if hasattr(socket, f"TCP_{option}"):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{option}"), value)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)
