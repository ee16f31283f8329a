"""What the board has done, counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from granja.reactor.stopwatch import Stopwatch


@dataclass(slots=True)
class Counters:
    """Counts since the start.

    ``lines``: said to everybody, each counted once; ``deliveries``: once for each who listens.
    ``flushes``: batches that were written.
    ``writes``: given to sockets and transports.  ``skips``: how often a listener
    who did not read was passed over; ``missed``: lines of which listeners were told that they
    missed them.  ``holds``: how often talkers had to wait.  ``aborted``: connections closed for
    not reading.  ``flushing``: how long each batch with talk took to write to its group.
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
