"""The thread that writes a ledger, for any engine: jobs go in, answers go to the reactor."""

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
from granja.ledger.pseudonyms import NameRow
from granja.market.facts import Fact

#: Why nothing more is stored, if no better reason is known.
UNKNOWN = "whether the last write is stored is not known"


@dataclass(eq=False, slots=True)
class Append:
    """Facts that wait to be stored.  ``head``: the end of the chain after them."""

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
class Forget:
    """Names to forget.  ``is_meant``: chooses the rows.  ``beside``: also forget beside the chain.

    ``done`` fires with the number of names as soon as no byte of them is left.
    """

    is_meant: Callable[[NameRow], bool]
    beside: bool
    done: Deferred[int] = field(default_factory=Deferred)


@dataclass(eq=False, slots=True)
class Close:
    """The last job: close."""

    done: Deferred[None] = field(default_factory=Deferred)


class Answerable(Protocol):
    """A job whose answer somebody waits for."""

    @property
    def done(self) -> Deferred[int]: ...


J = TypeVar("J")


class WriterThread(Generic[J]):
    """Takes jobs from any thread, and does them in its own thread.  The engine defines ``_run``.

    :param reactor: gives the answers.
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
        """Take a job, from any thread.  The thread does jobs in the order in which they came."""
        self._queue.put(job)

    # -- all below happens in the thread -----------------------------------------------------

    def _run(self) -> None:
        """Do all jobs, up to a :class:`Close`."""
        raise NotImplementedError

    def _waiting(self, seconds: float | None = None) -> list[J]:
        """All jobs that wait, up to a :class:`Close`.

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
        """Halt.

        :return: the reason that later appends hear: the first one.
        """
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
        """Report that they are stored, in one turn of the reactor for all of them."""
        self._reactor.callFromThread(_succeed, appends)

    def _answer(self, call: Callable[[Any], None], value: object) -> None:
        self._reactor.callFromThread(call, value)


def _succeed(appends: Sequence[Append]) -> None:
    for job in appends:
        job.done.callback(job.head.sequence)
