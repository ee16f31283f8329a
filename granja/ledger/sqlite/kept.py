"""What is kept beside the chain: a table whose rows may change and go."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from twisted.logger import Logger

from granja.ledger.interface import Kept, Value

_log = Logger()


def write(connection: sqlite3.Connection, items: Sequence[Kept]) -> int:
    """Store or forget each item, in order, in the present transaction.

    :returns: about how many pages that writes.
    """
    for item in items:
        if item.value is None:
            connection.execute(
                "DELETE FROM kept WHERE subject = ? AND key = ?", (item.subject, item.key)
            )
        else:
            value = json.dumps(item.value, sort_keys=True, separators=(",", ":"))
            connection.execute(
                "INSERT OR REPLACE INTO kept (subject, key, value) VALUES (?, ?, ?)",
                (item.subject, item.key, value),
            )
    return len(items)


def stored(connection: sqlite3.Connection) -> Iterator[tuple[str, str, Value | None]]:
    """Each subject, key and value; the value is None if it cannot be read."""
    # As BLOB: sqlite3 raises an error for text that is not UTF-8, and the error quotes the text.
    names = ("subject", "key", "value")
    columns = ", ".join(f"ifnull(CAST({name} AS BLOB), x'')" for name in names)
    for subject, key, value in connection.execute(f"SELECT {columns} FROM kept"):
        yield subject.decode(errors="replace"), key.decode(errors="replace"), _value(value)


def _value(text: bytes) -> Value | None:
    try:
        value: Value | None = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def read(connection: sqlite3.Connection) -> dict[str, dict[str, Value]]:
    """Everything by subject and key.  It logs a value that cannot be read."""
    found: dict[str, dict[str, Value]] = {}
    for subject, key, value in stored(connection):
        if value is None:
            _log.warn("What is kept of {subject} under one key cannot be read.", subject=subject)
        else:
            found.setdefault(subject, {})[key] = value
    return found
