"""Whoever may not come in: they hear why, in the form that their connection speaks, and no more."""

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
    """In the place of a conversation.  What is received is dropped.

    ``carrier`` may be set before the connection is made; or ``encode``, for a connection that
    speaks something that no conversation does.

    :param refusal: the only line that is said.
    :param seeing_off: ends the connection, also of those who do not read or do not close.
    """

    transport: Any

    def __init__(self, refusal: Message, seeing_off: SeeingOff) -> None:
        self.carrier: Carrier = PLAIN
        self.encode: Callable[[Message], bytes] | None = None
        self._refusal = refusal
        self._seeing_off = seeing_off

    def connectionMade(self) -> None:  # noqa: N802
        encode = self.encode or self.carrier.encode
        # On a connection of data it is line number 1, and the last.
        last_words = numbered(encode(self._refusal).split(MARK), 1)
        self._seeing_off.see_off(self.transport, last_words)

    def acknowledged(self) -> int | None:
        """Nobody asks how far somebody has read who is shown the door."""
        return None

    def readConnectionLost(self) -> None:  # noqa: N802
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:  # noqa: N802
        """The last words are on their way; the peer has a moment to hear them and to close."""

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self._seeing_off.forget(self.transport)
