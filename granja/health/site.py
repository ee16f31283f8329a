"""``--metrics``: ``/metrics``, ``/livez`` and ``/readyz``, on an endpoint of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, globalLogPublisher
from twisted.python.failure import Failure
from twisted.web.pages import notFound
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import implementer


class Metrics(Resource):
    """The page that Prometheus reads."""

    isLeaf = True  # noqa: N815

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._registry = registry

    def render_GET(self, request: Request) -> bytes:  # noqa: N802
        request.setHeader(b"content-type", CONTENT_TYPE_LATEST.encode())
        return generate_latest(self._registry)


class Alive(Resource):
    """200 when a connection of our own got the question, else 503."""

    isLeaf = True  # noqa: N815

    def __init__(self, look: Callable[[], Deferred[bool]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._look = look

    def render_GET(self, request: Request) -> int:  # noqa: N802
        gone: list[Failure] = []
        request.notifyFinish().addErrback(lambda failure: gone.append(failure))

        def answer(alive: bool) -> None:
            if not gone:
                _say(request, None if alive else "nobody answers at the door")
                request.finish()

        self._look().addCallback(answer)
        return NOT_DONE_YET


class Ready(Resource):
    """200 when trades can be stored, else 503 with the reason."""

    isLeaf = True  # noqa: N815

    def __init__(self, look: Callable[[], str | None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._look = look

    def render_GET(self, request: Request) -> int:  # noqa: N802
        _say(request, self._look())
        request.finish()
        return NOT_DONE_YET


def _say(request: Request, wrong: str | None) -> None:
    request.setResponseCode(200 if wrong is None else 503)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    request.setHeader(b"cache-control", b"no-store")
    request.write(((wrong or "ok") + "\n").encode())


class Root(Resource):
    """Has three children."""

    def getChild(self, path: bytes, request: Request) -> Any:  # noqa: N802
        return notFound()


class Timed(Protocol):
    """Looks at something again and again."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


@implementer(ILogObserver)
class _OurFailures:
    """Lets only our own failures into the log.  Twisted warns at each HEAD of a stranger."""

    def __call__(self, event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.error:
            globalLogPublisher(event)


class WatchRequest(Request):
    """A request without a body: Twisted would keep one of any size, in memory or on the disk."""

    channel: Any
    _log = Logger("granja.health", observer=_OurFailures())

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        super().gotLength(0)  # type: ignore[no-untyped-call]
        if length != 0:
            self.channel.transport.write(
                b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
            self.channel.loseConnection()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Ignore it: the refusal is on its way."""

    def process(self) -> None:
        """Answer, if we have not refused it."""
        if not self.channel.transport.disconnecting:
            super().process()  # type: ignore[no-untyped-call]


class WatchSite(Site):
    """Speaks HTTP without an access log.  It starts and stops what is timed.

    :param registry: gives ``/metrics``.
    :param alive: fires with whether the server answers at its own door.
    :param ready: gives the reason why nothing can be traded; None when trading works.
    """

    noisy = False

    def __init__(
        self,
        registry: CollectorRegistry,
        alive: Callable[[], Deferred[bool]],
        ready: Callable[[], str | None],
        timed: Iterable[Timed],
    ) -> None:
        root = Root()  # type: ignore[no-untyped-call]
        root.putChild(b"metrics", Metrics(registry))
        root.putChild(b"livez", Alive(alive))
        root.putChild(b"readyz", Ready(ready))
        super().__init__(root, requestFactory=WatchRequest)  # type: ignore[no-untyped-call]
        self._timed = list(timed)

    def startFactory(self) -> None:  # noqa: N802
        super().startFactory()
        for each in self._timed:
            each.start()

    def stopFactory(self) -> None:  # noqa: N802
        for each in self._timed:
            each.stop()
        super().stopFactory()

    def log(self, request: object) -> None:
        """Log nothing: a watching program asks again and again."""
