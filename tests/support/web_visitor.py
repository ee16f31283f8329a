"""A browser in memory.  It sends HTTP requests and opens WebSockets without sockets or real
time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, Ping, Pong, TextMessage

from granja.web.site import FarmSite, web_site
from tests.support.farm import Farm, Wire

#: The key of the example in RFC 6455 §1.3, and the answer to it.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class WebWire(Wire):
    """A connection in memory.  Its buffer can be full, and then it tells its producer to pause."""

    producer: Any
    #: Whether each write fills the transport's buffer.
    narrow = False

    def __init__(self, peer: Any) -> None:
        super().__init__()
        self.peerAddr = peer

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.narrow and self.producer is not None:
            self.fills()

    def fills(self) -> None:
        """Fill the transport's buffer, as when the peer does not read."""
        self.producer.pauseProducing()

    def empties(self) -> None:
        self.producer.resumeProducing()


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


class Visit:
    """One TCP connection to the site."""

    #: The address that it comes from.
    peer: Any = IPv4Address("TCP", "192.0.2.7", 50000)

    def __init__(self, farm: Farm, site: FarmSite | None = None, **options: Any) -> None:
        self.farm = farm
        self.site = site or web_site(farm.factory, **options)
        self.wire = WebWire(self.peer)
        self.channel: Any = self.site.buildProtocol(self.peer)
        self.channel.makeConnection(self.wire)

    def sends(self, data: bytes) -> None:
        self.channel.dataReceived(data)
        self.farm.settle()

    def drops(self) -> None:
        """Lose the connection."""
        self.channel.connectionLost(Failure(ConnectionDone()))
        self.farm.settle()

    def takes(self) -> bytes:
        """Return all bytes since the last look."""
        data: bytes = self.wire.value()
        self.wire.clear()
        return data

    def asks(self, path: str, method: str = "GET", extra: bytes = b"", **headers: str) -> Response:
        """Send one request.  ``accept_encoding=…`` becomes the header Accept-Encoding."""
        lines = [f"{method} {path} HTTP/1.1", *_header_lines({"host": "granja.example", **headers})]
        self.sends("\r\n".join([*lines, "", ""]).encode() + extra)
        return parse(self.takes())


def _header_lines(headers: dict[str, str]) -> list[str]:
    return [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]


def parse(data: bytes) -> Response:
    """Read a whole HTTP response."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return Response(int(first.split(" ")[1]), {k.lower(): v for k, v in pairs}, body)


class WebFarmer(Visit):
    """Somebody at a browser, connected through ``/ws``.

    :param protocol: the sub-protocols that the browser asks for.
    :param extra: bytes that arrive in one segment with the handshake.
    :param headers: headers that join or replace the usual ones of the handshake.
    """

    def __init__(
        self,
        farm: Farm,
        name: str = "",
        protocol: str = "",
        extra: bytes = b"",
        site_options: dict[str, Any] | None = None,
        **headers: str,
    ) -> None:
        super().__init__(farm, **(site_options or {}))
        self.name = name
        self.frames = Connection(ConnectionType.CLIENT)
        self.pongs: list[bytes] = []
        self.pings = 0
        self.close_code: int | None = None
        self._messages: list[str] = []
        self._partial = ""
        self._extra = extra
        asked = {"sec_websocket_protocol": protocol} if protocol else {}
        self.greeting = self._greets({**asked, **headers})

    def _greets(self, headers: dict[str, str]) -> Response:
        usual = {
            "upgrade": "websocket",
            "connection": "Upgrade",
            "sec_websocket_key": KEY,
            "sec_websocket_version": "13",
        }
        response = self.asks("/ws", extra=self._extra, **{**usual, **headers})
        if response.status == 101:
            self._hear(response.body)
        return response

    def asks_anew(self, path: str) -> Response:
        """Send a plain request on another connection of the same browser."""
        return Visit(self.farm, self.site).asks(path)

    def emits(self, event: Event) -> None:
        """Send one event of the WebSocket protocol."""
        self.sends(self.frames.send(event))

    def types(self, *lines: str) -> None:
        for line in lines:
            self.emits(TextMessage(line))

    def hears(self) -> list[str]:
        """Return the text messages since the last look."""
        self.farm.settle()
        self._hear(self.takes())
        messages, self._messages = self._messages, []
        return messages

    def hears_data(self) -> list[dict[str, Any]]:
        """Return the same messages, each decoded from its JSON."""
        return [json.loads(message) for message in self.hears()]

    def arrives(self, artifacts: str = "") -> WebFarmer:
        self.types(self.name, artifacts, "si")
        self.hears()
        return self

    def _hear(self, data: bytes) -> None:
        if data:
            self.frames.receive_data(data)
            for event in self.frames.events():
                self._note(event)

    def _note(self, event: Event) -> None:
        match event:
            case TextMessage():
                self._partial += event.data
                if event.message_finished:
                    self._messages.append(self._partial)
                    self._partial = ""
            case Ping():
                self.pings += 1
            case Pong():
                self.pongs.append(bytes(event.payload))
            case CloseConnection():
                self.close_code = int(event.code)
            case _:
                raise AssertionError(f"unexpected: {event}")
