"""A new SQLite ledger with the contents of another ledger, of any engine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeVar

from zope.interface import implementer

from granja.ledger.archive import Contents, ITarget, NotCopied
from granja.ledger.sqlite import database, kept, names, snapshots
from granja.ledger.sqlite.files import appearing
from granja.ledger.sqlite.writer import insert

_CHUNK = 5000

T = TypeVar("T")


@implementer(ITarget)
class SQLiteTarget:
    """:param path: of the new file."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def check(self) -> None:
        if os.path.lexists(self._path):
            raise NotCopied("there is something already; a copy overwrites nothing")

    def fill(self, contents: Contents) -> None:
        try:
            with appearing(self._path) as part, closing(database.connect(part)) as connection:
                database.lay_out(connection)
                connection.execute("BEGIN IMMEDIATE")
                _fill(connection, contents)
                connection.execute("COMMIT")
        except FileExistsError:
            raise NotCopied("there is something already; a copy overwrites nothing") from None
        except OSError as error:
            raise NotCopied(error.strerror or str(error)) from None
        except sqlite3.Error as error:
            raise NotCopied(str(error)) from None


def _fill(connection: sqlite3.Connection, contents: Contents) -> None:
    for chunk in _chunks(contents.entries):
        insert(connection, chunk)
    connection.executemany(
        "INSERT INTO credentials (farmer, verifier) VALUES (?, ?)", contents.verifiers
    )
    kept.write(connection, list(contents.kept))
    names.add(connection, contents.pseudonyms.rows())
    if contents.pseudonyms.plain:
        names.note(connection, names.PLAIN)
    if contents.closed:
        names.note(connection, names.CLOSED)
    if contents.head.sequence:
        state = contents.pseudonyms.hide_state(contents.market.snapshot())
        snapshots.save(connection, state, contents.head.sequence)


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
