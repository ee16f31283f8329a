"""A lock: only one server may use a ledger."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import sys
from pathlib import Path

from granja.ledger.interface import LedgerRefused

#: A byte of the ledger far behind SQLite's own locks (at 1 GiB) and behind any possible end.
_BYTE = 1 << 60


class Lock:
    """Two locked files, for as long as a server uses the ledger.

    One is beside the ledger and says which process has it.  But it depends on its name: somebody
    may remove it, and a ledger with two names (hard links) has two.  So we lock the ledger itself
    too.

    The kernel releases the locks when the process ends, however it ends.  So ``kill -9`` leaves
    nothing to clean up.
    """

    def __init__(self) -> None:
        self._path = Path()
        self._descriptor: int | None = None
        self._ledger: int | None = None

    def take(self, ledger: Path) -> None:
        """Lock ``<ledger>-lock``.

        :raises LedgerRefused: when another server (or this one) has it; or when it is no lock file,
            but for example a link to a file that we would empty.
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
            else:  # The last holder removed it after our open and before our lock.
                os.close(descriptor)
        os.truncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def take_itself(self, ledger: Path) -> None:
        """Lock the ledger itself, which exists by now, before SQLite opens it.

        SQLite uses POSIX locks.  A process loses all of those when it closes *any* of its
        descriptors of the file.  So this descriptor stays open until :meth:`release`, after SQLite
        has closed its own.  Our lock belongs to the descriptor and is on a byte of its own.  So our
        lock and SQLite's do not meet, not even on NFS, which makes a POSIX lock of the whole file
        from ``flock``.

        :raises LedgerRefused: when a server has it.
        :raises OSError: when the file cannot be written to.
        """
        if sys.platform != "linux":  # Only Linux has such locks.
            return
        descriptor = os.open(ledger, os.O_RDWR)
        wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _BYTE, 1, 0)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
        except BlockingIOError:
            # We do not close the descriptor: if the other server is in this process, it would lose
            # SQLite's locks.  If not, this process ends soon.
            raise LedgerRefused(
                f"the ledger {ledger} is in use by another server, which has it under another name "
                "or has lost its lock file"
            ) from None
        self._ledger = descriptor

    def release(self) -> None:
        """Release both locks, if we have them.  SQLite has closed the ledger by now."""
        if self._ledger is not None:
            os.close(self._ledger)
            self._ledger = None
        if self._descriptor is not None:
            # Remove it while it is locked: whoever waits for it then sees that it is gone.
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def _open(path: Path) -> int:
    """Make the lock file, or open one that a crash left behind; refuse everything else."""
    if path.is_symlink():
        raise LedgerRefused(_NO_LOCK.format(path=path, what="a link"))
    # Without O_NONBLOCK, opening a pipe would wait.
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
