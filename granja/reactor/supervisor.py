"""What systemd is told of the process: ``sd_notify`` in a few lines (``man 3 sd_notify``)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress


class Supervisor:
    """Whoever has started the process and wants to hear how it is; perhaps nobody.

    :param environment: of the process.
    :param process: its number.
    """

    def __init__(self, environment: Mapping[str, str], process: int) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        #: Seconds after which the process is taken for dead if it has not said that it is alive.
        self.patience = _patience(environment, process)

    def tell(self, *fields: str) -> None:
        """Such as ``READY=1``.  Nobody is waited for, and nobody need be there."""
        if self._address[:1] not in ("/", "@"):
            return
        address = self._address.replace("@", "\0", 1)
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as line, suppress(OSError):
            line.sendto("\n".join(fields).encode(), address)


def _patience(environment: Mapping[str, str], process: int) -> float | None:
    if environment.get("WATCHDOG_PID", str(process)) != str(process):
        return None  # It is meant for another one.
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None
