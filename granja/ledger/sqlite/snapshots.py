"""The market's state beside the facts, so that a start need not replay all of them."""

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
    """Store the state at entry ``sequence`` and drop all but the last :data:`KEPT` snapshots.

    The caller begins and commits.  Returns the size of what was stored.  A snapshot of an entry
    that was not stored is ignored.
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
    """The newest snapshot that can be trusted; those that cannot are logged and passed over."""
    return first_trusted(stored(connection), partial(distrust, connection), _log)


def shown(connection: sqlite3.Connection, after: int) -> int | None:
    """The number of an entry after that one, which a snapshot shows to have been stored.

    A snapshot is only taken of what is durable.  But one whose hash belongs to an earlier entry
    has a damaged number, and shows nothing.
    """
    for snapshot in stored(connection, after):
        if snapshot.is_whole and not _is_hash_of_one(connection, snapshot.hash, after):
            return snapshot.sequence
    return None


def stored(connection: sqlite3.Connection, after: int = -(2**63)) -> Iterator[Snapshot]:
    """All that are kept, newest first, of entries after that one.

    One at a time, because they are large, and each in a read transaction of its own: a live server
    may replace one that was not read yet, which is passed over then.
    """
    sequences = "SELECT sequence FROM snapshots WHERE sequence > ? ORDER BY sequence DESC"
    for (sequence,) in connection.execute(sequences, (after,)).fetchall():
        row = _row(connection, sequence)
        if row is not None:
            entry_hash, state, checksum = row
            yield Snapshot(sequence, entry_hash, state.decode(errors="surrogateescape"), checksum)


def _row(connection: sqlite3.Connection, sequence: int) -> tuple[bytes, bytes, bytes] | None:
    """Hash, state and checksum: nothing that fits, if they are on a damaged page."""
    try:
        row: tuple[bytes, bytes, bytes] | None
        row = connection.execute(_SELECT, (sequence,)).fetchone()
    except sqlite3.DatabaseError as error:
        if not outcome.is_damage(error):
            raise
        return b"", b"", b""
    return row


# As BLOB, whatever the damage made of them: for text that is no longer UTF-8 sqlite3 raises an
# error; the checksum says more.
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
    """Reads all entries, so it is only asked when something is wrong."""
    sought = "SELECT 1 FROM entries WHERE hash = ? AND sequence <= ? LIMIT 1"
    return connection.execute(sought, (entry_hash, through)).fetchone() is not None


def hash_of(connection: sqlite3.Connection, sequence: int) -> bytes | None:
    """The hash that stands at an entry, None if there is no such entry."""
    sought = "SELECT ifnull(CAST(hash AS BLOB), x'') FROM entries WHERE sequence = ?"
    row = connection.execute(sought, (sequence,)).fetchone()
    return None if row is None else bytes(row[0])
