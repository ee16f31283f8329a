"""Tells systemd about the process: ``sd_notify`` in a few lines (``man 3 sd_notify``)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress


class Supervisor:
    """The program that started the process and wants to hear how it is, if there is one.

    :param environment: of the process.
    :param process: its number.
    """

    def __init__(self, environment: Mapping[str, str], process: int) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        #: Seconds of silence after which the supervisor thinks that the process is dead.
        self.patience = _patience(environment, process)

    def tell(self, *fields: str) -> None:
        """Send fields such as ``READY=1``.  This waits for nobody, and works if nobody is there."""
        if self._address[:1] not in ("/", "@"):
            return
        address = self._address.replace("@", "\0", 1)
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as line, suppress(OSError):
            line.sendto("\n".join(fields).encode(), address)


def _patience(environment: Mapping[str, str], process: int) -> float | None:
    if environment.get("WATCHDOG_PID", str(process)) != str(process):
        return None  # The variable is for another process.
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None
