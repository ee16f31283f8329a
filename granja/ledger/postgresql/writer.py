"""The writer: the thread that writes everything that waits, in one statement, and reads what others
wrote.

Each statement that appends is a transaction of its own.  When others were quicker, this node waits
in the queue for the head, reads everything that it missed, and keeps the turn until the decision
was made again.  So no node is always too late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from threading import Event
from typing import Final

import psycopg
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from granja.ledger.chain import BadEntry
from granja.ledger.interface import Halted, LedgerRefused, NotStored, Stale
from granja.ledger.postgresql import lease as leases, reading
from granja.ledger.postgresql.batch import Batch
from granja.ledger.postgresql.forgetting import Forgetting
from granja.ledger.postgresql.lease import Fenced, Lease
from granja.ledger.postgresql.reached import Reached
from granja.ledger.postgresql.schema import Connection
from granja.ledger.postgresql.session import Away, Session, is_strange, told
from granja.ledger.postgresql.way import Lost, Way
from granja.ledger.shared import Watcher
from granja.ledger.writing import UNKNOWN, Append, Checkpoint, Close, Forget, WriterThread
from granja.market.facts import Fact

#: Seconds after which an unused turn is given back.
TURN: Final = 0.1

#: Seconds between two looks at what others wrote, if no message says that they wrote.
LOOK: Final = 1.0

#: Seconds between two attempts to connect.
RETRY: Final = 0.3

#: After this many seconds every living node has heard of a change.
HEARD: Final = 2 * LOOK

#: After this many facts a snapshot is worth its cost.  Between snapshots of two nodes are at least
#: half as many.
FACTS_PER_SNAPSHOT: Final = 20_000

#: Why a node halts.
STRANGE = "somebody else has changed the database"
NOT_UNDERSTOOD = "what another node wrote is not understood"

_log = Logger()


@dataclass(eq=False, slots=True)
class Look:
    """Look at what others wrote."""


Job = Append | Checkpoint | Forget | Look | Close


class Writer(WriterThread[Job]):
    """Owns its session from :meth:`start` to the answer to a :class:`Close`.

    :param session: it is connected.
    :param number: the session's number, from :meth:`Lease.begin`.
    :param reached: what the market has, and what the node has heard of beside the chain.
    :param seconds: a clock that only goes forward.
    """

    def __init__(
        self,
        session: Session,
        lease: Lease,
        number: int,
        reached: Reached,
        reactor: IReactorFromThreads,
        seconds: Callable[[], float],
    ) -> None:
        super().__init__(reactor, _log)
        self.watcher: Watcher | None = None
        self._way = Way(session, lease, number, self._believe)
        self._lease = lease
        self._reached = reached
        self._unsaved: Checkpoint | None = None
        self._hurried = Event()
        self._seconds = seconds
        self._forgetting = Forgetting(reached.known)

    @property
    def up(self) -> bool:
        """Whether a new job has a chance to be stored; any thread may ask."""
        return self._way.up

    @property
    def sequence(self) -> int:
        """The number of the last known entry; any thread may ask."""
        return self._reached.head.sequence

    def hurry(self) -> None:
        """Stop waiting for a database that is away: the server stops."""
        self._hurried.set()
        self._way.cut()

    # -- all below happens in the thread -----------------------------------------------------

    def _run(self) -> None:
        closing: Close | None = None
        while closing is None:
            # Without a job for a while, we look at what others wrote.
            jobs = self._waiting(TURN if self._way.in_turn else LOOK if self.up else RETRY)
            closing = next((job for job in jobs if isinstance(job, Close)), None)
            appends = [job for job in jobs if isinstance(job, Append)]
            forgets = [job for job in jobs if isinstance(job, Forget)]
            try:
                self._work(jobs, appends, forgets)
            except Exception as error:  # After a mistake here, farmers must not wait for ever.
                _log.failure("The ledger's writer failed; trading stops.")
                why = self._halt(f"{type(error).__name__}: {error}")
                self._refuse([*appends, *forgets], Halted(why))
        self._end(closing)

    def _work(self, jobs: Sequence[Job], appends: list[Append], forgets: list[Forget]) -> None:
        """Do all jobs.  Whoever has an answer is taken from the lists."""
        if self._halted is None and not self._way.reach():
            self._refuse([*appends, *forgets], NotStored("the database is away"))
            return
        if self._halted is not None:
            self._refuse([*appends, *forgets], Halted(self._halted))
            return
        quiet = not appends
        if appends:
            self._append(appends)
            appends.clear()
        try:
            self._save(jobs)
            if not jobs:
                self._way.give_turn_back()
            while forgets:
                self._forget(forgets[0])
                del forgets[0]
            if quiet and not self._way.in_turn:
                self._look()
            self._end_forgetting()
        except (psycopg.Error, Away) as error:
            self._way.lose(error)
            self._refuse(forgets, NotStored(told(error)))
        except LedgerRefused as refused:
            self._refuse(forgets, Halted(self._halt(str(refused), STRANGE)))

    def _save(self, jobs: Sequence[Job]) -> None:
        """Store the newest state, as soon as nobody waits for the end of our turn."""
        for job in jobs:
            if isinstance(job, Checkpoint):
                self._unsaved = job
        if self._unsaved is not None and not self._way.in_turn:
            job, self._unsaved = self._unsaved, None
            state = self._reached.known.pseudonyms.hide_state(job.state)
            reading.save(self._way.connection, state, job.sequence, FACTS_PER_SNAPSHOT // 2)

    def _end(self, closing: Close) -> None:
        try:
            self._way.give_turn_back()
            self._end_forgetting(at_once=True)
            if not self._hurried.is_set():
                self._way.end_lease()
        except (psycopg.Error, Away):
            _log.warn("The lease of this node could not be given back; it ends by itself.")
        self._way.drop()
        self._refuse(self._forgetting.jobs, NotStored("the server stops"))
        self._reactor.callFromThread(closing.done.callback, None)

    # -- a new connection --------------------------------------------------------------------

    def _believe(self, connection: Connection) -> None:
        """Halt if the database has lost something that farmers were told of."""
        if not self._reached.is_in(connection):
            self._halt(
                f"the database does not have entry {self.sequence} any more, of which "
                "farmers were told: a standby was promoted that had not got it",
                "trades are lost",
            )

    # -- appending ---------------------------------------------------------------------------

    def _append(self, appends: list[Append]) -> None:
        accepted = self._in_order(appends)
        if not accepted:
            return  # The next decision has the turn.
        if self._way.in_turn and not any(
            job.facts or job.credentials or job.kept for job in accepted
        ):
            self._pass_on(accepted)
        else:
            self._store(accepted)

    def _pass_on(self, accepted: list[Append]) -> None:
        """Give the turn to others: the second decision has nothing to store."""
        self._give_turn_back()
        for job in accepted:
            job.head = self._reached.head
        self._accept(accepted)

    def _in_order(self, appends: list[Append]) -> list[Append]:
        """The appends that were decided against the state that they will meet."""
        accepted: list[Append] = []
        late: list[Append] = []
        sequence = self.sequence
        for job in appends:
            if job.after == sequence and not late:
                accepted.append(job)
                sequence += len(job.facts)
            else:
                late.append(job)
        if not accepted:
            self._queue_up(late)
        else:
            for job in late:
                why = f"decided after {job.after}, but the ledger is at {sequence}"
                self._answer(job.done.errback, Stale(why))
        return accepted

    def _store(self, appends: list[Append]) -> None:
        batch = self._reached.batch(appends)
        try:
            answer = self._too_young(batch) or self._way.append(batch)
        except Lost as error:
            self._resolve(batch, str(error))
        except Away as error:
            self._reached.discard(batch)
            self._way.lose(error)
            self._refuse(appends, NotStored(str(error)))
        except psycopg.Error as error:
            self._reached.discard(batch)
            self._failed(batch, error)
        else:
            if answer == "stored":
                self._stored(batch)
            else:
                self._reached.discard(batch)
                self._not_taken(appends, answer)

    def _not_taken(self, appends: list[Append], answer: str) -> None:
        """The database has answered, and stored nothing."""
        if answer == "stale":
            self._queue_up(appends)
        elif answer == "young":
            _log.warn("A node of an older granja runs, which would not know what this one did.")
            self._refuse(appends, NotStored("a node of an older granja runs"))
        else:
            self._refuse(appends, NotStored("the lease of this node is over"))
            self._way.lose(Away("the lease of this node is over"))

    def _too_young(self, batch: Batch) -> str:
        """Answer ``"young"`` when a node that lives does not know each kind of fact in the batch,
        and else nothing.

        :raises psycopg.Error: when the database does not answer; nothing is stored then.
        """
        if not batch.version:
            return ""
        if leases.least_version(self._way.connection) >= batch.version:
            return ""
        self._way.give_turn_back()
        return "young"

    def _stored(self, batch: Batch) -> None:
        self._reached.advance(batch)
        self._accept(batch.appends)

    def _failed(self, batch: Batch, error: psycopg.Error) -> None:
        """Answer the batch: the database has refused it, and nothing was stored."""
        why = told(error)
        if is_strange(error):
            what = f"{STRANGE}; the last write is not stored"
            self._refuse(batch.appends, Halted(self._halt(why, what)))
            return
        _log.warn("The ledger could not be written to, so nothing changed: {why}.", why=why)
        self._refuse(batch.appends, NotStored(why))
        if error.sqlstate == "25006":  # It is a standby now.
            self._way.lose(Away(why))

    # -- an unknown outcome ------------------------------------------------------------------

    def _resolve(self, batch: Batch, why: str) -> None:
        """Find out whether the batch is stored, however long that takes."""
        _log.warn("{what} ({why}); asking again.", what=UNKNOWN.capitalize(), why=why)
        self._way.drop()
        self._notify("unsure")
        writer = self._lease.writer
        while not self._hurried.is_set():
            if self._found_out(batch, writer):
                break
            self._hurried.wait(RETRY)
        else:
            self._refuse(batch.appends, Halted(self._halt(why)))
        self._notify("sure")

    def _found_out(self, batch: Batch, writer: int) -> bool:
        """Whether the outcome is known now, and told.

        An ended lease stores nothing more, and neither does an earlier session of this lease.
        """
        try:
            self._way.open()
            stored = bool(batch.entries) and (
                reading.written(self._way.connection, batch.end.sequence)
                == (batch.end.hash, writer)
            )
        except (Away, LedgerRefused, psycopg.Error) as error:
            self._way.lose(error if isinstance(error, Away) else Away(told(error)))
            return False
        except Fenced:  # We wait until the keeper has another lease.
            self._way.drop()
            return False
        if self._halted is not None:
            self._refuse(batch.appends, Halted(self._halted))
        elif stored:
            self._stored(batch)
        elif not batch.entries:  # Changes beside the chain may be written twice.
            self._store(batch.appends)
        else:
            self._reached.discard(batch)
            self._refuse(batch.appends, NotStored("the connection was lost before it was stored"))
        return True

    # -- the turn ----------------------------------------------------------------------------

    def _queue_up(self, late: list[Append]) -> None:
        """Wait for the turn, and report what was missed.  The next decision has the turn."""
        first = late[0]
        try:
            missed = self._take_turn(first.after)
        except (BadEntry, LedgerRefused) as bad:
            self._give_turn_back()
            what = NOT_UNDERSTOOD if isinstance(bad, BadEntry) else STRANGE
            self._refuse(late, Halted(self._halt(str(bad), what)))
            return
        except (psycopg.Error, Away) as error:
            self._way.lose(error)
            self._refuse(late, NotStored(told(error)))
            return
        told_head = f"decided after {first.after}, but the ledger is at {self.sequence}"
        self._answer(first.done.errback, Stale(told_head, missed))
        for job in late[1:]:
            self._answer(job.done.errback, Stale(told_head))

    def _give_turn_back(self) -> None:
        """Give the turn to others.  A connection that is lost then has none."""
        try:
            self._way.give_turn_back()
        except (psycopg.Error, Away) as error:
            self._way.lose(error)

    def _take_turn(self, after: int) -> list[Fact]:
        self._way.take_turn()
        connection = self._way.connection
        end = reading.head(connection, turn=True)
        if not 0 <= after <= max(end.sequence, self.sequence):
            self._way.give_turn_back()
            return []
        return self._reached.missed(connection, after, end)

    # -- forgetting ------------------------------------------------------------------------------

    def _forget(self, job: Forget) -> None:
        self._way.give_turn_back()
        self._forgetting.forget(
            self._way.connection, job, self._lease.writer, self._seconds() + HEARD
        )

    def _end_forgetting(self, *, at_once: bool = False) -> None:
        """When the other nodes have heard of it, delete keys that are names, and answer."""
        now = inf if at_once else self._seconds()
        while self._forgetting.is_due(now):
            if self._forgetting.names_keys:
                self._way.give_turn_back()
            job, count = self._forgetting.end(self._way.connection)
            self._answer(job.done.callback, count)

    # -- what others wrote -------------------------------------------------------------------

    def _look(self) -> None:
        if self.watcher is None:
            return
        try:
            others = self._reached.others(self._way.connection, self._lease.writer)
        except BadEntry as bad:
            self._halt(str(bad), NOT_UNDERSTOOD)
            return
        if others.facts:
            self._notify("others", others.after, others.facts)
        if others.beside:
            self._notify("beside", others.beside)

    # -- answers -----------------------------------------------------------------------------

    def _notify(self, what: str, *arguments: object) -> None:
        if self.watcher is not None:
            self._reactor.callFromThread(getattr(self.watcher, what), *arguments)
