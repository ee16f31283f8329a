"""What a crash may have left at the end of SQLite's write-ahead log.

SQLite reads the log up to the last commit whose checksums hold and silently forgets the rest.
That is right for the one transaction that a crash cut short, which nobody was told of.  It is
wrong for a log that was damaged in the middle: then commits that farmers were told of stand
behind the damage.  So the log is read before SQLite opens it.  Its format is described at
https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682  # the lowest bit says whether checksums read their words big-endian
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Tail:
    """``torn``: bytes of an unfinished write, which SQLite will forget.
    ``lost``: finished commits behind a damaged place, which it would forget as well."""

    torn: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Frame:
    """``end``: where it ends in the file; ``commits``: it is the last of a transaction;
    ``holds``: its checksum fits its content and the checksum of the frame before."""

    end: int
    commits: bool
    holds: bool


def inspect(path: Path) -> Tail:
    """Read the log of the ledger at ``path`` (``<path>-wal``), if there is one."""
    try:
        with path.with_name(path.name + "-wal").open("rb") as log:
            return _judge(_frames(log))
    except FileNotFoundError:
        return Tail()


def _judge(frames: Iterator[_Frame]) -> Tail:
    good = end = _HEADER.size
    behind = 0
    intact = True
    for frame in frames:
        end = frame.end
        intact = intact and frame.holds
        if intact and frame.commits:
            good = frame.end
        elif frame.commits and frame.holds:
            behind += 1
    # Each commit is synced before the next begins: a crash can tear one of them, never two.
    return Tail(lost=behind) if behind > 1 else Tail(torn=end - good)


def _frames(log: BinaryIO) -> Iterator[_Frame]:
    """The frames of the log's present round, in order.

    The file is written round after round; what an earlier round left behind has another salt.
    """
    header = log.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return
    magic, _, page, _, _, _, *stored = _HEADER.unpack(header)
    order = ">" if magic & 1 else "<"
    sums = _checksum(header[:24], (0, 0), order)
    if list(sums) != stored:
        if _is_new_round(header, order):
            return
        yield _Frame(_HEADER.size, commits=False, holds=False)
    if magic & ~1 != _MAGIC or not 512 <= page <= 65536:
        return
    while (frame := log.read(_FRAME.size + page))[8:16] == header[16:24]:
        if len(frame) < _FRAME.size + page:
            yield _Frame(log.tell(), commits=False, holds=False)
            return
        _, pages, _, _, sum0, sum1 = _FRAME.unpack_from(frame)
        found = _checksum(frame[_FRAME.size :], _checksum(frame[:8], sums, order), order)
        sums = (sum0, sum1)
        yield _Frame(log.tell(), commits=pages > 0, holds=found == sums)


def _is_new_round(header: bytes, order: str) -> bool:
    """Whether the crash came while the header was written over for a new round.

    All that the log holds is in the ledger's file already then.  The round's number comes before
    the salt: with the number before it, the header must be the old one, which was whole.
    """
    *before, number = struct.unpack_from(">4I", header)
    old = struct.pack(">4I", *before, (number - 1) & _MASK) + header[16:24]
    return struct.pack(">2I", *_checksum(old, (0, 0), order)) == header[24:32]


def _checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """SQLite's checksum of pairs of 32-bit words, continued from ``sums``."""
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
