"""Timers: a timer has one call that waits, or none."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Timer:
    """Calls ``call`` when its time comes.  A new timer does not run.

    :param clock: the reactor, or a ``task.Clock``.
    """

    __slots__ = ("_call", "_clock", "_waiting")

    def __init__(self, clock: IReactorTime, call: Callable[[], object]) -> None:
        self._clock = clock
        self._call = call
        self._waiting: IDelayedCall | None = None

    @property
    def running(self) -> bool:
        return self._waiting is not None and self._waiting.active()

    def start(self, seconds: float) -> None:
        """Call after ``seconds``.  Nothing changes if the timer runs already."""
        if not self.running:
            self._waiting = self._clock.callLater(seconds, self._call)

    def start_within(self, seconds: float) -> None:
        """Call after ``seconds`` at the latest.  If the timer runs already and ends sooner, nothing
        changes.
        """
        waiting = self._waiting
        if waiting is not None and waiting.active():
            if waiting.getTime() <= self._clock.seconds() + seconds:
                return
            waiting.cancel()
        self._waiting = self._clock.callLater(seconds, self._call)

    def restart(self, seconds: float) -> None:
        """Call after ``seconds``, even if the timer runs already."""
        self.stop()
        self.start(seconds)

    def stop(self) -> float:
        """Stop the timer.

        :return: the seconds that were left, 0.0 if it did not run.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is None or not waiting.active():
            return 0.0
        left = waiting.getTime() - self._clock.seconds()
        waiting.cancel()
        return left


def after(clock: IReactorTime, seconds: float, call: Callable[[], object]) -> Timer:
    """A timer that runs."""
    timer = Timer(clock, call)
    timer.start(seconds)
    return timer


def stop(timer: Timer | None) -> float:
    """Stop a timer, if there is one.  Returns what :meth:`Timer.stop` does."""
    return 0.0 if timer is None else timer.stop()
