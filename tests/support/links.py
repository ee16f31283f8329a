"""A wire to a server that can be cut, held, or deaf in one direction."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock, Thread


class _Link:
    """One connection through the wire."""

    def __init__(self, wire: Wire, near: socket.socket, far: socket.socket) -> None:
        self.near = near
        self.far = far
        self.held: list[bytes] = []
        self._wire = wire
        for source, way in ((near, self._there), (far, self._back)):
            Thread(target=self._carry, args=(source, way), daemon=True).start()

    def _carry(self, source: socket.socket, way: object) -> None:
        assert callable(way)
        with suppress(OSError):
            while data := source.recv(65536):
                way(data)
        if not self.held:
            self.close()

    def _there(self, data: bytes) -> None:
        if self._wire.holding:
            self.held.append(data)
        else:
            self.far.sendall(data)

    def _back(self, data: bytes) -> None:
        if not self._wire.swallowing:
            self.near.sendall(data)

    def close(self) -> None:
        for end in (self.near, self.far):
            hang_up(end)

    def deliver(self) -> None:
        """What was held arrives now, whoever sent it has gone since."""
        held, self.held = self.held, []
        with suppress(OSError):
            self.far.sendall(b"".join(held))


class Wire:
    """Listens on ``port`` of loopback, and goes on to another port there.

    ``holding``: what goes to the server stays in the wire.  ``swallowing``: what comes from it is
    lost.  ``closed``: whoever comes is sent away.
    """

    def __init__(self, far: int) -> None:
        self.holding = self.swallowing = self.closed = False
        self._far = far
        self._lock = Lock()
        self._links: list[_Link] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if self.closed:
                    near.close()
                    continue
                with self._lock:
                    far = socket.create_connection(("127.0.0.1", self._far))
                    self._links.append(_Link(self, near, far))

    def cut(self) -> None:
        """End all connections, at both ends; what is held is lost."""
        for link in self._taken():
            link.held.clear()
            link.close()

    def cut_near(self) -> list[_Link]:
        """End them at this end alone: the server does not know, and may still get what is held."""
        links = self._taken()
        for link in links:
            hang_up(link.near)
        return links

    def _taken(self) -> list[_Link]:
        with self._lock:
            links, self._links = self._links, []
        return links

    def close(self) -> None:
        self._door.close()
        self.cut()


def hang_up(end: socket.socket) -> None:
    """As the system does when a program ends."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
