"""Gives memory back to the system after many connections by TLS have come or gone.

A handshake needs some 25 KiB for a moment.  When a thousand are under way at once, the connections
that stay have their memory between those pieces.  So the C library keeps the pieces for later, and
the process stays twice as large as it must be (docs/performance/doors.md).  The C library gives
them back only when somebody asks for it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IReactorTime

from granja.clockwork.timer import Timer

#: So many connections leave enough pieces: some MiB.
MANY: Final = 100
#: Seconds after that.  While a crowd arrives, this is also the time between two trims: each takes
#: some milliseconds.
PAUSE: Final = 10.0


def trim() -> None:
    """Give free memory back.  Only glibc can; with other C libraries this does nothing."""
    library: Any = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


class Heap:
    """:param clock: says when.
    :param trim: gives the memory back.
    """

    def __init__(self, clock: IReactorTime, trim: Callable[[], None] = trim) -> None:
        self._trim = trim
        self._timer = Timer(clock, self._tidy)
        self._changes = 0
        self._stopped = False

    def changed(self) -> None:
        """A connection has ended its handshake, or is gone."""
        self._changes += 1
        if self._changes >= MANY and not self._stopped:
            self._timer.start(PAUSE)

    def stop(self) -> None:
        """Do nothing more."""
        self._stopped = True
        self._timer.stop()

    def _tidy(self) -> None:
        self._changes = 0
        self._trim()
