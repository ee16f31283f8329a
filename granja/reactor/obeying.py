"""Lines in turns: each finished before the next, and none while others have to be waited for."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime, ITCPTransport
from twisted.python.failure import Failure

from granja.reactor.clockwork import Timer

#: Why nothing is read: lines wait to be obeyed, or the server stops.  Others have their reasons.
LINES, STOPPING = "lines", "stopping"

#: Seconds that the lines of one connection may take before the others have their turn, and the
#: most lines, for a clock that stands still.
TURN = 0.002
MOST_IN_A_ROW = 200

L = TypeVar("L")
_Given = TypeVar("_Given", covariant=True)
_Taken = TypeVar("_Taken", contravariant=True)


class Lines(Protocol[_Given]):
    """What was read and not yet obeyed (:class:`granja.wire.inbox.Inbox`)."""

    ended: bool
    resting: bool
    wait: float

    @property
    def busy(self) -> bool: ...
    @property
    def more(self) -> bool: ...
    @property
    def reads(self) -> bool: ...
    @property
    def waiting(self) -> bool: ...
    def begin(self) -> None: ...
    def close(self) -> None: ...
    def done(self) -> None: ...
    def hold(self, reason: str) -> bool: ...
    def next(self, now: float) -> _Given | None: ...
    def release(self, reason: str) -> bool: ...


class Speaker(Protocol[_Taken]):
    """The connection whose lines they are.  ``over``: it obeys nothing more."""

    over: bool

    def lineReceived(self, line: _Taken) -> None:  # noqa: N802
        """Obey one line.  What takes time is handed to :meth:`Obeying.wait_for`."""

    def is_cut(self) -> bool:
        """Whether the other side has reset the connection."""

    def finish(self) -> None:
        """Write what was told, and close."""


class IFlow(ITCPTransport, IPushProducer):
    """What a connection must offer: TCP does, and so do TLS and the web's adapter."""


class Obeying(Generic[L]):
    """Obeys the lines of one connection, in order, and reads on when there is nothing left to do.

    :param muting: of the reasons of :meth:`hold`, those for which no line is obeyed either.
    """

    __slots__ = (
        "_flow",
        "_later",
        "_lines",
        "_muting",
        "_seconds",
        "_speaker",
        "_stopped",
        "_working",
    )

    def __init__(
        self,
        clock: IReactorTime,
        flow: IFlow,
        lines: Lines[L],
        speaker: Speaker[L],
        muting: Container[str],
    ) -> None:
        self._seconds = clock.seconds
        self._flow = flow
        self._lines = lines
        self._speaker = speaker
        self._muting = muting
        self._working = False
        self._stopped: Deferred[None] | None = None
        self._later = Timer(clock, self._go_on)

    def work(self) -> None:
        """Obey what waits, until a line takes time, the allowance is used up, or others are due."""
        if self._working:
            return
        self._working = True
        lines, seconds = self._lines, self._seconds
        now = seconds()
        enough = now + TURN
        for _ in range(MOST_IN_A_ROW):
            line = lines.next(now)
            if line is not None:
                self._speaker.lineReceived(line)
            elif not lines.more:
                break
            now = seconds()
            if now > enough:
                self._later.start(0)
                break
        else:
            self._later.start(0)
        self._working = False
        self._settle()

    def _go_on(self) -> None:
        # Whoever has reset the connection is not kept present by the lines that they left behind.
        if self._speaker.is_cut():
            self._flow.abortConnection()
        else:
            self.work()

    def _settle(self) -> None:
        """Read on when there is nothing left to do; close when there never will be."""
        lines = self._lines
        if self._speaker.over:
            return
        if lines.waiting:
            if lines.wait:
                self._later.start(lines.wait)
            self.hold(LINES)
        elif lines.busy:
            return  # Nothing waits for it: pausing and resuming would cost four system calls.
        elif lines.ended:
            self._speaker.finish()
        else:
            self.release(LINES)

    def wait_for(self, outcome: Deferred[None], failed: Callable[[Failure], None]) -> None:
        """The line that was obeyed last takes time: the next one waits for it.

        :param failed: says why, if it fails.
        """
        self._lines.begin()
        outcome.addErrback(failed).addBoth(self._done)

    def _done(self, _: object) -> None:
        self._lines.done()
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)
        if not self._lines.resting:  # mostly nothing has come meanwhile
            self.work()

    def stop(self) -> Deferred[None]:
        """Obey no further line, and read none.  Fires when the one under way is done."""
        self._lines.close()
        self.hold(STOPPING)
        self._stopped = Deferred()
        if not self._lines.busy:
            self._stopped.callback(None)
        return self._stopped

    def close(self) -> None:
        """The connection is over."""
        self._lines.close()
        self._later.stop()

    def hold(self, reason: str) -> None:
        """Read nothing until every reason is released."""
        if self._lines.hold(reason):
            self._flow.pauseProducing()

    def release(self, reason: str) -> None:
        if not self._lines.release(reason):
            return
        if self._lines.reads:
            self._flow.resumeProducing()
        if reason in self._muting:
            self.work()
