"""One server for one ledger."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from granja.ledger.interface import LedgerRefused


class Lock:
    """A file beside the ledger, locked as long as a server uses it.

    The kernel lets go of the lock when the process ends, however it ends, so ``kill -9`` leaves
    nothing to clean up.  Not the ledger itself, because SQLite locks that with POSIX locks, which
    a process loses when it closes *any* of its descriptors of the file.
    """

    def __init__(self) -> None:
        self._path = Path()
        self._descriptor: int | None = None

    def take(self, ledger: Path) -> None:
        """Lock ``<ledger>-lock``.

        :raises LedgerRefused: when another server (or this one) has it.
        :raises OSError: when the file cannot be made.
        """
        self._path = ledger.with_name(ledger.name + "-lock")
        while self._descriptor is None:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
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

    def release(self) -> None:
        """Also when it was never taken."""
        if self._descriptor is not None:
            # Unlinked while still locked: who waits for it sees that it is no longer there.
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
