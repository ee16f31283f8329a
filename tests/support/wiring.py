"""Sockets, transports and readers that a test controls exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet import tcp
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure


class HeldReader:
    """A reader that remembers the reasons for which it waits."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.log: list[str] = []

    def hold(self, reason: str) -> None:
        self.held.add(reason)
        self.log.append(f"hold {reason}")

    def release(self, reason: str) -> None:
        self.held.discard(reason)
        self.log.append(f"release {reason}")


class NarrowSocket:
    """A socket whose peer has room for ``room`` more bytes.

    - ``taken``: the bytes that the socket took.
    - ``sends``: the size of each send that took something.
    - ``blocks``: the ids of the objects that were sent.
    - ``gone``: whether the peer has reset the connection.
    - ``sending``: a function that each send calls.
    """

    sending: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = bytearray()
        self.sends: list[int] = []
        self.blocks: set[int] = set()
        self.gone = False

    def send(self, data: bytes | memoryview) -> int:
        if self.gone:
            raise ConnectionResetError(104, "Connection reset by peer")
        if data and not self.room:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        part = bytes(data[: self.room])
        self.room -= len(part)
        self.taken += part
        self.sends.append(len(part))
        self.blocks.add(id(data))
        self.sending()
        return len(part)

    def sendmsg(self, buffers: list[bytes | memoryview]) -> int:
        return self.send(b"".join(buffers))

    def recv(self, size: int) -> bytes:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None: ...
    def setsockopt(self, *option: object) -> None: ...

    def getsockopt(self, level: int, name: int, size: int) -> bytes:
        return b""

    def shutdown(self, how: int) -> None: ...
    def close(self) -> None: ...


class ManualReactor(Clock):
    """A clock, and the descriptors that want to write."""

    def __init__(self) -> None:
        super().__init__()
        self.writers: dict[Any, None] = {}

    def addReader(self, reader: Any) -> None: ...  # noqa: N802
    def removeReader(self, reader: Any) -> None: ...  # noqa: N802

    def addWriter(self, writer: Any) -> None:  # noqa: N802
        self.writers[writer] = None

    def removeWriter(self, writer: Any) -> None:  # noqa: N802
        self.writers.pop(writer, None)

    def turn(self) -> None:
        """Write what can be written now, then call what is due."""
        for writer in list(self.writers):
            if writer.can_write():
                writer.look()
        self.advance(0)


class NarrowConnection(tcp.Connection):
    """A real TCP transport of Twisted's on a narrow socket."""

    def __init__(self, reactor: ManualReactor, room: int, lost: Callable[[], None]) -> None:
        self.narrow = NarrowSocket(room)
        self.lost = 0
        protocol = Protocol()
        super().__init__(cast(Any, self.narrow), protocol, cast(IReactorFDSet, reactor))
        self.connected = 1

        def connection_lost(reason: Failure = connectionDone) -> None:
            self.lost += 1
            lost()

        protocol.connectionLost = connection_lost  # type: ignore[method-assign]

    def read(self, size: int) -> None:
        """Let the peer read, so that there is room for ``size`` more bytes."""
        self.narrow.room += size

    @property
    def taken(self) -> bytes:
        return bytes(self.narrow.taken)

    def can_write(self) -> bool:
        return bool(self.narrow.room) or self.narrow.gone

    def look(self) -> None:
        """Do what a reactor does with a descriptor that is ready for writing."""
        why = self.doWrite()
        if why is not None:
            self.connectionLost(Failure(cast(BaseException, why)))


class SlowTransport(StringTransport):
    """A transport that is not plain TCP.  It takes all, and pauses its producer at ``most``."""

    def __init__(self, reactor: ManualReactor, room: int, most: int = 100) -> None:
        super().__init__()
        self.room = room
        self.most = most
        self.reactor = reactor
        self.paused = False
        self.sent = 0

    @property
    def taken(self) -> bytes:
        return bytes(self.value()[: self.sent])

    def write(self, data: bytes) -> None:
        if self.disconnecting or self.disconnected:
            raise AssertionError("written to after the end")
        super().write(data)
        self._send()

    def _send(self) -> None:
        waiting = len(self.value()) - self.sent
        now = min(self.room, waiting)
        self.sent += now
        self.room -= now
        if waiting > now:
            self.reactor.addWriter(self)
        else:
            self.reactor.removeWriter(self)
        # This comes last: the producer may write, and then all of this happens again, nested.
        if waiting - now > self.most and not self.paused and self.producer is not None:
            self.paused = True
            self.producer.pauseProducing()
        elif waiting == now and self.paused and self.producer is not None:
            self.paused = False
            self.producer.resumeProducing()

    def read(self, size: int) -> None:
        self.room += size

    def can_write(self) -> bool:
        return bool(self.room)

    def look(self) -> None:
        self._send()
