"""The table of names for which the chain has hashes: all nodes write to it, and each knows it."""

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
    """What a node knows of the table: all that the entries need that it has read.

    ``pseudonyms`` is that.  Rows that others delete stay known until the node ends, but for what
    it writes it has their hashes, so no name comes back.
    """

    def __init__(self, connection: Connection) -> None:
        self._last = -1
        self.pseudonyms = Pseudonyms(plain=is_plain(connection))
        self.refresh(connection)

    def refresh(self, connection: Connection) -> None:
        """Learn what was added; after the entries were read that may need it."""
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
    """Take rows out, in the transaction at hand."""
    hashes, farmers = [row.hash for row in gone], [row.farmer for row in gone]
    connection.execute("DELETE FROM granja.pseudonyms WHERE hash = ANY (%s)", (hashes,))
    # Of a visitor whose node has ended, and whom nobody has buried yet.
    connection.execute(
        "DELETE FROM granja.names WHERE farmer = ANY (%s) AND NOT registered", (farmers,)
    )


def forget_beside(
    connection: Connection, gone: Iterable[NameRow], writer: int
) -> list[tuple[str, str]]:
    """Take names out of what is kept beside the chain, in the transaction at hand.

    :returns: the subjects and keys that have a name in the key: the other nodes are to hear that
        nothing is kept there before the rows go (:func:`drop`).
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
    if changed:
        connection.execute("SELECT pg_notify('granja', %s)", (str(writer),))
    return named


def drop(connection: Connection, named: Iterable[tuple[str, str]]) -> None:
    """All nodes have heard of it by now."""
    for subject, key in named:
        connection.execute(
            "DELETE FROM granja.kept WHERE subject = %s AND key = %s AND value IS NULL",
            (subject, key),
        )
