"""Connections that may not come in: they hear why, in the form that they speak, and nothing
else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from granja.contract.messages import Message
from granja.reactor.seeing_off import SeeingOff
from granja.wire.encodings import MARK, PLAIN, Carrier, numbered


@implementer(IHalfCloseableProtocol)
class TurnedAway(Protocol):
    """Takes the place of a conversation, and ignores everything that it receives.

    Set ``carrier`` before the connection is made; or ``encode``, if the connection speaks in a form
    that no conversation has.

    :param refusal: the only line that it says.
    :param seeing_off: ends the connection, even if the peer does not read or does not close.
    """

    transport: Any

    def __init__(self, refusal: Message, seeing_off: SeeingOff) -> None:
        self.carrier: Carrier = PLAIN
        self.encode: Callable[[Message], bytes] | None = None
        self._refusal = refusal
        self._seeing_off = seeing_off

    def connectionMade(self) -> None:  # noqa: N802
        encode = self.encode or self.carrier.encode
        # On a connection that speaks data, this line has the number 1 and is the last one.
        last_words = numbered(encode(self._refusal).split(MARK), 1)
        self._seeing_off.see_off(self.transport, last_words)

    def acknowledged(self) -> int | None:
        """None: nobody asks this of a connection that we turn away."""
        return None

    def readConnectionLost(self) -> None:  # noqa: N802
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:  # noqa: N802
        """Wait: the last words are on their way, and the peer has a moment to hear them."""

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self._seeing_off.forget(self.transport)
