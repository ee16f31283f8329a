"""Makes messages of the server's bytes.  It knows only telnet, lines and GMCP.

A server that speaks GMCP (telnet option 201) sends every message as a package
``Granja.<Type> <json>``, perhaps with the same as a plain line after it, for clients that show only
lines.  Before the server agrees, or if it never does, messages are plain lines.  Of those we
recognise only the few whose words the wire contract fixes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from granja.client.lines import Lines
from granja.contract import messages
from granja.contract.errors import WrongPassword
from granja.text.clean import clean
from granja.wire.telnet import DO, DONT, ECHO, GMCP, IAC, SE, WILL, WONT, Telnet

_SE = bytes([SE])
LIMIT = 4 * 1024 * 1024
"""The most bytes of one message: a ``:u`` with 30,000 people fits."""
PASS = "pass"
"""The one message without a line: a pass (PROTOCOL §5b)."""
MOST_VALUES = 150_000
MOST_GROUPS = 20_000
"""The most values, and the most objects and lists, in a package: they need far more memory."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message.  ``type``: as in the contract's messages, or ``plain`` for an unknown line.

    ``line``: the Spanish line, clean.  ``data``: the fields as they came.
    """

    type: str
    line: str
    data: Mapping[str, Any] = field(default_factory=dict)


def _fixed() -> dict[str, Heard]:
    """The lines that have the same words in every granja."""
    told: list[messages.Message] = [
        value for value in vars(messages).values() if isinstance(value, messages.Message)
    ]
    told += [messages.Ready(""), messages.Welcome()]
    told += [messages.Failure("WrongPassword", str(WrongPassword()))]
    return {message.line(): Heard(message.type, message.line(), message.data()) for message in told}


_FIXED = _fixed()


class Hearing:
    """Hears one connection.

    :param reply: takes the telnet answers for the server.
    """

    def __init__(self, reply: Callable[[bytes], None]) -> None:
        self._reply = reply
        self._telnet = Telnet(self, LIMIT)
        self._lines = Lines(LIMIT)
        self._packages: list[Heard] = []
        self._just_heard: str | None = None
        self.structured = False
        self.echoes = False

    def feed(self, data: bytes) -> Iterator[Heard]:
        """The messages that are complete now, in the server's order."""
        for piece in _pieces(data):
            yield from self._unseen(self._lines.feed(self._telnet.feed(piece)))
            for heard in self._packages:
                if heard.type != PASS:
                    self._just_heard = heard.line
                yield heard
            self._packages.clear()

    def rest(self) -> Iterator[Heard]:
        """What came after the last line end, when the connection is over."""
        return self._unseen(self._lines.rest())

    def _unseen(self, lines: list[bytes]) -> Iterator[Heard]:
        """The lines that did not come as a package just before."""
        for line in lines:
            heard = _plain(line)
            if heard.line != self._just_heard:
                yield heard
            self._just_heard = None

    def negotiated(self, verb: int, option: int) -> None:
        """The server says what it will or will not do.  We answer only a change (RFC 854)."""
        if verb not in (WILL, WONT):
            return
        will = verb == WILL
        if option == GMCP:
            self.structured = will
        elif option == ECHO and will != self.echoes:
            self.echoes = will
            self._reply(bytes([IAC, DO if will else DONT, ECHO]))

    def subnegotiated(self, option: int, payload: bytes) -> None:
        heard = _package(payload) if option == GMCP else None
        if heard is not None:
            self._packages.append(heard)


def _pieces(data: bytes) -> Iterator[bytes]:
    """Cut ``data`` where a package may end, so that the lines around it keep their place.

    We also cut at a lone SE (it may be the first byte of an emoji): its IAC may have come before.
    """
    *whole, last = data.split(_SE)
    for piece in whole:
        yield piece + _SE
    yield last


def _plain(raw: bytes) -> Heard:
    line = clean(raw.decode(errors="replace"))
    return _FIXED.get(line) or Heard("plain", line)


def _is_monstrous(body: bytes) -> bool:
    groups = body.count(b"{") + body.count(b"[")
    return groups > MOST_GROUPS or body.count(b",") > MOST_VALUES


def _package(payload: bytes) -> Heard | None:
    """The message in a GMCP package; None if it is not one of Granja's."""
    name, _, body = payload.partition(b" ")
    if not name.startswith(b"Granja.") or _is_monstrous(body):
        return None
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    kind, line = data.get("type"), data.get("line")
    if kind == PASS and line is None:
        return Heard(PASS, "", data)
    if not isinstance(kind, str) or not isinstance(line, str):
        return None
    return Heard(kind, clean(line), data)
