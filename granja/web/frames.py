"""WebSocket frames of one connection: a client's are read, and a server's control frames written.

A browser's line is one masked frame of text.  As many of those as have come are taken at once:
where they begin is looked at frame by frame, and then all are unmasked and checked together.
Everything else goes one frame, or what there is of it, at a time.  (``wsproto``, which did this
before, takes fifteen times as long and keeps 4 KiB for each connection.  The tests compare with
it.)
"""

from __future__ import annotations

import codecs
from typing import Final, NamedTuple

from wsproto.frame_protocol import CloseReason

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_CONTINUATION: Final = 0
_KNOWN: Final = frozenset({_CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
#: As numbers: to look for ``b"\\n" in`` some bytes takes Python much longer.
_LF, _CR = b"\n\r"
#: A whole message of text in one frame.
_WHOLE_TEXT: Final = 0x81
#: The most bytes of a control frame, and of a frame whose size stands in its second byte.
_SHORT: Final = 125

#: How often a mask of four bytes is taken for a short payload.
_TIMES: Final = tuple(size // 4 + 1 for size in range(_SHORT + 1))

#: They stand for what has happened, and are never sent (RFC 6455 §7.4.1).
_NEVER_SENT: Final = frozenset(
    {
        CloseReason.NO_STATUS_RCVD,
        CloseReason.ABNORMAL_CLOSURE,
        CloseReason.TLS_HANDSHAKE_FAILED,
    }
)
#: Codes from here on are the libraries' and everybody's own.
_THEIR_OWN: Final = range(3000, 5000)
_MAY_BE_SENT: Final = frozenset(CloseReason) - _NEVER_SENT

_new_decoder = codecs.getincrementaldecoder("utf-8")


class NotFrames(Exception):
    """What has come is against RFC 6455; ``code`` says how."""

    def __init__(self, code: CloseReason) -> None:
        super().__init__(code)
        self.code = code


class Frame(NamedTuple):
    """A control frame, or a piece of a message.

    ``opcode``: for a piece, that of its message.  ``text``: only of text; ``data``: of the others.
    ``finished``: whether the message is whole with this.  ``code``: of a close.
    """

    opcode: int
    data: bytes = b""
    text: str = ""
    finished: bool = True
    code: int = 0


def control(opcode: int, payload: bytes = b"") -> bytes:
    """A server's control frame.

    :param payload: 125 bytes at the most.
    """
    return bytes((0x80 | opcode, len(payload))) + payload


def close(code: CloseReason) -> bytes:
    """A server's close, which tells no reason in words."""
    return control(CLOSE, code.to_bytes(2, "big"))


class FrameReader:
    """From bytes to frames.

    ``closed``: the peer has closed, or broken the rules, and nothing more is read.
    """

    __slots__ = (
        *("_at", "_data", "_decoder", "_final", "_left", "_mask", "_message", "_one_by_one"),
        "closed",
    )

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        #: Of the frame that is being read: its mask, turned to where it is read, or None between
        #: two frames; the bytes that are still to come; whether it is the last of its message.
        self._mask: bytes | None = None
        self._left = 0
        self._final = True
        #: Of the message that is being read: its opcode, or 0 between two messages.
        self._message = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        #: Frames that were looked at, and are not to be taken together with others.
        self._one_by_one = 0
        self.closed = False

    def feed(self, data: bytes) -> None:
        """What one read of the connection gave."""
        if self.closed:
            self._data, self._at = b"", 0
            return
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether something has come that was not taken."""
        return self._at < len(self._data)

    # -- the usual ---------------------------------------------------------------------------------

    def line(self, data: bytes) -> bytes | None:
        """What comes most often, on its shortest way: the line that ``data`` is, with LF behind it.

        :param data: what one read of the connection gave.
        :return: None, and nothing has happened, for whatever is not one whole, short message.
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
        """The messages that come next, as long as they are clear: whole, and each one line.

        :param most: so many at the most.
        :return: each with LF behind it, and how many they are.
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
        """Payloads and their masks, as long as these; and where the last one ends."""
        data, at = self._data, self._at
        end = len(data)
        payloads: list[bytes] = []
        masks: list[bytes] = []
        # Two thirds of all that is done for a line: what can be looked up is not worked out.
        add, add_mask, times = payloads.append, masks.append, _TIMES
        while most and at + 6 <= end and data[at] == _WHOLE_TEXT:
            size = data[at + 1] - 0x80
            start = at + 6
            if not 0 <= size <= _SHORT:
                size = int.from_bytes(data[at + 2 : at + 4], "big") if size == 126 else 0
                start = at + 8
                if size <= _SHORT:
                    break
            stop = start + size
            if stop > end:
                break
            mask = data[start - 4 : start]
            add(data[start:stop])
            add_mask((mask * times[size] if size <= _SHORT else mask * (size // 4 + 1))[:size])
            at = stop
            most -= 1
        return payloads, masks, at

    # -- one at a time ---------------------------------------------------------------------------

    def next(self) -> Frame | None:
        """The next control frame, or what there is of a message's; None if more must come first.

        :raises NotFrames: when that is no frame.
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
        """Read a header; with a control frame's, all of it."""
        data, at = self._data, self._at
        if len(data) - at < 2:
            return None
        opcode, final = data[at] & 15, bool(data[at] & 0x80)
        is_control = opcode >= CLOSE
        size = data[at + 1] & 0x7F
        if opcode not in _KNOWN or (is_control and not (final and size <= _SHORT)):
            raise NotFrames(CloseReason.PROTOCOL_ERROR)
        if data[at] & 0x70 or not data[at + 1] & 0x80:  # Reserved bits, and no mask.
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
        """What there is of a frame of a message."""
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
    """LF is a byte of no other letter: if all is, each line is."""
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
    """RFC 6455 §5.2: in as few bytes as can be, and less than 2⁶³."""
    size = int.from_bytes(written, "big")
    least = _SHORT if len(written) == 2 else (1 << 16) - 1
    if size <= least or size >> 63:
        raise NotFrames(CloseReason.PROTOCOL_ERROR)
    return size


def _close_code(payload: bytes) -> int:
    """What a Close says (RFC 6455 §5.5.1 and §7.4)."""
    if not payload:
        return CloseReason.NO_STATUS_RCVD
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or (code not in _MAY_BE_SENT and code not in _THEIR_OWN):
        raise NotFrames(CloseReason.PROTOCOL_ERROR)
    if not _is_utf8(payload[2:]):
        raise NotFrames(CloseReason.INVALID_FRAME_PAYLOAD_DATA)
    return code
