"""Whether the pages of a ledger's file are all there, and whether SQLite can make sense of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite import outcome
from granja.ledger.sqlite.files import log_of

#: Bytes of a ledger that are looked at in three milliseconds, or forty if they come from the disk.
_SMALL = 2 * 2**20


def check_length(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a ledger that has lost its end; it may be live.

    Of a page that is there in part SQLite takes the rest for zeros, and so a ledger of a few pages
    for an empty one.  While there is a log, the missing part may be in that.

    :raises LedgerRefused: when a part of the last page is missing.
    """
    # The size first: a live server's log is there before the file grows.
    size, log = path.stat().st_size, log_of(path)
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    if size % page and not (log.exists() and log.stat().st_size):
        raise LedgerRefused(
            f"the ledger {path} was cut off: a part of its last page is missing, and more may be; "
            "restore a backup"
        )


def check_start(connection: sqlite3.Connection, path: Path) -> None:
    """Look at the pages of a small ledger, as the audit does at those of every ledger.

    To write into a file in which a page is lost, or has two owners, would damage it further.  But
    values that no table would take harm nobody: whoever reads them finds out what they are.

    :raises LedgerRefused: when the pages make no sense together.
    """
    if path.stat().st_size > _SMALL:
        return
    for found in problems(connection, 100):
        if " value in " not in found:
            raise LedgerRefused(f"the ledger {path} is damaged: {found}; restore a backup")


def problems(connection: sqlite3.Connection, most: int = 1) -> list[str]:
    """What SQLite finds wrong with the file, up to so many things."""
    try:
        rows = connection.execute(f"PRAGMA integrity_check({most})").fetchall()
    except sqlite3.DatabaseError as error:
        if not outcome.is_damage(error):
            raise
        return [str(error)]  # There are pages that stop even that.
    # Before what it says of pages, it says of which database.
    lines = [line for (found,) in rows for line in found.splitlines()]
    return [line for line in lines if line != "ok" and not line.startswith("***")]
