"""The names of a ledger's files, and whether they are still where the next start will look."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

#: Seconds between two looks.  A look at each write would make trades slower
#: (docs/performance/choices.md).
SELDOM = 0.1


def log_of(ledger: Path) -> Path:
    """The path of SQLite's log.

    :param ledger: the ledger's path without links.
    """
    return ledger.with_name(ledger.name + "-wal")


def index_of(ledger: Path) -> Path:
    """The path of the index of that log."""
    return ledger.with_name(ledger.name + "-shm")


def beside(ledger: Path, why: str) -> Iterator[Path]:
    """Names for a file to keep: ``<ledger>.<why>``, then the same with a number."""
    first = ledger.with_name(f"{ledger.name}.{why}")
    yield first
    for number in count(1):
        yield first.with_name(f"{first.name}.{number}")


def sync_folder(folder: Path) -> None:
    """Make a new file's name survive a power cut, as its content does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


#: The errors of file systems on which a file cannot have a second name.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A new file to fill.  It gets the name ``target`` when it is whole and durable.

    If the filling stops early, even by ``kill -9``, there is nothing under that name.  The file is
    private and in the same folder as its target.

    :raises FileExistsError: when ``target`` exists; it stays as it is.
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


#: The ends of files that SQLite may leave behind when it is interrupted.
_BESIDE = ("-journal", "-wal", "-shm")


def _give_name(part: Path, target: Path) -> None:
    """Link the file to its name: unlike a rename, a link never replaces another file."""
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        part.rename(target)


def refused(ledger: Path, error: OSError) -> str:
    """Half a sentence: which file was refused and why, for a reader who knows the ledger's path."""
    if error.filename is None:
        return str(error.strerror or error)
    path = Path(os.fsdecode(error.filename))
    if not os.path.lexists(path):
        path = path.parent  # The folder refuses a new file.
    named = "" if path == ledger else f"{path}: "
    return f"{named}{error.strerror or error}"


def obstacle(ledger: Path, how: int) -> str | None:
    """Half a sentence about the file that SQLite cannot open, because SQLite does not name it.

    :param how: what somebody must be allowed to do with its files, as for :func:`os.access`.
    :returns: None when we find nothing.
    """
    files = (ledger, log_of(ledger), index_of(ledger))
    for path in files:
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            return f"{path} is not a regular file"
        if path.exists() and not _allowed(path, how):
            return f"{path}: {os.strerror(errno.EACCES)}"
    if not _allowed(ledger.parent, os.W_OK | os.X_OK):
        return f"{ledger.parent}: {os.strerror(errno.EACCES)}"
    return None


def _allowed(path: Path, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


class Place:
    """Remembers which files the ledger and SQLite's log are now.

    When somebody removes or replaces a file, a process with the file open does not notice.  It goes
    on writing, and hears that everything is durable.  But the file has no name, and is gone when it
    is closed.

    :param ledger: the ledger's path without links.
    :param now: the time in seconds, on a clock that somebody may set.
    """

    def __init__(self, ledger: Path, now: Callable[[], float]) -> None:
        self.ledger = ledger
        self._now = now
        self._looked = now()
        # On a system where processes cannot share memory, SQLite has no log.
        self._files = [
            (path, _identity(path)) for path in (ledger, log_of(ledger)) if path.exists()
        ]

    def problem(self) -> str | None:
        """Half a sentence about a file that is gone, or None.

        It is also None if the last look was a short time ago.
        """
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
            except OSError:  # A server that gave up its privileges may not be allowed to look.
                continue
            return f"{path} was replaced"
        return None


def _identity(path: Path) -> tuple[int, int]:
    there = path.stat()
    return there.st_dev, there.st_ino
