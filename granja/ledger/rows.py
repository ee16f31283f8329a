"""Entries into the table, with few statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from granja.ledger.chain import Entry

#: SQLite takes at least 999 parameters, and :mod:`sqlite3` remembers 128 statements.
_AT_ONCE = 50

_INSERTS = [
    "INSERT INTO entries (sequence, time, kind, body, hash) VALUES "
    + ", ".join(["(?, ?, ?, ?, ?)"] * count)
    for count in range(_AT_ONCE + 1)
]


def insert(connection: sqlite3.Connection, entries: Sequence[Entry]) -> int:
    """Insert rows and return about how many bytes they have.

    Many rows by one statement, because each statement lets go of the interpreter and has to wait
    for it again, for up to 5 ms when the chat is busy: with ``executemany`` that is once a row.
    """
    for at in range(0, len(entries), _AT_ONCE):
        chunk = entries[at : at + _AT_ONCE]
        connection.execute(_INSERTS[len(chunk)], [value for entry in chunk for value in entry])
    return sum(len(entry.body) + 70 for entry in entries)
