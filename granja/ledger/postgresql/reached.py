"""How far a node knows the ledger that it shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from granja.ledger.chain import Entry, Head, extend
from granja.ledger.interface import Kept
from granja.ledger.postgresql import reading
from granja.ledger.postgresql.batch import Batch
from granja.ledger.postgresql.pseudonyms import Known
from granja.ledger.postgresql.schema import Connection
from granja.ledger.writing import Append
from granja.market.facts import Fact


class Others(NamedTuple):
    """What others wrote: ``facts`` after entry ``after``, and changes beside the chain."""

    after: int
    facts: list[Fact]
    beside: list[Kept]


class Reached:
    """The last entry that this node knows, the number of changes beside the chain, and the names.

    Each method that takes a connection raises :class:`psycopg.Error` when the database is away.
    This node then knows as much as before.

    :param head: the entry whose state the market has.
    :param changes: the number of known changes.
    :param known: which hash stands for which name.
    """

    def __init__(self, head: Head, changes: int, known: Known) -> None:
        self.head = head
        self.known = known
        self._changes = changes

    def is_in(self, connection: Connection) -> bool:
        """Whether the database has the last entry that we know."""
        head = self.head
        return not head.sequence or reading.hash_of(connection, head.sequence) == head.hash

    # -- what this node writes -----------------------------------------------------------------

    def batch(self, appends: list[Append]) -> Batch:
        """What comes next in the chain, if it is stored.  Each append learns its own end."""
        entries: list[Entry] = []
        head, names = self.head, self.known.pseudonyms
        for job in appends:
            entries += extend(head.hash, head.sequence, job.time, job.facts, names.body)
            if entries:
                head = Head(entries[-1].sequence, entries[-1].hash)
            job.head = head
        return Batch(appends, self.head, entries, names.take_fresh())

    def advance(self, batch: Batch) -> None:
        """Note that a batch is stored.

        Its changes beside the chain are not counted: others may have made some before them.
        """
        self.head = batch.end

    def discard(self, batch: Batch) -> None:
        """Note that a batch is not stored, and its names are not either."""
        self.known.pseudonyms.drop(batch.names)

    # -- what others wrote ---------------------------------------------------------------------

    def missed(self, connection: Connection, after: int, end: Head) -> list[Fact]:
        """The facts from entry ``after`` to the end.

        :raises BadEntry: at the first that is not understood.
        """
        start = self._start(connection, after)
        missed = self._read(connection, list(reading.entries(connection, after)), start, end)
        self.head = end
        return missed

    def others(self, connection: Connection, writer: int) -> Others:
        """Everything new.

        :param writer: our lease; what it changed beside the chain is not new.
        :raises BadEntry: at the first entry that is not understood.
        """
        start = self.head
        # Changes come first: nobody may hear of one before the facts that it was stored with.
        changes, items = reading.changes_since(connection, self._changes, writer)
        facts: list[Fact] = []
        if found := list(reading.entries(connection, start.sequence)):
            end = Head(found[-1].sequence, found[-1].hash)
            facts = self._read(connection, found, start, end)
            self.head = end
        self._changes = changes
        return Others(start.sequence, facts, items)

    def _start(self, connection: Connection, after: int) -> Head:
        if after == self.head.sequence:
            return self.head
        known = reading.hash_of(connection, after) if after else Head().hash
        return Head(after, known or b"")

    def _read(
        self, connection: Connection, found: Sequence[Entry], start: Head, end: Head
    ) -> list[Fact]:
        """The facts that others wrote, with their names."""
        self.known.refresh(connection)
        return list(reading.checked(iter(found), start, end, self.known.pseudonyms.show))
