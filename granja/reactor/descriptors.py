"""How many descriptors the connections hold, and the door that closes before there are none left.

Without it the accept fails when there are none: whoever comes then hears nothing, and nothing else
can be opened either, such as a file that the ledger needs.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet import tcp
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory

#: Descriptors that are not for connections: files, ports, and who is being turned away.
RESERVE: Final = 64
#: Of the reserve: connections beyond the most, which only hear that there is no room.
TURNED_AWAY: Final = 24


@dataclass
class Descriptors:
    """``held``: by connections.  ``most``: they may hold; None for any number."""

    held: int = 0
    most: int | None = None

    def exceeded(self, by: int = 0) -> bool:
        """Whether the connections hold more than so many above what they may."""
        return self.most is not None and self.held > self.most + by


def for_connections() -> int | None:
    """How many descriptors of this process connections may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else max(soft - RESERVE, 0)


def count_descriptors(port: IListeningPort, descriptors: Descriptors) -> None:
    """Count whoever comes in at ``port`` for as long as their connection is open."""
    if isinstance(port, tcp.Port):
        port.factory = _Counting(port.factory, descriptors)
        port.transport = _counted(port.transport, descriptors)


def answers_at(port: tcp.Port) -> object:
    """The factory that answers there, whoever counts before it."""
    factory = port.factory
    return factory.answers if isinstance(factory, _Counting) else factory


def _counted(kind: type[tcp.Server], descriptors: Descriptors) -> type[tcp.Server]:
    class Counted(kind):  # type: ignore[valid-type, misc]
        """Lets go of its place once, when the socket is closed."""

        _holds = True

        def connectionLost(self, reason: Any) -> None:  # noqa: N802
            if self._holds:
                self._holds = False
                descriptors.held -= 1
            super().connectionLost(reason)

    return Counted


class _Counting(Factory):
    """:param answers: while there is room."""

    noisy = False

    def __init__(self, answers: Any, descriptors: Descriptors) -> None:
        self.answers = answers
        self._descriptors = descriptors

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802
        """None closes the connection at once."""
        descriptors = self._descriptors
        descriptors.held += 1
        protocol = None if descriptors.exceeded(TURNED_AWAY) else self.answers.buildProtocol(addr)
        if protocol is None:
            descriptors.held -= 1
        return protocol

    def doStop(self) -> None:  # noqa: N802
        self.answers.doStop()
