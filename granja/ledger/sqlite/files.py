"""Where a ledger's files are, and whether they still are where the next start will look."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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
