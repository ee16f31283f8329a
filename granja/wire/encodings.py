"""Carriers: they turn a message into the bytes of one kind of connection.

All connections of a kind share one carrier, so the server encodes what everybody hears only once.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

from granja.contract.messages import Message, Said, Whispered

#: Bytes that we only look at or copy.
Readable = bytes | memoryview


#: Stands where a line's number will be, until we know who reads the line (:func:`numbered`).  It is
#: as wide as any number, so no byte moves.  A carrier writes this many zero bytes nowhere else.
MARK: Final = bytes(10)


def numbered(parts: Sequence[bytes], first: int) -> bytes:
    """Put a number into each line of a carrier's bytes.

    :param parts: the bytes between the marks.
    :param first: the number of the first line; the others count up.
    """
    if len(parts) == 2:  # The usual case: one line.
        return b"%b%-10d%b" % (parts[0], first, parts[1])
    pieces = [b""] * (2 * len(parts) - 1)
    pieces[::2] = parts
    pieces[1::2] = [b"%-10d" % number for number in range(first, first + len(parts) - 1)]
    return b"".join(pieces)


def first_number(data: bytes) -> int:
    """The number of the first line; 0 if that line has no number yet.

    :param data: begins where a line begins.
    """
    # In JSON, a quote that somebody typed has a backslash before it.
    _, found, after = data.partition(_NUMBER)
    digits = after[: len(MARK)].rstrip()
    return int(digits) if found and digits.isdigit() else 0


class Carrier(Protocol):
    """Turns messages into bytes.  It keeps no state of a single connection."""

    #: Whether it sends data.  Each line then has a number, at first a :data:`MARK`.
    numbers: bool

    #: Whether others write to the same transport: the WebSocket protocol writes pongs.
    #: The board then leaves every write to the transport, which keeps them in order.
    shares_transport: bool

    def encode(self, message: Message) -> bytes:
        """The whole message with its end, ready to be written."""

    def talk(self, name: str, data: bytes) -> bytes:
        """What ``name`` said.

        These are the bytes of each line's :class:`~granja.contract.messages.Said`, encoded and
        joined.

        :param data: clean lines in UTF-8, with LF between them.
        """

    def whisper(self, name: str, text: str) -> bytes:
        """The bytes of a :class:`~granja.contract.messages.Whispered`."""

    def boundary(self, data: Readable, at: int) -> int:
        """Where the message that holds byte ``at`` ends.

        :param data: starts where a message starts and ends where one ends.  A carrier of lines
            allows it to start in the middle of one.
        """

    def count(self, data: Readable) -> int:
        """How many messages are in ``data``."""


#: How many bytes we look at for the end of a line.
_LOOK: Final = 4096


class Lines:
    """The common part of carriers whose messages end in LF and have no other LF."""

    shares_transport = False
    numbers = False

    def boundary(self, data: Readable, at: int) -> int:
        # A memoryview has no search.  A line is short, so this copies little.
        for start in range(at, len(data), _LOOK):
            end = bytes(data[start : start + _LOOK]).find(b"\n")
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
    """The common part of carriers that encode each message by itself."""

    def encode(self, message: Message) -> bytes:
        raise NotImplementedError

    def talk(self, name: str, data: bytes) -> bytes:
        return b"".join([self.encode(Said(name, text)) for text in data.decode().split("\n")])

    def whisper(self, name: str, text: str) -> bytes:
        return self.encode(Whispered(name, text))


class AsData(OneByOne):
    """The common part of carriers of JSON: they put talk and whispers into a template.

    A general encoder is many times slower (docs/performance/choices.md).
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
    """For clients that have negotiated GMCP: each line comes after the same message as data.

    ``IAC SB 201 "Granja.Said {…}" IAC SE``, then the line.  JSON in UTF-8 has no byte FF, which we
    would have to double, and no LF.
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
    """The common part of WebSocket carriers: each message is one text frame (RFC 6455, §5.2)."""

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
        prefix, lines = f"{name}: ".encode(), data.split(b"\n")
        if len(lines) < _MANY:
            return b"".join([text_frame(prefix + line) for line in lines])
        heads = _heads(name)
        short = len(heads)
        # Most lines are short, and this saves a call and a copy for each of them.
        return b"".join(
            [
                heads[len(line)] + line if len(line) < short else text_frame(prefix + line)
                for line in lines
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


#: Bytes of the longest payload whose size fits into the second byte of its frame.
_SHORT: Final = 125
_SMALL = [bytes((0x81, size)) for size in range(_SHORT + 1)]


#: From this many lines on, it pays to have all heads of a name: 100 of them are 6 KiB.
_MANY: Final = 16


@lru_cache(maxsize=32)
def _heads(name: str) -> list[bytes]:
    """The bytes before a line that ``name`` says, for each length of the line in a short frame."""
    prefix = f"{name}: ".encode()
    return [small + prefix for small in _SMALL[len(prefix) :]]


def text_frame(payload: bytes) -> bytes:
    """One final text frame.  It has no mask: a server must not use one.

    :param payload: UTF-8.
    """
    size = len(payload)
    if size <= _SHORT:
        return _SMALL[size] + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def _walk(data: bytes, at: int) -> tuple[int, int]:
    """Where the frame that holds byte ``at`` ends, and how many frames end up to there."""
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


#: One encoder for all calls: ``json.dumps`` with options makes a new one for each call.
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(message: Message) -> str:
    return _to_json(message.data())


def _data(message: Message) -> bytes:
    """The same as bytes; a line also gets a place for its number."""
    data = _json(message).encode()
    return data if message.silent else b"%b,%b%b}" % (data[:-1], _NUMBER, MARK)


_NUMBER = b'"n":'

#: Stands in a template where the text will be.  No name contains it: it is no letter.
_SAID: Final = "\ue000"
#: Bytes that JSON writes in another way.  LF, ``"`` and ``\\`` are not among them.
_CONTROLS: Final = bytes(set(range(32)) - {ord("\n")})


@lru_cache(maxsize=1024)
def _template(kind: type[Said | Whispered], name: str) -> tuple[bytes, bytes, bytes]:
    """What a template has before, between and after the two places of the text."""
    head, middle, tail = _data(kind(name, _SAID)).split(_SAID.encode())
    return head, middle, tail


def _has_controls(data: bytes) -> bool:
    return len(data.translate(None, _CONTROLS)) != len(data)


def _escaped(data: bytes) -> bytes:
    """The text as a string of JSON has it.  LF stays as it is."""
    return data.replace(b"\\", rb"\\").replace(b'"', rb"\"")
