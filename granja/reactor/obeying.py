"""Obeys lines in turns: one line after the other, and none while this client must wait."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime, ITCPTransport
from twisted.python.failure import Failure

from granja.clockwork.timer import Timer, stop

#: Two reasons to read nothing: lines wait, or the server stops.  Other modules have more.
LINES, STOPPING = "lines", "stopping"

#: Seconds that the lines of one connection may take before others have their turn.  The most lines
#: in a turn matter only if the clock stands still.
TURN = 0.002
MOST_IN_A_ROW = 200

L = TypeVar("L")
_Given = TypeVar("_Given", covariant=True)
_Taken = TypeVar("_Taken", contravariant=True)


class Lines(Protocol[_Given]):
    """The lines that were read and not yet obeyed (:class:`granja.wire.inbox.Inbox`)."""

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
    """The connection that sent the lines.  ``over``: it obeys nothing more."""

    over: bool

    def lineReceived(self, line: _Taken) -> None:  # noqa: N802
        """Obey one line.  A line that takes time goes to :meth:`Obeying.wait_for`."""

    def is_cut(self) -> bool:
        """Whether the peer has reset the connection."""

    def finish(self) -> None:
        """Write what the client was told, and close."""


class IFlow(ITCPTransport, IPushProducer):
    """What a connection must offer.  TCP does, and TLS and the web's adapter do too."""


class Obeying(Generic[L]):
    """Obeys the lines of one connection in order, and reads more when none wait.

    :param muting: the reasons of :meth:`hold` that also stop lines from being obeyed.
    """

    __slots__ = (
        "_clock",
        "_flow",
        "_later",
        "_lines",
        "_muting",
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
        self._clock = clock
        self._flow = flow
        self._lines = lines
        self._speaker = speaker
        self._muting = muting
        self._working = False
        self._stopped: Deferred[None] | None = None
        self._later: Timer | None = None  # Most connections never need one.

    def work(self) -> None:
        """Obey lines until none waits, one takes time, the rate ends, or this turn is over."""
        if self._working:
            return
        self._working = True
        lines, seconds = self._lines, self._clock.seconds
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
                self._work_in(0)
                break
        else:
            self._work_in(0)
        self._working = False
        self._settle()

    def _work_in(self, seconds: float) -> None:
        if self._later is None:
            self._later = Timer(self._clock, self._go_on)
        self._later.start(seconds)

    def _go_on(self) -> None:
        # After a reset nobody is there.  Old lines must not keep the farmer in the chat.
        if self._speaker.is_cut():
            self._flow.abortConnection()
        else:
            self.work()

    def _settle(self) -> None:
        """Read more if no line waits; close if no line can come any more."""
        lines = self._lines
        if self._speaker.over:
            return
        if lines.waiting:
            if lines.wait:
                self._work_in(lines.wait)
            self.hold(LINES)
        elif lines.busy:
            return  # Pausing and resuming costs four system calls, and no line waits.
        elif lines.ended:
            self._speaker.finish()
        else:
            self.release(LINES)

    def wait_for(self, outcome: Deferred[None], failed: Callable[[Failure], None]) -> None:
        """Make the next line wait: the line that was obeyed last takes time.

        :param outcome: fires when that line is done.
        :param failed: reports the failure, if it fails.
        """
        self._lines.begin()
        outcome.addErrback(failed).addBoth(self._done)

    def _done(self, _: object) -> None:
        self._lines.done()
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)
        if not self._lines.resting:  # Usually nothing has come in the meantime.
            self.work()

    def stop(self) -> Deferred[None]:
        """Stop obeying and reading lines.

        :return: fires when the line that is being obeyed is done.
        """
        self._lines.close()
        self.hold(STOPPING)
        self._stopped = Deferred()
        if not self._lines.busy:
            self._stopped.callback(None)
        return self._stopped

    def close(self) -> None:
        """Forget the lines: the connection is over."""
        self._lines.close()
        stop(self._later)

    def hold(self, reason: str) -> None:
        """Read nothing until all reasons are released."""
        if self._lines.hold(reason):
            self._flow.pauseProducing()

    def release(self, reason: str) -> None:
        if not self._lines.release(reason):
            return
        if self._lines.reads:
            self._flow.resumeProducing()
        if reason in self._muting:
            self.work()
