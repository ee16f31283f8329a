"""Python's ``websockets`` with its ``broadcast``.  A connection's first message is its name."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from websockets.asyncio.server import broadcast, serve

connections: set[Any] = set()


async def talk(connection: Any) -> None:
    name = await connection.recv()
    await connection.send("ok")
    connections.add(connection)
    try:
        async for line in connection:
            broadcast(connections - {connection}, f"{name}: {line}")
    finally:
        connections.discard(connection)


async def main(port: int) -> None:
    async with serve(talk, "127.0.0.1", port, compression=None, backlog=1024) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
