"""Reads password verifiers.  It never tells anybody what is in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from twisted.logger import Logger

from granja.contract.ids import FarmerId

#: Stands for a verifier that cannot be read.  No password fits it.
UNREADABLE = "unreadable"

_log = Logger()


def stored(connection: sqlite3.Connection) -> Iterator[tuple[FarmerId, str]]:
    """Each farmer's verifier, or :data:`UNREADABLE`."""
    # As BLOB: sqlite3 raises an error for text that is not UTF-8, and the error quotes the text.
    rows = connection.execute(
        "SELECT farmer, ifnull(CAST(verifier AS BLOB), x'') FROM credentials ORDER BY farmer"
    )
    for farmer, verifier in rows:
        yield farmer, verifier.decode() if verifier.isascii() else UNREADABLE


def read(connection: sqlite3.Connection) -> dict[FarmerId, str]:
    """All verifiers.  It logs which farmers cannot log in."""
    found = dict(stored(connection))
    for farmer, verifier in found.items():
        if verifier == UNREADABLE:
            _log.warn(
                "The password verifier of farmer {farmer} cannot be read; they cannot log in.",
                farmer=farmer,
            )
    return found
