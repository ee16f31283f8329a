"""HTTP with our limits: small heads, no bodies, all in good time; and the way out to WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IProtocol
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, globalLogPublisher
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers
from twisted.web.server import Request
from zope.interface import implementer

from granja.web.door import Door
from granja.web.names import Names, NoHost
from granja.web.refusal import refuse

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

#: Characters of what a stranger wrote that are shown in the log.
MOST_SHOWN: Final = 80

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


@implementer(ILogObserver)
class _OurFailures:
    """Twisted says in the log what strangers do, a line for each: only our failures matter."""

    def __call__(self, event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.error:
            globalLogPublisher(event)


_quiet = Logger("granja.web", observer=_OurFailures())


def texts(request: Request, name: str) -> list[str]:
    """The values of all headers of that name; :class:`WebRequest` lets in only what is UTF-8."""
    values = request.requestHeaders.getRawHeaders(name.encode(), [])
    return [value.decode() for value in values]


class WebSite(Protocol):
    """What a request needs of the site that it came to.

    ``complain``: takes a line for the log.  ``let_in``: takes the first segment of a connection,
    and says whether that is in the chat by it.
    """

    names: Names
    complain: Callable[[str], None]
    door: Door
    let_in: Callable[[WebChannel, bytes], bool]


def _where(failure: Failure) -> str:
    trace = failure.getTracebackObject()
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""


class WebRequest(Request):
    """A request with our headers on its response.  Nothing here takes a body, so none is kept.

    ``host_header``: whom it asks; empty if it does not say.
    """

    channel: WebChannel
    host_header = ""
    _log = _quiet

    def process(self) -> None:
        for name, value in HEADERS.items():
            self.setHeader(name, value)  # type: ignore[no-untyped-call]
        refusal = self._refusal()
        if refusal is None:
            super().process()  # type: ignore[no-untyped-call]
            return
        self._answer(*refusal)

    def _refusal(self) -> tuple[int, str] | None:
        """The status and the sentence, if nobody here answers this at all."""
        site = self.channel.site
        try:
            _decode(self.requestHeaders)
            host, *more = texts(self, "host") or [""]
            answers = site.names.answers_to(host)
        except (UnicodeDecodeError, NoHost):
            return HTTPStatus.BAD_REQUEST, "No entiendo lo que pide el navegador."
        if more:
            return HTTPStatus.BAD_REQUEST, "No entiendo lo que pide el navegador."
        if not answers:
            asked = f"{host[:MOST_SHOWN]!a}"
            site.complain(f"Refused a request for {asked}: --web-host says which names we have")
            return HTTPStatus.MISDIRECTED_REQUEST, "Esta granja no se llama así."
        self.host_header = host
        return None

    def processingFailed(self, reason: Failure) -> Failure:  # noqa: N802
        """One line, not a traceback for each time that a stranger asks again."""
        self.channel.site.complain(f"A request failed: {reason.value!a}{_where(reason)}")
        if self.startedWriting or self.channel.upgraded is not None:
            self.channel.transport.abortConnection()
        else:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "Algo salió mal.")
        return reason

    def _answer(self, status: int, sentence: str) -> None:
        body = refuse(self, status, sentence)
        self.setHeader(b"content-length", b"%d" % len(body))  # type: ignore[no-untyped-call]
        self.write(b"" if self.method == b"HEAD" else body)  # type: ignore[no-untyped-call]
        self.finish()  # type: ignore[no-untyped-call]

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        super().gotLength(0)  # type: ignore[no-untyped-call]
        if length != 0:
            self.channel.refuse_body()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Drop it: the refusal is on its way."""


def _decode(headers: Headers) -> None:
    """:raises UnicodeDecodeError: when one of them is not UTF-8."""
    for name, values in headers.getAllRawHeaders():
        name.decode()
        for value in values:
            value.decode()


class WebChannel(HTTPChannel):
    """One connection of a browser.

    The time for a request runs from when the connection was made or the last response was sent,
    and not from the last byte, so nobody holds a connection by sending one byte a minute.

    Several requests in one segment are answered one by one: each when the reactor has seen to
    everybody else, and none while responses wait for a peer that does not read them.

    HTTP/1.1 only: a WebSocket needs it, and that is what this site is for.
    """

    transport: Any
    site: WebSite
    _log = _quiet
    maxHeaders = 64  # noqa: N815
    totalHeadersSize = 8192  # noqa: N815
    #: What the connection belongs to since :meth:`upgrade`.
    upgraded: IProtocol | None = None
    _refused = False
    #: As whom the door has counted it.
    _counted: str | None = None
    _has_spoken = False
    _later: IDelayedCall | None = None

    def connectionMade(self) -> None:  # noqa: N802
        self._counted = self.site.door.enter(self.transport.getPeer())
        super().connectionMade()  # type: ignore[no-untyped-call]

    def _count_out(self) -> None:
        if self._counted is not None:
            self.site.door.leave(self._counted)
            self._counted = None

    def upgrade(self, protocol: IProtocol) -> None:
        """From here on the connection is ``protocol``'s, without a time limit of ours."""
        self._count_out()
        self.setTimeout(None)  # type: ignore[no-untyped-call]
        self.transport.unregisterProducer()
        self.upgraded = protocol
        self._step_aside(protocol)
        protocol.makeConnection(self.transport)

    def _step_aside(self, protocol: IProtocol) -> None:
        """Have TCP, or TLS, speak to ``protocol`` without us: with a request we are 5 KiB.

        What came in one segment with the handshake is still handed on by us.
        """
        for below in ("protocol", "wrappedProtocol"):
            if getattr(self.transport, below, None) is self:
                setattr(self.transport, below, protocol)

    def refuse_body(self) -> None:
        """RFC 9110 §15.5.14: say that it is too large, and read no more of it."""
        self._refused = True
        self.transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        self.loseConnection()  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self.upgraded is not None:
            self.upgraded.dataReceived(data)
        elif self._has_spoken or not self.site.let_in(self, data):
            self._has_spoken = True
            LineReceiver.dataReceived(self, data)

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
        self._count_out()
        if self._later is not None:
            self._later.cancel()
            self._later = None
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        if self.upgraded is not None:
            self.upgraded.connectionLost(reason)
