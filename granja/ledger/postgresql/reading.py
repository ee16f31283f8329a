"""Reading the tables, some thousand rows at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from twisted.logger import Logger

from granja.contract.ids import FarmerId
from granja.ledger.chain import BadEntry, Entry, Head, beginning, verified
from granja.ledger.interface import Kept, LedgerRefused, Value
from granja.ledger.postgresql.schema import Connection
from granja.ledger.shared import Holder
from granja.ledger.snapshot import KEPT, Snapshot, checksum, dump, first_trusted
from granja.market.facts import Fact

_CHUNK: Final = 5000

_log = Logger()


def head(connection: Connection, *, turn: bool = False) -> Head:
    """The last entry.

    :param turn: take the turn: nobody else appends until the transaction ends.
    :raises LedgerRefused: when there is none, because somebody has changed the database.
    """
    lock = " FOR UPDATE" if turn else ""
    row = _row(connection, f"SELECT sequence, hash FROM granja.head{lock}")
    if row is None:
        raise LedgerRefused("the ledger is damaged: it has no head")
    return Head(row[0], row[1])


def start(connection: Connection) -> Head:
    """The end of the archive before the chain; the empty head if there is none."""
    row = _row(
        connection,
        "SELECT sequence, time, kind, body, hash FROM granja.entries ORDER BY sequence LIMIT 1",
    )
    return beginning(None if row is None else Entry(*row))


def entries(connection: Connection, after: int, through: int | None = None) -> Iterator[Entry]:
    """The entries from number ``after + 1`` to ``through``, in order; None means to the last."""
    last = after
    while True:
        rows: list[Any] = connection.execute(
            "SELECT sequence, time, kind, body, hash FROM granja.entries "
            "WHERE sequence > %s AND sequence <= coalesce(%s, sequence) ORDER BY sequence LIMIT %s",
            (last, through, _CHUNK),
        ).fetchall()
        yield from (Entry(*row) for row in rows)
        if len(rows) < _CHUNK:
            return
        last = rows[-1][0]


def headless(connection: Connection) -> str | None:
    """Half a sentence about a head that is not the last entry, or None."""
    row = _row(
        connection,
        "SELECT h.sequence, h.hash, coalesce(e.sequence, 0), coalesce(e.hash, %s) "
        "FROM granja.head h LEFT JOIN LATERAL "
        "(SELECT sequence, hash FROM granja.entries ORDER BY sequence DESC LIMIT 1) e ON true",
        Head().hash,
    )
    if row is None:
        return "it has no head"
    if row[:2] != row[2:]:
        return f"its head says that entry {row[0]} is the last, but that is {row[2]}"
    return None


def text(value: Value | None) -> str | None:
    """A value beside the chain, as it is stored."""
    if value is None:
        return None
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def hash_of(connection: Connection, sequence: int) -> bytes | None:
    """The hash of an entry; None if there is no such entry."""
    row = _row(connection, "SELECT hash FROM granja.entries WHERE sequence = %s", sequence)
    return None if row is None else row[0]


def written(connection: Connection, sequence: int) -> tuple[bytes, int | None] | None:
    """The hash and the writer of an entry; None if there is no such entry."""
    row = _row(connection, "SELECT hash, writer FROM granja.entries WHERE sequence = %s", sequence)
    return None if row is None else (row[0], row[1])


def checked(
    found: Iterator[Entry],
    start: Head,
    end: Head,
    shown: Callable[[Fact], Fact] = lambda fact: fact,
) -> Iterator[Fact]:
    """The facts between two entries, each checked against the chain.

    :param shown: puts the names in the place of the chain's hashes.
    :raises BadEntry: at the first that is missing, does not fit, or is of an unknown kind.
    """
    reached = start
    for entry in verified(found, start.hash, start.sequence):
        reached = Head(entry.sequence, entry.hash)
        yield entry.fact(shown)
    if reached != end:
        missing = min(reached.sequence, end.sequence) + 1
        raise BadEntry(missing, "it is missing" if reached.sequence < end.sequence else "it is odd")


def verifiers(connection: Connection) -> dict[FarmerId, str]:
    """All password verifiers."""
    rows: Any = connection.execute("SELECT farmer, verifier FROM granja.credentials")
    return {FarmerId(farmer): verifier for farmer, verifier in rows}


# -- beside the chain ------------------------------------------------------------------------


def kept(connection: Connection) -> tuple[int, dict[str, dict[str, Value]]]:
    """The number of changes, and everything beside the chain, by subject and key."""
    changes = _changes(connection)
    found: dict[str, dict[str, Value]] = {}
    for subject, key, value in beside(connection):
        found.setdefault(subject, {})[key] = value
    return changes, found


def _changes(connection: Connection) -> int:
    row = _row(connection, "SELECT kept FROM granja.head")
    return 0 if row is None else row[0]


def beside(connection: Connection) -> Iterator[tuple[str, str, Value]]:
    """Everything beside the chain, as subject, key and value, in the order of the changes."""
    rows: Any = connection.execute("SELECT subject, key, value FROM granja.kept ORDER BY changed")
    for subject, key, stored in rows:
        if (value := _value(stored)) is not None:
            yield subject, key, value


def changes_since(connection: Connection, changes: int, writer: int) -> tuple[int, list[Kept]]:
    """The number of changes now, and what others have changed after the first ``changes``."""
    now = _changes(connection)
    if now == changes:
        return now, []
    rows: Any = connection.execute(
        "SELECT changed, writer, subject, key, value FROM granja.kept "
        "WHERE changed > %s ORDER BY changed",
        (changes,),
    ).fetchall()
    items = [Kept(row[2], row[3], _value(row[4])) for row in rows if row[1] != writer]
    return max(now, *(row[0] for row in rows)) if rows else now, items


def forget(connection: Connection) -> None:
    """Delete what was forgotten an hour ago: by now every running node has heard of it."""
    connection.execute(
        "DELETE FROM granja.kept WHERE value IS NULL AND at < clock_timestamp() - interval '1 hour'"
    )


def _value(text: str | None) -> Value | None:
    if text is None:
        return None
    try:
        value: Value | None = json.loads(text)
    except (ValueError, RecursionError):
        _log.warn("What is kept beside the chain under one key cannot be read.")
        return None
    return value


# -- snapshots -------------------------------------------------------------------------------


def snapshots(connection: Connection) -> Iterator[Snapshot]:
    """All snapshots, newest first, one at a time, because they are large."""
    numbers: Any = connection.execute("SELECT sequence FROM granja.snapshots ORDER BY 1 DESC")
    for (sequence,) in numbers.fetchall():
        row = _row(
            connection,
            "SELECT hash, state, checksum FROM granja.snapshots WHERE sequence = %s",
            sequence,
        )
        if row is not None:
            yield Snapshot(sequence, *row)


def distrust(connection: Connection, snapshot: Snapshot) -> str | None:
    """Half a sentence about what is wrong with a snapshot, or None."""
    if not snapshot.is_whole:
        return "its checksum does not fit"
    return snapshot.objection(hash_of(connection, snapshot.sequence))


def newest(connection: Connection) -> Snapshot | None:
    """The newest snapshot that we can trust.  It logs and skips the others."""
    return first_trusted(snapshots(connection), partial(distrust, connection), _log)


def save(connection: Connection, state: dict[str, Any], sequence: int, distance: int) -> None:
    """Store the state at an entry, and keep only the last :data:`KEPT` snapshots.

    It ignores a snapshot of an entry that does not exist.  It also ignores one if another node has
    made one at most ``distance`` entries before it.
    """
    entry_hash = hash_of(connection, sequence)
    near = _row(
        connection, "SELECT 1 FROM granja.snapshots WHERE sequence > %s", sequence - distance
    )
    if entry_hash is None or near is not None:
        return
    text = dump(state)
    with connection.transaction():
        connection.execute(
            "INSERT INTO granja.snapshots VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (sequence, entry_hash, text, checksum(entry_hash, text)),
        )
        connection.execute(
            "DELETE FROM granja.snapshots WHERE sequence NOT IN "
            "(SELECT sequence FROM granja.snapshots ORDER BY sequence DESC LIMIT %s)",
            (KEPT,),
        )


# -- names -----------------------------------------------------------------------------------

HOLDER = "farmer, spelling, registered, writer, arrived"


def holder(row: Sequence[Any]) -> Holder:
    """A row of :data:`HOLDER`."""
    return Holder(FarmerId(row[0]), *row[1:])


def holders(connection: Connection, condition: str, *values: object) -> list[Holder]:
    """The holders for which the condition is true, in the order of arrival."""
    sql = f"SELECT {HOLDER} FROM granja.names WHERE {condition} ORDER BY arrived, farmer"
    return [holder(row) for row in connection.execute(sql, values)]


def _row(connection: Connection, sql: str, *values: object) -> Any:
    return connection.execute(sql, values).fetchone()
