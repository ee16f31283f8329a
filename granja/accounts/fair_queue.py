"""A fair queue: slow work in a few threads of its own, and each network has its turn."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.threadpool import ThreadPool

from granja.contract.errors import TooManyWaiting

T = TypeVar("T")


@dataclass(eq=False, slots=True, repr=False)
class _Job:
    """``number``: counts the jobs.  It has no repr, because the work may hold a password."""

    work: Callable[[], Any]
    who: str
    number: int
    done: Deferred[Any] = field(default_factory=Deferred)


class Turns:
    """A queue in front of a small thread pool.

    Within a network, jobs go in the order of arrival.  Networks take turns: one that sends
    thousands delays each other network by only one job.

    :param reactor: gives the answers.
    :param threads: how many jobs run at a time.
    :param most: jobs that may wait.  For one more, we refuse the newest job of the network with the
        most jobs; of several such networks, the newest job of all.
    """

    def __init__(self, reactor: IReactorFromThreads, threads: int = 1, most: int = 2000) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, threads, "granja-passwords")
        self._free = threads
        self._threads = threads
        self._most = most
        self._waiting: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._count = 0
        self._taken = 0
        self._closed: Deferred[None] | None = None

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._count

    def take(self, work: Callable[[], T], who: str) -> Deferred[T]:
        """Run ``work`` in a thread when its turn comes.

        If you cancel the Deferred, a job that has not begun leaves the queue.

        :param who: the network, or somebody else who takes turns with the networks.
        :returns: fires with the result; fails with :class:`TooManyWaiting` or with the work's
            error.
        """
        if self._closed is not None:
            return fail(TooManyWaiting())
        self._taken += 1
        job = _Job(work, who, self._taken)
        job.done = Deferred(lambda _: self._drop(job))
        self._waiting.setdefault(who, deque()).append(job)
        self._count += 1
        if self._count > self._most:
            self._refuse_one()
        self._advance()
        return job.done

    def close(self) -> Deferred[None]:
        """Refuse the jobs that wait, finish those that run, and end the threads."""
        if self._closed is None:
            self._closed = Deferred()
            for jobs in list(self._waiting.values()):
                for job in list(jobs):
                    job.done.cancel()
            self._end_if_idle()
        return self._closed if not self._closed.called else succeed(None)

    def _refuse_one(self) -> None:
        crowd = max(self._waiting.values(), key=lambda jobs: (len(jobs), jobs[-1].number))
        newest = crowd[-1]
        self._drop(newest)
        newest.done.errback(TooManyWaiting())

    def _drop(self, job: _Job) -> None:
        jobs = self._waiting.get(job.who)
        if jobs is not None and job in jobs:
            jobs.remove(job)
            self._count -= 1
            if not jobs:
                del self._waiting[job.who]

    def _advance(self) -> None:
        while self._free and self._waiting:
            who, jobs = next(iter(self._waiting.items()))
            job = jobs[0]
            self._drop(job)
            if who in self._waiting:
                self._waiting.move_to_end(who)
            self._begin(job)

    def _begin(self, job: _Job) -> None:
        self._free -= 1
        if not self._pool.started:
            self._pool.start()
        self._pool.callInThreadWithCallback(
            lambda _, result: self._reactor.callFromThread(self._finish, job, result), job.work
        )

    def _finish(self, job: _Job, result: object) -> None:
        self._free += 1
        if not job.done.called:  # It is called already if somebody cancelled it.
            job.done.callback(result)  # A Failure works too.
        self._advance()
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._closed is None or self._closed.called or self._free < self._threads:
            return
        if self._pool.started:
            self._pool.stop()  # This does not block, because its threads do nothing.
        self._closed.callback(None)
