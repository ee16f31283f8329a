"""A browser's greeting (RFC 6455 §4): whether it asks for a WebSocket, and how it is answered.

A greeting in its plainest form, whole in the first segment, is read here at once.  Twisted's way
through HTTP (a channel's lines, a request, a tree of resources) takes five times as long, for each
of a crowd that comes back.  Only speed is at stake: what is read here would have come out of the
long way the same, and whatever might not, such as a refusal, is left to it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

#: The values of all headers of a name, which is in small letters.
Values = Callable[[str], list[str]]

#: The one version of the protocol that there is.
VERSION: Final = "13"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class NotAGreeting(Exception):
    """It asks for no WebSocket.  ``another_version``: or for one of another version."""

    def __init__(self, *, another_version: bool = False) -> None:
        super().__init__()
        self.another_version = another_version


@dataclass(frozen=True, slots=True)
class Greeting:
    """``protocols``: the sub-protocols that the browser speaks."""

    key: str
    protocols: list[str]

    def answer(self, protocol: str | None) -> bytes:
        """What lets the browser in.

        :param protocol: the one of ``protocols`` that will be spoken, if any.
        """
        digest = sha1(self.key.encode() + _GUID, usedforsecurity=False).digest()
        chosen = f"Sec-WebSocket-Protocol: {protocol}\r\n".encode() if protocol else b""
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n%b\r\n"
        ) % (b64encode(digest), chosen)


def read_greeting(values: Values) -> Greeting:
    """What the headers of a request ask for.

    :raises NotAGreeting: when that is no WebSocket.
    """
    if "upgrade" not in map(str.lower, _list(values("connection"))):
        raise NotAGreeting
    if values("sec-websocket-version") != [VERSION]:
        raise NotAGreeting(another_version=True)
    keys = values("sec-websocket-key")
    if len(keys) != 1 or [value.lower() for value in values("upgrade")] != ["websocket"]:
        raise NotAGreeting
    return Greeting(keys[0], _list(values("sec-websocket-protocol")))


def _list(values: Iterable[str]) -> list[str]:
    """RFC 9110 §5.6.1: several headers of one name are one list."""
    return [word.strip(" \t") for value in values for word in value.split(",")]


# -- the short way -----------------------------------------------------------------------------

#: Headers in ASCII, with something in each.  No line is ended in two ways, so there is no going
#: back; and 64 lines at the most are looked at, as many as the long way takes.
_PLAIN: Final = re.compile(
    rb"GET /ws HTTP/1\.1\r\n((?:[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?\r\n){1,64}+)\r\n"
)
#: Bytes of a head that are read at once: less than the long way takes.
_MOST: Final = 4096
#: With one of these, more is to come than the head.
_BODIES: Final = frozenset({"content-length", "transfer-encoding", "expect"})


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a plain request.  ``rest``: what came behind it."""

    headers: dict[str, str]
    rest: bytes

    def values(self, name: str) -> list[str]:
        """As :data:`Values`."""
        value = self.headers.get(name)
        return [] if value is None else [value]


def plain_head(segment: bytes) -> Head | None:
    """The head of a request for ``/ws``, if it is all there, and each header is there once.

    :param segment: the first that came by a connection.
    """
    found = _PLAIN.match(segment, 0, _MOST)
    if found is None:
        return None
    lines = found[1].decode().split("\r\n")[:-1]
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    if len(headers) != len(lines) or not _BODIES.isdisjoint(headers):
        return None
    return Head(headers, segment[found.end() :])
