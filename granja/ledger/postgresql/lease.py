"""The lease of this node: the right to write, for some seconds at a time."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from granja.ledger.postgresql.schema import Connection

#: Seconds that a lease lasts without a renewal, by the database's clock.
LASTS = 5.0

#: Seconds between two renewals.
RENEWED_EACH = 1.0

#: Which facts this granja knows.  A lease tells it of its node.
VERSION = 2

#: The version that first knew a kind of fact, for the kinds that are younger than this ledger.  A
#: node writes one of them only when every node that has a lease knows it: so that a farm can be
#: upgraded node by node.
SINCE = {"begun": 2}


class Fenced(Exception):
    """The lease is gone, because another node has ended it."""


class NodeLives(Exception):
    """Another node of this name has a lease.  ``args[0]``: the seconds that it lasts."""


class Lease:
    """``writer``: the number of the lease, after :meth:`take`; each time a new one.

    :param node: what the operator calls this node.
    :param lasts: seconds.
    """

    def __init__(self, node: str, lasts: float = LASTS) -> None:
        self.node = node
        self.lasts = lasts
        self.writer = 0

    def take(self, connection: Connection) -> int:
        """Take a new lease.  It replaces an ended one of this name.

        :raises NodeLives: when the other lease has not ended.
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
        """Renew the lease.

        :raises Fenced: when it is gone.
        """
        done = connection.execute(
            "UPDATE granja.leases SET until = clock_timestamp() + make_interval(secs => %s) "
            "WHERE writer = %s",
            (self.lasts, self.writer),
        )
        if not done.rowcount:
            raise Fenced

    def begin(self, connection: Connection) -> int:
        """Make this connection the one that writes.  Earlier ones write nothing more.

        A write that an earlier one has begun ends first.  This commits before we read anything.  So
        the standby, too, has everything that we read after it.

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
        """End the lease when the node stops properly.  So nobody has to wait for its end."""
        with suppress(Fenced):
            connection.execute("DELETE FROM granja.leases WHERE writer = %s", (self.writer,))


def reap(connection: Connection) -> list[str]:
    """Remove leases that are over, and return the names of their nodes."""
    rows: Any = connection.execute(
        "DELETE FROM granja.leases WHERE until <= clock_timestamp() RETURNING node"
    )
    return [node for (node,) in rows]


def live(connection: Connection) -> dict[int, str]:
    """The nodes with a lease, by the lease's number."""
    rows: Any = connection.execute("SELECT writer, node FROM granja.leases ORDER BY writer")
    return dict(rows.fetchall())


def least_version(connection: Connection) -> int:
    """Return the version of the oldest granja that has a lease; 0 where nobody has one."""
    row: Any = connection.execute("SELECT coalesce(min(version), 0) FROM granja.leases").fetchone()
    return int(row[0])


def look(connection: Connection, writer: int) -> tuple[float, int]:
    """Return the time of the database's clock, in Unix seconds, and how many leases are older."""
    row: Any = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp())::float8, "
        "(SELECT count(*) FROM granja.leases WHERE writer < %s)",
        (writer,),
    ).fetchone()
    return float(row[0]), int(row[1])
