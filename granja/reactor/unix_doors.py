"""Endpoints at a path: a server that died there must not keep the next one out."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from zope.interface import implementer


@implementer(IStreamServerEndpoint)
class UnixDoor:
    """An endpoint at a path.  Before it listens, it removes what a dead server left there.

    Twisted's lock beside the socket names a process.  It counts for as long as any process has
    that number.  In a container the server is always process 1, so that it would take its own old
    lock for somebody else's.  After the power went, the number may be anybody's.

    :param endpoint: what listens.
    :param path: of its socket.
    """

    def __init__(self, endpoint: UNIXServerEndpoint, path: str) -> None:
        self._endpoint = endpoint
        self._path = path

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        """See ``IStreamServerEndpoint``."""
        clear_away(self._path)
        listening: Deferred[IListeningPort] = self._endpoint.listen(factory)
        return listening


def clear_away(path: str) -> None:
    """Remove a socket and its lock, if there is a lock and nobody listens at the socket."""
    lock = f"{path}.lock"
    if not os.path.islink(lock) or _is_listened_at(path):
        return
    # What cannot be removed is in the way when the server listens, and that says so.
    with suppress(OSError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    with suppress(OSError):
        os.unlink(lock)


def _is_listened_at(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.setblocking(False)  # Its queue may be full.
        try:
            asking.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True
