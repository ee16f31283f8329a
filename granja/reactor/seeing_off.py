"""Turns connections away: they hear why, and then they are gone, even if they do not cooperate."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any, Final

from twisted.internet import tcp
from twisted.internet.interfaces import IReactorTime

from granja.clockwork.timer import Timer, after, stop

#: Seconds that a connection has to hear why we turn it away.
PATIENCE: Final = 3.0
#: Connections that we turn away at a time.  For one more, we cut the first.
MOST: Final = 16


class SeeingOff:
    """:param clock: for the connections that do not close."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._leaving: OrderedDict[Any, Timer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._leaving)

    def see_off(self, transport: Any, last_words: bytes) -> None:
        """Say the last words and close.  Nobody may keep what still comes in.

        Call :meth:`forget` when the connection is gone.
        """
        if len(self._leaving) == MOST:
            self._cut(next(iter(self._leaving)))
        cut = partial(self._cut, transport)
        self._leaving[transport] = after(self._clock, PATIENCE, cut)
        transport.write(last_words)
        if hasattr(transport, "close_for_now"):
            transport.close_for_now()
        elif isinstance(transport, tcp.Connection) and not transport.TLS:
            # If we close with unread bytes, the system resets the connection.  The peer's system
            # might then throw the last words away.
            transport.loseWriteConnection()
        else:
            transport.loseConnection()

    def forget(self, transport: Any) -> None:
        """Stop the timer: the connection is gone."""
        stop(self._leaving.pop(transport, None))

    def close(self) -> None:
        """Cut everybody: the server stops."""
        for transport in list(self._leaving):
            self._cut(transport)

    def _cut(self, transport: Any) -> None:
        self.forget(transport)
        transport.abortConnection()
