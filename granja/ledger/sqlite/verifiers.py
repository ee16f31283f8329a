"""Reading password verifiers.  Of what is in them, nothing is ever told to anybody."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from twisted.logger import Logger

from granja.contract.ids import FarmerId

#: In the place of a verifier that cannot be read: no password fits it.
UNREADABLE = "unreadable"

_log = Logger()


def stored(connection: sqlite3.Connection) -> Iterator[tuple[FarmerId, str]]:
    """Each farmer's verifier, or :data:`UNREADABLE`."""
    # As BLOB: for text that is no longer UTF-8 sqlite3 raises an error with that text in it.
    rows = connection.execute(
        "SELECT farmer, ifnull(CAST(verifier AS BLOB), x'') FROM credentials ORDER BY farmer"
    )
    for farmer, verifier in rows:
        yield farmer, verifier.decode() if verifier.isascii() else UNREADABLE


def read(connection: sqlite3.Connection) -> dict[FarmerId, str]:
    """All of them; the operator hears who cannot log in."""
    found = dict(stored(connection))
    for farmer, verifier in found.items():
        if verifier == UNREADABLE:
            _log.warn(
                "The password verifier of farmer {farmer} cannot be read; they cannot log in.",
                farmer=farmer,
            )
    return found
