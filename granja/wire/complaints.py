"""Logs what strangers do wrong: one line each, but no flood, even from many strangers."""

from __future__ import annotations

from typing import ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.reactor.clockwork import Timer
from granja.wire.rate import Rate, TokenBucket

#: How many lines a second, and how many at once.
PACE: Final = Rate(1.0, 20)


class Complaints:
    """Writes complaints at once, as long as :data:`PACE` allows it.  Of the complaints that come
    faster, it writes the last one of each second and how many there were.

    :param clock: says when the next line may be written.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._last = ""
        self._count = 0
        self._seconds = clock.seconds
        self._pace = TokenBucket(PACE, clock.seconds())
        self._timer = Timer(clock, self._go_on)

    def note(self, sentence: str) -> None:
        """Write a complaint, now or when the second is over.

        :param sentence: printable text, with as few of a stranger's words as possible.
        """
        self._last = sentence
        self._count += 1
        if not self._timer.running:
            self._go_on()

    def finish(self) -> None:
        """Write the complaints that wait, and stop."""
        self._timer.stop()
        self._write()

    def _go_on(self) -> None:
        wait = self._pace.wait(self._seconds())
        if wait:
            self._timer.start(wait)
        else:
            self._write()

    def _write(self) -> None:
        count, self._count = self._count, 0
        if count > 1:
            self.log.info("{sentence} (and {more} more)", sentence=self._last, more=count - 1)
        elif count:
            self.log.info("{sentence}", sentence=self._last)
