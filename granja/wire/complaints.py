"""What strangers do wrong, in the log: a line a second at the most, however many they are."""

from __future__ import annotations

from typing import ClassVar, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

#: Seconds between two lines of the log.
PERIOD: Final = 1.0


class Complaints:
    """The first is written at once; of those that follow within a second, the last and how many.

    :param clock: says when the next line may be written.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._last = ""
        self._count = 0
        self._later: IDelayedCall | None = None

    def note(self, sentence: str) -> None:
        """:param sentence: printable, and with no more of a stranger's words than are needed."""
        self._last = sentence
        self._count += 1
        if self._later is None:
            self._write()
            self._later = self._clock.callLater(PERIOD, self._go_on)

    def finish(self) -> None:
        """Write what has gathered, and wait for nothing more."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._write()

    def _go_on(self) -> None:
        self._later = None
        if self._count:
            self._write()
            self._later = self._clock.callLater(PERIOD, self._go_on)

    def _write(self) -> None:
        count, self._count = self._count, 0
        if count > 1:
            self.log.info("{sentence} (and {more} more)", sentence=self._last, more=count - 1)
        elif count:
            self.log.info("{sentence}", sentence=self._last)
