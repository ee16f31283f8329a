"""WebSocket frames of one connection: reads a client's frames, and writes control frames.

A browser's line is one masked text frame.  We take as many of those as have come at once: we find
their beginnings frame by frame, and then unmask and check all together.  Everything else goes one
frame, or one piece of a frame, at a time.  (The library ``wsproto`` is much slower and keeps 4 KiB
for each connection.  The tests compare with it.)
"""

from __future__ import annotations

import codecs
from enum import IntEnum
from typing import Final, NamedTuple

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_CONTINUATION: Final = 0
_KNOWN: Final = frozenset({_CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
#: As numbers: ``b"\\n" in`` some bytes is much slower.
_LF, _CR = b"\n\r"
#: The first byte of a frame that holds a whole text message.
_WHOLE_TEXT: Final = 0x81
#: The most bytes of a control frame, and of a frame whose size fits into its second byte.
_SHORT: Final = 125

#: By the second byte of a short masked frame: the bytes of the whole frame, how often its mask is
#: repeated for its payload, and which part of that is used.  None for other bytes.  To look these
#: values up is faster than to compute them.
_SHORT_FRAMES: Final = (
    *(None for _ in range(0x80)),
    *((6 + size, size // 4 + 1, slice(size)) for size in range(_SHORT + 1)),
    *(None for _ in range(0x80 + _SHORT + 1, 0x100)),
)


class CloseReason(IntEnum):
    """Why an end closes (RFC 6455 §7.4.1, and IANA's list of such codes)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_FRAME_PAYLOAD_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXT = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    TLS_HANDSHAKE_FAILED = 1015


#: Codes that tell what has happened.  Nobody may send them.
_NEVER_SENT: Final = frozenset(
    {
        CloseReason.NO_STATUS_RCVD,
        CloseReason.ABNORMAL_CLOSURE,
        CloseReason.TLS_HANDSHAKE_FAILED,
    }
)
#: Codes from here on belong to libraries and applications.
_THEIR_OWN: Final = range(3000, 5000)
_MAY_BE_SENT: Final = frozenset(CloseReason) - _NEVER_SENT

_new_decoder = codecs.getincrementaldecoder("utf-8")


class NotFrames(Exception):
    """The bytes break RFC 6455.  ``code`` says how."""

    def __init__(self, code: CloseReason) -> None:
        super().__init__(code)
        self.code = code


class Frame(NamedTuple):
    """A control frame, or a piece of a message.

    ``opcode``: for a piece, its message's.  ``text``: only of text; ``data``: of everything else.
    ``finished``: whether the message is complete now.  ``code``: of a close.
    """

    opcode: int
    data: bytes = b""
    text: str = ""
    finished: bool = True
    code: int = 0


def control(opcode: int, payload: bytes = b"") -> bytes:
    """A control frame from a server.

    :param payload: at most 125 bytes.
    """
    return bytes((0x80 | opcode, len(payload))) + payload


def close(code: CloseReason) -> bytes:
    """A close frame from a server, without a reason in words."""
    return control(CLOSE, code.to_bytes(2, "big"))


class FrameReader:
    """Makes frames from bytes.

    ``closed``: the peer has closed, or broken the rules, so we stop reading.
    """

    __slots__ = (
        *("_at", "_data", "_decoder", "_final", "_left", "_mask", "_message", "_one_by_one"),
        "closed",
    )

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        #: Of the present frame: its mask, turned to the next byte (None between two frames); the
        #: bytes that are still to come; whether it is the last one of its message.
        self._mask: bytes | None = None
        self._left = 0
        self._final = True
        #: Of the present message: its opcode; 0 between two messages.
        self._message = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        #: Frames that we have looked at and must not take together with others.
        self._one_by_one = 0
        self.closed = False

    def feed(self, data: bytes) -> None:
        """Take the bytes of one read."""
        if self.closed:
            self._data, self._at = b"", 0
            return
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether some bytes wait."""
        return self._at < len(self._data)

    # -- the usual ---------------------------------------------------------------------------------

    def line(self, data: bytes) -> bytes | None:
        """The line that ``data`` is, with LF behind it.  This is the short way for the usual case.

        :param data: the bytes of one read.
        :return: None if ``data`` is not one whole, short message; the reader has then changed
            nothing.
        """
        size = len(data) - 6
        if not 0 <= size <= _SHORT or data[0] != _WHOLE_TEXT or data[1] != 0x80 + size:
            return None
        if self._message or self._at < len(self._data) or self.closed:
            return None
        line = _unmask(data[6:], data[2:6])
        if _LF in line or _CR in line or not (line.isascii() or _is_utf8(line)):
            return None
        return line + b"\n"

    # -- many at once ----------------------------------------------------------------------------

    def lines(self, most: int) -> tuple[bytes, int]:
        """The next messages, as long as each is whole and is one line.

        :param most: the most that it takes.
        :return: the lines, each with LF behind it, and their number.
        """
        if self._message or self._one_by_one or self.closed:
            return b"", 0
        payloads, masks, end = self._next_texts(most)
        count = len(payloads)
        if not count:
            return b"", 0
        masked, mask = b"\n".join(payloads), b"\0".join(masks)
        size = len(masked)
        number = int.from_bytes(masked, "little") ^ int.from_bytes(mask, "little")
        lines = number.to_bytes(size, "little")
        if lines.count(b"\n") >= count or b"\r" in lines or not _is_utf8(lines):
            self._one_by_one = count
            return b"", 0
        self._at = end
        return lines + b"\n", count

    def _next_texts(self, most: int) -> tuple[list[bytes], list[bytes], int]:
        """The payloads and masks of the next whole texts; and where the last one ends."""
        data, at = self._data, self._at
        end = len(data)
        payloads: list[bytes] = []
        masks: list[bytes] = []
        # Most of the work for a line happens here.
        add, add_mask, short_frames = payloads.append, masks.append, _SHORT_FRAMES
        for _ in range(most):
            if at + 6 > end or data[at] != _WHOLE_TEXT:
                break
            short = short_frames[data[at + 1]]
            if short is not None:
                whole, times, cut = short
                start, stop = at + 6, at + whole
            else:
                size = int.from_bytes(data[at + 2 : at + 4], "big")
                if data[at + 1] != 0x80 + 126 or size <= _SHORT:
                    break
                times, cut = size // 4 + 1, slice(size)
                start, stop = at + 8, at + 8 + size
            if stop > end:
                break
            add(data[start:stop])
            add_mask((data[start - 4 : start] * times)[cut])
            at = stop
        return payloads, masks, at

    # -- one at a time ---------------------------------------------------------------------------

    def next(self) -> Frame | None:
        """The next control frame, or the next piece of a message; None if more must come first.

        :raises NotFrames: when the bytes are no frame.
        """
        if self.closed:
            return None
        try:
            return self._next()
        except NotFrames:
            self.closed = True
            raise

    def _next(self) -> Frame | None:
        if self._mask is None:
            frame = self._begin()
            if frame is not None or self._mask is None:
                return frame
        return self._piece()

    def _begin(self) -> Frame | None:
        """Read a header; for a control frame, the whole frame."""
        data, at = self._data, self._at
        if len(data) - at < 2:
            return None
        opcode, final = data[at] & 15, bool(data[at] & 0x80)
        is_control = opcode >= CLOSE
        size = data[at + 1] & 0x7F
        if opcode not in _KNOWN or (is_control and not (final and size <= _SHORT)):
            raise NotFrames(CloseReason.PROTOCOL_ERROR)
        if data[at] & 0x70 or not data[at + 1] & 0x80:  # A reserved bit, or no mask.
            raise NotFrames(CloseReason.PROTOCOL_ERROR)
        width = {126: 2, 127: 8}.get(size, 0)
        start = at + 2 + width + 4
        if len(data) < start:
            return None
        if width:
            size = _long_size(data[at + 2 : at + 2 + width])
        mask = data[start - 4 : start]
        if is_control:
            return self._control(opcode, mask, start, start + size)
        self._begin_data(opcode)
        self._at, self._mask, self._left, self._final = start, mask, size, final
        return None

    def _control(self, opcode: int, mask: bytes, start: int, stop: int) -> Frame | None:
        if len(self._data) < stop:
            return None
        payload = _unmask(self._data[start:stop], mask)
        self._at = stop
        if opcode != CLOSE:
            return Frame(opcode, payload)
        self.closed = True
        return Frame(opcode, payload, code=_close_code(payload))

    def _begin_data(self, opcode: int) -> None:
        if bool(self._message) != (opcode == _CONTINUATION):
            raise NotFrames(CloseReason.PROTOCOL_ERROR)
        if opcode != _CONTINUATION:
            self._message = opcode
            self._decoder = _new_decoder() if opcode == TEXT else None

    def _piece(self) -> Frame | None:
        """The bytes of a message's frame that have come."""
        assert self._mask is not None
        masked = self._data[self._at : self._at + self._left]
        if self._left and not masked:
            return None
        size = len(masked)
        piece = _unmask(masked, self._mask)
        self._at += size
        self._left -= size
        turn = size % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        message, finished = self._message, False
        if not self._left:
            self._mask = None
            finished = self._final
        frame = self._decoded(message, piece, finished)
        if finished:
            self._message, self._decoder = 0, None
            self._one_by_one = max(0, self._one_by_one - 1)
        return frame

    def _decoded(self, message: int, piece: bytes, finished: bool) -> Frame:
        if self._decoder is None:
            return Frame(message, piece, finished=finished)
        try:
            text = self._decoder.decode(piece, finished)
        except UnicodeDecodeError:
            raise NotFrames(CloseReason.INVALID_FRAME_PAYLOAD_DATA) from None
        return Frame(message, text=text, finished=finished)


def _is_utf8(data: bytes) -> bool:
    """Whether all of it is UTF-8.  LF is part of no other letter: so each line is then, too."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unmask(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    number = int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")
    return number.to_bytes(size, "little")


def _long_size(written: bytes) -> int:
    """A long size: in as few bytes as possible, and less than 2⁶³ (RFC 6455 §5.2)."""
    size = int.from_bytes(written, "big")
    least = _SHORT if len(written) == 2 else (1 << 16) - 1
    if size <= least or size >> 63:
        raise NotFrames(CloseReason.PROTOCOL_ERROR)
    return size


def _close_code(payload: bytes) -> int:
    """The code of a Close (RFC 6455 §5.5.1 and §7.4)."""
    if not payload:
        return CloseReason.NO_STATUS_RCVD
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or (code not in _MAY_BE_SENT and code not in _THEIR_OWN):
        raise NotFrames(CloseReason.PROTOCOL_ERROR)
    if not _is_utf8(payload[2:]):
        raise NotFrames(CloseReason.INVALID_FRAME_PAYLOAD_DATA)
    return code
