"""Connections to a granja: bytes both ways, and saying "that was all" while still listening."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Protocol

from granja.client.arguments import Address
from granja.client.tls import TLSWire

CHUNK = 65536
PATIENCE = 20.0
"""Seconds to wait for a server to take a connection and to shake hands."""
PARTING = 2.0
"""Seconds that the last bytes have to leave."""


class Wire(Protocol):
    """One connection.  Anything may raise OSError when it breaks."""

    async def read(self) -> bytes:
        """Some bytes, or none when the server has said all."""

    async def write(self, data: bytes) -> None: ...

    async def finish(self) -> None:
        """Say that no more will be written; what the server answers can still be read."""

    async def close(self) -> None:
        """Let go at once.  Never raises."""


class PlainWire:
    """TCP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        return await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def finish(self) -> None:
        self._writer.write_eof()

    async def close(self) -> None:
        self._writer.close()
        closed = asyncio.ensure_future(self._writer.wait_closed())
        done, _ = await asyncio.wait({closed}, timeout=PARTING)
        if not done:  # a server that reads nothing cannot hold us
            self._writer.transport.abort()
        with suppress(OSError):
            await closed


async def open_wire(address: Address, context: ssl.SSLContext | None) -> Wire:
    """Connect, with TLS if there is a context for it.

    :raises OSError: also for TLS (``ssl.SSLError`` is one) and for a server that does not answer.
    :raises UnicodeError: for a host name that cannot be one.
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
    """A server that vanished without a word is noticed within two minutes, not never."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("KEEPIDLE", 60), ("KEEPINTVL", 15), ("KEEPCNT", 4)):
        if hasattr(socket, f"TCP_{option}"):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{option}"), value)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)
