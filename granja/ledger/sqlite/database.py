"""The SQLite file: opening it, recognising it, bringing it up to date."""

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

#: "GRAN": what PRAGMA application_id of a ledger says.
APPLICATION = 0x4752414E

#: The version of ``schema.sql``.
VERSION = 5

_log = Logger()


def locate(path: Path) -> Path:
    """The file that is meant, itself: SQLite's log and our lock are beside it, not beside a link.

    :raises LedgerRefused: when something else than a file is there.
    """
    # Not Path.resolve: whether that raises for a circle, and what, depends on Python's version.
    path = Path(os.path.realpath(path))
    if path.is_symlink():
        raise LedgerRefused(f"{path} is a link that leads back to itself")
    if path.is_dir():
        raise LedgerRefused(f"{path} is a folder, not a ledger")
    if path.exists() and not path.is_file():
        raise LedgerRefused(f"{path} is not a regular file, and so not a ledger")
    return path


def create(path: Path) -> None:
    """Make an empty file if there is none: one that only its owner may read, because password
    verifiers will be inside.

    :raises LedgerRefused: when it is only SQLite's log that is there, which SQLite would delete; or
        when that is a link, whose target SQLite would write over.
    :raises OSError: when it cannot be made.
    """
    log = log_of(path)
    for own in (log, index_of(path)):
        if own.is_symlink():
            raise LedgerRefused(f"{own} is a link, and SQLite makes none: move it away")
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
    """A connection in autocommit mode; every transaction is begun and committed in so many words.

    It may be used by one thread at a time, not only by this one.

    :param read_only: promises to change nothing, so a live ledger may be read.
    :param immutable: nobody else changes it either, so nothing is locked.
    """
    mode = "ro&immutable=1" if immutable else "ro" if read_only else "rw"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=2, check_same_thread=False)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the ledger, making, tightening or upgrading the file as needed.

    :raises LedgerRefused: when it is not a ledger, a newer one, or one that was cut off.
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
        # What is deleted is overwritten: names must be forgettable.
        connection.execute("PRAGMA secure_delete = ON")
        # The writer moves the log into the file itself: SQLite does it at the end of a commit,
        # while farmers wait for the answer, and keeps what goes wrong to itself.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        _bring_up_to_date(connection, path)
        # SQLite deleted the journal of its old mode.  If a power cut brought that back, it would
        # undo the change of mode, and with it all that came after.
        sync_folder(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path, *, any_version: bool = False) -> sqlite3.Connection:
    """Open a ledger that may be live at this moment, to look at it.

    :param any_version: it need not be understood, only copied.
    :raises LedgerRefused: when it is not there, empty, not a ledger, cut off, or of another
        version.
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
    # To read a ledger, SQLite makes a log and its index.  On a medium where it cannot, it need not:
    # without them there is no server.  But of what is in a log, nothing would be seen.
    if not (index.exists() or (log.exists() and log.stat().st_size)) and not _writable(path.parent):
        return connect(path, immutable=True)
    # A read-only connection leaves SQLite's log alone, which a crash may have left for the next
    # start to look at; but where there is none it would leave an empty one behind.
    return connect(path, read_only=log.exists())


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def unreadable(path: Path, error: sqlite3.Error) -> str:
    """Why SQLite cannot open or read a ledger, in half a sentence."""
    if outcome.name(error).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return obstacle(path) or str(error)
    return str(error)


def copy(source: sqlite3.Connection, target: Path) -> None:
    """A consistent copy, all in one read transaction, whole and durable when it appears.

    :raises FileExistsError: a copy never takes the place of something else.
    """
    with appearing(target) as part:
        fill(source, part)


def fill(source: sqlite3.Connection, part: Path) -> None:
    """Copy a database into an empty file."""
    with closing(connect(part)) as copied:
        # One step for all pages: between steps, every commit of a live server would make
        # SQLite begin anew, for ever.
        source.backup(copied, pages=-1)


def lay_out(connection: sqlite3.Connection) -> None:
    """Make the tables of a ledger in an empty file."""
    _run(connection, "schema.sql", VERSION)


def copy_beside(connection: sqlite3.Connection, path: Path, why: str) -> Path:
    """A copy before something irrevocable: ``<path>.<why>``, or with a number if that exists."""
    for target in beside(path, why):
        with suppress(FileExistsError):
            copy(connection, target)
            return target
    raise AssertionError("there is always another number")


def _tighten(path: Path) -> None:
    """Take from others what they may do with a ledger: not with a file that is none, whose mode
    is not our business.

    SQLite has opened its log and the log's index by then, and made them like the ledger was.
    """
    for file in (path, log_of(path), index_of(path)):
        if file.exists() and file.stat().st_mode & 0o077:
            file.chmod(0o600)
            _log.warn("{file} could be read by others; now only by its owner.", file=file)


def _recognise(connection: sqlite3.Connection, path: Path) -> int:
    """The version of a ledger, 0 for an empty file."""
    try:
        application = _pragma(connection, "application_id")
        version = _pragma(connection, "user_version")
        empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if outcome.is_damage(error):
            pages.check_length(connection, path)  # which has a better word for it
        if getattr(error, "sqlite_errorname", "") != "SQLITE_NOTADB":
            raise
        raise LedgerRefused(f"{path} is not a ledger") from None
    except UnicodeDecodeError:  # SQLite complains of the damage in the very words that are damaged.
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
    """Run one SQL file and note the version that it led to, all or nothing."""
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{schema.script(name)}\nPRAGMA application_id = {APPLICATION};\n"
            f"PRAGMA user_version = {version};\nCOMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
