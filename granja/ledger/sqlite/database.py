"""The SQLite file: opens it, recognises it, brings it up to date."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from twisted.logger import Logger

from granja.ledger.interface import LedgerRefused
from granja.ledger.sqlite import integrity as pages, outcome, schema
from granja.ledger.sqlite.files import (
    appearing,
    beside,
    index_of,
    log_of,
    obstacle,
    sync_folder,
)

#: "GRAN": the PRAGMA application_id of a ledger.
APPLICATION = 0x4752414E

#: The version of ``schema.sql``.
VERSION = 5

_log = Logger()


def locate(path: Path) -> Path:
    """The ledger's file itself, without links: SQLite's log and our lock are beside the file.

    :raises LedgerRefused: when it is not a file.
    """
    # Not Path.resolve: its error for a circle of links depends on Python's version.
    path = Path(os.path.realpath(path))
    if path.is_symlink():
        raise LedgerRefused(f"{path} is a link that leads back to itself")
    if path.is_dir():
        raise LedgerRefused(f"{path} is a folder, not a ledger")
    if path.exists() and not path.is_file():
        raise LedgerRefused(f"{path} is not a regular file, and so not a ledger")
    return path


def create(path: Path) -> None:
    """Make an empty file if there is none.  Only its owner may read it, because it will hold
    password verifiers.

    :raises LedgerRefused: when there is only SQLite's log, which SQLite would delete; or when the
        log or its index is no file of its own: SQLite would overwrite a link's target.
    :raises OSError: when the file cannot be made.
    """
    log = log_of(path)
    for own in (log, index_of(path)):
        if own.is_symlink():
            raise LedgerRefused(f"{own} is a link, and SQLite makes none: move it away")
        if own.exists() and not own.is_file():
            raise LedgerRefused(f"{own} is not a regular file: move it away")
    nothing = not path.exists() or not path.stat().st_size
    if nothing and log.exists() and log.stat().st_size:
        raise LedgerRefused(
            f"the ledger {path} was removed or is empty, but its log {log} is there, and has the "
            "newest trades: put the ledger back, or move the log away as well to begin anew"
        )
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        sync_folder(path.parent)


def connect(path: Path, *, read_only: bool = False, immutable: bool = False) -> sqlite3.Connection:
    """Open a connection in autocommit mode.  Our code begins and commits every transaction.

    One thread at a time may use it, and not only the present one.

    :param read_only: it changes nothing, so it may read a live ledger.
    :param immutable: nobody else changes the ledger either, so it locks nothing.
    """
    mode = "ro&immutable=1" if immutable else "ro" if read_only else "rw"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=2, check_same_thread=False)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the ledger.  Make, protect or upgrade the file if needed.

    :raises LedgerRefused: when it is not a ledger, or is a newer one, or was cut off.
    :raises OSError: when the file cannot be made.
    :raises sqlite3.Error: when SQLite cannot work with it.
    """
    create(path)
    connection = connect(path)
    try:
        _recognise(connection, path)
        pages.check_length(connection, path)
        _tighten(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # SQLite overwrites what it deletes, because a name must leave no byte.
        connection.execute("PRAGMA secure_delete = ON")
        # Our writer moves the log into the file.  SQLite would do it at the end of a commit, while
        # farmers wait for the answer, and would hide its errors.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        _bring_up_to_date(connection, path)
        # SQLite has deleted the journal of its old mode.  If a power cut brought the journal back,
        # it would undo the change of mode and everything after it.
        sync_folder(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path, *, any_version: bool = False) -> sqlite3.Connection:
    """Open a ledger to read it.  It may be live.

    :param any_version: it will only be copied, so it may have any version.
    :raises LedgerRefused: when it does not exist, is empty, is not a ledger, was cut off, or has
        another version.
    """
    if not path.is_file():
        raise LedgerRefused(f"there is no ledger at {path}")
    connection = _connect_to_look(path)
    try:
        connection.execute("PRAGMA query_only = 1")
        version = _recognise(connection, path)
        pages.check_length(connection, path)
        if version == 0:
            raise LedgerRefused(f"{path} is empty: no server has made a ledger of it yet")
        if version != VERSION and not any_version:
            raise LedgerRefused(
                f"the ledger {path} is older than this granja; start a server on it once, "
                "and it will be upgraded after a backup copy"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_look(path: Path) -> sqlite3.Connection:
    log, index = log_of(path), index_of(path)
    # SQLite makes a log and its index to read a ledger.  On a read-only medium it cannot.  If both
    # are missing, no server runs, and SQLite needs neither.  But it would not see what is in a log.
    if not (index.exists() or (log.exists() and log.stat().st_size)) and not _writable(path.parent):
        return connect(path, immutable=True)
    # A read-only connection does not change the log, so the next start can look at what a crash
    # left in it.  If there is no log, such a connection would leave an empty one behind.
    return connect(path, read_only=log.exists())


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def unreadable(path: Path, error: sqlite3.Error, how: int = os.R_OK | os.W_OK) -> str:
    """Half a sentence about why SQLite cannot open or read a ledger.

    :param how: what somebody must be allowed to do with its files, as for :func:`os.access`.
    """
    if outcome.name(error).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return obstacle(path, how) or str(error)
    return str(error)


def copy(source: sqlite3.Connection, target: Path) -> None:
    """Make a consistent copy in one read transaction.  It is whole and durable when it appears.

    :raises FileExistsError: when the target exists.  A copy never replaces a file.
    """
    with appearing(target) as part:
        fill(source, part)


def fill(source: sqlite3.Connection, part: Path) -> None:
    """Copy a database into an empty file."""
    with closing(connect(part)) as copied:
        # One step for all pages.  With more steps, each commit of a live server would make SQLite
        # begin again, without end.
        source.backup(copied, pages=-1)


def lay_out(connection: sqlite3.Connection) -> None:
    """Make the tables of a ledger in an empty file."""
    _run(connection, "schema.sql", VERSION)


def copy_beside(connection: sqlite3.Connection, path: Path, why: str) -> Path:
    """Copy the ledger before a change that nobody can undo, to ``<path>.<why>``.

    If that file exists, the name gets a number.
    """
    for target in beside(path, why):
        with suppress(FileExistsError):
            copy(connection, target)
            return target
    raise AssertionError("there is always another number")


def _tighten(path: Path) -> None:
    """Take all rights to a ledger from other users.  We leave files that are no ledger alone.

    SQLite has opened its log and the log's index by now, and gave them the ledger's old rights.
    """
    for file in (path, log_of(path), index_of(path)):
        if file.exists() and file.stat().st_mode & 0o077:
            file.chmod(0o600)
            _log.warn("{file} could be read by others; now only by its owner.", file=file)


def _recognise(connection: sqlite3.Connection, path: Path) -> int:
    """The version of a ledger; 0 for an empty file.

    :raises LedgerRefused: when it is not a ledger, or a newer one.
    """
    try:
        application = _pragma(connection, "application_id")
        version = _pragma(connection, "user_version")
        empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if outcome.is_damage(error):
            pages.check_length(connection, path)  # It has a better sentence for this damage.
        if getattr(error, "sqlite_errorname", "") != "SQLITE_NOTADB":
            raise
        raise LedgerRefused(f"{path} is not a ledger") from None
    except UnicodeDecodeError:  # SQLite quotes the damaged text in its error.
        raise LedgerRefused(f"the ledger {path} is damaged: its tables cannot be read") from None
    if empty and not application and not version:
        return 0
    if application != APPLICATION or version < 1:
        raise LedgerRefused(f"{path} is not a ledger of a granja")
    if version > VERSION:
        raise LedgerRefused(
            f"the ledger {path} has version {version}, but this granja knows only up to {VERSION}; "
            "a newer granja is needed to open it"
        )
    return version


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    version = _recognise(connection, path)
    if version == 0:
        _run(connection, "schema.sql", VERSION)
        return
    if version < VERSION:
        kept = copy_beside(connection, path, f"version-{version}")
        _log.warn("Upgrading the ledger; the old one is kept as {kept}.", kept=kept)
    for older in range(version, VERSION):
        _run(connection, f"upgrade_{older}_to_{older + 1}.sql", older + 1)


def _run(connection: sqlite3.Connection, name: str, version: int) -> None:
    """Run one SQL file and note its version, all or nothing."""
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{schema.script(name)}\nPRAGMA application_id = {APPLICATION};\n"
            f"PRAGMA user_version = {version};\nCOMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
