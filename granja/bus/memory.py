"""A bus between several nodes in one process.  A test can cut it, slow it, and make it lose."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from granja.bus.interface import PATIENCE, Answer, Hear, NoAnswer
from granja.bus.waiting import Waiting


class Exchange:
    """The common part of the buses of one farm.

    :param clock: delivers in its ticks, never within a call.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.clock = clock
        self.buses: list[MemoryBus] = []

    def bus(self) -> MemoryBus:
        """Make a bus for one more node."""
        made = MemoryBus(self)
        self.buses.append(made)
        return made


class MemoryBus:
    """A node's end of an :class:`Exchange`.

    ``delay``: seconds until a message arrives here.  ``to_lose``: how many of the next messages to
    here get lost.  ``published``: how many messages this node has published.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.up = False
        self.delay = 0.0
        self.to_lose = 0
        self.published = 0
        self._exchange = exchange
        self._hear: dict[str, Hear] = {}
        self._answer: dict[str, Answer] = {}
        self._changed: list[Callable[[bool], None]] = []
        self._waiting = Waiting(exchange.clock)
        self._free = 0.0
        self._life = 0

    # -- what happens to it ----------------------------------------------------------------------

    def cut(self) -> None:
        """Take the bus away.  Messages on their way to here are lost."""
        if self.up:
            self.up = False
            self._life += 1
            self._waiting.give_up()
            self._tell(False)

    def mend(self) -> None:
        """Bring the bus back."""
        if not self.up:
            self.up = True
            self._tell(True)

    def _tell(self, up: bool) -> None:
        for changed in self._changed:
            changed(up)

    # -- a bus -----------------------------------------------------------------------------------

    def open(self) -> None:
        self.mend()

    def close(self) -> Deferred[None]:
        self._changed.clear()
        self.cut()
        return succeed(None)

    def watch(self, changed: Callable[[bool], None]) -> None:
        self._changed.append(changed)

    def publish(self, subject: str, data: bytes) -> None:
        self.published += 1
        if self.up:
            for other in self._exchange.buses:
                if other is not self and subject in other._hear:
                    other._receive(partial(other._heard, subject, data))

    def subscribe(self, subject: str, hear: Hear) -> None:
        self._hear[subject] = hear

    def answer(self, subject: str, answer: Answer) -> None:
        self._answer[subject] = answer

    def withdraw(self, subject: str) -> None:
        self._hear.pop(subject, None)
        self._answer.pop(subject, None)

    def request(self, subject: str, data: bytes, seconds: float = PATIENCE) -> Deferred[bytes]:
        number, answer = self._waiting.begin(seconds)
        others = (
            bus
            for bus in self._exchange.buses
            if bus is not self and subject in bus._answer and bus.up
        )
        other = next(others, None) if self.up else None
        if other is None:
            self._waiting.fail(number, NoAnswer("nobody is there"))
        else:
            other._receive(partial(other._asked, self, number, subject, data))
        return answer

    # -- what arrives ----------------------------------------------------------------------------

    def _receive(self, arrive: Callable[[], None]) -> None:
        """Deliver later, after everything that is on its way to here."""
        if not self.up:
            return
        if self.to_lose:
            self.to_lose -= 1
            return
        now = self._exchange.clock.seconds()
        self._free = max(self._free, now + self.delay)
        self._exchange.clock.callLater(self._free - now, self._arrived, self._life, arrive)

    def _arrived(self, life: int, arrive: Callable[[], None]) -> None:
        if life == self._life:
            arrive()

    def _heard(self, subject: str, data: bytes) -> None:
        if subject in self._hear:
            self._hear[subject](data)

    def _asked(self, asker: MemoryBus, number: int, subject: str, data: bytes) -> None:
        if subject in self._answer:
            answer = self._answer[subject](data)
            if isinstance(answer, Deferred):
                answer.addCallback(partial(self._give, asker, number))
            else:
                self._give(asker, number, answer)

    def _give(self, asker: MemoryBus, number: int, answer: bytes) -> None:
        asker._receive(partial(asker._waiting.succeed, number, answer))
