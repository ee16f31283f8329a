"""TLS whose peer may finish sending and still read.

RFC 8446 §6.1: a close_notify ends one direction only.  Twisted's TLS ends both when it comes, and
so loses the replies that are still to be written; plain TCP has ``IHalfCloseableProtocol`` for
that, and here TLS has it too (PROTOCOL §1, half-close).

And whose records leave with one ``send`` when nothing else waits.  Twisted's TLS gathers what is
written until the reactor's next turn, with a timer for each connection, and writes it to a
transport that asks the reactor twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL.SSL import Error, ZeroReturnError
from twisted.internet import tcp
from twisted.internet.interfaces import IHalfCloseableProtocol, IListeningPort, ITCPTransport
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from granja.reactor.records import MOST, Records, records


def close_by_halves(port: IListeningPort) -> None:
    """Let what listens at ``port``, if it is TLS, close each direction by itself."""
    factory = getattr(port, "factory", None)
    if isinstance(factory, TLSMemoryBIOFactory):
        factory.protocol = HalfClosingTLS


@implementer(IHalfCloseableProtocol)
class HalfClosingTLS(BufferingTLSTransport):
    """One connection.  A wrapped protocol that knows nothing of half-closing is closed as ever."""

    transport: ITCPTransport
    _peer_finished = False
    _records: Records
    #: How the transport below sends, if it is TCP.
    _send: Callable[[bytes | memoryview], int]

    def makeConnection(self, transport: Any) -> None:  # noqa: N802
        if isinstance(transport, tcp.Connection):
            self._send = transport.getHandle().send
        super().makeConnection(transport)

    def _checkHandshakeStatus(self) -> None:  # noqa: N802
        super()._checkHandshakeStatus()
        if self._handshakeDone:
            self._records = records(self._tlsConnection)

    # -- sending ---------------------------------------------------------------------------------

    def send(self, data: bytes | memoryview) -> int:
        """Say something in one go, if TLS is ready and has nothing else to say.

        Only while the transport below is idle.  What the socket does not take, that gets.

        :return: how many bytes that was: all, or none.
        """
        if self._has_to_wait() or len(data) > MOST:
            return 0
        try:
            sealed = self._records.seal(data)
        except Error:
            self._tlsShutdownFinished(Failure())
            return len(data)
        size = len(sealed)
        if not size:
            return 0
        try:
            sent = self._send(sealed)
        except OSError:
            sent = 0  # The transport finds out what it is, and says so in its own way.
        if sent != size:
            self.transport.write(bytes(sealed[sent:]))
        return len(data)

    def _has_to_wait(self) -> bool:
        gathered: Any = self._aggregator
        return bool(
            not self._handshakeDone
            or self._lostTLSConnection
            or self.disconnecting
            or self._appSendBuffer
            or gathered._buffer
        )

    # -- the two ends of a conversation ----------------------------------------------------------

    def readConnectionLost(self) -> None:  # noqa: N802
        """The peer has ended TCP in its direction, with or without a close_notify before.

        Who does so before the handshake is over can be told nothing any more.
        """
        if not self._handshakeDone or not self._finish_reading():
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:  # noqa: N802
        self.transport.abortConnection()

    def _finish_reading(self) -> bool:
        """Tell the wrapped protocol once; whether it wanted to know."""
        told: Any = self.wrappedProtocol
        if not IHalfCloseableProtocol.providedBy(told):
            return False
        if not self._peer_finished:
            self._peer_finished = True
            told.readConnectionLost()
        return True

    def _flushReceiveBIO(self) -> None:  # noqa: N802
        """As Twisted's, but for what a close_notify means."""
        while not self._lostTLSConnection and not self._peer_finished:
            try:
                data = self._records.open()
            except ZeroReturnError:
                if not self._finish_reading():
                    self._shutdownTLS()
                    self._tlsShutdownFinished(None)
            except Error:
                self._tlsShutdownFinished(Failure())
            else:
                if not data:
                    break
                if not self._aborted:
                    ProtocolWrapper.dataReceived(self, data)
        self._flushSendBIO()

    def _shutdownTLS(self) -> None:  # noqa: N802
        super()._shutdownTLS()
        if self._peer_finished:
            # A peer that ended TCP without a close_notify will not answer ours.
            self.transport.loseConnection()
