"""Stands between Playwright and Debian's Firefox: ``python -m tests.support.bidi firefox-esr …``.

Playwright can drive an unpatched Firefox with WebDriver BiDi.  But Playwright insists on a command
that this Firefox does not know yet.  This program starts Firefox, offers a port of its own, and
hands on every message unchanged.  It replaces only that command, by one that changes nothing.
"""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio import StreamReader, StreamWriter

#: The command that Firefox 153 does not know, and the command that takes its place.
UNKNOWN, HARMLESS = b"emulation.setMediaFeaturesOverride", b"session.status"

#: Firefox prints this when Playwright can drive it.
_LISTENS = re.compile(rb"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)")
_HOST = re.compile(rb"(\r\nHost: )[^\r]+", re.IGNORECASE)
_NUMBER = re.compile(rb'"id":(\d+)')


def answerable(command: bytes) -> bytes | None:
    """The command that takes the place of ``command``, in JSON; None when Firefox knows it."""
    number = _NUMBER.search(command)
    if b'"method":"%s"' % UNKNOWN not in command or number is None:
        return None
    return b'{"id":%s,"method":"%s","params":{}}' % (number[1], HARMLESS)


def masked(data: bytes, mask: bytes) -> bytes:
    """Mask ``data``, or take the mask away: both are the same operation (RFC 6455 §5.3)."""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


async def read_frame(reader: StreamReader) -> tuple[bytes, bytes, bytes]:
    """Read one frame of a client: its head, its mask and its masked payload.

    :raises asyncio.IncompleteReadError: when the client has gone.
    """
    head = await reader.readexactly(2)
    size = head[1] & 0x7F
    if size >= 126:
        longer = await reader.readexactly(2 if size == 126 else 8)
        head, size = head + longer, int.from_bytes(longer, "big")
    return head, await reader.readexactly(4), await reader.readexactly(size)


async def hand_on_commands(reader: StreamReader, writer: StreamWriter, port: int) -> None:
    """Carry commands from Playwright to Firefox, which answers only to its own port."""
    handshake = await reader.readuntil(b"\r\n\r\n")
    writer.write(_HOST.sub(b"\\g<1>127.0.0.1:%d" % port, handshake))
    while True:
        head, mask, payload = await read_frame(reader)
        instead = answerable(masked(payload, mask))
        if instead is not None:
            head, payload = bytes((head[0], 0x80 | len(instead))), masked(instead, mask)
        writer.write(head + mask + payload)


async def hand_on_answers(reader: StreamReader, writer: StreamWriter) -> None:
    """Carry answers from Firefox to Playwright."""
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def join(port: int, reader: StreamReader, writer: StreamWriter) -> None:
    """Carry one conversation until one end closes."""
    answers, commands = await asyncio.open_connection("127.0.0.1", port)
    both = {
        asyncio.ensure_future(hand_on_commands(reader, commands, port)),
        asyncio.ensure_future(hand_on_answers(answers, writer)),
    }
    ended, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    for one in ended:
        one.exception()  # An end that has gone is no error.
    for stream in (commands, writer):
        stream.close()


async def main(*command: str) -> int:
    """Run Firefox and stand in front of its port.  Returns what the process returns."""
    firefox = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert firefox.stderr is not None
    async for line in firefox.stderr:
        sys.stderr.buffer.write(await _with_our_port(line))
        sys.stderr.flush()
    return await firefox.wait()


async def _with_our_port(line: bytes) -> bytes:
    listens = _LISTENS.search(line)
    if listens is None:
        return line
    theirs = int(listens[1])
    ours = await asyncio.start_server(lambda *ends: join(theirs, *ends), "127.0.0.1", 0)
    port = ours.sockets[0].getsockname()[1]
    return line.replace(b":%d" % theirs, b":%d" % port)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
