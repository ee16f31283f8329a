"""What an error of SQLite says about a transaction: surely not stored, or nobody knows.

* Before COMMIT, pages may already be in the log, but none has a commit mark: not stored.  (Even
  then, after a failed sync nobody may trust the disk with the next trade.)
* COMMIT writes the pages, the last one with the commit mark.  Then it syncs the log.  Then it
  publishes the pages to other connections.  If a *write* fails, the mark is not whole: not stored,
  whether this process goes on or the next one reads the log.
* If the *sync* fails, the mark may be on the disk or not.  A second sync would report success and
  write nothing (Linux forgets failed pages).  If *publishing* fails, the mark is on the disk, but
  this connection does not know it.  In both cases nobody can say what the next start will find:
  the ledger halts.
* A table may refuse what it always took: an entry of that number exists already, a trigger refuses
  it, or the table is gone.  Then somebody else has written to the file.  Nothing was stored.  But
  another attempt is useless, and decisions here are based on another state than the ledger's: it
  halts too.

So at COMMIT only "disk full" and "write failed" are certain, and everything else is not.
"""

from __future__ import annotations

_CERTAIN_AT_COMMIT = {"SQLITE_FULL", "SQLITE_IOERR_WRITE"}
_SYNC = {"SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"}
_STRANGE = {"SQLITE_ERROR", "SQLITE_MISMATCH"}
_HARMLESS_AT_CHECKPOINT = _CERTAIN_AT_COMMIT | {"SQLITE_BUSY", "SQLITE_LOCKED"}


def is_certain(error: Exception, *, committing: bool) -> bool:
    """Whether a failed transaction is surely not stored, and may be tried again.

    :param committing: whether COMMIT had begun.
    """
    if committing:
        return name(error) in _CERTAIN_AT_COMMIT
    return name(error) not in _SYNC and not is_strange(error)


def is_strange(error: Exception) -> bool:
    """Whether the tables are not as this process left them."""
    return name(error).startswith("SQLITE_CONSTRAINT") or name(error) in _STRANGE


def is_harmless_at_checkpoint(error: Exception) -> bool:
    """Whether we can try later to move the log into the file.

    Nothing was synced then, and everything is still in the log.
    """
    return name(error) in _HARMLESS_AT_CHECKPOINT


def is_damage(error: Exception) -> bool:
    """Whether a page of the file is damaged.  A locked file or a bad disk is no damage."""
    return name(error).startswith("SQLITE_CORRUPT")


def is_writing(error: Exception) -> bool:
    """Whether writing failed, not reading."""
    return name(error) in _CERTAIN_AT_COMMIT | _SYNC | {"SQLITE_CANTOPEN", "SQLITE_READONLY"}


def name(error: Exception) -> str:
    """SQLite's name for it, such as ``SQLITE_FULL``; for other errors, their class."""
    return str(getattr(error, "sqlite_errorname", type(error).__name__))
