"""Tells slow readers from clients that are gone, where the kernel cannot.

``TCP_USER_TIMEOUT`` ends the connection of a peer that acknowledges nothing (tcp(7)).  But it also
ends one whose window stays closed, or too narrow for a packet, although that peer answers every
probe.  That is somebody who reads slowly.  So this module gives such a peer more time, as long as
bytes wait for it and it answers.  A peer that does not answer is gone.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

from twisted.internet import tcp
from twisted.internet.interfaces import IReactorTime

from granja.clockwork.timer import after
from granja.reactor.sockets import SILENCE, account_of

#: Seconds between two rounds of looks.
PERIOD: Final = 10.0
#: Connections that we look at in one go.
SLICE: Final = 64
#: Seconds of more time at each look: three times the time until the next look.
MORE_TIME: Final = 30.0


class Vigil:
    """Looks at all connections now and then, some at a time.

    :param connections: gives all connections.
    """

    def __init__(self, clock: IReactorTime, connections: Callable[[], Iterable[Any]]) -> None:
        self._clock = clock
        self._connections = connections
        self._round: list[Any] = []
        #: Since when something has waited for a connection: as of the last round, and of this one.
        self._waited: dict[Any, float] = {}
        self._waiting: dict[Any, float] = {}
        self._timer = after(clock, PERIOD, self._go_on)

    def stop(self) -> None:
        """Stop looking."""
        self._timer.stop()

    def _go_on(self) -> None:
        if not self._round:
            self._waited, self._waiting = self._waiting, {}
            self._round = list(self._connections())
        some, self._round = self._round[-SLICE:], self._round[:-SLICE]
        for connection in some:
            if isinstance(connection, tcp.Connection) and connection.connected:
                self._look(connection)
        self._timer.start(0 if self._round else PERIOD)

    def _look(self, connection: tcp.Connection) -> None:
        account = account_of(connection)
        if account is None:
            return
        since = self._waited.get(connection)
        if account.heard >= SILENCE and (account.in_flight or account.unanswered):
            connection.abortConnection()
        elif account.unsent:
            now = self._clock.seconds()
            since = self._waiting[connection] = now if since is None else since
            _grant(connection, max(SILENCE, now - since + MORE_TIME))
        elif since is not None:
            _grant(connection, SILENCE)


def _grant(connection: tcp.Connection, seconds: float) -> None:
    handle = connection.getHandle()
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * seconds))
