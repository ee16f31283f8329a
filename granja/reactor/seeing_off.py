"""Connections that are turned away: they hear why, and then they are gone, however they behave."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any, Final

from twisted.internet import tcp
from twisted.internet.interfaces import IReactorTime

from granja.reactor.clockwork import Timer

#: Seconds that somebody who is turned away has for hearing it.
PATIENCE: Final = 3.0
#: Connections that are being turned away at a time; for one more, the first is cut.
MOST: Final = 16


class SeeingOff:
    """:param clock: for those who do not go."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._leaving: OrderedDict[Any, Timer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._leaving)

    def see_off(self, transport: Any, last_words: bytes) -> None:
        """Say the last words and close.  Nothing of what comes meanwhile may be kept.

        When the connection is gone, :meth:`forget` has to be called.
        """
        if len(self._leaving) == MOST:
            self._cut(next(iter(self._leaving)))
        self._leaving[transport] = timer = Timer(self._clock, partial(self._cut, transport))
        timer.start(PATIENCE)
        transport.write(last_words)
        if hasattr(transport, "close_for_now"):
            transport.close_for_now()
        elif isinstance(transport, tcp.Connection) and not transport.TLS:
            # To close while there is something unread would reset the connection, and the peer's
            # system might throw the last words away.
            transport.loseWriteConnection()
        else:
            transport.loseConnection()

    def forget(self, transport: Any) -> None:
        """The connection is gone."""
        timer = self._leaving.pop(transport, None)
        if timer is not None:
            timer.stop()

    def close(self) -> None:
        """Wait for nobody any more."""
        for transport in list(self._leaving):
            self._cut(transport)

    def _cut(self, transport: Any) -> None:
        self.forget(transport)
        transport.abortConnection()
