"""Frames are read as wsproto reads them, however they are cut, and the clear ones many at once."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason as TheirReason

from granja.web import frames
from granja.web.frames import CloseReason, FrameReader, NotFrames

Heard = tuple[str, object]


def framed(
    head: int,
    payload: bytes,
    mask: bytes = b"\x0f\x80\xff\x00",
    width: int = 0,
    masked: bool = True,
) -> bytes:
    """Make a frame by hand.

    :param head: its first byte.
    :param width: how many bytes its size takes; 0 for as few as possible.
    """
    size, flag = len(payload), 0x80 if masked else 0
    width = width or (1 if size < 126 else 2 if size < 1 << 16 else 8)
    if width == 1:
        second = bytes((flag | min(size, 125),))
    elif width == 2:
        second = struct.pack("!BH", flag | 126, size)
    else:
        second = struct.pack("!BQ", flag | 127, size)
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if masked else payload
    return bytes((head,)) + second + (mask if masked else b"") + body


def theirs(pieces: list[bytes]) -> list[Heard]:
    """What wsproto hears."""
    connection = Connection(ConnectionType.SERVER)
    heard: list[Heard] = []
    for piece in pieces:
        if connection.state.name != "OPEN":
            break
        connection.receive_data(piece)
        for event in connection.events():
            heard += _event(event)
            if isinstance(event, CloseConnection):
                return _joined(heard)
    return _joined(heard)


def _event(event: Any) -> list[Heard]:
    match event:
        case TextMessage():
            return [("text", event.data), *([("end", "")] if event.message_finished else [])]
        case BytesMessage():
            return [
                ("binary", bytes(event.data)),
                *([("end", "")] if event.message_finished else []),
            ]
        case Ping() | Pong():
            return [(type(event).__name__, bytes(event.payload))]
        case CloseConnection():
            return [("close", int(event.code))]
    raise AssertionError(event)


def ours(pieces: list[bytes], most: int = 1000) -> list[Heard]:
    """What we hear."""
    reader = FrameReader()
    heard: list[Heard] = []
    for piece in pieces:
        line = reader.line(piece)
        if line is not None:
            heard += [("text", line[:-1].decode()), ("end", "")]
            continue
        reader.feed(piece)
        while True:
            lines, count = reader.lines(most)
            if count:
                assert lines.count(b"\n") == count <= most
                for line in lines[:-1].split(b"\n"):
                    heard += [("text", line.decode()), ("end", "")]
                continue
            try:
                frame = reader.next()
            except NotFrames as error:
                return _joined([*heard, ("close", int(error.code))])
            if frame is None:
                break
            heard += _frame(frame)
            if frame.opcode == frames.CLOSE:
                return _joined(heard)
    return _joined(heard)


def _frame(frame: frames.Frame) -> list[Heard]:
    end: list[Heard] = [("end", "")] if frame.finished else []
    if frame.opcode == frames.TEXT:
        return [("text", frame.text), *end]
    if frame.opcode == frames.BINARY:
        return [("binary", frame.data), *end]
    if frame.opcode == frames.CLOSE:
        return [("close", frame.code)]
    return [("Ping" if frame.opcode == frames.PING else "Pong", frame.data)]


def _joined(heard: list[Heard]) -> list[Heard]:
    """The cuts of a message do not matter, nor does the content of a frame that breaks the
    rules."""
    joined: list[Any] = []
    for kind, what in heard:
        if joined and kind in ("text", "binary") and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + what)
        else:
            joined.append((kind, what))
    if joined and joined[-1][0] == "close":
        while len(joined) > 1 and joined[-2][0] in ("text", "binary"):
            del joined[-2]
    return joined


MASKS = st.binary(min_size=4, max_size=4)
WORDS = st.one_of(
    st.text(max_size=40).map(str.encode),
    st.sampled_from((b"ma\xc3\xb1ana", b"a\nb", b"a\rb", b"\n", b"", b"\xff", b"\xc3", b"\xb1")),
    st.integers(120, 130).map(lambda size: b"x" * size),
)
CLEAR = st.builds(framed, st.just(0x81), WORDS, MASKS)
CLOSES = st.builds(
    lambda code, why, mask: framed(0x88, struct.pack("!H", code) + why, mask),
    st.one_of(st.integers(990, 1020), st.sampled_from((0, 2999, 3000, 4999, 5000, 65_535))),
    st.sampled_from((b"", b"adi\xc3\xb3s", b"\xc3")),
    MASKS,
)
ODD = st.one_of(
    st.builds(framed, st.integers(0, 255), WORDS, MASKS),
    st.builds(framed, st.sampled_from((0x01, 0x00, 0x80, 0x89, 0x8A, 0x82)), WORDS, MASKS),
    st.builds(framed, st.just(0x81), WORDS, MASKS, st.sampled_from((2, 8))),
    st.builds(framed, st.just(0x81), WORDS, MASKS, st.just(0), st.booleans()),
    st.sampled_from((b"\x81\xff" + b"\xff" * 12, framed(0x88, b""), framed(0x88, b"\x03"))),
    CLOSES,
)
TALK = st.lists(st.one_of(CLEAR, CLEAR, CLEAR, ODD), max_size=8).map(b"".join)


class AsWsproto(SynchronousTestCase):
    @settings(max_examples=100, deadline=None)
    @given(TALK, st.lists(st.integers(0, 400), max_size=6), st.sampled_from((1, 2, 1000)))
    @example(framed(0x81, b"a") + framed(0x81, b"\xc3") + framed(0x81, b"b"), [], 1000)
    @example(framed(0x01, b"\xc3") + framed(0x89, b"!") + framed(0x80, b"\xb1"), [7], 1000)
    @example(framed(0x01, b"a") + framed(0x81, b"b"), [], 1000)
    def test_the_same_is_heard(self, data: bytes, cuts: list[int], most: int) -> None:
        edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        pieces = [data[a:b] for a, b in pairwise(edges)]
        self.assertEqual(ours(pieces, most), theirs(pieces))

    @given(st.lists(st.one_of(CLEAR, ODD), max_size=6))
    @settings(max_examples=100, deadline=None)
    def test_a_message_in_each_segment(self, pieces: list[bytes]) -> None:
        self.assertEqual(ours(pieces), theirs(pieces))

    def test_a_whole_line_may_be_a_part_of_another_frame(self) -> None:
        whole = framed(0x81, b"hola")
        for before in (framed(0x81, b"x" * 10 + whole)[: -len(whole)], framed(0x01, b"x"), b"\x89"):
            self.assertEqual(ours([before, whole]), theirs([before, whole]))

    def test_byte_by_byte(self) -> None:
        data = b"".join(
            (
                framed(0x81, "ma\u00f1ana".encode()),
                framed(0x01, b"x" * 130),
                framed(0x89, b"!"),
                framed(0x80, "\u00f1".encode() * 150),
                framed(0x88, b"\x03\xe8"),
            )
        )
        pieces = [data[at : at + 1] for at in range(len(data))]
        self.assertEqual(ours(pieces), theirs(pieces))

    def test_long_messages(self) -> None:
        for size in (65_535, 65_536, 70_000):
            data = framed(0x81, b"x" * size) + framed(0x81, b"y")
            self.assertEqual(ours([data]), theirs([data]))
            self.assertEqual(ours([data[:9], data[9:]]), theirs([data]))

    def test_codes_of_a_close(self) -> None:
        for code in (*range(995, 1020), 2999, 3000, 3999, 4000, 4999, 5000, 65_535):
            data = [framed(0x88, struct.pack("!H", code))]
            self.assertEqual(ours(data), theirs(data), code)


class Reasons(SynchronousTestCase):
    def test_they_are_those_of_the_standard(self) -> None:
        """A peer may send one of these, or one of its own."""
        self.assertEqual(
            {reason.name: reason.value for reason in CloseReason},
            {reason.name: reason.value for reason in TheirReason},
        )


class TheUsual(SynchronousTestCase):
    def test_one_short_line_is_taken_at_once(self) -> None:
        for text in ("", "hola", "ma\u00f1ana \U0001f33e", "x" * 125):
            line = FrameReader().line(framed(0x81, text.encode(), b"\x01\x80\xff\x00"))
            self.assertEqual(line, text.encode() + b"\n")

    def test_and_nothing_else_is(self) -> None:
        for data in (
            framed(0x81, b"x" * 126), framed(0x81, b"x")[:-1], framed(0x81, b"x") * 2,
            framed(0x01, b"x"), framed(0x89, b"x"), framed(0x81, b"a\nb"), framed(0x81, b"\r"),
            framed(0x81, b"\xc3"), framed(0x81, b"x", masked=False), b"",
        ):  # fmt: skip
            self.assertIsNone(FrameReader().line(data))


class ManyAtOnce(SynchronousTestCase):
    def test_clear_lines_are_taken_together(self) -> None:
        reader = FrameReader()
        reader.feed(framed(0x81, b"uno") + framed(0x81, "d\u00f3s".encode() * 50) + b"\x81")
        self.assertEqual(reader.lines(9), (b"uno\n" + "d\u00f3s".encode() * 50 + b"\n", 2))
        self.assertEqual(reader.lines(9), (b"", 0))
        reader.feed(framed(0x81, b"tres")[1:])
        self.assertEqual(reader.lines(9), (b"tres\n", 1))

    def test_no_more_than_asked_for(self) -> None:
        reader = FrameReader()
        reader.feed(framed(0x81, b"x") * 3)
        self.assertEqual([reader.lines(2)[1] for _ in range(3)], [2, 1, 0])

    def test_what_is_not_clear_is_looked_at_once(self) -> None:
        """A thousand lines with an end within them are not unmasked a thousand times."""
        reader, looks = FrameReader(), []
        really = reader._next_texts

        def look(_: FrameReader, most: int) -> Any:
            looks.append(most)
            return really(most)

        self.patch(FrameReader, "_next_texts", look)
        reader.feed(framed(0x81, b"a\nb") * 1000 + framed(0x81, b"c") * 10)
        ones = 0
        while reader.lines(256)[1] == 0 and reader.next() is not None:
            ones += 1
        self.assertGreaterEqual(ones, 1000)
        self.assertLess(len(looks), 10)

    def test_after_a_close_nothing_is_kept(self) -> None:
        reader = FrameReader()
        reader.feed(framed(0x88, b"") + framed(0x81, b"x"))
        self.assertEqual(getattr(reader.next(), "code", None), CloseReason.NO_STATUS_RCVD)
        for _ in range(3):
            reader.feed(framed(0x81, b"x" * 1000))
        self.assertEqual((reader.lines(9), reader.next(), reader._data), ((b"", 0), None, b""))


class Written(SynchronousTestCase):
    def test_control_frames(self) -> None:
        self.assertEqual(frames.control(frames.PONG, b"!"), b"\x8a\x01!")
        self.assertEqual(frames.control(frames.PING), b"\x89\x00")
        self.assertEqual(frames.close(CloseReason.NORMAL_CLOSURE), b"\x88\x02\x03\xe8")
