"""The board: what is said to everybody, and the one gate to each connection.

Whatever is written to a connection goes through its :class:`Seat`, in order, and leaves at the
end of the reactor's tick in one write.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITransport

from granja.carriers import PLAIN, Carrier
from granja.messages import Message, Said


class Reader(Protocol):
    """The protocol behind a seat, as far as the board needs it."""

    def hold(self, reason: str) -> None:
        """Stop reading from the connection until this reason is released (idempotent)."""

    def release(self, reason: str) -> None: ...


class Seat:
    """One connection's place: everything that it hears passes here, in order."""

    def __init__(
        self, board: Board, transport: ITransport, reader: Reader, carrier: Carrier
    ) -> None:
        self.board = board
        self.transport = transport
        self.reader = reader
        self.carrier = carrier
        self._queue: list[bytes] = []
        self._closing = False

    def tell(self, *messages: Message) -> None:
        """Say something to this connection alone; it keeps its place among the talk."""
        for message in messages:
            self.raw(self.carrier.encode(message))

    def hear(self, message: Message, by: Seat | None = None) -> None:
        """Something private that another farmer caused, ``by`` their seat: a whisper, an offer."""
        self.tell(message)

    def raw(self, data: bytes) -> None:
        """Bytes that are not a message, such as a telnet command, in their place."""
        if not self._closing:
            self._queue.append(data)
            self.board.wake()

    def close(self) -> None:
        """Write all that was told until now, then close.  What is told later is dropped."""
        self._closing = True
        self.board.closing.append(self)
        self.board.wake()

    def lost(self) -> None:
        """The connection is gone: nothing is written any more."""
        self._closing = True
        self._queue.clear()
        self.board.seats.discard(self)
        self.board.leave(self)

    @property
    def pending(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._queue)

    def flush(self) -> None:
        if self._queue:
            self.transport.write(b"".join(self._queue))
            self._queue.clear()


class Board:
    """:param clock: gives the reactor's ticks."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._tick: IDelayedCall | None = None
        self.seats: set[Seat] = set()
        self.listeners: dict[Seat, None] = {}
        self.closing: list[Seat] = []

    def seat(self, transport: ITransport, reader: Reader, carrier: Carrier = PLAIN) -> Seat:
        """A place for a new connection; it hears no talk before :meth:`join`."""
        seat = Seat(self, transport, reader, carrier)
        self.seats.add(seat)
        return seat

    def join(self, seat: Seat) -> None:
        """From here on the seat hears the talk."""
        self.listeners[seat] = None

    def leave(self, seat: Seat) -> None:
        self.listeners.pop(seat, None)

    def announce(self, message: Message, but: Seat | None = None) -> None:
        """Say a message to everybody who has joined, except ``but``."""
        for seat in self.listeners:
            if seat is not but:
                seat.tell(message)

    def say(self, speaker: Seat, name: str, texts: list[str]) -> None:
        """Plain talk: ``texts`` are clean lines that ``name`` said, in order."""
        for text in texts:
            self.announce(Said(name, text), speaker)

    def say_block(self, speaker: Seat, name: str, data: bytes) -> None:
        """The same for clean lines as UTF-8 with LF between them, none after the last."""
        self.say(speaker, name, data.decode().split("\n"))

    def wake(self) -> None:
        if self._tick is None:
            self._tick = self._clock.callLater(0, self.flush)

    def flush(self) -> None:
        """Write what has gathered; the tick does it by itself."""
        self._tick = None
        for seat in list(self.seats):
            seat.flush()
        for seat in self.closing:
            seat.transport.loseConnection()
        self.closing.clear()
