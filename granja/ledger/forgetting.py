"""Forgetting: removes the names of visitors who left long ago, day by day."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.clockwork.timer import Timer
from granja.ledger.interface import IForgetful, ILedger, LedgerError

#: Seconds between two looks.
DAY: Final = 86400.0


class Keeps(Protocol):
    """How long we keep names (:class:`granja.settings.Settings`)."""

    @property
    def keep_visitors(self) -> float:
        """Seconds after which we forget the name of a visitor who left."""


class Forgetting:
    """:param now: the time of day, in Unix seconds.
    :param settings: read again at each look.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self, clock: IReactorTime, now: Callable[[], float], ledger: ILedger, settings: Keeps
    ) -> None:
        self._now = now
        self._ledger = ledger
        self._settings = settings
        self._timer = Timer(clock, self._look)

    def start(self) -> None:
        """Look now, and once a day.  Some ledgers keep no names apart and have nothing to
        forget."""
        if IForgetful.providedBy(self._ledger):
            self._look()

    def stop(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        self._timer.start(DAY)
        before = self._now() - self._settings.keep_visitors
        forgotten = IForgetful(self._ledger).forget_visitors(before)
        forgotten.addCallbacks(self._say, self._not_now)

    def _say(self, count: int) -> None:
        if count:
            self.log.info("The names of {count} visitors who left are forgotten.", count=count)

    def _not_now(self, failure: Failure) -> None:
        """Try again tomorrow.  The ledger has logged why."""
        failure.trap(LedgerError)
