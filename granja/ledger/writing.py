"""The thread that writes a ledger, whatever its engine: jobs go in, and answers to the reactor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from granja.contract.ids import FarmerId
from granja.ledger.chain import Head
from granja.ledger.interface import Kept, LedgerError
from granja.market.facts import Fact

#: Why nothing more is stored, if nothing better is known.
UNKNOWN = "whether the last write is stored is not known"


@dataclass(eq=False, slots=True)
class Append:
    """Facts that wait to be stored.  ``head`` is where the chain ends once they are."""

    facts: Sequence[Fact]
    after: int
    credentials: Mapping[FarmerId, str]
    kept: Sequence[Kept]
    time: float
    done: Deferred[int] = field(default_factory=Deferred)
    head: Head = field(default_factory=Head)


@dataclass(eq=False, slots=True)
class Checkpoint:
    """A state of the market that waits to be stored."""

    state: dict[str, Any]
    sequence: int


@dataclass(eq=False, slots=True)
class Close:
    """The last job."""

    done: Deferred[None] = field(default_factory=Deferred)


class Answerable(Protocol):
    """A job that somebody waits for."""

    @property
    def done(self) -> Deferred[int]: ...


J = TypeVar("J")


class WriterThread(Generic[J]):
    """Takes jobs from any thread, and does them in its own: ``_run``, which an engine has.

    :param reactor: where answers are given.
    :param log: of the engine.
    """

    def __init__(self, reactor: IReactorFromThreads, log: Logger) -> None:
        self._reactor = reactor
        self._log = log
        self._queue: SimpleQueue[J] = SimpleQueue()
        self._halted: str | None = None
        self._thread = Thread(target=self._run, name="granja-ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, job: J) -> None:
        """Take a job, from any thread.  Jobs are done in the order in which they came."""
        self._queue.put(job)

    # -- all below happens in the thread -----------------------------------------------------

    def _run(self) -> None:
        """Do all jobs, up to a :class:`Close`."""
        raise NotImplementedError

    def _waiting(self, seconds: float | None = None) -> list[J]:
        """All that waits, up to a :class:`Close`.

        :param seconds: how long to wait for the first; then there may be none.  None: for ever.
        """
        try:
            jobs = [self._queue.get(timeout=seconds)]
        except Empty:
            return []
        try:
            while not isinstance(jobs[-1], Close):
                jobs.append(self._queue.get_nowait())
        except Empty:
            pass
        return jobs

    def _halt(self, why: str, what: str = UNKNOWN) -> str:
        """The reason that later appends will hear: the first one."""
        if self._halted is None:
            self._halted = f"{what} ({why})"
            self._log.critical(
                "The ledger has halted: {why}. Nothing is traded until the server is restarted.",
                why=self._halted,
            )
        return self._halted

    def _refuse(self, jobs: Iterable[Answerable], error: LedgerError) -> None:
        for job in jobs:
            self._answer(job.done.errback, error)

    def _accept(self, appends: Sequence[Append]) -> None:
        """They are stored: one turn of the reactor hears of all of them."""
        self._reactor.callFromThread(_succeed, appends)

    def _answer(self, call: Callable[[Any], None], value: object) -> None:
        self._reactor.callFromThread(call, value)


def _succeed(appends: Sequence[Append]) -> None:
    for job in appends:
        job.done.callback(job.head.sequence)
