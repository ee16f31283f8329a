"""The system's log (``twistd --syslog``), also written by a thread.

A reader of the system's log may be slow or stopped, and then ``syslog`` waits.  Each line goes to
the thread with its priority before it, in systemd's form: ``<6>[granja#info] Ana arrived``.
"""

from __future__ import annotations

import syslog
from collections.abc import Callable
from typing import Any, Final

from twisted.logger import LogEvent, LogLevel, eventAsText

#: Priorities by level.  ``twistd`` itself sends every failure as an alert, which wakes people up.
_PRIORITIES: Final[dict[Any, int]] = {
    LogLevel.debug: syslog.LOG_DEBUG,
    LogLevel.warn: syslog.LOG_WARNING,
    LogLevel.error: syslog.LOG_ERR,
    LogLevel.critical: syslog.LOG_CRIT,
}


def in_lines(event: LogEvent) -> str | None:
    """An event as lines with their priorities.  All lines but the first begin with a tab.

    None when the event says nothing.
    """
    lines = eventAsText(event, includeTimestamp=False).rstrip("\n").replace("\n", "\n\t")
    if not lines:
        return None
    priority = _PRIORITIES.get(event.get("log_level"), syslog.LOG_INFO)
    return "".join(f"<{priority}>{line}\n" for line in lines.split("\n"))


def to_system_log(prefix: str) -> Callable[[bytes], None]:
    """A function that writes what :func:`in_lines` makes.

    :param prefix: the name of the program in the system's log.
    """
    syslog.openlog(prefix)

    def put(data: bytes) -> None:
        for line in data.decode("utf-8", "replace").split("\n")[:-1]:
            priority, _, text = line[1:].partition(">")
            syslog.syslog(int(priority), text.replace("\0", "\\0"))

    return put
