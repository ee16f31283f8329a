"""The writer: the thread that writes everything that waits, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from granja.ledger.chain import Entry, Head, extend
from granja.ledger.interface import Halted, NotStored, Stale
from granja.ledger.pseudonyms import NameRow, Pseudonyms
from granja.ledger.sqlite import kept, names, outcome, snapshots
from granja.ledger.sqlite.files import Place, log_of
from granja.ledger.writing import UNKNOWN, Append, Checkpoint, Close, Forget, WriterThread
from granja.market.facts import Departed, Released

#: With more pages in SQLite's log, we move the log into the file.  One page of the log's index
#: covers some 4,000 pages.  Publishing can fail only when the index must grow, so we stay well
#: below.
MOST_LOG_PAGES = 1000

#: Somebody reads the ledger while it closes.
_STILL_THERE = (
    "Names are forgotten, but SQLite's log still has them, because somebody reads the ledger: end "
    "that, start the server again, and stop it."
)

#: SQLite takes at least 999 parameters, and :mod:`sqlite3` remembers 128 statements.
_AT_ONCE = 50

_INSERTS = [
    "INSERT INTO entries (sequence, time, kind, body, hash) VALUES "
    + ", ".join(["(?, ?, ?, ?, ?)"] * count)
    for count in range(_AT_ONCE + 1)
]

_STRANGE = "somebody else has changed the ledger under the server; the last write is not stored"

_log = Logger()


Job = Append | Checkpoint | Forget | Close


class Writer(WriterThread[Job]):
    """Owns the connection from :meth:`start` to the answer to a :class:`Close`.

    :param connection: on the ledger, with no transaction.
    :param head: the last entry in it.
    :param place: remembers where its files are.
    :param reactor: gives the answers.
    :param log_pages: how many pages are in SQLite's log already.  A crash leaves them there.
        Without this number, the log would grow without end under servers that crash often.
    :param pseudonyms: the names behind the chain's hashes.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        head: Head,
        place: Place,
        reactor: IReactorFromThreads,
        log_pages: int,
        pseudonyms: Pseudonyms,
    ) -> None:
        super().__init__(reactor, _log)
        self._pseudonyms = pseudonyms
        #: Jobs that wait until SQLite's log is empty, and how many names each has forgotten.
        self._emptying: list[tuple[Forget, int]] = []
        self._connection = connection
        self._head = head
        self._place = place
        #: Rows for the table of names in the present transaction.
        self._new_names: list[NameRow] = []
        self._log_pages = log_pages

    # -- all below happens in the thread -----------------------------------------------------

    def _run(self) -> None:
        closing: Close | None = None
        while closing is None:
            jobs = self._waiting()
            closing = next((job for job in jobs if isinstance(job, Close)), None)
            self._guarded(self._append_all, [job for job in jobs if isinstance(job, Append)])
            for job in jobs:
                if isinstance(job, Checkpoint):
                    self._guarded(self._save, job)
                elif isinstance(job, Forget):
                    self._guarded(self._forget, job)
            self._guarded(self._empty_log if self._emptying else self._move_log)
        self._guarded(self._connection.close)  # This removes SQLite's log, unless somebody reads.
        if not log_of(self._place.ledger).exists():
            self._forgotten()
        elif self._emptying:
            _log.error(_STILL_THERE)
            self._refuse([job for job, _ in self._emptying], Halted(_STILL_THERE))
        self._answer(closing.done.callback, None)

    def _guarded(self, work: Callable[..., object], *arguments: object) -> None:
        """Do some work.  A mistake in it must not end the thread while farmers wait."""
        try:
            work(*arguments)
        except Exception as error:
            _log.failure("The ledger's writer failed; trading stops.")
            self._halt(f"{type(error).__name__}: {error}")

    def _append_all(self, appends: list[Append]) -> None:
        if self._halted is None:
            self._store(self._in_order(appends))
        else:
            self._refuse(appends, Halted(self._halted))

    def _in_order(self, appends: list[Append]) -> list[Append]:
        """The appends that were decided against the state that they will meet; refuse the
        others."""
        accepted, sequence = [], self._head.sequence
        for job in appends:
            if job.after == sequence:
                accepted.append(job)
                sequence += len(job.facts)
            else:
                told = f"decided after {job.after}, but the ledger is at {sequence}"
                self._answer(job.done.errback, Stale(told))
        return accepted

    def _store(self, appends: list[Append]) -> None:
        if not appends:
            return
        committing = False
        self._new_names.clear()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            head = self._insert(appends)
            committing = True
            self._connection.execute("COMMIT")
        except Exception as error:  # Somebody waits for the answer, whatever has failed.
            self._failed(appends, error, committing)
            return
        if problem := self._place.problem():
            self._refuse(appends, Halted(self._halt(problem)))
            return
        self._head = head
        self._accept(appends)

    def _insert(self, appends: list[Append]) -> Head:
        head = self._head
        for job in appends:
            written = self._pseudonyms.body
            entries = list(extend(head.hash, head.sequence, job.time, job.facts, written))
            if entries:
                head = Head(entries[-1].sequence, entries[-1].hash)
                self._write_names(job)
                self._log_pages += 1 + insert(self._connection, entries) // 3000
            if job.credentials:
                self._log_pages += len(job.credentials)
                self._connection.executemany(
                    "INSERT OR REPLACE INTO credentials (farmer, verifier) VALUES (?, ?)",
                    job.credentials.items(),
                )
            self._log_pages += kept.write(self._connection, job.kept)
            job.head = head
        return head

    def _write_names(self, job: Append) -> None:
        fresh = self._pseudonyms.take_fresh()
        self._new_names += fresh
        names.add(self._connection, fresh)
        gone = [
            (job.time, fact.farmer) for fact in job.facts if isinstance(fact, Departed | Released)
        ]
        names.leave(self._connection, gone)
        released = [(fact.farmer,) for fact in job.facts if isinstance(fact, Released)]
        self._connection.executemany("DELETE FROM credentials WHERE farmer = ?", released)
        self._log_pages += len(fresh) + len(gone)

    def _failed(self, appends: list[Append], error: Exception, committing: bool) -> None:
        why = f"{outcome.name(error)}: {error}"
        self._pseudonyms.drop([*self._new_names, *self._pseudonyms.take_fresh()])
        if outcome.is_certain(error, committing=committing) and self._roll_back():
            _log.warn("The ledger could not be written to, so nothing changed: {why}.", why=why)
            self._refuse(appends, NotStored(why))
        else:
            known = not committing and outcome.is_strange(error)
            self._refuse(appends, Halted(self._halt(why, _STRANGE if known else UNKNOWN)))

    def _roll_back(self) -> bool:
        """Roll back.  SQLite may have ended the transaction by itself.

        :return: whether nothing is left of the transaction.
        """
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            _log.error("Rolling back failed as well: {why}.", why=f"{outcome.name(error)}: {error}")
            return False
        return True

    def _save(self, job: Checkpoint) -> None:
        """Store a snapshot.  A failure is no loss, unless its outcome is unknown."""
        if self._halted is not None:
            return
        committing = False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            state = self._pseudonyms.hide_state(job.state)
            self._log_pages += 2 + snapshots.save(self._connection, state, job.sequence) // 4000
            committing = True
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._failed([], error, committing)

    def _forget(self, job: Forget) -> None:
        """Remove names.  Answer when SQLite's log, which has them too, is empty."""
        if self._halted is not None:
            self._refuse([job], Halted(self._halted))
            return
        committing = False
        try:
            gone = [row for row in names.rows(self._connection) if job.is_meant(row)]
            if gone:
                self._connection.execute("BEGIN IMMEDIATE")
                names.forget(self._connection, gone)
                if job.beside:
                    names.forget_beside(self._connection, gone)
                committing = True
                self._connection.execute("COMMIT")
        except Exception as error:  # Somebody waits for the answer, whatever has failed.
            self._failed_to_forget(job, error, committing)
            return
        if not gone:
            self._answer(job.done.callback, 0)
            return
        self._pseudonyms.forget(gone)
        self._emptying.append((job, len(gone)))

    def _failed_to_forget(self, job: Forget, error: Exception, committing: bool) -> None:
        why = f"{outcome.name(error)}: {error}"
        if outcome.is_certain(error, committing=committing) and self._roll_back():
            self._refuse([job], NotStored(why))
        else:
            self._refuse([job], Halted(self._halt(why)))

    def _empty_log(self) -> None:
        """Empty SQLite's log, which holds the forgotten names.

        A reader may prevent this.  Then we try again after the next job.
        """
        if self._halted is not None:
            return
        try:
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            busy, why = 1, f"{outcome.name(error)}: {error}"
            if not outcome.is_harmless_at_checkpoint(error):
                self._halt(why)
        if not busy:
            self._log_pages = 0
            self._forgotten()

    def _forgotten(self) -> None:
        """Answer: no byte is left of the forgotten names."""
        done, self._emptying = self._emptying, []
        for job, count in done:
            self._answer(job.done.callback, count)

    def _move_log(self) -> None:
        """Move SQLite's log into its file from time to time.  Readers may prevent this."""
        if self._halted is not None or self._log_pages < MOST_LOG_PAGES:
            return
        self._log_pages = 0
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            why = f"{outcome.name(error)}: {error}"
            if outcome.is_harmless_at_checkpoint(error):
                _log.warn("SQLite's log could not be moved into the ledger: {why}.", why=why)
            else:
                self._halt(why)


def insert(connection: sqlite3.Connection, entries: Sequence[Entry]) -> int:
    """Insert rows.

    It uses one statement for many rows.  At each statement the thread gives the interpreter away
    and has to wait for it, up to 5 ms when the chat is busy.  With ``executemany`` that would be
    once a row.

    :return: about how many bytes the rows have.
    """
    for at in range(0, len(entries), _AT_ONCE):
        chunk = entries[at : at + _AT_ONCE]
        connection.execute(_INSERTS[len(chunk)], [value for entry in chunk for value in entry])
    return sum(len(entry.body) + 70 for entry in entries)
