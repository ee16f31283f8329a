"""Counts what the board does."""

from __future__ import annotations

from dataclasses import dataclass, field

from granja.clockwork.stopwatch import Stopwatch


@dataclass(slots=True)
class Counters:
    """Counts since the start.

    ``lines``: said to everybody; each counts once.  ``deliveries``: each counts once for every
    listener.  ``flushes``: batches that were written.  ``writes``: to sockets and transports.
    ``skips``: how often the board began to skip the talk for a listener that does not read.
    ``missed``: missed lines that listeners were told of.  ``holds``: how often talkers had to wait.
    ``aborted``: connections that the board closed because they read nothing.  ``flushing``: how
    long it took to write each batch with talk to its group.
    """

    lines: int = 0
    deliveries: int = 0
    flushes: int = 0
    writes: int = 0
    skips: int = 0
    missed: int = 0
    holds: int = 0
    aborted: int = 0
    flushing: Stopwatch = field(default_factory=Stopwatch)
