"""The journal: who came and went, in the server's log.

When a crowd comes, a log line for each farmer would take as long as letting them in.  So comings
and goings within a second share one line.  A line about one farmer has the fields ``event``,
``farmer``, ``address`` and ``port``.  A line about several has these in a list, ``events``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.clockwork.timer import Timer
from granja.people.incidents import Peer
from granja.text.printable import printable

#: Seconds between two log lines.
PERIOD: Final = 1.0


#: What we know about a coming or going.
Fields = dict[str, Any]


def _fields(event: str, farmer: object, peer: Peer) -> Fields:
    return {"event": event, "farmer": str(farmer), "address": peer.address, "port": peer.port}


class Journal:
    """:param clock: says when the next line may be written."""

    log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._gathered: list[tuple[str, Fields]] = []
        self._not_before = 0.0
        self._timer = Timer(clock, self._write)

    def arrived(self, farmer: object, peer: Peer) -> None:
        """Log who came: now, or in the next line if there was a line just before."""
        sentence = f"{printable(str(farmer))} arrived from {peer.address}"
        self._note(sentence, _fields("arrived", farmer, peer))

    def left(self, farmer: object, peer: Peer) -> None:
        """Log who went."""
        self._note(f"{printable(str(farmer))} left", _fields("left", farmer, peer))

    def paused(self, farmer: object, peer: Peer) -> None:
        """Log who lost the connection; we expect them back."""
        self._note(f"{printable(str(farmer))} lost the line", _fields("paused", farmer, peer))

    def resumed(self, farmer: object, peer: Peer) -> None:
        """Log who came back with a pass before their lingering was over."""
        sentence = f"{printable(str(farmer))} came back from {peer.address}"
        self._note(sentence, _fields("resumed", farmer, peer))

    def _note(self, sentence: str, fields: Fields) -> None:
        self._gathered.append((sentence, fields))
        if not self._timer.running:
            wait = self._not_before - self._clock.seconds()
            if wait <= 0:
                self._write()
            else:
                self._timer.start(min(wait, PERIOD))

    def finish(self) -> None:
        """Write what waits."""
        if self._timer.running:
            self._timer.stop()
            self._write()

    def _write(self) -> None:
        gathered, self._gathered = self._gathered, []
        events = [fields for _, fields in gathered]
        fields = events[0] if len(events) == 1 else {"events": events}
        self.log.info("{sentences}", sentences="; ".join(s for s, _ in gathered), **fields)
        self._not_before = self._clock.seconds() + PERIOD
