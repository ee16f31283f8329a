"""What a crash may have left at the end of SQLite's write-ahead log.

SQLite reads the log up to the last commit whose checksums hold and silently forgets the rest.
That is right for the one transaction that a crash cut short, which nobody was told of.  It is
wrong for a log that was damaged in the middle: then commits that farmers were told of stand
behind the damage.  So the log is read before SQLite opens it.  Damage within the last commit, or
at the end of the one before it, looks the same as a crash, and is trimmed like one: so the log is
kept as it was.  The format is described at
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
_MAGIC = 0x377F0682  # the lowest bit says whether checksums read their words big-endian
_MASK = 0xFFFFFFFF

#: The size of a ledger's pages, SQLite's own choice; the header says it, unless it is damaged.
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Tail:
    """``torn``: bytes of an unfinished write, which SQLite will forget.
    ``lost``: finished commits behind a damaged place, which it would forget as well.
    ``good``: where the last commit before all that ends in the file."""

    torn: int = 0
    lost: int = 0
    good: int = 0


@dataclass(frozen=True, slots=True)
class _Frame:
    """``end``: where it ends in the file; ``commits``: it says that it is the last of a
    transaction; ``holds``: it and all before it are what was written."""

    end: int
    commits: bool
    holds: bool


def inspect(path: Path) -> Tail:
    """Read the log of the ledger at ``path`` (``<path>-wal``), if there is one.

    The ledger may be live.  Then a frame can be seen half written, and whole commits that came in
    the meantime behind it; or the old beginning of the log and the new rest.  By a second look
    that is over, and damage is where it was.
    """
    found = _look(path)
    while found.lost:
        before, found = found, _look(path)
        if found.lost and found.good == before.good:
            break
    return found


def keep(path: Path) -> Path:
    """A copy of the log of the ledger at ``path``, before its end is trimmed; durable when this
    returns, and as private as the log.  One that an earlier start made of the same log will do, or
    a server that is started again and again in vain would fill the disk with them.

    It is not called ``.torn-wal``: beside the ledger that is kept as ``.torn``, SQLite would take
    it for the log of that one.

    :raises LedgerRefused: when it cannot be made.
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
    """How many pages the log has room for: it keeps its size when it begins anew."""
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
    # Each commit is synced before the next begins: a crash can tear one of them, never two.  The
    # first that is seen is the end of the torn one.  Whether its checksum holds says nothing: of a
    # write of one page, that very frame is the torn one.
    return Tail(0, commits - 1, good) if commits > 1 else Tail(end - good, 0, good)


def _frames(log: BinaryIO) -> Iterator[_Frame]:
    """The frames of the log's present round, in order, and before them its header if that is bad.

    The file is written over round after round, and what an earlier round left has another salt.
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
        # It is synced before the first frame is written: like a commit, it is torn alone.
        yield _Frame(_HEADER.size, commits=True, holds=False)
        yield from _frames_of(None, log, _PAGE, None, order)


def _frames_of(
    salt: bytes | None, log: BinaryIO, page: int, sums: tuple[int, int] | None, order: str
) -> Iterator[_Frame]:
    """The frames of the round that has this salt, wherever they are in the rest of the file.

    What an earlier round left stands behind them, but also between them, where a power cut kept it
    from being written over.  And a frame of this round may be one whose salt is damaged.

    :param salt: None when it is not known: any, but not the zeros of a file that was only begun.
    :param sums: the checksum so far; None after the first bad place, when it says no more.
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
