"""The end of SQLite's write-ahead log after a crash.

SQLite reads the log up to the last commit with correct checksums, and silently forgets the rest.
That is right for the one transaction that a crash cut short: nobody was told of it.  It is wrong
for a log that is damaged in the middle: farmers were told of the commits behind the damage.  So we
read the log before SQLite opens it.  Damage in the last commit, or at the end of the one before it,
looks like a crash, and we trim it like one.  For that case we keep a copy of the log.  The format:
https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import filecmp
import shutil
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite.files import appearing, beside, log_of

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682  # Its lowest bit says whether checksums read their words big-endian.
_MASK = 0xFFFFFFFF

#: SQLite's own choice for the size of a page.  The header says it, unless the header is damaged.
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Tail:
    """``torn``: bytes of an unfinished write, which SQLite will forget.
    ``lost``: finished commits behind a damaged place, which SQLite would forget too.
    ``good``: where the last commit before all that ends in the file."""

    torn: int = 0
    lost: int = 0
    good: int = 0


@dataclass(frozen=True, slots=True)
class _Frame:
    """``end``: where it ends in the file.  ``commits``: whether it is the last of a transaction.
    ``holds``: whether it and all frames before it are what was written."""

    end: int
    commits: bool
    holds: bool


def inspect(path: Path) -> Tail:
    """Read the log of the ledger at ``path`` (``<path>-wal``), if there is one.

    The ledger may be live.  Then we may see a frame that is half written, with whole commits behind
    it that came later.  Or we see the old beginning of the log with its new rest.  A second look
    shows whether this is over.  Real damage stays in its place.
    """
    found = _look(path)
    while found.lost:
        before, found = found, _look(path)
        if found.lost and found.good == before.good:
            break
    return found


def keep(path: Path) -> Path:
    """Copy the log of the ledger at ``path`` before its end is trimmed.

    The copy is durable when this returns, and as private as the log.  If an earlier start has
    copied the same log, that copy is enough: a server that starts again and again would fill the
    disk.

    The copy's name is not ``.torn-wal``: a copy of the ledger may be named ``.torn``, and SQLite
    would take this file for its log.

    :raises LedgerRefused: when the copy cannot be made.
    """
    log = log_of(path)
    try:
        for target in beside(path, "torn-log"):
            if target.exists() and filecmp.cmp(log, target, shallow=False):
                return target
            with suppress(FileExistsError):
                _copy(log, target)
                return target
    except OSError as error:
        raise LedgerRefused(
            f"the end of the log {log} is torn and would be trimmed, but no copy of it can be kept "
            f"before: {error.strerror or error}; make room beside the ledger"
        ) from None
    raise AssertionError("there is always another number")


def _copy(log: Path, target: Path) -> None:
    with appearing(target) as part, log.open("rb") as source, part.open("wb") as copy:
        shutil.copyfileobj(source, copy)


def pages(path: Path) -> int:
    """How many pages the log has room for.  The log keeps its size when a new round begins."""
    log = log_of(path)
    return log.stat().st_size // (_FRAME.size + _PAGE) if log.exists() else 0


def _look(path: Path) -> Tail:
    try:
        with log_of(path).open("rb") as log:
            return _judge(_frames(log))
    except FileNotFoundError:
        return Tail()


def _judge(frames: Iterator[_Frame]) -> Tail:
    good = end = _HEADER.size
    commits = 0
    for frame in frames:
        end = frame.end
        if not frame.holds:
            commits += frame.commits
        elif frame.commits:
            good = end
    # SQLite syncs each commit before the next begins: a crash can tear one of them, never two.  The
    # first bad commit mark is the end of the torn commit.  Its checksum tells nothing: in a write
    # of one page, that frame itself is torn.
    return Tail(0, commits - 1, good) if commits > 1 else Tail(end - good, 0, good)


def _frames(log: BinaryIO) -> Iterator[_Frame]:
    """The frames of the log's present round, in order.  If the header is bad, it comes first.

    SQLite writes the file again, round after round.  Frames of an earlier round have another salt.
    """
    header = log.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return
    magic, _, page, _, _, _, *stored = _HEADER.unpack(header)
    order = ">" if magic & 1 else "<"
    sums = _checksum(header[:24], (0, 0), order)
    if list(sums) == stored and magic & ~1 == _MAGIC:
        yield from _frames_of(header[16:24], log, page, sums, order)
    elif not _is_new_round(header, order):
        # SQLite syncs the header before it writes the first frame: like a commit, it tears alone.
        yield _Frame(_HEADER.size, commits=True, holds=False)
        yield from _frames_of(None, log, _PAGE, None, order)


def _frames_of(
    salt: bytes | None, log: BinaryIO, page: int, sums: tuple[int, int] | None, order: str
) -> Iterator[_Frame]:
    """The frames of the round with this salt, wherever they are in the rest of the file.

    Frames of an earlier round stand behind them.  They also stand between them, where a power cut
    kept a new frame from the disk.  A frame of this round may also have a damaged salt.

    :param salt: None if it is unknown: then any salt fits, except the zeros of a file that has only
        been begun.
    :param sums: the checksum so far; None after the first bad place, where it has no meaning.
    """
    size = _FRAME.size + page
    while len(frame := log.read(size)) == size:
        _, pages, _, _, *stored = _FRAME.unpack_from(frame)
        if sums is not None:
            sums = _checksum(frame[_FRAME.size :], _checksum(frame[:8], sums, order), order)
        fits, ours = sums is not None and list(sums) == stored, _is_salt(frame[8:16], salt)
        if not (fits and ours):
            sums = None
        if fits or ours:
            yield _Frame(log.tell(), commits=pages > 0, holds=sums is not None)
    if _is_salt(frame[8:16], salt):
        yield _Frame(log.tell(), commits=False, holds=False)


def _is_salt(found: bytes, salt: bytes | None) -> bool:
    return any(found) if salt is None else found == salt


def _is_new_round(header: bytes, order: str) -> bool:
    """Whether the crash came while SQLite wrote a new header for a new round.

    Then everything in the log is in the ledger's file already.  The header has the round's number
    before the salt.  With the number before it, we must get the old header, which was whole.
    """
    *before, number = struct.unpack_from(">4I", header)
    old = struct.pack(">4I", *before, (number - 1) & _MASK) + header[16:24]
    return struct.pack(">2I", *_checksum(old, (0, 0), order)) == header[24:32]


def _checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """SQLite's checksum over pairs of 32-bit words, continued from ``sums``."""
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
