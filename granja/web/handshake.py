"""``/ws``: from an HTTP request to a WebSocket connection, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol
from urllib.parse import urlsplit

from h11 import LocalProtocolError
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.web.server import NOT_DONE_YET, Request
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection
from wsproto.handshake import H11Handshake
from wsproto.utilities import RemoteProtocolError

from granja.web.frame_queue import FrameQueue
from granja.web.http import WebChannel
from granja.web.pages import Place
from granja.web.refusal import refuse
from granja.web.websocket import KEEPALIVE, Conversation, WebSocketConnection
from granja.wire.encodings import WEBSOCKET_DATA, WEBSOCKET_LINES

#: The sub-protocol in which every message is a JSON object.
JSON = "granja.json"


class FarmerFactory(Protocol):
    """Where conversations come from: the same factory as for TCP."""

    closing: bool

    def buildProtocol(self, addr: IAddress | None) -> Conversation: ...  # noqa: N802


def may_come_from(origin: str, host: str | None, allowed: Collection[str]) -> bool:
    """Whether a page of ``origin`` may talk to us; else any page could speak for its visitor.

    (Programs that are not browsers send no Origin, and nobody asks.)  The page's own host may,
    and so may those that the operator has named.

    :param origin: the Origin header, such as ``https://granja.example``.
    :param host: the Host header.
    :param allowed: origins, in small letters.
    """
    if origin.lower() in allowed:
        return True
    try:
        return host is not None and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


class WebSocketResource(Place):
    """:param origins: from which pages may connect besides our own."""

    isLeaf = True  # noqa: N815

    def __init__(
        self,
        factory: FarmerFactory,
        clock: IReactorTime,
        origins: Collection[str] = (),
        keepalive: float = KEEPALIVE,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._factory = factory
        self._clock = clock
        self._queue = FrameQueue(clock)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._keepalive = keepalive

    def render_GET(self, request: Request) -> bytes | int:  # noqa: N802
        if request.postpath:
            return refuse(request, 404, "Aquí no hay nada.")
        origins = request.requestHeaders.getRawHeaders("origin", [])
        host = request.getHeader("host")
        if not all(may_come_from(origin, host, self._origins) for origin in origins):
            return refuse(request, 403, "Esta página no puede entrar a la granja.")
        if self._factory.closing:
            return refuse(request, 503, "El servidor se apaga. ¡Hasta pronto!")
        return self._upgrade(request)

    def _upgrade(self, request: Request) -> bytes | int:
        handshake = H11Handshake(ConnectionType.SERVER)
        headers = [(k, v) for k, vs in request.requestHeaders.getAllRawHeaders() for v in vs]
        try:
            handshake.initiate_upgrade_connection(headers, b"/ws")
        except RemoteProtocolError as error:
            return _not_a_handshake(request, error)
        except (LocalProtocolError, UnicodeError):
            return refuse(request, 400, "No es un saludo de WebSocket.")
        asked = next(handshake.events()).subprotocols  # type: ignore[attr-defined]
        chosen = JSON if JSON in asked else None
        answer = handshake.send(AcceptConnection(subprotocol=chosen))
        self._connect(request, answer, chosen is not None)
        return NOT_DONE_YET

    def _connect(self, request: Request, answer: bytes, as_data: bool) -> None:
        channel = request.channel
        assert isinstance(channel, WebChannel)
        farmer = self._factory.buildProtocol(channel.transport.getPeer())
        farmer.carrier = WEBSOCKET_DATA if as_data else WEBSOCKET_LINES
        channel.transport.write(answer)
        channel.upgrade(WebSocketConnection(farmer, self._clock, self._queue, self._keepalive))


def _not_a_handshake(request: Request, error: RemoteProtocolError) -> bytes:
    """RFC 6455 §4.4: another version is told which one we speak."""
    hint = error.event_hint
    if not isinstance(hint, RejectConnection):
        hint = RejectConnection()
    for name, value in hint.headers:
        request.setHeader(name, value)
    status = hint.status_code if hint.status_code != 400 else 426
    request.setHeader(b"upgrade", b"websocket")
    return refuse(request, status, "Aquí se entra con un WebSocket.")
