"""TLS whose peer may finish sending and still read.

A close_notify ends only one direction (RFC 8446 §6.1).  Twisted's TLS ends both directions then,
and so loses the replies that are not written yet.  For plain TCP Twisted has
``IHalfCloseableProtocol``.  Here TLS has it too (PROTOCOL §1, half-close).

These connections also send their records with one ``send`` when nothing else waits.  Twisted's TLS
collects bytes until the reactor's next turn, with a timer for each connection.  Then it writes to a
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
    """Let a TLS port close each direction by itself.  Other ports stay as they are."""
    factory = getattr(port, "factory", None)
    if isinstance(factory, TLSMemoryBIOFactory):
        factory.protocol = HalfClosingTLS


@implementer(IHalfCloseableProtocol)
class HalfClosingTLS(BufferingTLSTransport):
    """One connection.  If its protocol cannot half-close, it closes as Twisted's TLS does."""

    transport: ITCPTransport
    _peer_finished = False
    _records: Records
    #: The ``send`` of the transport below, if that is TCP.
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
        """Send bytes now, if TLS is ready and has nothing else to send.

        Call this only while the transport below is idle.  That transport gets the bytes that the
        socket does not take.

        :return: how many bytes were taken: all or none.
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
            sent = 0  # The transport will find the error and report it in its own way.
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
        """The peer has ended TCP in its direction, with or without a close_notify.

        A peer that does so before the end of the handshake can hear nothing more.
        """
        if not self._handshakeDone or not self._finish_reading():
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:  # noqa: N802
        self.transport.abortConnection()

    def _finish_reading(self) -> bool:
        """Tell the wrapped protocol, once.

        :return: whether that protocol can half-close.
        """
        told: Any = self.wrappedProtocol
        if not IHalfCloseableProtocol.providedBy(told):
            return False
        if not self._peer_finished:
            self._peer_finished = True
            told.readConnectionLost()
        return True

    def _flushReceiveBIO(self) -> None:  # noqa: N802
        """The same as Twisted's, except for a close_notify."""
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
            # This peer may have ended TCP without a close_notify.  It will not answer ours.
            self.transport.loseConnection()
