"""The slow: what the board does about listeners that are behind.

A listener that moves, but is far behind, makes the talkers wait.  A fixed limit instead would cut
off healthy listeners, and no limit would take all memory.  A listener that does not move holds
nobody up: the board skips the talk for it, and closes its connection in the end.

=========  =============================================  ======================================
state      what it means                                  what ends it
=========  =============================================  ======================================
level      nothing waits: it is in its fan-out            the wire takes less than it is given
following  behind, and moving: batch by batch             all is sent: *level*
far        following, :data:`FAR_BEHIND` bytes behind:    half of it is sent: *following*
           talkers have to wait
still      it took nothing for :data:`STILL` seconds, or  it reads again: it is told how many lines
           is :data:`TOO_FAR` bytes behind:               it missed, *following*
           the board skips and counts the talk
gone       still for :data:`TOO_LONG` seconds             the board closes the connection
=========  =============================================  ======================================

:class:`~granja.board.listener.Listener` decides when it falls behind and when it is level again.
:class:`~granja.board.backlog.Backlog` follows and skips.  This module judges who is far, still or
gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

from twisted.internet.interfaces import IReactorTime

from granja.board.backlog import Backlog
from granja.board.batch import Batch
from granja.board.counters import Counters
from granja.board.group import Group
from granja.clockwork.complaints import Complaints
from granja.clockwork.timer import Timer

#: With more bytes than this a listener is far behind.  It has caught up at half of it.
FAR_BEHIND: Final = 1 << 20
#: After so many seconds without a byte taken, a listener does not move.
STILL: Final = 0.25
#: With more bytes, the board skips the talk even for a listener that moves: talkers on other nodes
#: do not wait.
TOO_FAR: Final = 1 << 24
#: If the peer's system takes no byte for so many seconds, we close the connection.  A peer that
#: reads 2 KB a second may take nothing for 32 s (a window of 64 KB that opens as a whole).
TOO_LONG: Final = 120.0
#: Seconds between two looks at what the peer's system has taken.
LOOK_AT_SYSTEM: Final = 5.0
#: Seconds between two looks at slow listeners: while talkers wait, and otherwise.
LOOK_OFTEN: Final = 0.05
LOOK: Final = 0.25

SLOW: Final = "slow"


class Reader(Protocol):
    """The protocol behind a listener, as far as the board needs it."""

    def hold(self, reason: str) -> None:
        """Stop reading from the connection until this reason is released (idempotent)."""

    def release(self, reason: str) -> None: ...


class Watched(Protocol):
    """What this module needs from a listener that may be behind, or that talks to one."""

    @property
    def backlog(self) -> Backlog | None: ...
    @property
    def group(self) -> Group[Any]: ...
    @property
    def reader(self) -> Reader: ...

    def acknowledged(self) -> int | None:
        """How many bytes the peer's system has taken in all; None if nobody knows."""

    def abort(self) -> None:
        """Close now.  What was not sent is lost."""


W = TypeVar("W", bound=Watched)


class Slow(Generic[W]):
    """Watches the listeners that have a backlog.

    :param clock: gives the reactor's ticks.
    :param time: measures durations, in seconds.
    """

    def __init__(self, clock: IReactorTime, time: Callable[[], float], counters: Counters) -> None:
        self._clock = clock
        self._time = time
        self._counters = counters
        self._complaints = Complaints(clock)
        self._behind: dict[W, None] = {}
        self._far: dict[W, None] = {}
        self._held: dict[W, None] = {}
        self._look = Timer(clock, self._look_around)

    @property
    def waiting(self) -> bool:
        """Whether talkers have to wait."""
        return bool(self._far)

    def __len__(self) -> int:
        """How many listeners are behind."""
        return len(self._behind)

    @property
    def bytes(self) -> int:
        """How many bytes wait for all listeners that are behind."""
        backlogs = [listener.backlog for listener in self._behind]
        return sum(backlog.lag() for backlog in backlogs if backlog is not None)

    def is_far_behind(self, listener: W) -> bool:
        return listener in self._far

    def add(self, listener: W) -> None:
        """A listener has fallen behind."""
        self._behind[listener] = None
        self._look.start(LOOK)

    def progressed(self, listener: W) -> None:
        """A listener that is behind has taken some bytes."""
        backlog = listener.backlog
        if listener in self._far and backlog is not None and backlog.lag() <= FAR_BEHIND // 2:
            self._not_far(listener)

    def forget(self, listener: W) -> None:
        """A listener has caught up."""
        self._behind.pop(listener, None)
        self._not_far(listener)
        if not self._behind:
            self._look.stop()

    def lost(self, listener: W) -> None:
        self.forget(listener)
        self._held.pop(listener, None)

    def flushed(self, group: Group[Any], batch: Batch[W]) -> None:
        """Judge the listeners of ``group`` that are behind: it was just sent ``batch``."""
        if not self._behind:
            return
        now = self._time()
        for listener in [listener for listener in self._behind if listener.group is group]:
            self._judge(listener, now)
        if self._far:
            for talker in batch.talkers:
                self.hold(talker)

    # -- talkers ---------------------------------------------------------------------------------

    def hold(self, talker: W) -> None:
        """Make ``talker`` wait until nobody is far behind."""
        if talker not in self._held and talker in talker.group.listeners:
            self._held[talker] = None
            self._counters.holds += 1
            talker.reader.hold(SLOW)

    def _not_far(self, listener: W) -> None:
        if listener in self._far:
            del self._far[listener]
            if not self._far and self._held:
                self._clock.callLater(0, self._release)

    def _release(self) -> None:
        if self._far:
            return
        held, self._held = self._held, {}
        for talker in held:
            talker.reader.release(SLOW)

    # -- listeners who are behind --------------------------------------------------------------

    def _judge(self, listener: W, now: float) -> None:
        """Skip the talk for a listener that does not move.  Make talkers wait for one that does."""
        backlog = listener.backlog
        if backlog is None or backlog.skipping:
            return
        lag = backlog.lag()
        far = lag > FAR_BEHIND
        still = now - backlog.moved_at >= STILL or lag > TOO_FAR
        # For a listener that has left the chat, the distance does not limit the talk it holds.
        if still and backlog.holds_talk() and (far or not backlog.hearing):
            self._counters.skips += 1
            backlog.skip()
            self._not_far(listener)
        elif still:
            self._not_far(listener)
        elif far:
            self._far[listener] = None
            self._look.start_within(LOOK_OFTEN)

    def _look_around(self) -> None:
        now = self._time()
        for listener in list(self._behind):
            backlog = listener.backlog
            if backlog is not None and not _is_alive(listener, backlog, now):
                self._close(listener)
            else:
                self._judge(listener, now)
        if self._behind:
            self._look.start_within(LOOK_OFTEN if self._far else LOOK)

    def _close(self, listener: W) -> None:
        self._counters.aborted += 1
        self._complaints.note(f"Closed a connection that read nothing for {TOO_LONG:g} s")
        listener.abort()


def _is_alive(listener: Watched, backlog: Backlog, now: float) -> bool:
    """Whether somebody reads there: the peer takes bytes from us, or from its own system.

    A full system takes nothing from us for a long time although the peer reads: it waits until a
    third of its buffer is free.
    """
    backlog.alive_at = max(backlog.alive_at, backlog.moved_at)
    if now - backlog.looked_at >= LOOK_AT_SYSTEM:
        backlog.looked_at = now
        before, backlog.acknowledged = backlog.acknowledged, listener.acknowledged()
        if before is not None and before != backlog.acknowledged:
            backlog.alive_at = now
    return now - backlog.alive_at < TOO_LONG
