"""The journal: who came and went, in the log of the server.

When a crowd comes, a line of the log for each of them would take as long as letting them in; then
a second's worth of comings and goings is one line.  A line about one of them has the fields
``event``, ``farmer``, ``address`` and ``port``; one about several has them in a list, ``events``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.people.incidents import Peer
from granja.reactor.clockwork import Timer
from granja.text.printable import printable

#: Seconds between two lines of the log.
PERIOD: Final = 1.0


#: What is known of a coming or going.
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
        """Put on record who came: at once, or in the next line if there was one just now."""
        sentence = f"{printable(str(farmer))} arrived from {peer.address}"
        self._note(sentence, _fields("arrived", farmer, peer))

    def left(self, farmer: object, peer: Peer) -> None:
        """Put on record who went."""
        self._note(f"{printable(str(farmer))} left", _fields("left", farmer, peer))

    def paused(self, farmer: object, peer: Peer) -> None:
        """Put on record whose line dropped; they are expected back."""
        self._note(f"{printable(str(farmer))} lost the line", _fields("paused", farmer, peer))

    def resumed(self, farmer: object, peer: Peer) -> None:
        """Put on record who came back with a pass before they had left."""
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
        """Write what has gathered."""
        if self._timer.running:
            self._timer.stop()
            self._write()

    def _write(self) -> None:
        gathered, self._gathered = self._gathered, []
        events = [fields for _, fields in gathered]
        fields = events[0] if len(events) == 1 else {"events": events}
        self.log.info("{sentences}", sentences="; ".join(s for s, _ in gathered), **fields)
        self._not_before = self._clock.seconds() + PERIOD
