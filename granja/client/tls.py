"""TLS over a plain wire, with half-close.

asyncio's own TLS closes both directions at once, so a script would lose its last replies.  In TLS a
``close_notify`` ends only one direction (RFC 8446 §6.1).  With ``ssl.MemoryBIO`` we can send it and
read on.
"""

from __future__ import annotations

import ssl
from contextlib import suppress

from granja.client.wire import PlainWire

CHUNK = 65536


class TLSWire:
    """:meth:`start` makes one, with the handshake done."""

    def __init__(self, wire: PlainWire, context: ssl.SSLContext, host: str) -> None:
        self._wire = wire
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        # Python 3.11.2, for example, accepts an end without close_notify, which anybody on the way
        # can forge.  OpenSSL before 3.0 has no such option, and never accepts it.
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._unread = bytearray()

    @classmethod
    async def start(cls, wire: PlainWire, context: ssl.SSLContext, host: str) -> TLSWire:
        """Shake hands.

        :raises ssl.SSLError: when this is not the right server, or it does not speak TLS.
        """
        self = cls(wire, context, host)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()
            except ssl.SSLError:
                await self._flush()  # The alert tells the server why.
                raise
            else:
                await self._flush()
                return self

    async def read(self) -> bytes:
        while not self._unread:
            try:
                return self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()
            except ssl.SSLZeroReturnError:
                return b""
        data = bytes(self._unread)
        self._unread.clear()
        return data

    async def write(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def finish(self) -> None:
        # OpenSSL refuses to say goodbye while data waits to be read.
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while data := self._tls.read(CHUNK):
                self._unread += data
        # It says goodbye at once.  Then it wants to read the server's own goodbye, which comes
        # after the last replies.
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            self._tls.unwrap()
        await self._flush()

    async def close(self) -> None:
        await self._wire.close()

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            await self._wire.write(data)

    async def _more(self) -> None:
        data = await self._wire.read()
        if data:
            self._incoming.write(data)
        elif self._incoming.eof:
            raise ConnectionResetError("closed in the middle of TLS")
        else:
            self._incoming.write_eof()
