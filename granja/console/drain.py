"""Draining: nobody new comes in, and the process ends when nobody is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.clockwork.timer import Timer

#: Seconds between two looks at who is left.
LOOK: Final = 1.0


class Counted(Protocol):
    def count_here(self) -> int:
        """How many are in the chat at this node."""


class Drained(Protocol):
    """A farm.  ``draining``: nobody comes in except with a pass."""

    clock: IReactorTime
    draining: bool

    @property
    def roster(self) -> Counted: ...


class Drain:
    """:param end: ends the process properly."""

    log: ClassVar[Logger] = Logger()

    def __init__(self, farm: Drained, end: Callable[[], None]) -> None:
        self._farm = farm
        self._end = end
        self._timer = Timer(farm.clock, self._look)

    def start(self) -> None:
        if not self._farm.draining:
            self.log.info("Nobody else comes in; the server ends when nobody is left.")
        self._farm.draining = True
        self._timer.start(LOOK)

    def stop(self) -> bool:
        """Let people in again.

        :return: whether the farm was drained.
        """
        drained, self._farm.draining = self._farm.draining, False
        self._timer.stop()
        if drained:
            self.log.info("People may come in again.")
        return drained

    def _look(self) -> None:
        if self._farm.roster.count_here():
            self._timer.start(LOOK)
        else:
            self.log.info("Nobody is left.")
            self._end()
