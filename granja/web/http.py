"""HTTP with our limits: small heads, no bodies, little time; and the step to a WebSocket."""

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

#: Nothing is loaded from elsewhere, nothing is inline, and no string becomes markup or script: but
#: one, the address of the worker, by the one policy that there may be (static/js/session/shell.js).
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types granja-worker",
    )
)

#: How many characters of a stranger's text the log shows.
MOST_SHOWN: Final = 80

#: We send these with every response, also with errors.
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
    """Lets only our own failures into the log.  Twisted logs a line for everything strangers do."""

    def __call__(self, event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.error:
            globalLogPublisher(event)


_quiet = Logger("granja.web", observer=_OurFailures())


def texts(request: Request, name: str) -> list[str]:
    """The values of all headers of that name.  :class:`WebRequest` refuses those that are no
    UTF-8."""
    values = request.requestHeaders.getRawHeaders(name.encode(), [])
    return [value.decode() for value in values]


class WebSite(Protocol):
    """What a request needs from its site.

    ``complain``: takes a line for the log.  ``let_in``: takes a connection's first segment, and
    says whether the browser is in the chat now.
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
    """A request whose response has our headers.  Nothing here takes a body, so we keep none.

    ``host_header``: the name that it asks for; empty if it has none.
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
        """The status and the sentence of a refusal; None if somebody here answers."""
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
        """Log one line.  A traceback each time would let a stranger fill the log."""
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
        """Ignore it: the refusal is on its way."""


def _decode(headers: Headers) -> None:
    """Check all headers.

    :raises UnicodeDecodeError: when one of them is not UTF-8.
    """
    for name, values in headers.getAllRawHeaders():
        name.decode()
        for value in values:
            value.decode()


class WebChannel(HTTPChannel):
    """One connection of a browser.

    The time for a request begins with the connection, or with the last response, not with the last
    byte.  So nobody can hold a connection with one byte a minute.

    We answer several requests in one segment one by one.  Each waits until the reactor has cared
    for everybody else, and until the peer has read the responses before it.

    It speaks only HTTP/1.1: a WebSocket needs it, and this site exists for the WebSocket.
    """

    transport: Any
    site: WebSite
    _log = _quiet
    maxHeaders = 64  # noqa: N815
    totalHeadersSize = 8192  # noqa: N815
    #: The protocol that has the connection since :meth:`upgrade`.
    upgraded: IProtocol | None = None
    _refused = False
    #: The address that the door counts it for.
    _counted: str | None = None
    _has_spoken = False
    #: By hand, and no Timer: HTTPChannel makes its timers by ``callLater``, and so do its tests.
    _later: IDelayedCall | None = None

    def connectionMade(self) -> None:  # noqa: N802
        self._counted = self.site.door.enter(self.transport.getPeer())
        super().connectionMade()  # type: ignore[no-untyped-call]

    def _count_out(self) -> None:
        if self._counted is not None:
            self.site.door.leave(self._counted)
            self._counted = None

    def upgrade(self, protocol: IProtocol) -> None:
        """Give the connection to ``protocol``, without our time limit."""
        self._count_out()
        self.setTimeout(None)  # type: ignore[no-untyped-call]
        self.transport.unregisterProducer()
        self.upgraded = protocol
        self._step_aside(protocol)
        protocol.makeConnection(self.transport)

    def _step_aside(self, protocol: IProtocol) -> None:
        """Let TCP or TLS speak to ``protocol`` directly: this object with its request takes 5 KiB.

        It still passes on what came in one segment with the greeting.
        """
        for below in ("protocol", "wrappedProtocol"):
            if getattr(self.transport, below, None) is self:
                setattr(self.transport, below, protocol)

    def refuse_body(self) -> None:
        """Say that the body is too large, and read no more of it (RFC 9110 §15.5.14)."""
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
            # This came in one segment with the greeting.
            self.upgraded.dataReceived(data)
        elif not self._refused:
            super().rawDataReceived(data)

    # -- one request at a time -------------------------------------------------------------------

    def requestDone(self, request: Request) -> None:  # noqa: N802
        """Let the next request wait, if it is here already or if the transport is full.

        Twisted would go on at once with everything that it has read, perhaps 3,000 requests.  And
        it does not pause for a response that was written while its request was handled.
        """
        self.paused = True
        super().requestDone(request)  # type: ignore[no-untyped-call]
        if not self.persistent and self._abortingCall is None:
            # We wait for the end of the last response as long as for a request, not for ever.
            self._abortingCall = self.callLater(self._savedTimeOut, self.forceAbortClient)  # type: ignore[no-untyped-call]
        if self.persistent and (self._buffer or self._waitingForTransport):
            self.transport.pauseProducing()
            self._go_on_later()
        else:
            self.paused = False

    def resumeProducing(self) -> None:  # noqa: N802
        """Go on: the peer has read what we wrote.

        Its older requests come before new ones.  Otherwise we would read 64 KB for each response.
        """
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
        # TLS collects what we write, so it may find out only now that the transport is full.
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
