"""Counts the descriptors of connections, and closes the door before none are left.

Without a free descriptor the server cannot accept anybody, so a new client hears nothing.  It
cannot open a file either, such as one that the ledger needs.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet import tcp
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory

#: Descriptors that we keep from connections: for files, ports and clients that we turn away.
RESERVE: Final = 64
#: The part of the reserve for connections beyond the most.  They only hear that there is no room.
TURNED_AWAY: Final = 24


@dataclass
class Descriptors:
    """``held``: by connections now.  ``most``: that connections may hold; None for no limit."""

    held: int = 0
    most: int | None = None

    def exceeded(self, by: int = 0) -> bool:
        """Whether the connections hold over ``by`` descriptors more than they may."""
        return self.most is not None and self.held > self.most + by


def for_connections() -> int | None:
    """How many descriptors of this process connections may hold; None for no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else max(soft - RESERVE, 0)


def count_descriptors(port: IListeningPort, descriptors: Descriptors) -> None:
    """Count each connection that comes in at ``port``, until it closes."""
    if isinstance(port, tcp.Port):
        port.factory = _Counting(port.factory, descriptors)
        port.transport = _counted(port.transport, descriptors)


def answers_at(port: tcp.Port) -> object:
    """The factory that answers at this port, also if we count its connections."""
    factory = port.factory
    return factory.answers if isinstance(factory, _Counting) else factory


def _counted(kind: type[tcp.Server], descriptors: Descriptors) -> type[tcp.Server]:
    class Counted(kind):  # type: ignore[valid-type, misc]
        """Gives its place back once, when the socket is closed."""

        _holds = True

        def connectionLost(self, reason: Any) -> None:  # noqa: N802
            if self._holds:
                self._holds = False
                descriptors.held -= 1
            super().connectionLost(reason)

    _know_early(Counted)
    return Counted


#: Attributes that a connection gets late: when written bytes have to wait, or a producer comes.
_LATE: Final = ("producer", "streamingProducer", "producerPaused", "dataBuffer", "offset")


def _know_early(kind: type[tcp.Server]) -> None:
    """Put these names into the table that the connections of this kind share.

    Objects of a class share one table of their attributes' names.  Python adds names to it only
    while there are few objects.  An object with another name gets a whole table of its own, at a
    cost of 600 bytes.  That would be each farmer who comes by WebSocket or by TLS.
    """
    first = kind.__new__(kind)
    for name in _LATE:
        setattr(first, name, getattr(kind, name))


class _Counting(Factory):
    """:param answers: the factory that answers while there is room."""

    noisy = False

    def __init__(self, answers: Any, descriptors: Descriptors) -> None:
        self.answers = answers
        self._descriptors = descriptors

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802
        """Build a protocol if there is room; None closes the connection at once."""
        descriptors = self._descriptors
        descriptors.held += 1
        protocol = None if descriptors.exceeded(TURNED_AWAY) else self.answers.buildProtocol(addr)
        if protocol is None:
            descriptors.held -= 1
        return protocol

    def doStop(self) -> None:  # noqa: N802
        self.answers.doStop()
