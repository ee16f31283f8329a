"""The inbox: the bytes of one connection in, the next line that may be obeyed out.

It has no transport and no clock, so it is tried by feeding it.  Everything that decides whether a
line may be obeyed is in this file:

========  ==============================================  ===========================
state     what it means                                   what ends it
========  ==============================================  ===========================
resting   nothing waits: the next byte begins a line      ``feed``
waiting   lines wait for their turn or for the rate       ``next`` has taken them all
busy      a line is being obeyed                          ``done``
muted     what was read waits: others must read first     ``release`` of the reason
ended     no more bytes come; what waits is still obeyed  nothing
closed    no further line is obeyed                       nothing
========  ==============================================  ===========================

``resting`` is a field, because it is asked for each line; the others follow from what is held here.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from granja.wire.lines import LineSplitter, TooLong
from granja.wire.plain import plain_line, plain_talk
from granja.wire.rate import Rate, TokenBucket
from granja.wire.telnet import IAC, Telnet, TelnetHandler

#: Bytes that are split into lines at a time: as lines, short ones take ten times their bytes.
SLICE: Final = 4096
#: The same of who speaks telnet: its commands are of two bytes.
TELNET_SLICE: Final = 512

#: A line; one that was too long; or a telnet command that is answered in its place.
Line = bytes | TooLong | int


class Inbox:
    """:param max_line: the most bytes of a line without its end.
    :param rate: None for no limit.
    :param now: seconds on the clock that the other methods will get.
    :param handler: hears what the client negotiates.
    :param muting: the reasons of :meth:`hold` for which nothing is obeyed either.
    """

    __slots__ = (
        "_bucket",
        "_busy",
        "_handler",
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
        handler: TelnetHandler,
        muting: frozenset[str] = frozenset(),
    ) -> None:
        self.max_line = max_line
        self._bucket = TokenBucket(rate, now) if rate is not None else None
        self._handler = handler
        self._muting = muting
        # What most connections never need is made when it is needed: ten thousand are idle.
        self.telnet: Telnet | None = None
        self._splitter = LineSplitter(max_line)
        self._raw = b""
        self._lines: deque[Line] | tuple[()] = ()
        self._held: frozenset[str] = frozenset()
        self._busy = False
        self.ended = False
        self.closed = False
        #: Whether the next byte begins a line that may be obeyed at once, but for the rate.
        self.resting = True
        #: Seconds until the rate allows the next line; 0.0 if it is not that which is waited for.
        self.wait = 0.0

    def allow(self, rate: Rate | None, now: float) -> None:
        """From here on it may speak so fast, and begins as somebody who has just come."""
        self._bucket = TokenBucket(rate, now) if rate is not None else None

    def _look(self) -> None:
        """Every event ends here."""
        waits = self._busy or self._lines or self._raw or self._splitter.partial
        stopped = self.closed or self.ended or self._held
        self.resting = not (waits or stopped or self.telnet)

    # -- bytes in ------------------------------------------------------------------------------

    def plain(self, data: bytes, now: float) -> str | None:
        """What comes most often, on its shortest way: the clean line that ``data`` is.

        None, and nothing has happened, for everything else.
        """
        if not self.resting:
            return None
        line = plain_line(data, self.max_line)
        if line is None or (self._bucket is not None and self._bucket.wait(now)):
            return None
        return line

    def feed(self, data: bytes) -> None:
        """What one read of the connection gave."""
        if self.closed:
            return
        if self.telnet is None and IAC in data:
            self.telnet = Telnet(self._handler, in_place=self._mark)
        self._raw = self._raw + data if self._raw else data
        self._look()

    def _mark(self, command: int, data: bytes) -> None:
        """A telnet command is answered behind the lines that came before it."""
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
        """All the whole lines that wait, if they are plain talk and the rate allows them all.

        Only for who is in the chat.  What is left is the beginning of a line.

        :returns: what :func:`granja.wire.plain.plain_talk` does.
        """
        if self._busy or self._lines or self.muted or self.telnet is not None:
            return None
        if self._raw.find(b"\n", 0, -1) < 0:
            return None  # One line at the most: the other way is as fast.
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

        None when there is none: then :attr:`more` says whether to ask again at once, and
        :attr:`wait` whether the rate is in the way.
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
        if self._bucket is not None:
            self.wait = self._bucket.wait(now)
            if self.wait:
                return None
        return self._lines.popleft()

    @property
    def more(self) -> bool:
        """Whether what was read has not all been looked at, and may be."""
        return bool(self._raw or self._lines) and not (
            self._busy or self.closed or self.muted or self.wait
        )

    @property
    def waiting(self) -> bool:
        """Whether something that was read still waits."""
        return bool(self._lines or self._raw)

    @property
    def busy(self) -> bool:
        """Whether a line is being obeyed."""
        return self._busy

    def _split(self) -> None:
        """Make lines of a part of what was read: the rest is looked at in a later turn."""
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
        """The line that was taken last takes time; the next one waits for it."""
        self._busy, self.resting = True, False

    def done(self) -> None:
        """It has been obeyed."""
        self._busy = False
        self._look()

    # -- reasons to wait -----------------------------------------------------------------------

    @property
    def muted(self) -> bool:
        """Whether lines that were read have to wait for others."""
        return bool(self._held) and not self._held.isdisjoint(self._muting)

    def hold(self, reason: str) -> bool:
        """Read nothing more until ``reason`` is released.  Returns whether it is the first one."""
        first = not self._held
        self._held |= {reason}
        self.resting = False
        return first

    def release(self, reason: str) -> bool:
        """Returns whether there was such a reason."""
        if reason not in self._held:
            return False
        self._held -= {reason}
        self._look()
        return True

    @property
    def reads(self) -> bool:
        """Whether more is to be read."""
        # After a half-close there is nothing to read but the end, again and again.
        return not self._held and not self.ended
