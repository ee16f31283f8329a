"""A batch: what one statement of the writer stores."""

from __future__ import annotations

from dataclasses import dataclass

from granja.ledger.chain import Entry, Head
from granja.ledger.postgresql import lease as leases, reading
from granja.ledger.pseudonyms import NameRow
from granja.ledger.writing import Append
from granja.market.facts import Departed, Registered, Released

#: The statement, for :meth:`Batch.parameters`.
APPEND = (
    "SELECT answer FROM granja.append(%s, %s, %s, %s, %s::float8[], %s::text[], "
    "%s::text[], %s::bytea[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], "
    "%s::bigint[], %s::text[], %s::bigint[], %s::bytea[], %s::text[], %s::bigint[], %s::float8[], "
    "%s::bigint[])"
)


@dataclass(eq=False, slots=True)
class Batch:
    """What one statement stores."""

    appends: list[Append]
    before: Head
    entries: list[Entry]
    names: list[NameRow]

    @property
    def end(self) -> Head:
        """The end of the chain once the batch is stored."""
        last = self.entries[-1] if self.entries else None
        return Head(last.sequence, last.hash) if last else self.before

    def parameters(self, writer: int, session: int) -> tuple[object, ...]:
        verifiers = {f: v for job in self.appends for f, v in job.credentials.items()}
        kept = {(k.subject, k.key): k.value for job in self.appends for k in job.kept}
        facts = [(job.time, fact) for job in self.appends for fact in job.facts]
        gone = [(time, f.farmer) for time, f in facts if isinstance(f, Departed | Released)]
        return (
            writer,
            session,
            self.before.sequence,
            self.before.hash,
            [entry.time for entry in self.entries],
            [entry.kind for entry in self.entries],
            [entry.body for entry in self.entries],
            [entry.hash for entry in self.entries],
            list(verifiers),
            list(verifiers.values()),
            [subject for subject, _ in kept],
            [key for _, key in kept],
            [reading.text(value) for value in kept.values()],
            [fact.farmer for _, fact in facts if isinstance(fact, Registered)],
            [row.hash for row in self.names],
            [row.farmer for row in self.names],
            [row.salt for row in self.names],
            [row.name for row in self.names],
            [farmer for _, farmer in gone],
            [time for time, _ in gone],
            [fact.farmer for _, fact in facts if isinstance(fact, Released)],
        )

    @property
    def version(self) -> int:
        """The version of leases from which on a node knows each of its kinds of facts."""
        return max((leases.SINCE.get(entry.kind, 0) for entry in self.entries), default=0)
