"""TLS whose peer may finish sending and still read.

RFC 8446 §6.1: a close_notify ends one direction only.  Twisted's TLS ends both when it comes, and
so loses the replies that are still to be written; plain TCP has ``IHalfCloseableProtocol`` for
that, and here TLS has it too (PROTOCOL §1, half-close).
"""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import Error, WantReadError, ZeroReturnError
from twisted.internet.interfaces import IHalfCloseableProtocol, IListeningPort, ITCPTransport
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer


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
                data = self._tlsConnection.recv(2**15)
            except WantReadError:
                break
            except ZeroReturnError:
                if not self._finish_reading():
                    self._shutdownTLS()
                    self._tlsShutdownFinished(None)
            except Error:
                self._tlsShutdownFinished(Failure())
            else:
                if not self._aborted:
                    ProtocolWrapper.dataReceived(self, data)
        self._flushSendBIO()

    def _shutdownTLS(self) -> None:  # noqa: N802
        super()._shutdownTLS()
        if self._peer_finished:
            # A peer that ended TCP without a close_notify will not answer ours.
            self.transport.loseConnection()
