"""HTTP with our limits: small heads, no bodies, all in good time; and the way out to WebSocket."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IProtocol
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

    Several requests in one segment are answered one by one: each when the reactor has seen to
    everybody else, and none while responses wait for a peer that does not read them.

    HTTP/1.1 only: a WebSocket needs it, and that is what this site is for.
    """

    transport: Any
    maxHeaders = 64  # noqa: N815
    totalHeadersSize = 8192  # noqa: N815
    #: What the connection belongs to since :meth:`upgrade`.
    upgraded: IProtocol | None = None
    _refused = False
    _later: IDelayedCall | None = None

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

    # -- one request at a time -------------------------------------------------------------------

    def requestDone(self, request: Request) -> None:  # noqa: N802
        """Leave the next request where it is, if it is there already or if the transport is full.

        Twisted goes on at once and through all that was read, which may be 3,000 requests; and it
        pauses nothing for a response that was written while its request was handled.
        """
        self.paused = True
        super().requestDone(request)  # type: ignore[no-untyped-call]
        if not self.persistent and self._abortingCall is None:
            # The last response is waited for as long as a request is, and not for ever.
            self._abortingCall = self.callLater(self._savedTimeOut, self.forceAbortClient)  # type: ignore[no-untyped-call]
        if self.persistent and (self._buffer or self._waitingForTransport):
            self.transport.pauseProducing()
            self._go_on_later()
        else:
            self.paused = False

    def resumeProducing(self) -> None:  # noqa: N802
        """The peer has taken what was written.  What it had asked before comes before what is new:
        else we would read 64 KB for each response."""
        if self.paused:
            self._waitingForTransport = False
            self._go_on_later()
        else:
            super().resumeProducing()  # type: ignore[no-untyped-call]

    def _go_on_later(self) -> None:
        if self._later is None and not self._waitingForTransport:
            self._later = self.callLater(0, self._go_on)  # type: ignore[no-untyped-call]

    def _go_on(self) -> None:
        self._later = None
        # TLS gathers what is written, and so may find out only now that the transport is full.
        if not self._waitingForTransport and not self.transport.disconnecting:
            self.paused = False
            self.transport.resumeProducing()
            LineReceiver.dataReceived(self, b"")

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # noqa: N802
        if self._later is not None:
            self._later.cancel()
            self._later = None
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        if self.upgraded is not None:
            self.upgraded.connectionLost(reason)
