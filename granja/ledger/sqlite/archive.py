"""An SQLite ledger to read.  A server may write to it at the same time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.ledger.archive import IArchive, NotCopied, SavedState
from granja.ledger.chain import Entry, Head
from granja.ledger.interface import Kept, LedgerRefused
from granja.ledger.pseudonyms import Pseudonyms
from granja.ledger.sqlite import (
    database,
    integrity,
    kept as beside,
    names,
    outcome,
    recovery,
    schema,
    snapshots,
    verifiers,
)
from granja.ledger.sqlite.files import appearing, refused
from granja.market.facts import Fact


@implementer(IArchive)
class SQLiteArchive:
    """:param path: the ledger.
    :param any_version: it will only be copied, so it may have any version.
    :raises LedgerRefused: when it cannot be read; also when a server would refuse to start after
        the last crash.  SQLite would read only the part before the damage, and everything would
        seem right.
    """

    def __init__(self, path: Path, *, any_version: bool = False) -> None:
        self.name = str(path)
        path = database.locate(path)
        try:
            recovery.check_log(path)
            self._connection = database.open_to_read(path, any_version=any_version)
        except OSError as error:
            raise _unreadable(refused(path, error)) from None
        except sqlite3.Error as error:
            raise _unreadable(database.unreadable(path, error, os.R_OK)) from None
        self.pseudonyms = _names(self._connection)
        self.closed = _is_closed(self._connection)

    def start(self) -> Head:
        with _sentences():
            return recovery.start(self._connection)

    def end(self) -> int:
        with _sentences():
            return recovery.end(self._connection)

    def entries(self, after: int) -> Iterator[Entry]:
        with _sentences():
            yield from recovery.read(self._connection, after)

    def fact(self, entry: Entry) -> Fact:
        return entry.fact(self.pseudonyms.show)

    def saved_states(self) -> Iterator[SavedState]:
        with _sentences():
            for snapshot in snapshots.stored(self._connection):
                problem = snapshots.distrust(self._connection, snapshot)
                state = None if problem else self.pseudonyms.show_state(snapshot.content)
                yield SavedState(snapshot.sequence, problem, state)

    def verifiers(self) -> Iterator[tuple[FarmerId, str | None]]:
        try:
            for farmer, verifier in verifiers.stored(self._connection):
                yield farmer, None if verifier == verifiers.UNREADABLE else verifier
        except sqlite3.DatabaseError as error:
            if not outcome.is_damage(error):
                raise _unreadable(error) from None
            raise LedgerRefused(f"the password verifiers cannot be read: {error}") from None

    def kept(self) -> Iterator[Kept]:
        with _sentences():
            for subject, key, value in beside.stored(self._connection):
                if value is not None:
                    yield Kept(subject, key, value)

    def strangeness(self) -> str | None:
        with _sentences():
            return schema.problem(self._connection)

    def damage(self) -> str | None:
        with _sentences():
            return next(iter(integrity.problems(self._connection)), None)

    def copy(self, target: Path) -> int:
        with _sentences():
            try:
                with appearing(target) as part:
                    database.fill(self._connection, part)
                    return _length(part)
            except sqlite3.Error as error:
                if outcome.is_writing(error):
                    raise NotCopied(str(error)) from None
                raise

    def close(self) -> None:
        self._connection.close()


def _unreadable(why: object) -> LedgerRefused:
    return LedgerRefused(f"the ledger cannot be read: {why}")


def _names(connection: sqlite3.Connection) -> Pseudonyms:
    """The table of names.  An older or damaged ledger gives none; its users find that out."""
    try:
        return names.read(connection)
    except sqlite3.DatabaseError:
        return Pseudonyms(plain=True)


def _is_closed(connection: sqlite3.Connection) -> bool:
    try:
        return names.is_noted(connection, names.CLOSED)
    except sqlite3.DatabaseError:  # It is old, or damaged, which the audit finds.
        return False


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _unreadable(error) from None


def _length(copy: Path) -> int:
    with closing(database.open_to_read(copy, any_version=True)) as copied:
        return recovery.last_sequence(copied)
