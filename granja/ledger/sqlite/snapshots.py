"""Snapshots in SQLite: with them, a start does not have to replay all facts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from typing import Any

from twisted.logger import Logger

from granja.ledger.snapshot import KEPT, Snapshot, checksum, dump, first_trusted
from granja.ledger.sqlite import outcome

_log = Logger()


def save(connection: sqlite3.Connection, state: dict[str, Any], sequence: int) -> int:
    """Store the state at entry ``sequence``, and keep only the last :data:`KEPT` snapshots.

    The caller begins and commits.  It ignores a snapshot of an entry that does not exist.

    :return: the size of what was stored, in characters.
    """
    entry_hash = hash_of(connection, sequence)
    if entry_hash is None:
        return 0
    text = dump(state)
    connection.execute(
        "INSERT OR REPLACE INTO snapshots (sequence, hash, state, checksum) VALUES (?, ?, ?, ?)",
        (sequence, entry_hash, text, checksum(entry_hash, text)),
    )
    connection.execute(
        "DELETE FROM snapshots WHERE sequence NOT IN "
        "(SELECT sequence FROM snapshots ORDER BY sequence DESC LIMIT ?)",
        (KEPT,),
    )
    return len(text)


def newest(connection: sqlite3.Connection) -> Snapshot | None:
    """The newest snapshot that we can trust.  It logs and skips the others."""
    return first_trusted(stored(connection), partial(distrust, connection), _log)


def shown(connection: sqlite3.Connection, after: int) -> int | None:
    """The number of an entry after ``after`` that a snapshot proves.

    A snapshot is made only of durable facts.  But a snapshot whose hash belongs to an earlier entry
    has a damaged number, and proves nothing.
    """
    for snapshot in stored(connection, after):
        if snapshot.is_whole and not _is_hash_of_one(connection, snapshot.hash, after):
            return snapshot.sequence
    return None


def stored(connection: sqlite3.Connection, after: int = -(2**63)) -> Iterator[Snapshot]:
    """The snapshots of entries after ``after``, newest first.

    It reads them one at a time, because they are large, each in a read transaction of its own.  A
    live server may replace one before it is read; then it is left out.
    """
    sequences = "SELECT sequence FROM snapshots WHERE sequence > ? ORDER BY sequence DESC"
    for (sequence,) in connection.execute(sequences, (after,)).fetchall():
        row = _row(connection, sequence)
        if row is not None:
            entry_hash, state, checksum = row
            yield Snapshot(sequence, entry_hash, state.decode(errors="surrogateescape"), checksum)


def _row(connection: sqlite3.Connection, sequence: int) -> tuple[bytes, bytes, bytes] | None:
    """Hash, state and checksum; on a damaged page, values that do not fit."""
    try:
        row: tuple[bytes, bytes, bytes] | None
        row = connection.execute(_SELECT, (sequence,)).fetchone()
    except sqlite3.DatabaseError as error:
        if not outcome.is_damage(error):
            raise
        return b"", b"", b""
    return row


# As BLOB, whatever damage has made of the values: sqlite3 raises an error for text that is not
# UTF-8, and the checksum tells more.
_SELECT = (
    "SELECT ifnull(CAST(hash AS BLOB), x''), ifnull(CAST(state AS BLOB), x''), "
    "ifnull(CAST(checksum AS BLOB), x'') FROM snapshots WHERE sequence = ?"
)


def distrust(connection: sqlite3.Connection, snapshot: Snapshot) -> str | None:
    """Half a sentence about what is wrong with a snapshot, or None."""
    if not snapshot.is_whole:
        return "its checksum does not fit"
    try:
        entry_hash = hash_of(connection, snapshot.sequence)
    except sqlite3.DatabaseError as error:
        if not outcome.is_damage(error):
            raise
        return "its entry cannot be read"
    return snapshot.objection(entry_hash)


def _is_hash_of_one(connection: sqlite3.Connection, entry_hash: bytes, through: int) -> bool:
    """Whether an entry up to ``through`` has this hash.  It reads all of them, so ask rarely."""
    sought = "SELECT 1 FROM entries WHERE hash = ? AND sequence <= ? LIMIT 1"
    return connection.execute(sought, (entry_hash, through)).fetchone() is not None


def hash_of(connection: sqlite3.Connection, sequence: int) -> bytes | None:
    """The hash of an entry; None if there is no such entry."""
    sought = "SELECT ifnull(CAST(hash AS BLOB), x'') FROM entries WHERE sequence = ?"
    row = connection.execute(sought, (sequence,)).fetchone()
    return None if row is None else bytes(row[0])
