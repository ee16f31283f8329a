"""The transport that a conversation sees when it speaks over a WebSocket."""

from __future__ import annotations

from typing import Final, Protocol

from twisted.internet.interfaces import IAddress, IConsumer, IPushProducer, ITransport
from zope.interface import implementer

from granja.web.backpressure import Emptied, Gauge
from granja.web.frames import CloseReason


class Wire(Protocol):
    """The transport below: TCP or TLS."""

    def write(self, data: bytes) -> None: ...
    def loseConnection(self) -> None: ...  # noqa: N802
    def abortConnection(self) -> None: ...  # noqa: N802
    def pauseProducing(self) -> None: ...  # noqa: N802
    def resumeProducing(self) -> None: ...  # noqa: N802
    def getHost(self) -> IAddress: ...  # noqa: N802
    def getPeer(self) -> IAddress: ...  # noqa: N802
    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None: ...  # noqa: N802
    def unregisterProducer(self) -> None: ...  # noqa: N802


class Frames(Emptied, Protocol):
    """The WebSocket."""

    def close(self, code: CloseReason) -> None:
        """Say Close with this code, and close the wire when that is answered."""


#: Bytes of lines that may wait while we read on, because pings may come behind them.
MOST_WAITING: Final = 1 << 18


@implementer(ITransport, IConsumer, IPushProducer)
class WebSocketTransport:
    """The transport of a :class:`FarmerProtocol`.

    :param peer: the address that the farm sees at the other end; None for the real one.
    """

    __slots__ = (
        *("_frames", "_full", "_paused", "_peer", "_waiting", "_wire"),
        *("behind", "disconnecting", "gauge"),
    )

    def __init__(self, frames: Frames, wire: Wire, peer: IAddress | None) -> None:
        self._frames = frames
        self._peer = peer
        self._wire = wire
        self.gauge = Gauge(frames)
        self.disconnecting = False
        self.behind = False
        self._paused = self._full = False
        self._waiting = 0

    def write(self, data: bytes) -> None:
        """Write whole frames.  After our Close we write nothing more."""
        if not self.disconnecting:
            self._wire.write(data)

    def writeSequence(self, data: list[bytes]) -> None:  # type: ignore[override]  # noqa: N802
        self.write(b"".join(data))

    def loseConnection(self) -> None:  # noqa: N802
        self._frames.close(CloseReason.NORMAL_CLOSURE)

    def close_for_now(self) -> None:
        """Close, and tell a client that it may come again later."""
        self._frames.close(CloseReason.TRY_AGAIN_LATER)

    def abortConnection(self) -> None:  # noqa: N802
        self._wire.abortConnection()

    def getPeer(self) -> IAddress:  # noqa: N802
        return self._wire.getPeer() if self._peer is None else self._peer

    def getHost(self) -> IAddress:  # noqa: N802
        return self._wire.getHost()

    # -- reading ---------------------------------------------------------------------------------

    @property
    def transport(self) -> Wire:
        """The transport below the frames."""
        return self._wire

    @property
    def reading(self) -> bool:
        return not (self._full or self.behind)

    def pauseProducing(self) -> None:  # noqa: N802
        """Let lines wait.  We still read for a while, because pings may come behind them."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        self._paused, self._waiting = False, 0
        if self._full:
            self._full = False
            self._read_on()

    def handed_on(self, size: int) -> None:
        """Count bytes of lines that the farmer's protocol has taken."""
        self._waiting += size
        if self._paused and self._waiting > MOST_WAITING and not self._full:
            self._full = True
            self._wire.pauseProducing()

    def fall_behind(self) -> None:
        """Read nothing, whoever asks for it, until the frames that wait are taken."""
        if not self.behind:
            self.behind = True
            self._wire.pauseProducing()

    def catch_up(self) -> None:
        """Read again: all frames are taken."""
        if self.behind:
            self.behind = False
            self._read_on()

    def _read_on(self) -> None:
        if self.reading:
            self._wire.resumeProducing()

    def stopProducing(self) -> None:  # noqa: N802
        self.loseConnection()

    # -- writing ---------------------------------------------------------------------------------

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:  # type: ignore[override]  # noqa: N802
        self.gauge.producer = producer
        self._wire.registerProducer(self.gauge, streaming)

    def unregisterProducer(self) -> None:  # noqa: N802
        self.gauge.producer = None
        self._wire.unregisterProducer()
