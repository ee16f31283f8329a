"""``/ws``: turns an HTTP request into a WebSocket connection, or refuses it with a reason."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.web.server import NOT_DONE_YET, Request

from granja.web.frame_queue import FrameQueue
from granja.web.greeting import VERSION, Greeting, NotAGreeting, Values, plain_head, read_greeting
from granja.web.http import MOST_SHOWN, WebChannel, WebRequest, texts
from granja.web.names import Names, NoHost
from granja.web.pages import Place
from granja.web.pulse import Pulse
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
    """Makes conversations: the same factory as for TCP."""

    closing: bool

    @property
    def complaints(self) -> Log: ...

    def buildProtocol(self, addr: IAddress | None) -> Conversation: ...  # noqa: N802


class WebSocketResource(Place):
    """:param names: decides which pages may connect.
    :param proxies: the proxies that we believe.
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
        self._pulse = Pulse(clock, keepalive)

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
        address = address_of(self._who_asks(request.channel, texts(request, "x-forwarded-for")))
        page = f"{origin[:MOST_SHOWN]!a}"
        self._factory.complaints.note(f"Refused a page of {page} that came from {address}")

    def _who_asks(self, channel: WebChannel, forwarded: list[str]) -> IAddress:
        """The client's address.  If we believe the proxy, it is the address that the proxy
        names."""
        peer: IAddress = channel.transport.getPeer()
        nearest = address_of(peer)
        who = self._proxies.who_is_behind(nearest, forwarded)
        if who == nearest:
            return peer
        return (IPv6Address if ":" in who else IPv4Address)("TCP", who, 0)

    def _upgrade(self, request: WebRequest) -> bytes | int:
        if not texts(request, "host"):
            return refuse(request, 400, "No es un saludo de WebSocket.")
        try:
            greeting = read_greeting(lambda name: texts(request, name))
        except NotAGreeting as error:
            return _not_a_handshake(request, error)
        self._connect(request.channel, greeting, texts(request, "x-forwarded-for"))
        return NOT_DONE_YET

    def let_in(self, channel: WebChannel, segment: bytes) -> bool:
        """Let a browser in by the short way, if there is nothing to refuse.

        :param segment: the first of a connection.
        :return: whether the browser is in.  If not, nothing has changed.
        """
        head = plain_head(segment)
        if head is None or self._factory.closing or not self._may_enter(head.values):
            return False
        try:
            greeting = read_greeting(head.values)
        except NotAGreeting:
            return False
        self._connect(channel, greeting, head.values("x-forwarded-for"))
        if head.rest:
            channel.dataReceived(head.rest)
        return True

    def _may_enter(self, values: Values) -> bool:
        """Whether the request is for one of our names, and from a page that may connect."""
        names = self._names
        try:
            return any(names.answers_to(host) for host in values("host")) and all(
                names.may_come_from(origin, host)
                for host in values("host")
                for origin in values("origin")
            )
        except NoHost:
            return False

    def _connect(self, channel: WebChannel, greeting: Greeting, forwarded: list[str]) -> None:
        below, peer = channel.transport, self._who_asks(channel, forwarded)
        behind = None if address_of(peer) == address_of(below.getPeer()) else peer
        proxied = behind is not None or getattr(below, "proxied", False)
        farmer = self._factory.buildProtocol(peer)
        as_data = JSON in greeting.protocols
        farmer.carrier = WEBSOCKET_DATA if as_data else WEBSOCKET_LINES
        below.write(greeting.answer(JSON if as_data else None))
        channel.upgrade(
            WebSocketConnection(farmer, self._clock, self._queue, behind, proxied, self._pulse)
        )


def _not_a_handshake(request: Request, error: NotAGreeting) -> bytes:
    """Refuse.  To a client of another version we name our version (RFC 6455 §4.4)."""
    if error.another_version:
        request.setHeader(b"sec-websocket-version", VERSION.encode())
    request.setHeader(b"upgrade", b"websocket")
    return refuse(request, 426, "Aquí se entra con un WebSocket.")
