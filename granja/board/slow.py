"""The crowd: what to do about listeners who are behind.

One who moves, but is far behind, makes the talkers wait: a cap would cut off healthy listeners,
and no cap would take all memory.  One who does not move holds nobody up: the talk is skipped for
them, and in the end they are closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

if TYPE_CHECKING:
    from granja.board.batch import Tick
    from granja.board.board import Board
    from granja.board.group import Row
    from granja.board.listener import Seat

#: Bytes over which a listener is far behind; they have caught up at half of it.
FAR_BEHIND: Final = 1 << 20
#: Seconds without a byte taken after which a listener does not move.
STILL: Final = 0.25
#: Seconds without a byte taken after which they are closed.
TOO_LONG: Final = 30.0
#: Seconds between two looks at those who are behind, with talkers waiting and without.
LOOK_OFTEN: Final = 0.05
LOOK: Final = 0.25

CROWD: Final = "crowd"


class Crowd:
    """Watches the seats that have a backlog."""

    log: ClassVar[Logger] = Logger()

    def __init__(self, board: Board) -> None:
        self._board = board
        self._behind: dict[Seat, None] = {}
        self._far: dict[Seat, None] = {}
        self._held: dict[Seat, None] = {}
        self._look: IDelayedCall | None = None

    @property
    def waiting(self) -> bool:
        """Whether talkers have to wait."""
        return bool(self._far)

    def is_far_behind(self, seat: Seat) -> bool:
        return seat in self._far

    def add(self, seat: Seat) -> None:
        """A seat has fallen behind."""
        self._behind[seat] = None
        if self._look is None:
            self._look_in(LOOK)

    def progressed(self, seat: Seat) -> None:
        """A seat that is behind has taken some bytes."""
        backlog = seat.backlog
        if seat in self._far and backlog is not None and backlog.lag() <= FAR_BEHIND // 2:
            self._not_far(seat)

    def forget(self, seat: Seat) -> None:
        """A seat has caught up."""
        self._behind.pop(seat, None)
        self._not_far(seat)
        if not self._behind and self._look is not None:
            self._look.cancel()
            self._look = None

    def lost(self, seat: Seat) -> None:
        self.forget(seat)
        self._held.pop(seat, None)

    def flushed(self, row: Row, tick: Tick) -> None:
        """``tick`` was sent to all of ``row`` but those who are behind: see how far they are."""
        if not self._behind:
            return
        now = self._board.time()
        for seat in [seat for seat in self._behind if seat.row is row]:
            self._judge(seat, now)
        if self._far:
            for talker in tick.own:
                self.hold(talker)

    # -- talkers ---------------------------------------------------------------------------------

    def hold(self, talker: Seat) -> None:
        """Let ``talker`` wait until nobody is far behind."""
        if talker not in self._held and talker in talker.row.seats:
            self._held[talker] = None
            self._board.stats.holds += 1
            talker.reader.hold(CROWD)

    def _not_far(self, seat: Seat) -> None:
        if seat in self._far:
            del self._far[seat]
            if not self._far and self._held:
                self._board.soon(self._release)

    def _release(self) -> None:
        if self._far:
            return
        held, self._held = self._held, {}
        for talker in held:
            talker.reader.release(CROWD)

    # -- listeners who are behind --------------------------------------------------------------

    def _judge(self, seat: Seat, now: float) -> None:
        """Skip a seat that does not move, have talkers wait for one that does."""
        backlog = seat.backlog
        if backlog is None or backlog.skipping:
            return
        far = backlog.lag() > FAR_BEHIND
        still = now - backlog.moved_at >= STILL
        # Talk for one who has left the chat is not bounded by how far they are behind.
        if still and backlog.holds_talk() and (far or not backlog.hearing):
            self._board.stats.skips += 1
            backlog.skip()
            self._not_far(seat)
        elif still:
            self._not_far(seat)
        elif far:
            self._far[seat] = None
            self._look_in(LOOK_OFTEN)

    def _look_in(self, seconds: float) -> None:
        if self._look is not None:
            if self._look.getTime() <= self._board.clock.seconds() + seconds:
                return
            self._look.cancel()
        self._look = self._board.clock.callLater(seconds, self._look_around)

    def _look_around(self) -> None:
        self._look = None
        now = self._board.time()
        for seat in list(self._behind):
            backlog = seat.backlog
            if backlog is not None and now - backlog.moved_at >= TOO_LONG:
                self._close(seat)
            else:
                self._judge(seat, now)
        if self._behind:
            self._look_in(LOOK_OFTEN if self._far else LOOK)

    def _close(self, seat: Seat) -> None:
        self._board.stats.aborted += 1
        self.log.info("Closed a connection that read nothing for {seconds} s", seconds=TOO_LONG)
        seat.abort()
