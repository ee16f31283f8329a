"""What an error of SQLite says about a transaction: surely not stored, or nobody knows.

* Before COMMIT, pages may already be in the log, but none with a commit mark: not stored.  (Even
  then a failed sync is a disk that must not be trusted with the next trade.)
* COMMIT writes the pages, the last one with the commit mark, then syncs the log, then publishes
  the pages to other connections.  If a *write* fails, the mark is not whole: not stored, whether
  this process goes on or the next one reads the log.
* If the *sync* fails, the mark may be on the disk or not, and a second sync would report success
  without having written anything (Linux forgets failed pages).  If *publishing* fails, the mark is
  on the disk, but this connection does not know it.  Either way nobody can say what the next start
  will find: the ledger halts.
* If a table does not take what it always took (an entry of that number is there already, a trigger
  refuses it, the table is gone), the file is not what this process thinks, because somebody else
  wrote to it.  Nothing was stored, but trying again is of no use, and what is decided here is
  decided against another state than the ledger's: it halts as well.

So only "disk full" and "write failed" are certain at COMMIT, and everything else is not.
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
    """Whether the tables are not what this process left there."""
    return name(error).startswith("SQLITE_CONSTRAINT") or name(error) in _STRANGE


def is_harmless_at_checkpoint(error: Exception) -> bool:
    """Whether moving the log into the file may simply be tried again later: nothing was synced,
    and all is still in the log."""
    return name(error) in _HARMLESS_AT_CHECKPOINT


def is_damage(error: Exception) -> bool:
    """Whether a page of the file is damaged, rather than the file locked or the disk at fault."""
    return name(error).startswith("SQLITE_CORRUPT")


def is_writing(error: Exception) -> bool:
    """Whether it is what was to be written that failed, rather than what was read."""
    return name(error) in _CERTAIN_AT_COMMIT | _SYNC | {"SQLITE_CANTOPEN", "SQLITE_READONLY"}


def name(error: Exception) -> str:
    """What SQLite calls it, such as ``SQLITE_FULL``; for other errors, their class."""
    return str(getattr(error, "sqlite_errorname", type(error).__name__))
