"""Integrity: whether all pages of a ledger's file are there, and whether SQLite understands
them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite import outcome
from granja.ledger.sqlite.files import log_of

#: The bytes of a ledger that we can check quickly at the start (docs/performance/choices.md).
_SMALL = 2 * 2**20


def check_length(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a ledger that has lost its end.  It may be live.

    SQLite fills the missing part of a page with zeros, so it takes a ledger of a few pages for an
    empty one.  While there is a log, the missing part may be in the log.

    :raises LedgerRefused: when a part of the last page is missing.
    """
    # The size comes first: a live server's log exists before the file grows.
    size, log = path.stat().st_size, log_of(path)
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    if size % page and not (log.exists() and log.stat().st_size):
        raise LedgerRefused(
            f"the ledger {path} was cut off: a part of its last page is missing, and more may be; "
            "restore a backup"
        )


def check_start(connection: sqlite3.Connection, path: Path) -> None:
    """Check the pages of a small ledger.  The audit does this for every ledger.

    If a page is lost or has two owners, more writing would damage the file further.  But a value
    that does not fit its table is harmless: whoever reads it finds out.

    :raises LedgerRefused: when the pages contradict each other.
    """
    if path.stat().st_size > _SMALL:
        return
    for found in problems(connection, 100):
        if " value in " not in found:
            raise LedgerRefused(f"the ledger {path} is damaged: {found}; restore a backup")


def problems(connection: sqlite3.Connection, most: int = 1) -> list[str]:
    """What SQLite finds wrong with the file, at most ``most`` things."""
    try:
        rows = connection.execute(f"PRAGMA integrity_check({most})").fetchall()
    except sqlite3.DatabaseError as error:
        if not outcome.is_damage(error):
            raise
        return [str(error)]  # Some damaged pages stop even this check.
    # SQLite first names the database, then it lists the pages.
    lines = [line for (found,) in rows for line in found.splitlines()]
    return [line for line in lines if line != "ok" and not line.startswith("***")]
