"""The forms of a log event: text, or a JSON object on a line of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from twisted.logger import LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure

Form = Callable[[LogEvent], str | None]

#: The levels of ``--log-level``, from the least to the most urgent.
LEVELS: Final = ("debug", "info", "warn", "error", "critical")

#: Fields of Twisted's that we write in another way, or that help no reader.
_TWISTEDS: Final = frozenset({"format", "message", "time", "isError", "system", "why", "failure"})
_OURS: Final = frozenset({"when", "level", "where", "text", "traceback"})


def from_level(least: str, form: Form) -> Form:
    """The same form, without events that are less urgent than a level.

    :param least: one of :data:`LEVELS`.
    """
    wanted = LEVELS.index(least)

    def urgent(event: LogEvent) -> str | None:
        level = event.get("log_level", LogLevel.info).name
        return form(event) if LEVELS.index(level) >= wanted else None

    return urgent


def as_json(event: LogEvent) -> str | None:
    """One object: ``when``, ``level``, ``where`` it comes from, ``text``, the event's own fields,
    and the ``traceback`` of a failure.  None when the event says nothing.
    """
    failure, text = event.get("log_failure"), formatEvent(event)
    if not text and failure is None:
        return None
    said: dict[str, Any] = {
        "when": _moment(event),
        "level": event.get("log_level", LogLevel.info).name,
        "where": event.get("log_namespace", "-"),
        "text": text,
    }
    said |= {name: value for name, value in event.items() if _is_field(name) and _is_plain(value)}
    if isinstance(failure, Failure):
        said["traceback"] = failure.getTraceback()
    return json.dumps(said) + "\n"


def _moment(event: LogEvent) -> str:
    time = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_field(name: object) -> bool:
    known = not isinstance(name, str) or name in _TWISTEDS or name in _OURS
    return not known and not str(name).startswith("log_")


def _is_plain(value: object) -> bool:
    """Whether JSON can write it.  We leave objects out: they may hold more than a log should."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(held) for key, held in value.items())
    return value is None or isinstance(value, str | int | float)
