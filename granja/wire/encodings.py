"""Carriers: how a message becomes the bytes of one kind of connection.

A carrier is shared by all connections of its kind, so what everybody hears is encoded once.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Protocol

from granja.contract.messages import Message, Said, Whispered

#: Bytes that are looked at only, or copied.
Readable = bytes | memoryview


class Carrier(Protocol):
    """Turns messages into bytes; holds no state of any one connection."""

    #: Whether others write to the same transport: a WebSocket's pongs come from its protocol.
    #: The board then leaves every write to the transport, which puts them one after the other.
    shares_transport: bool

    def encode(self, message: Message) -> bytes:
        """The whole message, with its end, ready to be written."""

    def talk(self, name: str, data: bytes) -> bytes:
        """What ``name`` said: ``data`` is clean lines in UTF-8 with LF between them.

        The same bytes as each line's :class:`~granja.contract.messages.Said`, encoded and joined.
        """

    def whisper(self, name: str, text: str) -> bytes:
        """The same bytes as a :class:`~granja.contract.messages.Whispered`, encoded."""

    def boundary(self, data: Readable, at: int) -> int:
        """Where the message that byte ``at`` belongs to ends.

        ``data`` starts where a message starts (lines may also start in the midst of one) and
        ends where one ends.
        """

    def count(self, data: Readable) -> int:
        """How many messages ``data`` holds."""


class Lines:
    """What is common to carriers whose messages end in LF and have no other LF."""

    shares_transport = False

    def boundary(self, data: Readable, at: int) -> int:
        # A memoryview cannot be searched.  A line is short, so little is copied.
        for start in range(at, len(data), 4096):
            end = bytes(data[start : start + 4096]).find(b"\n")
            if end >= 0:
                return start + end + 1
        return len(data)

    def count(self, data: Readable) -> int:
        return bytes(data).count(b"\n")


class PlainLines(Lines):
    """The wire contract: UTF-8 lines that end in CR LF (PROTOCOL §1)."""

    def encode(self, message: Message) -> bytes:
        return f"{message.line()}\r\n".encode()

    def talk(self, name: str, data: bytes) -> bytes:
        prefix = f"{name}: ".encode()
        return prefix + data.replace(b"\n", b"\r\n" + prefix) + b"\r\n"

    def whisper(self, name: str, text: str) -> bytes:
        return f"{name} te susurra: {text}\r\n".encode()


class OneByOne:
    """What is common to carriers that make something of each message by itself."""

    def encode(self, message: Message) -> bytes:
        raise NotImplementedError

    def talk(self, name: str, data: bytes) -> bytes:
        return b"".join([self.encode(Said(name, text)) for text in data.decode().split("\n")])

    def whisper(self, name: str, text: str) -> bytes:
        return self.encode(Whispered(name, text))


class GMCPLines(OneByOne, Lines):
    """Plain lines, each after the same as data, for clients that have negotiated GMCP.

    ``IAC SB 201 "Granja.Said {…}" IAC SE``, then the line.  JSON in UTF-8 has neither FF, which
    would need doubling, nor LF.
    """

    def encode(self, message: Message) -> bytes:
        package = "".join(word.capitalize() for word in message.type.split("-"))
        data = f"Granja.{package} {_json(message)}".encode()
        return b"\xff\xfa\xc9%b\xff\xf0%b\r\n" % (data, message.line().encode())


class WebSocketFrames(OneByOne):
    """What is common to WebSocket carriers: each message is one text frame (RFC 6455, §5.2)."""

    shares_transport = True

    def text(self, message: Message) -> str:
        raise NotImplementedError

    def encode(self, message: Message) -> bytes:
        return text_frame(self.text(message).encode())

    def boundary(self, data: Readable, at: int) -> int:
        return next(end for end in _frame_ends(data) if end > at)

    def count(self, data: Readable) -> int:
        return sum(1 for _ in _frame_ends(data))


class WebSocketLines(WebSocketFrames):
    """The Spanish line, for WebSocket clients that ask for no sub-protocol."""

    def text(self, message: Message) -> str:
        return message.line()

    def talk(self, name: str, data: bytes) -> bytes:
        prefix = f"{name}: ".encode()
        return b"".join([text_frame(prefix + line) for line in data.split(b"\n")])


class WebSocketData(WebSocketFrames):
    """JSON, for WebSocket clients that ask for the sub-protocol ``granja.json``."""

    def text(self, message: Message) -> str:
        return _json(message)


PLAIN = PlainLines()
GMCP = GMCPLines()
WEBSOCKET_LINES = WebSocketLines()
WEBSOCKET_DATA = WebSocketData()


_SMALL = [bytes((0x81, size)) for size in range(126)]


def text_frame(payload: bytes) -> bytes:
    """One final text frame, unmasked as a server's must be.

    :param payload: UTF-8.
    """
    size = len(payload)
    if size < 126:
        return _SMALL[size] + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def _frame_ends(data: Readable) -> Iterator[int]:
    at = 0
    while at < len(data):
        size, header = data[at + 1], 2
        if size == 126:
            size, header = struct.unpack_from("!H", data, at + 2)[0], 4
        elif size == 127:
            size, header = struct.unpack_from("!Q", data, at + 2)[0], 10
        at += header + size
        yield at


#: Made once: ``json.dumps`` with options makes one for each call, which doubles the time.
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(message: Message) -> str:
    return _to_json(message.data())
