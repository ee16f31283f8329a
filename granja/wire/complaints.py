"""What strangers do wrong, in the log: a line a second at the most, however many they are."""

from __future__ import annotations

from typing import ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.reactor.clockwork import Timer

#: Seconds between two lines of the log.
PERIOD: Final = 1.0


class Complaints:
    """The first is written at once; of those that follow within a second, the last and how many.

    :param clock: says when the next line may be written.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._last = ""
        self._count = 0
        self._timer = Timer(clock, self._go_on)

    def note(self, sentence: str) -> None:
        """:param sentence: printable, and with no more of a stranger's words than are needed."""
        self._last = sentence
        self._count += 1
        if not self._timer.running:
            self._write()
            self._timer.start(PERIOD)

    def finish(self) -> None:
        """Write what has gathered, and wait for nothing more."""
        self._timer.stop()
        self._write()

    def _go_on(self) -> None:
        if self._count:
            self._write()
            self._timer.start(PERIOD)

    def _write(self) -> None:
        count, self._count = self._count, 0
        if count > 1:
            self.log.info("{sentence} (and {more} more)", sentence=self._last, more=count - 1)
        elif count:
            self.log.info("{sentence}", sentence=self._last)
