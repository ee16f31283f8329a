"""A wire to a server.  A test can cut it, stall it, hold it, or make it deaf in one direction."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread


class _Link:
    """One connection through the wire."""

    def __init__(self, wire: Wire, near: socket.socket, far: socket.socket) -> None:
        self.near = near
        self.far = far
        self.held: list[bytes] = []
        self._wire = wire

    def start(self) -> None:
        """Carry bytes both ways, in two threads."""
        for source, way in ((self.near, self._there), (self.far, self._back)):
            Thread(target=self._carry, args=(source, way), daemon=True).start()

    def _carry(self, source: socket.socket, way: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._wire.flowing.wait()
                way(data)
        self._wire.flowing.wait()  # A stalled wire does not tell that one end has hung up.
        if not self.held:
            self.close()

    def _there(self, data: bytes) -> None:
        if self._wire.holding:
            self.held.append(data)
        elif not self._wire.deaf:
            self.far.sendall(data)

    def _back(self, data: bytes) -> None:
        if not self._wire.swallowing:
            self.near.sendall(data)

    def close(self) -> None:
        for end in (self.near, self.far):
            hang_up(end)

    def deliver(self) -> None:
        """Deliver what the wire held, even if the sender has gone since."""
        held, self.held = self.held, []
        with suppress(OSError):
            self.far.sendall(b"".join(held))


class Wire:
    """Listens on ``port`` of loopback, and connects to another port there.

    - ``holding``: bytes to the server stay in the wire.
    - ``deaf``: bytes to the server are lost.
    - ``swallowing``: bytes from the server are lost.
    - ``closed``: the wire hangs up on every new connection.
    - ``far``: the other port.  It may change: new connections go there.

    Lost bytes never come back.  So :meth:`cut` those connections before the wire works again.
    """

    def __init__(self, far: int) -> None:
        self.holding = self.deaf = self.swallowing = self.closed = False
        #: While this is clear, nothing goes either way.  After that everything arrives, late.
        self.flowing = Event()
        self.flowing.set()
        self.far = far
        self._lock = Lock()
        self._links: list[_Link] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if self.closed or not self._connect(near):
                    hang_up(near)

    def _connect(self, near: socket.socket) -> bool:
        """Connect to the server.  Returns whether it is there."""
        try:
            far = socket.create_connection(("127.0.0.1", self.far))
        except OSError:
            return False
        link = _Link(self, near, far)
        with self._lock:
            self._links.append(link)
        link.start()
        return True

    def holds(self, text: bytes) -> bool:
        """Whether that is among the bytes that stay in the wire."""
        with self._lock:
            return any(text in b"".join(link.held) for link in self._links)

    def stall(self) -> None:
        """Carry nothing until :meth:`flow`, and lose nothing."""
        self.flowing.clear()

    def flow(self) -> None:
        """Carry again.  Everything that waited arrives now."""
        self.flowing.set()

    def mend(self) -> None:
        """Make the wire as new.  Connections that lost something end."""
        broken = self.deaf or self.swallowing or self.holding
        self.holding = self.deaf = self.swallowing = self.closed = False
        self.flow()
        if broken:
            self.cut()

    def cut(self) -> None:
        """End all connections at both ends.  What the wire holds is lost."""
        for link in self._taken():
            link.held.clear()
            link.close()

    def cut_near(self) -> list[_Link]:
        """End them at this end only.  The server does not know, and may still get held bytes."""
        links = self._taken()
        for link in links:
            hang_up(link.near)
        return links

    def _taken(self) -> list[_Link]:
        with self._lock:
            links, self._links = self._links, []
        return links

    def close(self) -> None:
        hang_up(self._door)
        self.flow()
        self.cut()


def hang_up(end: socket.socket) -> None:
    """Close a socket as the system does when a program ends."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
