"""What the log says while a test runs."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase


def sentences(test: SynchronousTestCase, namespace: str = "granja") -> list[str]:
    """The sentences, from now to the end of the test, in a list that grows.

    :param namespace: of whom; all whose namespace begins so.
    """
    said: list[str] = []

    def hear(event: LogEvent) -> None:
        if str(event.get("log_namespace", "")).startswith(namespace):
            said.append(formatEvent(event))

    observer: Any = hear
    globalLogPublisher.addObserver(observer)
    test.addCleanup(globalLogPublisher.removeObserver, observer)
    return said
