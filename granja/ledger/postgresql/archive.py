"""A ledger in a database, to read or to copy.  Nodes may write to it at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.ledger.archive import Contents, IArchive, ITarget, NotCopied, SavedState, contents
from granja.ledger.chain import BadEntry, Entry, Head, verified
from granja.ledger.interface import Kept, LedgerRefused, Opened
from granja.ledger.postgresql import pseudonyms, reading, schema
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.schema import Connection
from granja.ledger.postgresql.session import Away, Session, told
from granja.ledger.replay import market_of
from granja.ledger.snapshot import checksum, dump
from granja.ledger.sqlite.target import SQLiteTarget
from granja.market.facts import Fact
from granja.market.market import Limits
from granja.text import names

#: An operator's program may take as long as it likes between two reads.
_PATIENT = "SET idle_in_transaction_session_timeout = 0"


def connect_patiently(address: Address, session: Session) -> Connection:
    """Open a connection.

    :raises LedgerRefused: when the database is away.
    """
    try:
        connection = session.connect()
        connection.execute(_PATIENT)
    except (Away, psycopg.Error) as error:
        raise LedgerRefused(f"the database {address} cannot be opened: {told(error)}") from None
    return connection


@implementer(IArchive)
class PostgreSQLArchive:
    """:param address: of the database.
    :raises LedgerRefused: when it holds no ledger of this version.
    """

    def __init__(self, address: Address) -> None:
        self.name = str(address)
        self.closed = False
        self._session = Session(address, "granja archive")
        self._connection = connect_patiently(address, self._session)
        try:
            if schema.recognise(self._connection, self.name) is None:
                raise LedgerRefused(f"the database {self.name} has no ledger yet")
            with _sentences():
                self.pseudonyms = pseudonyms.read(self._connection)
        except BaseException:
            self.close()
            raise

    def start(self) -> Head:
        with _sentences():
            return reading.start(self._connection)

    def end(self) -> int:
        with _sentences():
            return reading.head(self._connection).sequence

    def entries(self, after: int) -> Iterator[Entry]:
        with _sentences():
            limit, last = self.end(), after
            for entry in reading.entries(self._connection, after, limit):
                last = entry.sequence
                yield entry
            if last < limit:
                raise BadEntry(last + 1, "it is missing")

    def fact(self, entry: Entry) -> Fact:
        return entry.fact(self.pseudonyms.show)

    def saved_states(self) -> Iterator[SavedState]:
        with _sentences():
            for snapshot in reading.snapshots(self._connection):
                problem = reading.distrust(self._connection, snapshot)
                state = None if problem else self.pseudonyms.show_state(snapshot.content)
                yield SavedState(snapshot.sequence, problem, state)

    def verifiers(self) -> Iterator[tuple[FarmerId, str | None]]:
        with _sentences():
            for farmer, verifier in sorted(reading.verifiers(self._connection).items()):
                yield farmer, verifier if verifier.isascii() else None

    def kept(self) -> Iterator[Kept]:
        with _sentences():
            for item in reading.beside(self._connection):
                yield Kept(*item)

    def strangeness(self) -> str | None:
        with _sentences():
            return schema.problem(self._connection)

    def damage(self) -> str | None:
        """Check that the head is the last entry.  PostgreSQL has checksums for its own files."""
        with _sentences():
            return reading.headless(self._connection)

    def copy(self, target: Path) -> int:
        """Copy into an SQLite file, as :func:`granja.ledger.archive.contents` says."""
        with _sentences():
            head = reading.head(self._connection)
            start = reading.start(self._connection)
            rows = reading.entries(self._connection, start.sequence, head.sequence)
            found = verified(rows, start.hash, start.sequence)
            facts = (self.fact(entry) for entry in found)
            opened = Opened(head.sequence, None, start.sequence, facts)
            market = market_of(opened, Limits())
            SQLiteTarget(target).fill(contents(self, market, head))
            return head.sequence

    def close(self) -> None:
        self._session.drop()


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, Away) as error:
        raise LedgerRefused(f"the ledger cannot be read: {told(error)}") from None


# -- copying into a database -----------------------------------------------------------------


@implementer(ITarget)
class PostgreSQLTarget:
    """:param address: of a database that is empty, or has an empty ledger and no node."""

    def __init__(self, address: Address) -> None:
        self.name = str(address)
        self._address = address

    def check(self) -> None:
        session = Session(self._address, "granja copy")
        try:
            self._check(connect_patiently(self._address, session))
        except psycopg.Error as error:
            raise NotCopied(told(error)) from None
        finally:
            session.drop()

    def _check(self, connection: Connection) -> None:
        if schema.recognise(connection, self.name) is None:
            return
        rows = connection.execute(
            "SELECT 1 FROM granja.head WHERE sequence > 0 UNION ALL SELECT 1 FROM granja.leases "
            "UNION ALL SELECT 1 FROM granja.kept UNION ALL SELECT 1 FROM granja.credentials "
            "UNION ALL SELECT 1 FROM granja.names UNION ALL SELECT 1 FROM granja.entries LIMIT 1"
        )
        if rows.fetchone() is not None:
            raise NotCopied("there is something already; a copy overwrites nothing")

    def fill(self, contents: Contents) -> None:
        session = Session(self._address, "granja copy")
        try:
            connection = connect_patiently(self._address, session)
            schema.bring_up_to_date(connection, self.name)
            with connection.transaction():
                connection.execute("SELECT 1 FROM granja.head FOR UPDATE")
                self._check(connection)
                _fill(connection, contents)
        except psycopg.Error as error:
            raise NotCopied(told(error)) from None
        finally:
            session.drop()


def _fill(connection: Connection, contents: Contents) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(
            "COPY granja.entries (sequence, time, kind, body, hash) FROM STDIN"
        ) as rows:
            for entry in contents.entries:
                rows.write_row(entry)
        cursor.executemany(
            "INSERT INTO granja.credentials VALUES (%s, %s)", list(contents.verifiers)
        )
        cursor.executemany(
            "INSERT INTO granja.kept (subject, key, value, changed) VALUES (%s, %s, %s, 0)",
            [(item.subject, item.key, reading.text(item.value)) for item in contents.kept],
        )
    pseudonyms.add(connection, contents.pseudonyms.rows())
    plain = (contents.pseudonyms.plain,)
    connection.execute("UPDATE granja.granja SET plain = %s", plain)
    head = contents.head
    connection.execute(
        "UPDATE granja.head SET sequence = %s, hash = %s", (head.sequence, head.hash)
    )
    if head.sequence:
        state = dump(contents.pseudonyms.hide_state(contents.market.snapshot()))
        connection.execute(
            "INSERT INTO granja.snapshots VALUES (%s, %s, %s, %s)",
            (head.sequence, head.hash, state, checksum(head.hash, state)),
        )
    _fill_names(connection, contents)


def _fill_names(connection: Connection, contents: Contents) -> None:
    """Fill in the registered names.  A visitor of the other ledger has left here."""
    try:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO granja.names (farmer, spelling, key1, key2, key3, registered) "
                "VALUES (%s, %s, %s, %s, %s, true)",
                [
                    (farmer, name, *names.recall(name).keys)
                    for farmer, name in contents.market.registered.items()
                ],
            )
    except psycopg.errors.UniqueViolation as error:
        raise NotCopied(f"two registered names are one: {told(error)}") from None
    if contents.market.last_farmer:
        last = (contents.market.last_farmer,)
        connection.execute("SELECT setval('granja.farmers', %s)", last)
