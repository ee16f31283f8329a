"""Connections to a granja: bytes both ways, and a way to end sending while still reading."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

CHUNK = 65536
PARTING = 2.0
"""Seconds that the last bytes have to leave."""


class Wire(Protocol):
    """One connection.  Everything may raise OSError when it breaks."""

    async def read(self) -> bytes:
        """Some bytes; none when the server has said everything."""

    async def write(self, data: bytes) -> None: ...

    async def finish(self) -> None:
        """Say that we write no more.  We can still read the server's answers."""

    async def close(self) -> None:
        """Close at once.  It never raises."""


class PlainWire:
    """A connection by TCP."""

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
        if not done:  # A server that reads nothing cannot hold us.
            self._writer.transport.abort()
        with suppress(OSError):
            await closed
