"""The board: what is said to everybody, encoded once and written once for each listener and tick.

Whatever is written to a connection goes through its :class:`~granja.board.listener.Seat`, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from granja.board import backlog as kinds
from granja.board.batch import Announcement, Entry, Remark, Talk, Tick
from granja.board.counters import Stats
from granja.board.group import Row
from granja.board.listener import Reader, Seat
from granja.board.schedule import Rounds
from granja.board.slow import Crowd
from granja.contract.messages import Message
from granja.wire.encodings import PLAIN, Carrier

__all__ = ["Board", "Reader", "Seat"]

#: Seats in a row: two milliseconds of writing.
ROW: Final = 256


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
        self.rows = [Row(self.stats)]
        self.crowd = Crowd(self)
        self._rounds = Rounds(clock, self.time, self._flush)
        #: Called with a row in which something has gathered.
        self.due = self._rounds.due
        self._apart: dict[Seat, None] = {}
        self._answering: IDelayedCall | None = None

    # -- seats -----------------------------------------------------------------------------------

    def seat(self, transport: Any, reader: Reader, carrier: Carrier = PLAIN) -> Seat:
        """A place for a new connection; it hears no talk before :meth:`join`."""
        row = next((row for row in self.rows if len(row.seats) < ROW), None)
        if row is None:
            row = Row(self.stats)
            self.rows.append(row)
        seat = Seat(self, row, transport, reader, carrier)
        row.seats.add(seat)
        return seat

    def join(self, seat: Seat) -> None:
        """From here on the seat hears the talk."""
        if not seat.joined and seat in seat.row.seats:
            seat.joined = True
            self._apart.pop(seat, None)
            seat.row.touched[seat] = None
            seat.note(kinds.JOIN, b"")

    def leave(self, seat: Seat) -> None:
        if seat.joined:
            seat.joined = False
            seat.audience.sends.pop(seat, None)
            seat.note(kinds.LEAVE, b"")

    def touch(self, seat: Seat) -> None:
        """This tick is not for ``seat`` what it is for everybody else."""
        # Who has joined and left again before the row's turn still belongs to it.
        if seat.joined or seat.hearing or seat in seat.row.touched:
            seat.row.touched[seat] = None
        else:
            self._apart[seat] = None
            if self._answering is None:
                self._answering = self.clock.callLater(0, self._answer)

    def carry(self, seat: Seat, carrier: Carrier) -> None:
        """Encode for another carrier from here on, also for somebody who hears the talk."""
        self.flush()  # What was said until now is on its way by the carrier of before.
        seat.change_carrier(carrier)

    def has_touched(self, seat: Seat) -> bool:
        return seat in seat.row.touched or seat in self._apart

    def forget(self, seat: Seat) -> None:
        row = seat.row
        row.forget(seat)
        self._apart.pop(seat, None)
        self.crowd.lost(seat)
        if not row.seats and len(self.rows) > 1 and row in self.rows:
            self.rows.remove(row)
            self._rounds.drop(row)

    # -- talk ------------------------------------------------------------------------------------

    def announce(self, message: Message, but: Seat | None = None) -> None:
        """Say a message to everybody who has joined, except ``but``."""
        self._add(Announcement(message), but)

    def say(self, speaker: Seat, name: str, texts: list[str]) -> None:
        """Plain talk: ``texts`` are clean lines that ``name`` said, in order."""
        self._add(Talk(name, "\n".join(texts).encode(), len(texts)), speaker)

    def say_message(self, speaker: Seat, message: Message) -> None:
        """Talk that is no plain line, such as what somebody does: everybody else hears it."""
        self._add(Remark(message), speaker)

    def say_block(self, speaker: Seat, name: str, data: bytes) -> None:
        """The same for clean lines as UTF-8 with LF between them, none after the last."""
        self._add(Talk(name, data, data.count(b"\n") + 1), speaker)

    def _add(self, entry: Entry, but: Seat | None) -> None:
        self.stats.lines += entry.lines
        for row in self.rows:
            row.add(entry, but)
        if but is not None:
            self.touch(but)
            if self.crowd.waiting:
                self.crowd.hold(but)
        # Only now, when all have it: writing may cause something to be said.
        for row in list(self.rows):
            self.due(row)

    # -- writing ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write all that has gathered; in its rounds the board does it by itself."""
        self._rounds.finish()
        self._answer()

    def _flush(self, row: Row) -> None:
        tick, touched = row.seal()
        self.stats.flushes += 1
        if tick.entries:
            for seat, block, sent in row.broadcast(tick, touched):
                seat.fall_behind([(kinds.TALK, memoryview(block))], sent)
        self._deliver(touched, tick)
        self.crowd.flushed(row, tick)

    def _answer(self) -> None:
        """Answer those who are not in the chat; no talk has to go before it, so there is no gap."""
        self._answering = None
        apart, self._apart = self._apart, {}
        self._deliver(apart)

    def _deliver(self, seats: dict[Seat, None], tick: Tick | None = None) -> None:
        """:param tick: the one that has just ended; none for those who hear none of it."""
        deliver = Seat.deliver if tick is not None and tick.entries else Seat.deliver_quietly
        for seat in seats:
            try:
                deliver(seat, tick or seat.row.tick)
            except Exception:
                # Whatever it is, it must not keep the others from hearing.
                self.log.failure("Nothing can be written to {seat}", seat=seat)
                self.soon(seat.abort)

    def soon(self, call: Callable[[], None]) -> None:
        """Do something when whatever goes on now has come to its end."""
        self.clock.callLater(0, call)
