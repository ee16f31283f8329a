"""The board: what is said to everybody, encoded once and written once for each listener and tick.

Whatever is written to a connection goes through its :class:`~granja.seat.Seat`, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from granja import backlog as kinds
from granja.audience import Audience, DirectAudience, TransportAudience
from granja.carriers import PLAIN, Carrier
from granja.crowd import Crowd
from granja.messages import Message
from granja.pace import Pace
from granja.seat import Reader, Seat
from granja.stats import Stats
from granja.tick import Announcement, Entry, Talk, Tick
from granja.wires import DirectWire, TransportWire

__all__ = ["Board", "Reader", "Seat"]

#: So many bytes are written without waiting for the tick to end.
FLUSH_AT: Final = 1 << 18


class Board:
    """The log of the talk, and everybody's seat.

    :param clock: gives the reactor's ticks.
    :param time: measures how long things take, in seconds; the clock's own if not given.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime, time: Callable[[], float] | None = None) -> None:
        self.clock = clock
        self.time: Callable[[], float] = time or clock.seconds
        self.stats = Stats()
        self.seats: set[Seat] = set()
        self.touched: dict[Seat, None] = {}
        self.tick = Tick(0, 0)
        self.crowd = Crowd(self)
        self._audiences: dict[tuple[Carrier, type], Audience] = {}
        self._pace = Pace(self.time)
        self._gathered = 0
        self._flushing = False
        self._call: IDelayedCall | None = None
        self._apart: dict[Seat, None] = {}
        self._answering: IDelayedCall | None = None

    # -- seats -----------------------------------------------------------------------------------

    def seat(self, transport: Any, reader: Reader, carrier: Carrier = PLAIN) -> Seat:
        """A place for a new connection; it hears no talk before :meth:`join`."""
        seat = Seat(self, transport, reader, carrier)
        self.seats.add(seat)
        return seat

    def join(self, seat: Seat) -> None:
        """From here on the seat hears the talk."""
        if not seat.joined and seat in self.seats:
            seat.joined = True
            self._apart.pop(seat, None)
            self.touched[seat] = None
            seat.note(kinds.JOIN, b"")

    def leave(self, seat: Seat) -> None:
        if seat.joined:
            seat.joined = False
            seat.note(kinds.LEAVE, b"")

    def audience(self, carrier: Carrier, wire: DirectWire | TransportWire) -> Audience:
        """Where a listener with this carrier and wire belongs while nothing waits for it."""
        key = (carrier, type(wire))
        if key not in self._audiences:
            kind = DirectAudience if isinstance(wire, DirectWire) else TransportAudience
            self._audiences[key] = kind(carrier, self.stats)
        return self._audiences[key]

    def touch(self, seat: Seat) -> None:
        """This tick is not for ``seat`` what it is for everybody else."""
        if seat.joined or seat.hearing:
            self.touched[seat] = None
        else:
            self._apart[seat] = None
            if self._answering is None:
                self._answering = self.clock.callLater(0, self._answer)

    def has_touched(self, seat: Seat) -> bool:
        return seat in self.touched or seat in self._apart

    def forget(self, seat: Seat) -> None:
        self.seats.discard(seat)
        self.touched.pop(seat, None)
        self._apart.pop(seat, None)
        seat.audience.wires.pop(seat, None)
        self.crowd.lost(seat)

    # -- talk ------------------------------------------------------------------------------------

    def announce(self, message: Message, but: Seat | None = None) -> None:
        """Say a message to everybody who has joined, except ``but``."""
        self._add(Announcement(message), but)

    def say(self, speaker: Seat, name: str, texts: list[str]) -> None:
        """Plain talk: ``texts`` are clean lines that ``name`` said, in order."""
        self._add(Talk(name, "\n".join(texts).encode(), len(texts)), speaker)

    def say_block(self, speaker: Seat, name: str, data: bytes) -> None:
        """The same for clean lines as UTF-8 with LF between them, none after the last."""
        self._add(Talk(name, data, data.count(b"\n") + 1), speaker)

    def _add(self, entry: Entry, but: Seat | None) -> None:
        self.tick.add(entry, but)
        self.stats.lines += entry.lines
        if but is not None:
            self.touch(but)
            if self.crowd.waiting:
                self.crowd.hold(but)
        self.gathered(entry.size)

    # -- ticks -----------------------------------------------------------------------------------

    def gathered(self, size: int) -> None:
        """So many bytes more wait for the end of the tick."""
        self._gathered += size
        if self._call is None or self._gathered >= FLUSH_AT:
            self._flush_in_time()

    def _flush_in_time(self) -> None:
        if self._flushing:
            return  # it looks again when it is done
        if self._gathered >= FLUSH_AT:
            self.flush()
        elif self._call is None and (self.touched or self.tick.entries):
            self._call_flush()

    def _answer(self) -> None:
        """Answer those who are not in the chat; no talk has to go before it, so there is no gap."""
        self._answering = None
        apart, self._apart = self._apart, {}
        self._deliver(apart, self.tick)

    def _call_flush(self) -> None:
        delay = self._pace.delay()
        # Of talk more may come in time for the same write; what is private gains nothing by that.
        now = self._once_more if self.tick.entries else self.flush
        self._call = self.clock.callLater(delay, self.flush if delay else now)

    def _once_more(self) -> None:
        """Let the reactor look once more for what can be read now, without waiting for it."""
        self._call = self.clock.callLater(0, self.flush)

    def flush(self) -> None:
        """Write what has gathered; the tick does it by itself."""
        if self._flushing:
            return
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None
        began = self.time()
        self._flushing = True
        try:
            self._flush()
        finally:
            self._flushing = False
        self._pace.flushed(began)
        self._flush_in_time()

    def _flush(self) -> None:
        tick, touched = self.tick, self.touched | self._apart
        self._gathered = 0
        self.tick, self.touched, self._apart = tick.seal(), {}, {}
        self.stats.flushes += 1
        if tick.entries:
            for seat in touched:
                seat.audience.wires.pop(seat, None)
            for audience in self._audiences.values():
                if audience.wires:
                    self._broadcast(tick, audience)
        self._deliver(touched, tick)
        self.crowd.flushed(tick)

    def _broadcast(self, tick: Tick, audience: Audience) -> None:
        block = tick.rendering(audience.carrier).block
        for seat, sent in audience.broadcast(block):
            seat.fall_behind([(kinds.TALK, memoryview(block))], sent)

    def _deliver(self, seats: dict[Seat, None], tick: Tick) -> None:
        for seat in seats:
            try:
                seat.deliver(tick)
            except Exception:
                # Whatever it is, it must not keep the others from hearing.
                self.log.failure("Nothing can be written to {seat}", seat=seat)
                self.soon(seat.abort)

    def soon(self, call: Callable[[], None]) -> None:
        """Do something when whatever goes on now has come to its end."""
        self.clock.callLater(0, call)
