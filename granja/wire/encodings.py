"""Carriers: how a message becomes the bytes of one kind of connection.

A carrier is shared by all connections of its kind, so what everybody hears is encoded once.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

from granja.contract.messages import Message, Said, Whispered

#: Bytes that are looked at only, or copied.
Readable = bytes | memoryview


#: Where the data of a line has its number, until it is known who reads it (:func:`numbered`).  As
#: wide as any number, so nothing moves; no carrier writes so many zero bytes otherwise.
MARK: Final = bytes(10)


def numbered(parts: Sequence[bytes], first: int) -> bytes:
    """Bytes of a carrier with a number for each of their lines.

    :param parts: what stands between the marks.
    :param first: the number of the first line; the others count up.
    """
    if len(parts) == 2:  # mostly
        return b"%b%-10d%b" % (parts[0], first, parts[1])
    pieces = [b""] * (2 * len(parts) - 1)
    pieces[::2] = parts
    pieces[1::2] = [b"%-10d" % number for number in range(first, first + len(parts) - 1)]
    return b"".join(pieces)


def first_number(data: bytes) -> int:
    """The number of the first line; 0 if it has none, or not yet.

    :param data: begins where a line begins.
    """
    # In JSON, a quote that somebody typed has a backslash before it.
    _, found, after = data.partition(_NUMBER)
    digits = after[: len(MARK)].rstrip()
    return int(digits) if found and digits.isdigit() else 0


class Carrier(Protocol):
    """Turns messages into bytes; holds no state of any one connection."""

    #: Whether it carries data, so that each line has a number, at first a :data:`MARK`.
    numbers: bool

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
    numbers = False

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


class AsData(OneByOne):
    """What is common to carriers of JSON: what people say most is filled into a template.

    To ask a general encoder for each line takes twenty times as long.
    """

    def dress(self, kind: type[Said | Whispered], name: str, data: bytes, text: bytes) -> bytes:
        """A whole message.

        :param data: the message in JSON.
        :param text: what ``name`` says in it.
        """
        raise NotImplementedError

    def talk(self, name: str, data: bytes) -> bytes:
        if _has_controls(data):
            return super().talk(name, data)
        return self._filled(Said, name, data.split(b"\n"), _escaped(data).split(b"\n"))

    def whisper(self, name: str, text: str) -> bytes:
        data = text.encode()
        if _has_controls(data) or b"\n" in data:
            return super().whisper(name, text)
        return self._filled(Whispered, name, [data], [_escaped(data)])

    def _filled(
        self, kind: type[Said | Whispered], name: str, texts: list[bytes], escaped: list[bytes]
    ) -> bytes:
        head, middle, tail = _template(kind, name)  # type: ignore[arg-type]  # classes hash
        return b"".join(
            [
                self.dress(kind, name, b"".join((head, inside, middle, inside, tail)), text)
                for text, inside in zip(texts, escaped, strict=True)
            ]
        )


class GMCPLines(AsData, Lines):
    """Plain lines, each after the same as data, for clients that have negotiated GMCP.

    ``IAC SB 201 "Granja.Said {…}" IAC SE``, then the line.  JSON in UTF-8 has neither FF, which
    would need doubling, nor LF.
    """

    numbers = True

    def encode(self, message: Message) -> bytes:
        package = "".join(word.capitalize() for word in message.type.split("-"))
        data = b"Granja.%b %b" % (package.encode(), _data(message))
        if message.silent:
            return b"\xff\xfa\xc9%b\xff\xf0" % data
        return b"\xff\xfa\xc9%b\xff\xf0%b\r\n" % (data, message.line().encode())

    def dress(self, kind: type[Said | Whispered], name: str, data: bytes, text: bytes) -> bytes:
        package = b"Granja.Said" if kind is Said else b"Granja.Whispered"
        line = kind(name, "").line().encode() + text
        return b"\xff\xfa\xc9%b %b\xff\xf0%b\r\n" % (package, data, line)


class WebSocketFrames(OneByOne):
    """What is common to WebSocket carriers: each message is one text frame (RFC 6455, §5.2)."""

    shares_transport = True
    numbers = False

    def text(self, message: Message) -> str:
        raise NotImplementedError

    def encode(self, message: Message) -> bytes:
        return text_frame(self.text(message).encode())

    def boundary(self, data: Readable, at: int) -> int:
        return _walk(bytes(data), at)[0]

    def count(self, data: Readable) -> int:
        return _walk(bytes(data), len(data))[1]


class WebSocketLines(WebSocketFrames):
    """The Spanish line, for WebSocket clients that ask for no sub-protocol."""

    def text(self, message: Message) -> str:
        return message.line()

    def talk(self, name: str, data: bytes) -> bytes:
        prefix = f"{name}: ".encode()
        short = _SHORT - len(prefix)
        # Most lines are short: a third of the time, for want of a call.
        return b"".join(
            [
                _SMALL[len(prefix) + len(line)] + prefix + line
                if len(line) <= short
                else text_frame(prefix + line)
                for line in data.split(b"\n")
            ]
        )


class WebSocketData(AsData, WebSocketFrames):
    """JSON, for WebSocket clients that ask for the sub-protocol ``granja.json``."""

    numbers = True

    def dress(self, kind: type[Said | Whispered], name: str, data: bytes, text: bytes) -> bytes:
        return text_frame(data)

    def text(self, message: Message) -> str:
        return _json(message)

    def encode(self, message: Message) -> bytes:
        return text_frame(_data(message))


PLAIN = PlainLines()
GMCP = GMCPLines()
WEBSOCKET_LINES = WebSocketLines()
WEBSOCKET_DATA = WebSocketData()


#: Bytes of the longest payload whose size stands in the second byte of its frame.
_SHORT: Final = 125
_SMALL = [bytes((0x81, size)) for size in range(_SHORT + 1)]


def text_frame(payload: bytes) -> bytes:
    """One final text frame, unmasked as a server's must be.

    :param payload: UTF-8.
    """
    size = len(payload)
    if size <= _SHORT:
        return _SMALL[size] + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def _walk(data: bytes, at: int) -> tuple[int, int]:
    """From frame to frame, until one ends behind ``at``; that end, and how many they were."""
    end, count, size = 0, 0, min(at + 1, len(data))
    while end < size:
        length = data[end + 1]
        if length <= _SHORT:
            end += length + 2
        elif length == 126:
            end += int.from_bytes(data[end + 2 : end + 4], "big") + 4
        else:
            end += int.from_bytes(data[end + 2 : end + 10], "big") + 10
        count += 1
    return end, count


#: Made once: ``json.dumps`` with options makes one for each call, which doubles the time.
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(message: Message) -> str:
    return _to_json(message.data())


def _data(message: Message) -> bytes:
    """The same as bytes, with a place for the number if it is a line."""
    data = _json(message).encode()
    return data if message.silent else b"%b,%b%b}" % (data[:-1], _NUMBER, MARK)


_NUMBER = b'"n":'

#: Stands in a template for what is said.  No name has it: it is no letter.
_SAID: Final = "\ue000"
#: Bytes that JSON writes in other ways, but LF, ``"`` and ``\\``.
_CONTROLS: Final = bytes(set(range(32)) - {ord("\n")})


@lru_cache(maxsize=1024)
def _template(kind: type[Said | Whispered], name: str) -> tuple[bytes, bytes, bytes]:
    """What stands before, between and behind the two places of what ``name`` says."""
    head, middle, tail = _data(kind(name, _SAID)).split(_SAID.encode())
    return head, middle, tail


def _has_controls(data: bytes) -> bool:
    return len(data.translate(None, _CONTROLS)) != len(data)


def _escaped(data: bytes) -> bytes:
    """As it stands in a string of JSON; LF stays as it is."""
    return data.replace(b"\\", rb"\\").replace(b'"', rb"\"")
