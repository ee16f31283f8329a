"""Doubles for tests: a wire and a screen in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from granja.client.display import Shown


class MemoryWire:
    """A connection whose other end is the test.  ``sent``: everything that the client wrote."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.finished = False
        self.closed = False
        self._coming: asyncio.Queue[bytes | OSError] = asyncio.Queue()

    def says(self, *data: bytes) -> None:
        """The server sends data."""
        for part in data:
            self._coming.put_nowait(part)

    def ends(self) -> None:
        """The server closes."""
        self.says(b"")

    def breaks(self) -> None:
        """The network is gone."""
        self._coming.put_nowait(ConnectionResetError())

    async def read(self) -> bytes:
        data = await self._coming.get()
        if isinstance(data, OSError):
            raise data
        return data

    async def write(self, data: bytes) -> None:
        if self.closed:
            raise BrokenPipeError
        self.sent += data

    async def finish(self) -> None:
        self.finished = True

    async def close(self) -> None:
        self.closed = True


class MemoryScreen:
    """A screen whose person is the test.  ``lines``: everything that was shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.given_back: list[str] = []
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()

    def types(self, line: str) -> None:
        self._typed.put_nowait(line)

    def leaves(self) -> None:
        """The person presses Ctrl-D."""
        self._typed.put_nowait(None)

    async def ask(self) -> str:
        line = await self._typed.get()
        if line is None:
            raise EOFError
        return line

    def give_back(self, line: str) -> None:
        self.given_back.append(line)

    async def show(self, lines: Sequence[Shown]) -> None:
        self.lines += [shown.line for shown in lines]
