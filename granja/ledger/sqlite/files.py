"""Where a ledger's files are, and whether they still are where the next start will look."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

#: Seconds between two looks.  Right after a sync a look takes 40 us: with one at each write, a lone
#: trade took a tenth longer.
SELDOM = 0.1


def log_of(ledger: Path) -> Path:
    """Where SQLite has the log of a ledger.

    :param ledger: its path, with links followed.
    """
    return ledger.with_name(ledger.name + "-wal")


def index_of(ledger: Path) -> Path:
    """Where SQLite has the index of that log."""
    return ledger.with_name(ledger.name + "-shm")


def beside(ledger: Path, why: str) -> Iterator[Path]:
    """Names for something to keep: ``<ledger>.<why>``, then with a number, for when that exists."""
    first = ledger.with_name(f"{ledger.name}.{why}")
    yield first
    for number in count(1):
        yield first.with_name(f"{first.name}.{number}")


def sync_folder(folder: Path) -> None:
    """Make a new file's name survive a power cut as well as its content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


#: What a file system answers that knows no second name for a file.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A new file to be filled, which gets the name ``target`` when it is whole and durable.

    Whoever interrupts the filling, even with ``kill -9``, leaves nothing under that name.  The file
    is private, and beside its target.

    :raises FileExistsError: when there is something at ``target``; it stays as it is.
    :raises OSError: when the file cannot be made.
    """
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        descriptor, name = tempfile.mkstemp(".part", f".{target.name}.", target.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from None
    part = Path(name)
    try:
        yield part
        os.fsync(descriptor)
        _give_name(part, target)
    finally:
        os.close(descriptor)
        for left in (part, *(part.with_name(part.name + end) for end in _BESIDE)):
            left.unlink(missing_ok=True)
    sync_folder(target.parent)


#: What SQLite may leave beside a file when it is interrupted.
_BESIDE = ("-journal", "-wal", "-shm")


def _give_name(part: Path, target: Path) -> None:
    """A link never takes the place of another file, and a rename does."""
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        part.rename(target)


def refused(ledger: Path, error: OSError) -> str:
    """Which file was refused and why, in half a sentence, for whoever knows the ledger's path."""
    if error.filename is None:
        return str(error.strerror or error)
    path = Path(os.fsdecode(error.filename))
    if not os.path.lexists(path):
        path = path.parent  # it is the folder that does not take a new file
    named = "" if path == ledger else f"{path}: "
    return f"{named}{error.strerror or error}"


def obstacle(ledger: Path) -> str | None:
    """Half a sentence about which of a ledger's files SQLite cannot open; it does not say which.

    None when nothing is found.
    """
    files = (ledger, log_of(ledger), index_of(ledger))
    for path in files:
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            return f"{path} is not a regular file"
        if path.exists() and not _allowed(path, os.R_OK | os.W_OK):
            return f"{path}: {os.strerror(errno.EACCES)}"
    if not _allowed(ledger.parent, os.W_OK | os.X_OK):
        return f"{ledger.parent}: {os.strerror(errno.EACCES)}"
    return None


def _allowed(path: Path, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


class Place:
    """Remembers the ledger's file and SQLite's log as they are now.

    Who removes or replaces a file does not take it from those who have it open: they write on, and
    are told that all is durable, into a file without a name that goes when they close it.

    :param ledger: its path, with links followed.
    :param now: the time in seconds, on a clock that may be set.
    """

    def __init__(self, ledger: Path, now: Callable[[], float]) -> None:
        self._now = now
        self._looked = now()
        # Where the system cannot share memory between processes, SQLite has no log.
        self._files = [
            (path, _identity(path)) for path in (ledger, log_of(ledger)) if path.exists()
        ]

    def problem(self) -> str | None:
        """Half a sentence about what is not there any more, or None; also if it is too early for
        another look."""
        now = self._now()
        if abs(now - self._looked) < SELDOM:
            return None
        self._looked = now
        for path, known in self._files:
            try:
                if _identity(path) == known:
                    continue
            except (FileNotFoundError, NotADirectoryError):
                return f"{path} was removed"
            except OSError:  # a server that has shed its privileges may not be allowed to look
                continue
            return f"{path} was replaced"
        return None


def _identity(path: Path) -> tuple[int, int]:
    there = path.stat()
    return there.st_dev, there.st_ino
