"""One server for one ledger."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import sys
from pathlib import Path

from granja.ledger.interface import LedgerRefused

#: A byte of the ledger far behind what SQLite locks (at 1 GiB) and the longest that it can be.
_BYTE = 1 << 60


class Lock:
    """Two files, locked as long as a server uses the ledger.

    One is beside the ledger and says whose it is.  But it is found by its name: it can be removed
    under a server, and a ledger with two names (hard links) has two.  So the ledger itself is
    locked, too.

    The kernel lets go of the locks when the process ends, however it ends, so ``kill -9`` leaves
    nothing to clean up.
    """

    def __init__(self) -> None:
        self._path = Path()
        self._descriptor: int | None = None
        self._ledger: int | None = None

    def take(self, ledger: Path) -> None:
        """Lock ``<ledger>-lock``.

        :raises LedgerRefused: when another server (or this one) has it, or what is there is no
            lock file: a link, say, to a file that would be emptied.
        :raises OSError: when the file cannot be made.
        """
        self._path = ledger.with_name(ledger.name + "-lock")
        while self._descriptor is None:
            descriptor = _open(self._path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
                os.close(descriptor)
                raise LedgerRefused(
                    f"the ledger {ledger} is in use by another server (process {holder})"
                ) from None
            if _is_at(descriptor, self._path):
                self._descriptor = descriptor
            else:  # its last holder unlinked it between our open and our lock
                os.close(descriptor)
        os.truncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def take_itself(self, ledger: Path) -> None:
        """Lock the ledger, which is there by now, before SQLite opens it.

        SQLite locks it with POSIX locks, and a process loses all of those when it closes *any* of
        its descriptors of the file: this one stays open until :meth:`release`, which comes after
        SQLite has closed its own.  The lock is of the kind that belongs to the descriptor, and on
        a byte of its own, so neither is in the other's way, not even on NFS, which makes a POSIX
        lock of the whole file of what ``flock`` takes.

        :raises LedgerRefused: when a server has it.
        :raises OSError: when the file cannot be written to.
        """
        if sys.platform != "linux":  # which alone has such locks
            return
        descriptor = os.open(ledger, os.O_RDWR)
        wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _BYTE, 1, 0)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
        except BlockingIOError:
            # The descriptor is not closed: if that other server is in this process, it would lose
            # SQLite's locks.  If it is not, this process ends soon.
            raise LedgerRefused(
                f"the ledger {ledger} is in use by another server, which has it under another name "
                "or has lost its lock file"
            ) from None
        self._ledger = descriptor

    def release(self) -> None:
        """Also when nothing was taken.  SQLite has closed the ledger by now."""
        if self._ledger is not None:
            os.close(self._ledger)
            self._ledger = None
        if self._descriptor is not None:
            # Unlinked while still locked: who waits for it sees that it is no longer there.
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def _open(path: Path) -> int:
    """Make the lock file, or open the one that a crash left behind, and nothing else."""
    if path.is_symlink():
        raise LedgerRefused(_NO_LOCK.format(path=path, what="a link"))
    # Without O_NONBLOCK, a pipe would be waited for.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    what = "a file with another name" if stat.S_ISREG(found.st_mode) else "not a regular file"
    raise LedgerRefused(_NO_LOCK.format(path=path, what=what))


_NO_LOCK = "the lock {path} is {what}, and nothing that a granja made: move it away"


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
