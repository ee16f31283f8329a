"""``python -m benchmarks.deflate FILE``: the costs and savings of permessage-deflate (RFC 7692).

FILE holds talk, one line each.  Debian has some in ``fortunes-es``, /usr/share/games/fortunes/es;
real talk is as good.  Each line is one message, as a WebSocket sends it, from one of twenty
farmers. It is measured as a plain line, and as data, where each listener has their own numbers.
"""

from __future__ import annotations

import ctypes
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from granja.wire.encodings import MARK as MARK_OF_NUMBER, WEBSOCKET_DATA, WEBSOCKET_LINES, numbered

LEAST, MOST, LINES = 20, 120, 2_000
NAMES = tuple(f"Farmer{letter}" for letter in "ABCDEFGHJKLMNPQRSTUV")
CONNECTIONS = 200

#: The end of each compressed message, which RFC 7692 §7.2.1 leaves out.
TAIL = b"\x00\x00\xff\xff"

Compress = Callable[[bytes], bytes]


class Account(ctypes.Structure):
    """glibc's ``mallinfo2``."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def allocated() -> int:
    """The bytes that this process holds from ``malloc``."""
    ask = ctypes.CDLL("libc.so.6").mallinfo2
    ask.restype = Account
    account = ask()
    return int(account.uordblks) + int(account.hblkhd)


def talk(path: Path) -> list[bytes]:
    """Different lines that have the usual lengths of talk."""
    lines = dict.fromkeys(
        line
        for line in (" ".join(raw.split()).encode() for raw in path.read_text("utf-8").splitlines())
        if LEAST <= len(line) <= MOST
    )
    return list(lines)[:LINES]


def messages(lines: Sequence[bytes], as_data: bool) -> Iterator[bytes]:
    """The payloads of the messages, without frame headers."""
    for number, line in enumerate(lines):
        name = NAMES[number * 7 % len(NAMES)]
        if as_data:
            frame = numbered(WEBSOCKET_DATA.talk(name, line).split(MARK_OF_NUMBER), number + 1)
        else:
            frame = WEBSOCKET_LINES.talk(name, line)
        yield frame[2:] if frame[1] < 126 else frame[4:]


def compressor(bits: int, memory: int, keeps: bool) -> Callable[[], Compress]:
    """Return a function that makes the compressor of one connection.

    :param bits: the window's size as a power of two.
    :param memory: zlib's ``memLevel``.
    :param keeps: whether a message may refer to earlier messages (context takeover).
    """

    def new() -> Any:
        return zlib.compressobj(6, zlib.DEFLATED, -bits, memory)

    def make() -> Compress:
        kept = new() if keeps else None

        def compress(message: bytes) -> bytes:
            one = kept or new()
            data: bytes = one.compress(message) + one.flush(zlib.Z_SYNC_FLUSH)
            return data.removesuffix(TAIL)

        return compress

    return make


WAYS = (
    ("each message by itself, window 2¹⁵", compressor(15, 8, keeps=False)),
    ("context kept, window 2⁹, memLevel 1", compressor(9, 1, keeps=True)),
    ("context kept, window 2¹², memLevel 5", compressor(12, 5, keeps=True)),
    ("context kept, window 2¹⁵, memLevel 8", compressor(15, 8, keeps=True)),
)


def memory_of(make: Callable[[], Compress], first: bytes) -> float:
    """The KiB that a connection holds after its first compressed message."""
    before = allocated()
    kept = [make() for _ in range(CONNECTIONS)]
    for compress in kept:
        compress(first)
    return (allocated() - before) / CONNECTIONS / 1024


def row(title: str, make: Callable[[], Compress], told: Sequence[bytes]) -> str:
    compress, size = make(), 0
    started = time.process_time()
    for message in told:
        size += len(compress(message))
    cpu = (time.process_time() - started) / len(told)
    share = size / sum(map(len, told))
    kib = memory_of(make, told[0])
    return f"| {title} | {size / len(told):.0f} | {share:.0%} | {cpu * 1e6:.1f} | {kib:.1f} |"


def main(path: Path) -> None:
    lines = talk(path)
    for as_data in (False, True):
        told = list(messages(lines, as_data))
        mean = sum(map(len, told)) / len(told)
        title = "as data (granja.json)" if as_data else "as plain lines"
        sys.stdout.write(f"{len(told):,} messages {title}, {mean:.0f} bytes each\n\n")
        sys.stdout.write("| | bytes | of it | CPU µs | KiB a connection |\n|" + " --- |" * 5 + "\n")
        rows = [row(name, make, told) for name, make in WAYS]
        sys.stdout.write("\n".join(rows) + "\n\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
