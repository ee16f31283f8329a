"""``/ws``: from an HTTP request to a WebSocket connection, or a refusal that says why."""

from __future__ import annotations

from typing import Protocol

from h11 import LocalProtocolError
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.web.server import NOT_DONE_YET, Request
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection
from wsproto.handshake import H11Handshake
from wsproto.utilities import RemoteProtocolError

from granja.web.frame_queue import FrameQueue
from granja.web.http import MOST_SHOWN, WebRequest, texts
from granja.web.names import Names
from granja.web.pages import Place
from granja.web.refusal import refuse
from granja.web.websocket import KEEPALIVE, Conversation, WebSocketConnection
from granja.wire.addresses import Proxies, address_of
from granja.wire.encodings import WEBSOCKET_DATA, WEBSOCKET_LINES

#: The sub-protocol in which every message is a JSON object.
JSON = "granja.json"


class Log(Protocol):
    """Takes what strangers do wrong."""

    def note(self, sentence: str) -> None: ...


class FarmerFactory(Protocol):
    """Where conversations come from: the same factory as for TCP."""

    closing: bool

    @property
    def complaints(self) -> Log: ...

    def buildProtocol(self, addr: IAddress | None) -> Conversation: ...  # noqa: N802


class WebSocketResource(Place):
    """:param names: whose pages may connect.
    :param proxies: whose word is believed on who is behind them.
    """

    isLeaf = True  # noqa: N815

    def __init__(
        self,
        factory: FarmerFactory,
        clock: IReactorTime,
        names: Names,
        proxies: Proxies,
        keepalive: float = KEEPALIVE,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._factory = factory
        self._clock = clock
        self._queue = FrameQueue(clock)
        self._names = names
        self._proxies = proxies
        self._keepalive = keepalive

    def render_GET(self, request: Request) -> bytes | int:  # noqa: N802
        if request.postpath:
            return refuse(request, 404, "Aquí no hay nada.")
        assert isinstance(request, WebRequest)
        for origin in texts(request, "origin"):
            if not self._names.may_come_from(origin, request.host_header):
                self._refused(request, origin)
                return refuse(request, 403, "Esta página no puede entrar a la granja.")
        if self._factory.closing:
            return refuse(request, 503, "El servidor se apaga. ¡Hasta pronto!")
        return self._upgrade(request)

    def _refused(self, request: WebRequest, origin: str) -> None:
        address = address_of(self._who_asks(request))
        page = f"{origin[:MOST_SHOWN]!a}"
        self._factory.complaints.note(f"Refused a page of {page} that came from {address}")

    def _who_asks(self, request: WebRequest) -> IAddress:
        """Behind a proxy that is believed, whoever the proxy names."""
        peer: IAddress = request.channel.transport.getPeer()
        nearest = address_of(peer)
        who = self._proxies.who_is_behind(nearest, texts(request, "x-forwarded-for"))
        if who == nearest:
            return peer
        return (IPv6Address if ":" in who else IPv4Address)("TCP", who, 0)

    def _upgrade(self, request: WebRequest) -> bytes | int:
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

    def _connect(self, request: WebRequest, answer: bytes, as_data: bool) -> None:
        channel, peer = request.channel, self._who_asks(request)
        below = channel.transport
        forwarded = address_of(peer) != address_of(below.getPeer())
        proxied = forwarded or getattr(below, "proxied", False)
        farmer = self._factory.buildProtocol(peer)
        farmer.carrier = WEBSOCKET_DATA if as_data else WEBSOCKET_LINES
        channel.transport.write(answer)
        channel.upgrade(
            WebSocketConnection(farmer, self._clock, self._queue, peer, proxied, self._keepalive)
        )


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
