"""Keeps the pass of a client that was killed; ``:q`` forgets it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from urllib.parse import quote

from granja.client.arguments import Address

MOST = 4096
"""The most bytes of such a file that we read."""


class Keepsake:
    """A file for one granja; only its owner may read it (mode 600).

    Only one client at a time uses it.  A second client beside the first is somebody else, who must
    not take the first one's place.  If the file cannot be written, we keep nothing.

    :param folder: the client's state folder.
    """

    def __init__(self, folder: Path, address: Address, *, secure: bool) -> None:
        scheme = "tls" if secure else "tcp"
        self._descriptor: int | None = None
        path = folder / f"pase-{scheme}-{quote(str(address), safe='')}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
        except OSError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(descriptor, 0o600)
        except OSError:
            os.close(descriptor)
            return
        self._descriptor = descriptor

    def recall(self) -> tuple[str, str] | None:
        """The name and the pass that were kept last."""
        if self._descriptor is None:
            return None
        try:
            text = os.pread(self._descriptor, MOST, 0).decode()
        except (OSError, UnicodeError):
            return None
        name, _, secret = text.strip().partition(" ")
        return (name, secret) if name and secret.isalnum() and secret.isascii() else None

    def keep(self, name: str, secret: str) -> None:
        """Keep this in the place of what was kept before."""
        self._write(f"{name} {secret}\n")

    def forget(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if self._descriptor is None:
            return
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(errors="replace"), 0)
        except OSError:
            self._descriptor = None


class Nowhere:
    """Keeps nothing."""

    def recall(self) -> tuple[str, str] | None:
        return None

    def keep(self, name: str, secret: str) -> None:
        pass

    def forget(self) -> None:
        pass
