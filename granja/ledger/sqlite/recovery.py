"""Recovery: reads a ledger at the start, and decides what to trust, to trim or to refuse."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import starmap
from pathlib import Path

from twisted.logger import Logger

from granja.ledger.chain import (
    GENESIS,
    BadEntry,
    Entry,
    Head,
    beginning,
    digest,
    fits,
    verified,
)
from granja.ledger.interface import LedgerRefused
from granja.ledger.snapshot import Snapshot
from granja.ledger.sqlite import (
    database,
    integrity as pages,
    names,
    outcome,
    snapshots,
    wal as tail,
)
from granja.market.facts import Fact

#: More bad entries at the end are no torn write, but another accident.
MOST_TORN = 1000

_CHUNK = 5000

_log = Logger()


def read(connection: sqlite3.Connection, after: int, through: int | None = None) -> Iterator[Entry]:
    """The entries from number ``after + 1`` to ``through``, in order.

    It reads some thousand at a time, each time in a read transaction of its own.  Entries are only
    added, never changed.  One long transaction would make a live server's log grow.

    :raises BadEntry: at the first on a damaged page, or when they end too early.
    """
    last, size = after, _CHUNK
    limit = end(connection) if through is None else through
    while True:
        try:
            rows = connection.execute(_SELECT, (last, limit, size)).fetchall()
        except sqlite3.DatabaseError as error:
            if not outcome.is_damage(error):
                raise
            if size == 1:
                raise BadEntry(last + 1, f"it cannot be read: {error}") from None
            size //= 2  # We look for the place of the damage.
            continue
        # Damage may lead SQLite in a circle, where it finds the same entries without end.
        if not rows or rows[-1][0] <= last:
            break
        yield from starmap(_entry, rows)
        last = rows[-1][0]
    # With a page gone, SQLite may know the last entry and not find it.  Or it takes an entry for
    # the last one that is older than one we know.
    if last != limit:
        raise BadEntry(min(last, limit) + 1, "it is missing")


# With CASTs: sqlite3 raises an error for text that is not UTF-8 and does not name the entry.
# Damage may also have made a number of a hash.
_SELECT = (
    "SELECT sequence, CAST(time AS REAL), ifnull(CAST(kind AS BLOB), x''), "
    "ifnull(CAST(body AS BLOB), x''), ifnull(CAST(hash AS BLOB), x'') "
    "FROM entries WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"
)


def start(connection: sqlite3.Connection) -> Head:
    """The end of the archive before the chain; the empty head if there is none.

    If the first entry is damaged, it is empty too, and then the chain has a gap.
    """
    try:
        row = connection.execute(_SELECT, (0, 2**63 - 1, 1)).fetchone()
    except sqlite3.DatabaseError as error:
        if not outcome.is_damage(error):
            raise
        return Head()
    return beginning(None if row is None else _entry(*row))


def _entry(sequence: int, time: float, kind: bytes, body: bytes, hash: bytes) -> Entry:
    """One row.  Bytes that are no UTF-8 stay as they are, and then do not fit the hash."""
    how = "surrogateescape"
    return Entry(sequence, time, kind.decode("utf-8", how), body.decode("utf-8", how), hash)


def end(connection: sqlite3.Connection) -> int:
    """The last entry's number; a higher one if its page is damaged."""
    try:
        return last_sequence(connection)
    except sqlite3.DatabaseError as error:
        if not outcome.is_damage(error):
            raise
        return 2**63 - 1


def last_sequence(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0])


def check_log(path: Path) -> int:
    """Look at SQLite's log before SQLite does.  The ledger may be live.

    :returns: the torn bytes at its end; in a live ledger, a write in progress.
    :raises LedgerRefused: when there are commits behind a damaged place.
    """
    found = tail.inspect(path)
    if found.lost:
        raise LedgerRefused(
            f"the log {path}-wal is damaged in the middle, and {found.lost} finished writes stand "
            "behind the damage; restore a backup, or move the log away to do without them"
        )
    return found.torn


def forget_torn(connection: sqlite3.Connection, path: Path, torn: int, kept: Path) -> None:
    """Log the torn end of SQLite's log, which SQLite ignores, and empty the log.

    SQLite would write on after the good part, in front of the torn rest, and with the same salt.
    After a second crash that could look like commits behind a damaged place.

    :param kept: where a copy of the log is.  Nobody knows whether farmers were told of what we
        trim.
    """
    _log.warn(
        "The log of {path} ends in a write that is not whole: {torn} bytes are trimmed; "
        "the log as it was is kept as {kept}.",
        path=path,
        torn=torn,
        kept=kept,
    )
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        if not outcome.is_harmless_at_checkpoint(error):
            raise


def recover(connection: sqlite3.Connection, path: Path) -> tuple[Head, Head, Snapshot | None]:
    """The last entry, the entry after which we replay, and the state at that one, if any.

    Verify the chain from the newest snapshot on (the whole chain is the audit's business).

    We trim bad entries at the very end, after a copy.  We do not trim bad entries before good ones,
    nor entries that a snapshot proves.  A crash leaves its torn write in SQLite's log, not here;
    but a disk may lie about its syncs.

    :raises LedgerRefused: with the first bad entry, or with what is wrong with the file.
    """
    snapshot = snapshots.newest(connection)
    first = start(connection)
    trusted = Head(snapshot.sequence, snapshot.hash) if snapshot else first
    # The table's first page says where its other pages are.  With a wrong one, we would see only
    # some entries, and a start from a snapshot would not miss those before it.
    if snapshot is not None and snapshots.hash_of(connection, first.sequence + 1) is None:
        missing = BadEntry(first.sequence + 1, "it is missing")
        raise LedgerRefused(f"the ledger {path} is damaged: {missing}")
    head, torn = _follow(connection, trusted)
    if torn is not None and not _may_be_trimmed(connection, torn.sequence):
        raise LedgerRefused(f"the ledger {path} is damaged: {torn}")
    _check_against_snapshots(connection, path, torn or BadEntry(head.sequence + 1, "it is missing"))
    pages.check_start(connection, path)
    if torn is not None:
        _trim(connection, path, torn)
    return head, trusted, snapshot


def _follow(connection: sqlite3.Connection, head: Head) -> tuple[Head, BadEntry | None]:
    """The last good entry after a trusted one, and the bad entry behind it, if any."""
    try:
        for entry in verified(read(connection, head.sequence), head.hash, head.sequence):
            head = Head(entry.sequence, entry.hash)
    except BadEntry as bad:
        return head, bad
    return head, None


def _check_against_snapshots(connection: sqlite3.Connection, path: Path, first: BadEntry) -> None:
    """Refuse to go on without trades that farmers were told of.

    :param first: the first entry that would be written again.
    :raises LedgerRefused: when a snapshot shows that this entry existed.
    """
    shown = snapshots.shown(connection, first.sequence - 1)
    if shown is not None:
        raise LedgerRefused(
            f"the ledger {path} is damaged: {first}, although a snapshot shows that entry {shown} "
            "was stored; restore a backup"
        )


def _may_be_trimmed(connection: sqlite3.Connection, first: int) -> bool:
    """Whether we may trim.  Not if a page there is damaged: a crash of SQLite leaves none."""
    try:
        return _is_torn(connection, first)
    except (BadEntry, sqlite3.DatabaseError):
        return False


def _is_torn(connection: sqlite3.Connection, first: int) -> bool:
    """Whether no entry from ``first`` on is provably what was written.

    An entry is proved if it fits the one before it.  That means either the stored hash there, or
    the hash that its content should have: perhaps only that hash is damaged.
    """
    if last_sequence(connection) - first >= MOST_TORN:
        return False
    entries = list(read(connection, first - 1))
    if not entries or entries[0].sequence != first:
        return False
    if first > 1 and first == start(connection).sequence + 1:
        return False  # Without its beginning, a ledger that goes on from an archive is empty.
    stored = written = snapshots.hash_of(connection, first - 1) or GENESIS
    for entry in entries:
        if fits(entry, stored) or fits(entry, written):
            return False
        stored, written = entry.hash, digest(written, *entry[:4])
    return True


def _trim(connection: sqlite3.Connection, path: Path, bad: BadEntry) -> None:
    kept = database.copy_beside(connection, path, "torn")
    count = last_sequence(connection) - bad.sequence + 1
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM entries WHERE sequence >= ?", (bad.sequence,))
    connection.execute("DELETE FROM snapshots WHERE sequence >= ?", (bad.sequence,))
    connection.execute("COMMIT")
    _log.warn(
        "The end of {path} is torn: {count} entries from {first} on are trimmed ({why}); "
        "the ledger as it was is kept as {kept}.",
        path=path,
        count=count,
        first=bad.sequence,
        why=bad.why,
        kept=kept,
    )


def facts(path: Path, start: int, end: int) -> Iterator[Fact]:
    """The facts after entry ``start`` up to entry ``end``, read when asked for.

    :raises LedgerRefused: with an entry that holds no fact that this granja knows.
    """
    if start == end:
        return
    with closing(database.open_to_read(path)) as connection:
        try:
            pseudonyms = names.read(connection)
            for entry in read(connection, start, end):
                yield entry.fact(pseudonyms.show)
        except BadEntry as bad:
            raise LedgerRefused(f"the ledger {path} cannot be replayed: {bad}") from None
