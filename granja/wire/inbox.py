"""The inbox: bytes of one connection go in, and the next line that may be obeyed comes out.

It has no transport and no clock, so a test only has to feed it.  Everything that decides whether a
line may be obeyed is in this file:

========  ==============================================  ===========================
state     what it means                                   what ends it
========  ==============================================  ===========================
resting   nothing waits: the next byte begins a line      ``feed``
waiting   lines wait for their turn or for the rate       ``next`` has taken them all
busy      the server obeys a line                         ``done``
muted     the lines that it has read wait for others      ``release`` of the reason
ended     no more bytes come; what waits is still obeyed  nothing
closed    the server obeys no further line                nothing
========  ==============================================  ===========================

``resting`` is a field, because every line asks for it.  The other states follow from the fields.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from granja.wire.lines import LineSplitter, TooLong
from granja.wire.plain import plain_line, plain_talk
from granja.wire.rate import Rate, TokenBucket
from granja.wire.telnet import AYT, DO, IAC, TIMING_MARK, Command, Telnet

#: Bytes that we split into lines at a time: as lines, short ones take ten times their bytes.
SLICE: Final = 4096
#: The same for a client that speaks telnet: its commands have two bytes.
TELNET_SLICE: Final = 512

#: A line, or the mark for one that was too long, or a telnet command that we answer in its place.
Line = bytes | TooLong | Command

#: The commands that count as lines.  Other commands are only how a client begins.
_COUNTED: Final = ((AYT, 0), (DO, TIMING_MARK))


class Inbox:
    """:param max_line: the most bytes of a line without its end.
    :param rate: None for no limit.
    :param now: seconds on the clock that the other methods will get.
    :param muting: the reasons of :meth:`hold` that also stop lines from being obeyed.
    """

    __slots__ = (
        "_bucket",
        "_busy",
        "_held",
        "_lines",
        "_muting",
        "_raw",
        "_splitter",
        "closed",
        "ended",
        "max_line",
        "resting",
        "telnet",
        "wait",
    )

    def __init__(
        self,
        max_line: int,
        rate: Rate | None,
        now: float,
        muting: frozenset[str] = frozenset(),
    ) -> None:
        self.max_line = max_line
        self._bucket = TokenBucket(rate, now) if rate is not None else None
        self._muting = muting
        # Most connections never need these, and ten thousand are idle: we make them when needed.
        self.telnet: Telnet | None = None
        self._splitter = LineSplitter(max_line)
        self._raw = b""
        self._lines: deque[Line] | tuple[()] = ()
        self._held: frozenset[str] = frozenset()
        self._busy = False
        self.ended = False
        self.closed = False
        #: Whether the next byte begins a line that may be obeyed at once (the rate decides later).
        self.resting = True
        #: Seconds until the rate allows the next line; 0.0 if nothing waits for the rate.
        self.wait = 0.0

    def allow(self, rate: Rate | None, now: float) -> None:
        """From now on the client may speak this fast.  It begins with a full allowance."""
        self._bucket = TokenBucket(rate, now) if rate is not None else None

    def _look(self) -> None:
        """Find out whether the inbox rests.  Every event ends here."""
        waits = self._busy or self._lines or self._raw or self._splitter.partial
        stopped = self.closed or self.ended or self._held
        self.resting = not (waits or stopped or self.telnet)

    # -- bytes in ------------------------------------------------------------------------------

    def plain(self, data: bytes, now: float) -> str | None:
        """The clean line that ``data`` is.  This is the short way for the most usual case.

        :return: None for everything else; the inbox has then changed nothing.
        """
        if not self.resting:
            return None
        line = plain_line(data, self.max_line)
        if line is None or (self._bucket is not None and self._bucket.wait(now)):
            return None
        return line

    def feed(self, data: bytes) -> None:
        """Take the bytes of one read."""
        if self.closed:
            return
        if self.telnet is None and IAC in data:
            self.telnet = Telnet(in_place=self._mark)
        self._raw = self._raw + data if self._raw else data
        self._look()

    def _mark(self, command: Command, data: bytes) -> None:
        """Put a telnet command behind the lines before it.  We answer it in that order."""
        lines = self._some_lines()
        lines.extend(self._splitter.feed(data))
        lines.append(command)

    def end(self) -> None:
        """No more bytes come."""
        self.ended = True
        self._look()

    def close(self) -> None:
        """Obey no further line."""
        self.closed = True
        self._lines, self._raw = (), b""
        self._look()

    # -- lines out -----------------------------------------------------------------------------

    def talk(self, now: float) -> bytes | None:
        """All whole lines that wait, if they are plain talk and the rate allows them all.

        Call this only for a farmer who is in the chat.  The beginning of the next line stays here.

        :return: as :func:`granja.wire.plain.plain_talk`.
        """
        if self._busy or self._lines or self.muted or self.telnet is not None:
            return None
        if self._raw.find(b"\n", 0, -1) < 0:
            return None  # At most one line: ``next`` is as fast.
        begun = self._splitter.take_back()
        if begun is None:
            return None
        data = self._raw = begun + self._raw if begun else self._raw
        end = data.rfind(b"\n") + 1
        lines = plain_talk(data[:end], self.max_line)
        if lines is None:
            return None
        if self._bucket is not None and not self._bucket.take(lines.count(b"\n") + 1, now):
            return None
        self._raw = data[end:]
        self._look()
        return lines

    def next(self, now: float) -> Line | None:
        """The next line that may be obeyed now.

        :return: None when there is none.  Then :attr:`more` says whether to ask again at once, and
            :attr:`wait` says whether the rate is the reason.
        """
        self.wait = 0.0
        if self._busy or self.closed or self.muted:
            return None
        if not self._lines and self._raw:
            self._split()
        if not self._lines:
            self._lines = ()
            self._look()
            return None
        if self._bucket is not None and _counts(self._lines[0]):
            self.wait = self._bucket.wait(now)
            if self.wait:
                return None
        return self._lines.popleft()

    @property
    def more(self) -> bool:
        """Whether some input waits, and ``next`` may look at it now."""
        return bool(self._raw or self._lines) and not (
            self._busy or self.closed or self.muted or self.wait
        )

    @property
    def waiting(self) -> bool:
        """Whether some input still waits."""
        return bool(self._lines or self._raw)

    @property
    def busy(self) -> bool:
        """Whether a line is being obeyed."""
        return self._busy

    def _split(self) -> None:
        """Make lines of a part of the input.  A later call looks at the rest."""
        size = SLICE if self.telnet is None else TELNET_SLICE
        data, self._raw = self._raw[:size], self._raw[size:]
        if self.telnet is not None:
            data = self.telnet.feed(data)
        found = self._splitter.feed(data)
        if found:
            self._some_lines().extend(found)

    def _some_lines(self) -> deque[Line]:
        if not isinstance(self._lines, deque):
            self._lines = deque()
        return self._lines

    def begin(self) -> None:
        """The server begins to obey the line that it took last.  The next line waits."""
        self._busy, self.resting = True, False

    def done(self) -> None:
        """The server has obeyed that line."""
        self._busy = False
        self._look()

    # -- reasons to wait -----------------------------------------------------------------------

    @property
    def muted(self) -> bool:
        """Whether the lines that we have read must wait for others."""
        return bool(self._held) and not self._held.isdisjoint(self._muting)

    def hold(self, reason: str) -> bool:
        """Read nothing more until ``reason`` is released.

        :return: whether this is the first reason.
        """
        first = not self._held
        self._held |= {reason}
        self.resting = False
        return first

    def release(self, reason: str) -> bool:
        """Forget a reason of :meth:`hold`.

        :return: whether there was such a reason.
        """
        if reason not in self._held:
            return False
        self._held -= {reason}
        self._look()
        return True

    @property
    def reads(self) -> bool:
        """Whether the connection may be read."""
        # After a half-close a read gives only the end, again and again.
        return not self._held and not self.ended


def _counts(line: Line) -> bool:
    """Whether the rate counts it."""
    return not isinstance(line, tuple) or line in _COUNTED
