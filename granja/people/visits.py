"""The journal: who came and went, in the log of the server.

When a crowd comes, a line of the log for each of them would take as long as letting them in; then
a second's worth of comings and goings is one line.
"""

from __future__ import annotations

from typing import ClassVar, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

#: Seconds between two lines of the log.
PERIOD: Final = 1.0


class Journal:
    """:param clock: says when the next line may be written."""

    log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._gathered: list[str] = []
        self._not_before = 0.0
        self._later: IDelayedCall | None = None

    def note(self, sentence: str) -> None:
        """Put a sentence on record: at once, or in the next line if there was one just now."""
        self._gathered.append(sentence)
        if self._later is None:
            wait = self._not_before - self._clock.seconds()
            if wait <= 0:
                self._write()
            else:
                self._later = self._clock.callLater(min(wait, PERIOD), self._write)

    def finish(self) -> None:
        """Write what has gathered."""
        if self._later is not None:
            self._later.cancel()
            self._write()

    def _write(self) -> None:
        gathered, self._gathered, self._later = self._gathered, [], None
        self.log.info("{sentences}", sentences="; ".join(gathered))
        self._not_before = self._clock.seconds() + PERIOD
