"""The tables of a ledger, and whether it has anything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import resources


def script(name: str) -> str:
    """The text of an SQL file in this folder."""
    return resources.files("granja.ledger.sqlite").joinpath(name).read_text("utf-8")


def problem(connection: sqlite3.Connection) -> str | None:
    """Half a sentence about a difference between this ledger and a new one, or None.

    A foreign trigger could refuse trades, and a foreign view could invent them.
    """
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(script("schema.sql"))
        wanted = set(_things(fresh))
    found = set(_things(connection))
    named = {thing[:2] for thing in wanted}
    for kind, name, _ in sorted(found - wanted):
        if (kind, name) in named:
            return f"its {kind} {name} is not as granja makes it"
        return f"the {kind} {name!r} in it is not granja's"
    for kind, name, _ in sorted(wanted - found):
        return f"it has no {kind} {name}"
    return None


def _things(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """All tables, indexes and others.  As BLOB, because sqlite3 raises an error for bad UTF-8."""
    columns = (f"ifnull(CAST({column} AS BLOB), x'')" for column in ("type", "name", "sql"))
    for row in connection.execute(f"SELECT {', '.join(columns)} FROM sqlite_master"):
        kind, name, sql = (column.decode(errors="replace") for column in row)
        yield kind, name, sql
