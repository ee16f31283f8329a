"""The journal of systemd, with each event's fields: ``journalctl GRANJA_EVENT=registered``.

An event goes to the writing thread as a line of JSON.  There it becomes a message of the journal
(https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
"""

from __future__ import annotations

import json
import re
import socket
import syslog
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from granja.contract.errors import ConfigurationError

#: The journal's socket.
SOCKET: Final = "/run/systemd/journal/socket"
#: The most bytes of a value; the journal would lose a longer message.
MOST: Final = 32_768

_PRIORITIES: Final = {
    "debug": syslog.LOG_DEBUG,
    "warn": syslog.LOG_WARNING,
    "error": syslog.LOG_ERR,
    "critical": syslog.LOG_CRIT,
}
_NO_NAME: Final = re.compile(r"[^A-Z0-9_]")
#: Fields for which the journal has its own name, or that it adds itself.
_OTHERS: Final = frozenset({"when", "level", "text", "traceback"})


def to_journal(path: str = SOCKET) -> Callable[[bytes], None]:
    """A function that writes what :func:`granja.operations.log_forms.as_json` makes.

    :raises ConfigurationError: when there is no journal.
    """
    if not Path(path).is_socket():
        raise ConfigurationError(f"there is no journal of systemd at {path}")

    def put(data: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            for event in data.split(b"\n")[:-1]:
                line.sendto(message(json.loads(event)), path)

    return put


def message(event: Mapping[str, Any]) -> bytes:
    """An event in the journal's form."""
    text = "\n".join(filter(None, (event["text"], event.get("traceback", ""))))
    priority = _PRIORITIES.get(event["level"], syslog.LOG_INFO)
    known = {"MESSAGE": text, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "granja"}
    own = {name: value for name, value in event.items() if name not in _OTHERS}
    fields = known | {f"GRANJA_{_NO_NAME.sub('_', n.upper())}": _said(v) for n, v in own.items()}
    return b"".join(b"".join(_field(name, value)) for name, value in fields.items())


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _field(name: str, value: str) -> Iterator[bytes]:
    """A field.  A value with several lines has its length before it."""
    data = value.encode("utf-8", "replace")[:MOST]
    yield name.encode()
    yield b"\n" + len(data).to_bytes(8, "little") + data if b"\n" in data else b"=" + data
    yield b"\n"
