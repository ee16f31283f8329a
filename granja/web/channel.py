"""HTTP with our limits: small heads, no bodies, all in good time; and the way out to WebSocket."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IProtocol
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.server import Request

#: Nothing is loaded from elsewhere, nothing is inline, and no string becomes markup or script.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

#: Sent with every response, also with errors.
HEADERS = {
    b"content-security-policy": CONTENT_POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"cache-control": b"no-cache",
}


class WebRequest(Request):
    """A request with our headers on its response.  Nothing here takes a body, so none is kept."""

    channel: WebChannel

    def process(self) -> None:
        for name, value in HEADERS.items():
            self.setHeader(name, value)  # type: ignore[no-untyped-call]
        super().process()  # type: ignore[no-untyped-call]

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        super().gotLength(0)  # type: ignore[no-untyped-call]
        if length != 0:
            self.channel.refuse_body()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Drop it: the refusal is on its way."""


class WebChannel(HTTPChannel):
    """One connection of a browser.

    The time for a request runs from when the connection was made or the last response was sent,
    and not from the last byte, so nobody holds a connection by sending one byte a minute.

    HTTP/1.1 only: a WebSocket needs it, and that is what this site is for.
    """

    transport: Any
    maxHeaders = 64  # noqa: N815
    totalHeadersSize = 8192  # noqa: N815
    #: What the connection belongs to since :meth:`upgrade`.
    upgraded: IProtocol | None = None
    _refused = False

    def upgrade(self, protocol: IProtocol) -> None:
        """From here on the connection is ``protocol``'s, without a time limit of ours (while a
        request is answered there is none)."""
        self.transport.unregisterProducer()
        self.upgraded = protocol
        protocol.makeConnection(self.transport)

    def refuse_body(self) -> None:
        """RFC 9110 §15.5.14: say that it is too large, and read no more of it."""
        self._refused = True
        self.transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        self.loseConnection()  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self.upgraded is None:
            LineReceiver.dataReceived(self, data)
        else:
            self.upgraded.dataReceived(data)

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        if self.upgraded is not None:
            # What came in one segment with the handshake.
            self.upgraded.dataReceived(data)
        elif not self._refused:
            super().rawDataReceived(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # noqa: N802
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        if self.upgraded is not None:
            self.upgraded.connectionLost(reason)
