"""TLS whose peer may finish sending and still read.

A close_notify ends only one direction (RFC 8446 §6.1).  Twisted's TLS ends both directions then,
and so loses the replies that are not written yet.  For plain TCP Twisted has
``IHalfCloseableProtocol``.  Here TLS has it too (PROTOCOL §1, half-close).

These connections also send their records with one ``send`` when nothing else waits.  Twisted's
usual TLS collects bytes until the reactor's next turn, with a timer for each connection.  Then it
writes to a transport that asks the reactor twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL.SSL import Error, ZeroReturnError
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IListeningPort,
    IProtocol,
    ITCPTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from granja.reactor.records import Records, records


def close_by_halves(port: IListeningPort, changed: Callable[[], None]) -> None:
    """Let a TLS port close each direction by itself.  Other ports stay as they are.

    :param changed: called when a connection has ended its handshake, and when it is gone.
    """

    def protocol(factory: TLSMemoryBIOFactory, wrapped: IProtocol) -> HalfClosingTLS:
        return HalfClosingTLS(factory, wrapped, changed)

    factory: Any = getattr(port, "factory", None)
    if isinstance(factory, TLSMemoryBIOFactory):
        factory.protocol = protocol  # type: ignore[assignment]


@implementer(IHalfCloseableProtocol)
class HalfClosingTLS(TLSMemoryBIOProtocol):
    """One connection.  If its protocol cannot half-close, it closes as Twisted's TLS does."""

    transport: ITCPTransport
    _peer_finished = False
    _records: Records | None = None

    def __init__(
        self, factory: TLSMemoryBIOFactory, wrapped: IProtocol, changed: Callable[[], None]
    ) -> None:
        super().__init__(factory, wrapped)
        self._changed = changed

    @property
    def records(self) -> Records:
        """OpenSSL's part.  It is ready as soon as bytes may go to it at once."""
        # Twisted makes the connection of OpenSSL, and uses it, in one method.
        if self._records is None:
            self._records = records(self._tlsConnection)
        return self._records

    # -- sending ---------------------------------------------------------------------------------

    def broken(self) -> None:
        """End the connection because of the present exception: OpenSSL cannot go on."""
        self._tlsShutdownFinished(Failure())

    def _flushSendBIO(self) -> None:  # noqa: N802
        data = self.records.own()
        if data:
            self.transport.write(data)

    def _bufferedWrite(self, octets: bytes) -> None:  # noqa: N802
        self._send_no_more()
        super()._bufferedWrite(octets)

    # -- receiving -------------------------------------------------------------------------------

    def _checkHandshakeStatus(self) -> None:  # noqa: N802
        super()._checkHandshakeStatus()
        if self._handshakeDone:
            self._flushSendBIO()
            self.records.shrink()
            self._changed()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """The same as Twisted's, which asks pyOpenSSL."""
        self.records.put(data)
        if not self._handshakeDone:
            self._checkHandshakeStatus()
        if self._handshakeDone:
            if not self.records.ready:
                self._get_ready()
            self._flushReceiveBIO()

    def _get_ready(self) -> None:
        """Write what had to wait for OpenSSL."""
        if self._appSendBuffer:
            self._unbufferPendingWrites()
        waits = self._appSendBuffer or self.disconnecting or self._lostTLSConnection
        self.records.ready = not waits

    # -- the two ends of a conversation ----------------------------------------------------------

    def loseConnection(self) -> None:  # noqa: N802
        self._send_no_more()
        super().loseConnection()

    def abortConnection(self) -> None:  # noqa: N802
        self._send_no_more()
        super().abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self._send_no_more()
        super().connectionLost(reason)
        self._records = None  # It holds OpenSSL's memory.
        self._changed()

    def _tlsShutdownFinished(self, reason: Failure | None) -> None:  # noqa: N802
        self._send_no_more()
        super()._tlsShutdownFinished(reason)

    def _send_no_more(self) -> None:
        """Leave the rest to Twisted's own ways, which know about the end."""
        if self._records is not None:
            self._records.ready = False

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
                data = self.records.open()
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
