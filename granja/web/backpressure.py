"""Whether a transport has more to write than its peer reads."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Gauge:
    """Stands between a transport and the producer that fills it, and remembers the last word.

    ``full``: the transport has asked to pause.  ``emptied`` is called when it no longer does.
    """

    __slots__ = ("emptied", "full", "producer")

    def __init__(self) -> None:
        self.producer: IPushProducer | None = None
        self.full = False
        self.emptied: Callable[[], None] = lambda: None

    def pauseProducing(self) -> None:  # noqa: N802
        self.full = True
        if self.producer is not None:
            self.producer.pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802
        self.full = False
        self.emptied()
        if self.producer is not None:
            self.producer.resumeProducing()

    def stopProducing(self) -> None:  # noqa: N802
        if self.producer is not None:
            self.producer.stopProducing()
