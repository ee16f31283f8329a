"""The schedule: which groups the board writes to, and when.

In a round each group with something to hear has its turn.  The reactor reads between two turns, so
the last group hears the newest talk.  There is a gap between two rounds if there is much to do.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from granja.board.batch import FLUSH_AT
from granja.board.group import Group
from granja.board.pacing import Pacing, Patience
from granja.clockwork.stopwatch import Stopwatch

#: Seconds of writing before the reactor reads: at least, and at most.
TURN: Final = 0.002
LONGEST_TURN: Final = 0.01
#: How long talk may wait under load.  Each line then waits longer, and costs less, because writes
#: are larger.  More than 10 ms would gain nothing (docs/performance/choices.md).
TALK: Final = Patience(0.72, 0.01)
#: The same for news of who comes and goes: a crowd that arrives needs the time for arriving.
NEWS: Final = Patience(6.0, 0.25)


class Schedule:
    """:param clock: gives the reactor's ticks.
    :param time: measures durations, in seconds.
    :param flush: writes what waits for a group.
    :param flushing: counts how long that takes when there is talk.
    """

    def __init__(
        self,
        clock: IReactorTime,
        time: Callable[[], float],
        flush: Callable[[Group[Any]], None],
        flushing: Stopwatch,
    ) -> None:
        self._clock = clock
        self._time = time
        self._flush = flush
        self._flushing = flushing
        self._pacing = Pacing(time)
        self._due: dict[Group[Any], None] = {}
        self._round: dict[Group[Any], None] = {}
        self._took = 0.0
        self._writing = False
        self._patient = False
        # By hand, and no Timer: every line asks whether a call waits, and a turn asks how late its
        # own call came.
        self._call: IDelayedCall | None = None

    def due(self, group: Group[Any]) -> None:
        """Note that ``group`` has something to write."""
        self._due[group] = None
        if self._call is None or self._patient or group.gathered >= FLUSH_AT:
            self._look(group)

    def drop(self, group: Group[Any]) -> None:
        self._due.pop(group, None)
        self._round.pop(group, None)

    def finish(self) -> None:
        """Write everything now."""
        self._write([*self._round, *self._due])

    def _look(self, group: Group[Any]) -> None:
        if self._writing:
            return  # The write looks for more when it is done.
        if group.gathered >= FLUSH_AT:
            self._write([group])
        elif self._call is None:
            self._call_next(self._once_more)
        elif not group.batch.patient:
            self._call.cancel()
            self._call_next(self._once_more)

    def _call_next(self, at_once: Callable[[], None]) -> None:
        """Plan the next turn.

        :param at_once: what to call if no gap is needed.
        """
        first = next(iter(self._round or self._due))
        self._patient = not self._round and all(group.batch.patient for group in self._due)
        if self._round or not first.batch.entries:
            # Private lines gain nothing from a gap: more of them are more writes.
            self._call = self._clock.callLater(0, self._turn)
        else:
            delay = self._pacing.delay(NEWS if self._patient else TALK)
            self._call = self._clock.callLater(delay, self._turn if delay else at_once)

    def _once_more(self) -> None:
        """Let the reactor read once more what is there now, without waiting."""
        self._call = self._clock.callLater(0, self._turn)

    def _turn(self) -> None:
        """Write to the next groups, until others must have their turn.

        Writing may take as long as this turn was late, because others took that time.  So talk
        keeps its half of the time while hundreds trade.  When nobody else works, the reactor reads
        soon.
        """
        if not self._round:
            self._round, self._due = self._due, {}
        late = self._clock.seconds() - self._call.getTime() if self._call is not None else 0.0
        self._write(list(self._round), min(TURN + max(late, 0.0), LONGEST_TURN))

    def _write(self, groups: list[Group[Any]], seconds: float = inf) -> None:
        if self._writing:
            return
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None
        until = self._time() + seconds
        self._writing = True
        try:
            for group in groups:
                self.drop(group)
                if self._write_group(group) > until:
                    break
        finally:
            self._writing = False
            self._go_on()

    def _go_on(self) -> None:
        if self._took and not self._round:
            self._pacing.flushed(self._took)
            self._took = 0.0
        if self._round or self._due:
            self._call_next(self._turn)  # The reactor reads before it calls.

    def _write_group(self, group: Group[Any]) -> float:
        """Flush one group.

        :return: the time at the end.
        """
        began, talk = self._time(), bool(group.batch.entries)
        self._flush(group)
        ended = self._time()
        if talk:
            took = max(0.0, ended - began)
            self._took += took
            self._flushing.add(took)
        return ended
