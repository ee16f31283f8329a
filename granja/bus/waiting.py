"""Requests that wait for their answers."""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from granja.bus.interface import NoAnswer
from granja.clockwork.timer import Timer, after


class Waiting:
    """Each request has a number.  An answer that comes too late finds no request."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._last = 0
        self._requests: dict[int, tuple[Deferred[bytes], Timer]] = {}

    def begin(self, seconds: float) -> tuple[int, Deferred[bytes]]:
        """Begin a request.  It fails with NoAnswer after so many seconds."""
        self._last += 1
        late = partial(self.fail, self._last, NoAnswer("nobody answered in time"))
        answer: Deferred[bytes] = Deferred()
        self._requests[self._last] = (answer, after(self._clock, seconds, late))
        return self._last, answer

    def succeed(self, number: int, data: bytes) -> None:
        """Give the answer to its request."""
        answer = self._take(number)
        if answer is not None:
            answer.callback(data)

    def fail(self, number: int, why: NoAnswer) -> None:
        """End a request that will get no answer."""
        answer = self._take(number)
        if answer is not None:
            answer.errback(why)

    def give_up(self) -> None:
        """End all requests: the bus is lost."""
        for number in list(self._requests):
            self.fail(number, NoAnswer("the bus is away"))

    def _take(self, number: int) -> Deferred[bytes] | None:
        answer, timer = self._requests.pop(number, (None, None))
        if timer is not None:
            timer.stop()
        return answer
