"""What the server of ``benchmarks.measuring`` imports first: a switch for its monitoring.

``ON`` and ``OFF`` are the signals that start and stop what ``--metrics`` does by itself.  It is on
at first.
"""

from __future__ import annotations

import signal

from granja.health.site import WatchSite

ON, OFF = signal.SIGRTMIN, signal.SIGRTMIN + 1

_start = WatchSite.startFactory


def _start_with_a_switch(site: WatchSite) -> None:
    def on(*_: object) -> None:
        for each in site._timed:
            each.start()

    def off(*_: object) -> None:
        for each in site._timed:
            each.stop()

    _start(site)
    signal.signal(ON, on)
    signal.signal(OFF, off)


WatchSite.startFactory = _start_with_a_switch  # type: ignore[method-assign, assignment]
