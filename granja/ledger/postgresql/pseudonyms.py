"""The table of names for the hashes in the chain.  All nodes write to it and know it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from granja.ledger.hiding import hiding, without
from granja.ledger.postgresql.schema import Connection
from granja.ledger.pseudonyms import NameRow, Pseudonyms
from granja.text.names import fold


def read(connection: Connection) -> Pseudonyms:
    """All of it."""
    return Pseudonyms(rows(connection), plain=is_plain(connection))


def is_plain(connection: Connection) -> bool:
    """Whether the chain may hold names in plain, from before nodes wrote hashes."""
    row = connection.execute("SELECT plain FROM granja.granja").fetchone()
    return row is None or bool(row[0])


def rows(connection: Connection) -> list[NameRow]:
    found: Any = connection.execute(
        "SELECT hash, farmer, salt, name, gone FROM granja.pseudonyms ORDER BY farmer, gone"
    )
    return [NameRow(*row) for row in found]


class Known:
    """A node's knowledge of the table: everything that the entries it has read need.

    ``pseudonyms`` holds that.  When others delete rows, the node knows them until it ends.  But it
    writes only hashes, so no name comes back.
    """

    def __init__(self, connection: Connection) -> None:
        self._last = 0
        self.pseudonyms = Pseudonyms(plain=is_plain(connection))
        self.refresh(connection)

    def refresh(self, connection: Connection) -> None:
        """Learn the new rows.  Call it after reading the entries that may need them."""
        found: Any = connection.execute(
            "SELECT hash, farmer, salt, name, gone, added FROM granja.pseudonyms WHERE added > %s "
            "ORDER BY added",
            (self._last,),
        ).fetchall()
        self.pseudonyms.learn(NameRow(*row[:5]) for row in found)
        if found:
            self._last = found[-1][5]


def add(connection: Connection, new: Sequence[NameRow]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO granja.pseudonyms (hash, farmer, salt, name, gone) "
            "VALUES (%s, %s, %s, %s, %s)",
            new,
        )


def forget(connection: Connection, gone: Sequence[NameRow]) -> None:
    """Delete rows, in the current transaction."""
    hashes, farmers = [row.hash for row in gone], [row.farmer for row in gone]
    connection.execute("DELETE FROM granja.pseudonyms WHERE hash = ANY (%s)", (hashes,))
    # A visitor may have a row here: their node has ended, and nobody has freed the name yet.
    connection.execute(
        "DELETE FROM granja.names WHERE farmer = ANY (%s) AND NOT registered", (farmers,)
    )


def forget_beside(
    connection: Connection, gone: Iterable[NameRow], writer: int
) -> list[tuple[str, str]]:
    """Remove names from the values beside the chain, in the current transaction.

    :returns: subjects and keys whose key is a name.  The other nodes must hear that their value is
        gone; after that, :func:`drop` deletes the rows.
    """
    gone = list(gone)
    hide, folded = hiding(gone), {fold(row.name) for row in gone}
    found: Any = connection.execute("SELECT subject, key, value FROM granja.kept").fetchall()
    named = [(subject, key) for subject, key, _ in found if key in folded]
    changed: list[tuple[str | None, str, str]] = [(None, *at) for at in named]
    for subject, key, value in found:
        if value is not None and key not in folded and (new := without(value, hide)) != value:
            changed.append((new, subject, key))
    for value, subject, key in changed:
        connection.execute(
            "WITH counted AS (UPDATE granja.head SET kept = kept + 1 RETURNING kept) "
            "UPDATE granja.kept SET value = %s, changed = counted.kept, writer = %s, "
            "at = clock_timestamp() FROM counted WHERE subject = %s AND key = %s",
            (value, writer, subject, key),
        )
    return named


def drop(connection: Connection, named: Iterable[tuple[str, str]]) -> None:
    """Delete those rows, when all nodes have heard that their values are gone."""
    for subject, key in named:
        connection.execute(
            "DELETE FROM granja.kept WHERE subject = %s AND key = %s AND value IS NULL",
            (subject, key),
        )
