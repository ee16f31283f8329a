"""A socket that a dead server left behind is no reason not to listen; one that answers is."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import ServerFactory
from twisted.trial.unittest import TestCase

from granja.reactor.unix_doors import UnixDoor, clear_away

reactor: Any = installed


class Doors(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.lock = Path(f"{self.path}.lock")
        # As in a container, where the server is process 1 again: the number is taken, by ourselves.
        self.lock.symlink_to(str(os.getpid()))

    async def listens(self) -> None:
        endpoint = UNIXServerEndpoint(reactor, str(self.path), mode=0o600, wantPID=True)
        port: Any = await UnixDoor(endpoint, str(self.path)).listen(ServerFactory())
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self.path))
        await port.stopListening()
        self.assertFalse(self.path.exists() or self.lock.is_symlink())

    async def test_after_a_kill(self) -> None:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
            dead.listen()
        await self.listens()

    async def test_after_a_kill_before_there_was_a_socket(self) -> None:
        await self.listens()

    async def test_somebody_answers(self) -> None:
        """Even if the queue of the other is full."""
        with socket.socket(socket.AF_UNIX) as busy:
            busy.bind(str(self.path))
            busy.listen(0)
            for _ in range(2):  # The first one's question waits in the queue, which is full then.
                with self.assertRaises(CannotListenError):
                    await self.listens()
        self.assertTrue(self.path.is_socket() and self.lock.is_symlink())

    def test_what_is_no_socket_stays(self) -> None:
        """A typing mistake costs nobody a file."""
        self.path.write_text("the harvest of 1998")
        clear_away(str(self.path))
        self.assertEqual(self.path.read_text(), "the harvest of 1998")

    def test_without_a_lock_nothing_is_removed(self) -> None:
        """A socket without one is somebody else's."""
        self.lock.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            clear_away(str(self.path))
            self.assertTrue(self.path.is_socket())
