"""A browser's greeting (RFC 6455 §4): whether it asks for a WebSocket, and how we answer.

This module reads a plain greeting at once, if it comes whole in the first segment.  Twisted's way
through HTTP (a channel's lines, a request, a tree of resources) is much slower, and a whole crowd
may come back at once.  The short way changes only the speed: it gives the same result as the long
way.  Everything that it does not know, such as a refusal, goes the long way.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

#: Gives the values of all headers of a name in small letters.
Values = Callable[[str], list[str]]

#: The only version of the protocol.
VERSION: Final = "13"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class NotAGreeting(Exception):
    """The request asks for no WebSocket, or for one of ``another_version``."""

    def __init__(self, *, another_version: bool = False) -> None:
        super().__init__()
        self.another_version = another_version


@dataclass(frozen=True, slots=True)
class Greeting:
    """``protocols``: the sub-protocols that the browser speaks."""

    key: str
    protocols: list[str]

    def answer(self, protocol: str | None) -> bytes:
        """The answer that lets the browser in.

        :param protocol: the one of ``protocols`` that we will speak, if any.
        """
        digest = sha1(self.key.encode() + _GUID, usedforsecurity=False).digest()
        chosen = f"Sec-WebSocket-Protocol: {protocol}\r\n".encode() if protocol else b""
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n%b\r\n"
        ) % (b64encode(digest), chosen)


def read_greeting(values: Values) -> Greeting:
    """The greeting in a request's headers.

    :raises NotAGreeting: when they ask for no WebSocket.
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
    """The words of a list.  Several headers of one name make one list (RFC 9110 §5.6.1)."""
    return [word.strip(" \t") for value in values for word in value.split(",")]


# -- the fast way ------------------------------------------------------------------------------

#: Headers in ASCII, none of them empty.  Only one kind of line end is allowed, so the expression
#: never goes back.  It takes at most 64 lines, as the long way does.
_PLAIN: Final = re.compile(
    rb"GET /ws HTTP/1\.1\r\n((?:[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?\r\n){1,64}+)\r\n"
)
#: The most bytes of a head here; the long way takes more.
_MOST: Final = 4096
#: With one of these headers, more than the head is to come.
_BODIES: Final = frozenset({"content-length", "transfer-encoding", "expect"})


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a plain request.  ``rest``: the bytes behind it."""

    headers: dict[str, str]
    rest: bytes

    def values(self, name: str) -> list[str]:
        """See :data:`Values`."""
        value = self.headers.get(name)
        return [] if value is None else [value]


def plain_head(segment: bytes) -> Head | None:
    """The head of a request for ``/ws``, if it is complete and has each header only once.

    :param segment: the first of a connection.
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
