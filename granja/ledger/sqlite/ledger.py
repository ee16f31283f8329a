"""The ledger that survives crashes and power cuts: ``sqlite:PATH``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.ledger.forgetful import Forgetful
from granja.ledger.interface import ILedger, Kept, LedgerRefused, NotStored, Opened
from granja.ledger.sqlite import (
    database,
    kept,
    names,
    recovery,
    verifiers as credentials,
    wal as tail,
)
from granja.ledger.sqlite.files import Place, refused
from granja.ledger.sqlite.lock import Lock
from granja.ledger.sqlite.writer import Writer
from granja.ledger.writing import Append, Checkpoint, Close, Forget
from granja.market.facts import Fact

#: After this many facts a snapshot is worth its cost (docs/performance/choices.md).
FACTS_PER_SNAPSHOT = 20_000


_CLOSED = (
    "{path} is an archive, which is closed for good: start the server on the ledger that goes on "
    "from it"
)


@implementer(ILedger)
class SQLiteLedger(Forgetful):
    """Facts in an SQLite file, in WAL mode with ``synchronous=FULL``.

    :param path: the file; we make it if it does not exist.
    :param reactor: gives the answers; a thread of its own writes.
    :param now: the time in Unix seconds, asked at each append.
    """

    def __init__(self, path: Path, reactor: IReactorFromThreads, now: Callable[[], float]) -> None:
        self.path = path
        self._reactor = reactor
        self._now = now
        self._lock = Lock()
        self._writer: Writer | None = None
        self._facts_since_snapshot = 0

    def open(self) -> Opened:
        """See :meth:`ILedger.open`.  It verifies only what came after the newest snapshot."""
        try:
            self.path = database.locate(self.path)
            self._lock.take(self.path)
            database.create(self.path)
            self._lock.take_itself(self.path)
            return self._open()
        except OSError as error:
            self._lock.release()
            why = refused(self.path, error)
            raise LedgerRefused(f"the ledger {self.path} cannot be opened: {why}") from None
        except sqlite3.Error as error:
            self._lock.release()
            why = database.unreadable(self.path, error)
            raise LedgerRefused(f"the ledger {self.path} cannot be read: {why}") from None
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> Opened:
        torn = recovery.check_log(self.path)
        saved = tail.keep(self.path) if torn else None
        connection = database.open_to_write(self.path)
        try:
            if saved is not None:
                recovery.forget_torn(connection, self.path, torn, saved)
            pseudonyms = names.read(connection)
            if names.is_noted(connection, names.CLOSED):
                raise LedgerRefused(_CLOSED.format(path=self.path))
            head, start, snapshot = recovery.recover(connection, self.path)
            verifiers, beside = credentials.read(connection), kept.read(connection)
            state = pseudonyms.show_state(snapshot.content) if snapshot else None
            place = Place(self.path, self._now)
        except BaseException:
            connection.close()
            raise
        self._facts_since_snapshot = head.sequence - start.sequence
        pages = tail.pages(self.path)
        self._plain = pseudonyms.plain
        self._writer = Writer(connection, head, place, self._reactor, pages, pseudonyms)
        self._writer.start()
        facts = recovery.facts(self.path, start.sequence, head.sequence)
        return Opened(head.sequence, state, start.sequence, facts, verifiers, beside)

    def append(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        if self._writer is None:
            return fail(NotStored("the ledger is closed"))
        job = Append(tuple(facts), after, dict(credentials), tuple(kept), self._now())
        self._facts_since_snapshot += len(job.facts)
        self._writer.put(job)
        return job.done

    def _forget(self, job: Forget) -> Deferred[int]:
        if self._writer is None:
            return fail(NotStored("the ledger is closed"))
        self._writer.put(job)
        return job.done

    def wants_checkpoint(self) -> bool:
        return self._facts_since_snapshot >= FACTS_PER_SNAPSHOT

    def checkpoint(self, snapshot: dict[str, Any], sequence: int) -> None:
        """See :meth:`ILedger.checkpoint`.  It ignores a snapshot that comes too late."""
        if self._writer is not None:
            self._facts_since_snapshot = 0
            self._writer.put(Checkpoint(snapshot, sequence))

    def close(self) -> Deferred[None]:
        if self._writer is None:
            return succeed(None)
        writer, self._writer = self._writer, None
        closing = Close()
        closing.done.addCallback(lambda _: self._lock.release())
        writer.put(closing)
        return closing.done
