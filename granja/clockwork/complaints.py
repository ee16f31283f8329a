"""What strangers do wrong, in the log: at most one line a second, however many strangers."""

from __future__ import annotations

from typing import ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.clockwork.timer import Timer

#: Seconds between two lines in the log.
PERIOD: Final = 1.0


class Complaints:
    """Writes the first complaint at once.  Of the complaints that follow within a second, it writes
    the last one and how many there were: no stranger fills the log.

    :param clock: says when the next line may be written.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._last = ""
        self._count = 0
        self._timer = Timer(clock, self._go_on)

    def note(self, sentence: str) -> None:
        """Write a complaint, now or when the second is over.

        :param sentence: printable text, with as few of a stranger's words as possible.
        """
        self._last = sentence
        self._count += 1
        if not self._timer.running:
            self._write()
            self._timer.start(PERIOD)

    def finish(self) -> None:
        """Write the complaints that wait, and stop."""
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
