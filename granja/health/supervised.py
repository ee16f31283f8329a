"""A server under a supervisor.  The supervisor hears how it is, and restarts it if it is silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.clockwork.timer import Timer


class Supervisor(Protocol):
    """The supervisor (:class:`granja.reactor.supervisor.Supervisor`).

    ``patience``: seconds of silence after which it takes the process for dead.
    """

    patience: float | None

    def tell(self, *fields: str) -> None: ...


class Supervised:
    """Tells that the server is ready, rereads or stops; and again and again that it is alive.

    :param alive: fires with whether the server answers at its own door.  If not, we say nothing.
    """

    log = Logger()

    def __init__(
        self, clock: IReactorTime, supervisor: Supervisor, alive: Callable[[], Deferred[bool]]
    ) -> None:
        self._clock = clock
        self._supervisor = supervisor
        self._alive = alive
        self._timer = Timer(clock, self._look)

    def started(self) -> None:
        """Tell that the server listens."""
        self._supervisor.tell("READY=1")
        self._wait()

    def rereading(self) -> None:
        """Tell that the server reads its configuration again, until :meth:`reread`."""
        now = int(self._clock.seconds() * 1e6)
        self._supervisor.tell("RELOADING=1", f"MONOTONIC_USEC={now}")

    def reread(self) -> None:
        self._supervisor.tell("READY=1")

    def stopping(self) -> None:
        self._timer.stop()
        self._supervisor.tell("STOPPING=1")

    def _wait(self) -> None:
        if self._supervisor.patience is not None:
            self._timer.start(self._supervisor.patience / 3)

    def _look(self) -> None:
        self._wait()
        self._alive().addCallbacks(self._say, self._say_nothing)

    def _say(self, alive: bool) -> None:
        if alive:
            self._supervisor.tell("WATCHDOG=1")
        else:
            self.log.warn("Nobody answers at the server's own door.")

    def _say_nothing(self, failure: object) -> None:
        self.log.warn("The server cannot look whether it answers: {why}.", why=failure)
