"""The lease of this node: the right to write, for a few seconds at a time."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from granja.ledger.postgresql.schema import Connection

#: Seconds, by the database's clock, that a lease lasts without being renewed.
LASTS = 5.0

#: Seconds between two renewals.
RENEWED_EACH = 1.0

#: Which facts this granja knows, beside what a lease says of its node.
VERSION = 1


class Fenced(Exception):
    """The lease is gone: another node has ended it."""


class NodeLives(Exception):
    """Another node of this name has a lease, which lasts for so many seconds: ``args[0]``."""


class Lease:
    """``writer`` is its number, from :meth:`take` on; a new one each time.

    :param node: as the operator calls this node.
    :param lasts: seconds.
    """

    def __init__(self, node: str, lasts: float = LASTS) -> None:
        self.node = node
        self.lasts = lasts
        self.writer = 0

    def take(self, connection: Connection) -> int:
        """A new lease, in the place of one of this name that is over.

        :raises NodeLives: when it is not over.
        """
        node = (self.node,)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('granja ' || %s))", node)
            connection.execute(
                "DELETE FROM granja.leases WHERE node = %s AND until <= clock_timestamp()", node
            )
            left: Any = connection.execute(
                "SELECT extract(epoch FROM until - clock_timestamp())::float8, session, until::text"
                " FROM granja.leases WHERE node = %s",
                node,
            ).fetchone()
            if left is not None:
                raise NodeLives(*left)
            row: Any = connection.execute(
                "INSERT INTO granja.leases SELECT nextval('granja.writers'), %s, 0, "
                "clock_timestamp() + make_interval(secs => %s), %s RETURNING writer",
                (self.node, self.lasts, VERSION),
            ).fetchone()
            self.writer = row[0]
        return self.writer

    def renew(self, connection: Connection) -> None:
        """:raises Fenced: when it is gone."""
        done = connection.execute(
            "UPDATE granja.leases SET until = clock_timestamp() + make_interval(secs => %s) "
            "WHERE writer = %s",
            (self.lasts, self.writer),
        )
        if not done.rowcount:
            raise Fenced

    def begin(self, connection: Connection) -> int:
        """Let this connection be the one that writes, and all earlier ones write nothing more.

        What one of them had begun is finished first.  And since this is committed before anything
        is read, whatever is read afterwards is on the standby as well.

        :returns: the number of the session.
        :raises Fenced: when the lease is gone.
        """
        with connection.transaction():
            connection.execute(
                "SELECT 1 FROM granja.leases WHERE writer = %s FOR UPDATE", (self.writer,)
            )
            row: Any = connection.execute(
                "UPDATE granja.leases SET session = session + 1, "
                "until = clock_timestamp() + make_interval(secs => %s) WHERE writer = %s "
                "RETURNING session",
                (self.lasts, self.writer),
            ).fetchone()
        if row is None:
            raise Fenced
        return int(row[0])

    def end(self, connection: Connection) -> None:
        """The node stops in good order: nobody has to wait for the end of the lease."""
        with suppress(Fenced):
            connection.execute("DELETE FROM granja.leases WHERE writer = %s", (self.writer,))


def reap(connection: Connection) -> list[str]:
    """End the leases that are over, and say of which nodes."""
    rows: Any = connection.execute(
        "DELETE FROM granja.leases WHERE until <= clock_timestamp() RETURNING node"
    )
    return [node for (node,) in rows]


def live(connection: Connection) -> dict[int, str]:
    """The nodes that have a lease, by its number."""
    rows: Any = connection.execute("SELECT writer, node FROM granja.leases ORDER BY writer")
    return dict(rows.fetchall())
