"""The table of names.  Only this table says whose the hashes in the chain are."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

from granja.contract.ids import FarmerId
from granja.ledger.hiding import hiding, without
from granja.ledger.pseudonyms import NameRow, Pseudonyms
from granja.text.names import fold

#: The key in the table of notes, if the chain holds names in plain as well.
PLAIN = "plain"


#: The key in the table of notes, if the chain is closed and another file continues it.
CLOSED = "closed"


def read(connection: sqlite3.Connection) -> Pseudonyms:
    """The whole table.  A damaged row fits no hash, and a reader of the row finds that out."""
    return Pseudonyms(rows(connection), plain=is_plain(connection))


def rows(connection: sqlite3.Connection) -> list[NameRow]:
    # As BLOB: sqlite3 raises an error for text that is not UTF-8, and the error quotes the text.
    found = connection.execute(
        "SELECT ifnull(CAST(hash AS BLOB), x''), farmer, ifnull(CAST(salt AS BLOB), x''), "
        "ifnull(CAST(name AS BLOB), x''), gone FROM names ORDER BY farmer, gone"
    )
    how = "surrogateescape"
    return [
        NameRow(hash.decode("ascii", how), FarmerId(farmer), salt, name.decode("utf-8", how), gone)
        for hash, farmer, salt, name, gone in found
    ]


def is_plain(connection: sqlite3.Connection) -> bool:
    """Whether entries from before version 5 may hold names in plain."""
    return is_noted(connection, PLAIN)


def is_noted(connection: sqlite3.Connection, key: str) -> bool:
    """Whether the table of notes has this key.  A note is about the whole ledger."""
    sought = "SELECT 1 FROM notes WHERE key = ?"
    return connection.execute(sought, (key,)).fetchone() is not None


def note(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("INSERT OR REPLACE INTO notes VALUES (?, '')", (key,))


def add(connection: sqlite3.Connection, new: Iterable[NameRow]) -> None:
    """Add rows, in the transaction of the facts that need them."""
    connection.executemany("INSERT INTO names VALUES (?, ?, ?, ?, ?)", new)


def leave(connection: sqlite3.Connection, gone: Iterable[tuple[float, FarmerId]]) -> None:
    """Note when visitors left."""
    connection.executemany("UPDATE names SET gone = ? WHERE farmer = ?", gone)


def forget(connection: sqlite3.Connection, gone: Collection[NameRow]) -> None:
    """Remove rows, in the present transaction.

    This writes the whole table again.  When SQLite moves a row to another page, it may leave the
    row's bytes behind.  But it overwrites a whole table that is deleted (``secure_delete``).
    """
    known = set(gone)
    left = [row for row in rows(connection) if row not in known]
    connection.execute("DELETE FROM names")
    add(connection, left)


def forget_beside(connection: sqlite3.Connection, gone: Iterable[NameRow]) -> None:
    """Remove names from the things beside the chain.  That table is written again too."""
    hide = hiding(gone)
    folded = {fold(row.name) for row in gone}
    found = connection.execute("SELECT subject, key, value FROM kept").fetchall()
    connection.execute("DELETE FROM kept")
    connection.executemany(
        "INSERT INTO kept VALUES (?, ?, ?)",
        [
            (subject, key, without(value, hide))
            for subject, key, value in found
            if key not in folded
        ],
    )
