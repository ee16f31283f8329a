"""Names that this node forgets, and that the other nodes have yet to hear of."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from granja.ledger.postgresql import pseudonyms, reading
from granja.ledger.postgresql.pseudonyms import Known
from granja.ledger.postgresql.schema import Connection
from granja.ledger.writing import Forget


@dataclass(frozen=True, slots=True)
class _Waiting:
    """``named``: keys beside the chain that are names.  ``due``: when we delete them."""

    job: Forget
    count: int
    named: list[tuple[str, str]]
    due: float


class Forgetting:
    """The jobs in their order, each until it is answered.

    Each method that takes a connection raises :class:`psycopg.Error` when the database is away.

    :param known: which hash stands for which name.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._waiting: deque[_Waiting] = deque()

    def forget(self, connection: Connection, job: Forget, writer: int, due: float) -> None:
        """Delete the names and their salts.  What beside the chain has a name as its key is emptied
        now, and goes at :meth:`end`.

        :param writer: the lease of this node.
        :param due: when the other nodes have heard of it, in the seconds of the writer's clock.
        """
        named: list[tuple[str, str]] = []
        with connection.transaction():
            reading.head(connection, turn=True)  # Nobody adds a row meanwhile.
            gone = [row for row in pseudonyms.rows(connection) if job.is_meant(row)]
            pseudonyms.forget(connection, gone)
            if job.beside and gone:
                named = pseudonyms.forget_beside(connection, gone, writer)
        self._known.pseudonyms.forget(gone)
        # Without such keys, nobody has to wait.
        self._waiting.append(_Waiting(job, len(gone), named, due if named else 0.0))

    @property
    def jobs(self) -> list[Forget]:
        """Those without an answer."""
        return [waiting.job for waiting in self._waiting]

    def is_due(self, now: float) -> bool:
        """Whether the first job can end."""
        return bool(self._waiting) and now >= self._waiting[0].due

    @property
    def names_keys(self) -> bool:
        """Whether the first job has keys to delete."""
        return bool(self._waiting[0].named)

    def end(self, connection: Connection) -> tuple[Forget, int]:
        """End the first job: delete its keys.

        :returns: the job, and how many names were forgotten.
        """
        first = self._waiting[0]
        if first.named:
            pseudonyms.drop(connection, first.named)
        del self._waiting[0]
        return first.job, first.count
