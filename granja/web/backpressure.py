"""Backpressure: whether a transport has more to write than its peer reads."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


class Emptied(Protocol):
    """An object that may have something to send when the transport takes bytes again."""

    def send_pong(self) -> None: ...


@implementer(IPushProducer)
class Gauge:
    """Stands between a transport and its producer, and remembers whether the transport is full.

    ``full``: the transport has asked to pause.

    :param waiter: is asked to send a pong when the transport takes it again.
    """

    __slots__ = ("_waiter", "full", "producer")

    def __init__(self, waiter: Emptied) -> None:
        self._waiter = waiter
        self.producer: IPushProducer | None = None
        self.full = False

    def pauseProducing(self) -> None:  # noqa: N802
        self.full = True
        if self.producer is not None:
            self.producer.pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802
        self.full = False
        self._waiter.send_pong()
        if self.producer is not None:
            self.producer.resumeProducing()

    def stopProducing(self) -> None:  # noqa: N802
        if self.producer is not None:
            self.producer.stopProducing()
