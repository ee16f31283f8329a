"""What is read from the tables is all that is there, in order, and what is wrong has a name."""

from __future__ import annotations

from granja.ledger.chain import BadEntry, Entry, Head, extend
from granja.ledger.interface import Kept
from granja.ledger.postgresql import reading
from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.schema import bring_up_to_date
from granja.ledger.postgresql.session import Session
from granja.ledger.snapshot import KEPT, checksum, dump
from granja.market.facts import Fact, Left
from granja.market.market import Market
from tests.ledger.postgresql.test_shared import SharedCase
from tests.support.ledgers import ANA
from tests.support.logs import sentences

STATE = Market().snapshot()


def chain(count: int) -> list[Entry]:
    """So many entries."""
    facts: list[Fact] = [Left(ANA)] * count
    return list(extend(Head().hash, 0, 1.5, facts))


class ReadingCase(SharedCase):
    def setUp(self) -> None:
        super().setUp()
        session = Session(Address(self.url), "test")
        self.addCleanup(session.drop)
        self.connection = session.connect()
        bring_up_to_date(self.connection, "here")

    def fill(self, count: int) -> list[Entry]:
        """Put so many entries into the table."""
        written = chain(count)
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO granja.entries (sequence, time, kind, body, hash) "
                "VALUES (%s, %s, %s, %s, %s)",
                written,
            )
        return written


class Entries(ReadingCase):
    def test_some_at_a_time(self) -> None:
        """Also where the last part is full."""
        self.patch(reading, "_CHUNK", 2)
        written = self.fill(5)
        for after, through in ((0, None), (0, 4), (1, None), (2, 3), (5, None), (0, 5)):
            self.assertEqual(
                list(reading.entries(self.connection, after, through)), written[after:through]
            )


class Heads(ReadingCase):
    def test_the_head_is_the_last_entry(self) -> None:
        """Or somebody has changed the database.  An operator reads both numbers."""
        self.assertIsNone(reading.headless(self.connection))
        written = self.fill(2)
        for sequence, wrong in ((2, False), (1, True), (3, True)):
            self.connection.execute(
                "UPDATE granja.head SET sequence = %s, hash = %s", (sequence, written[1].hash)
            )
            problem = f"its head says that entry {sequence} is the last, but that is 2"
            self.assertEqual(reading.headless(self.connection), problem if wrong else None)
        self.connection.execute("DELETE FROM granja.entries")
        self.assertEqual(
            reading.headless(self.connection),
            "its head says that entry 3 is the last, but that is 0",
        )
        self.connection.execute("DELETE FROM granja.head")
        self.assertEqual(reading.headless(self.connection), "it has no head")
        self.assertEqual(reading.kept(self.connection), (0, {}))


class Gaps(SharedCase):
    """The chain says which entry is the last, and what its hash is."""

    def objection(self, entries: list[Entry], end: Head) -> str:
        with self.assertRaises(BadEntry) as caught:
            list(reading.checked(iter(entries), Head(), end))
        return str(caught.exception)

    def test_the_end_is_missing(self) -> None:
        written = chain(3)
        end = Head(3, written[2].hash)
        for count in range(3):
            bad = self.objection(written[:count], end)
            self.assertEqual(bad, f"entry {count + 1} is damaged: it is missing")

    def test_there_is_more_than_the_end(self) -> None:
        written = chain(3)
        bad = self.objection(written, Head(1, written[0].hash))
        self.assertEqual(bad, "entry 2 is damaged: it is odd")


class Beside(ReadingCase):
    def change(self, key: str, changed: int, writer: int) -> None:
        self.connection.execute(
            "INSERT INTO granja.kept (subject, key, value, changed, writer) "
            "VALUES ('bans', %s, '1', %s, %s)",
            (key, changed, writer),
        )

    def count(self, kept: int) -> None:
        self.connection.execute("UPDATE granja.head SET kept = %s", (kept,))

    def since(self, changes: int) -> tuple[int, list[Kept]]:
        return reading.changes_since(self.connection, changes, 1)

    def test_what_others_have_changed(self) -> None:
        """A node knows what it has written itself."""
        self.change("mine", 1, 1)
        self.change("theirs", 2, 2)
        self.count(2)
        self.assertEqual(self.since(0), (2, [Kept("bans", "theirs", 1)]))
        self.assertEqual(self.since(2), (2, []))

    def test_one_that_comes_in_between_the_two_looks_is_heard_once(self) -> None:
        """The number of changes is read first."""
        self.change("early", 4, 2)
        self.change("late", 5, 2)
        self.count(4)
        now, items = self.since(0)
        self.assertEqual((now, [item.key for item in items]), (5, ["early", "late"]))

    def test_equal_values_are_stored_alike(self) -> None:
        self.assertEqual(reading.text({"b": [1], "a": None}), '{"a":null,"b":[1]}')
        self.assertIsNone(reading.text(None))

    def test_one_that_is_gone_again(self) -> None:
        """It was forgotten, and its row deleted."""
        self.count(3)
        self.assertEqual(self.since(0), (3, []))


class Snapshots(ReadingCase):
    def setUp(self) -> None:
        super().setUp()
        self.logged = sentences(self)

    def stored(self) -> list[int]:
        return [snapshot.sequence for snapshot in reading.snapshots(self.connection)]

    def newest(self) -> int | None:
        found = reading.newest(self.connection)
        return None if found is None else found.sequence

    def test_only_the_last_few_stay(self) -> None:
        self.fill(KEPT + 2)
        for sequence in range(1, KEPT + 3):
            reading.save(self.connection, {"n": sequence}, sequence, 0)
        self.assertEqual(self.stored(), [*range(KEPT + 2, 2, -1)])

    def test_one_of_no_entry_is_not_stored(self) -> None:
        self.fill(2)
        reading.save(self.connection, STATE, 3, 0)
        self.assertEqual(self.stored(), [])

    def test_one_near_that_of_another_node_is_not_stored(self) -> None:
        self.fill(9)
        for sequence in (3, 5, 6, 8):
            reading.save(self.connection, STATE, sequence, 3)
        self.assertEqual(self.stored(), [6, 3])

    def test_one_of_another_chain_is_skipped(self) -> None:
        """Its checksum fits, but the chain has another entry there."""
        self.fill(2)
        reading.save(self.connection, STATE, 1, 0)
        self.connection.execute(
            "INSERT INTO granja.snapshots VALUES (2, 'other', %s, %s)",
            (dump(STATE), checksum(b"other", dump(STATE))),
        )
        self.assertEqual(self.newest(), 1)
        self.assertEqual(len(self.logged), 1, self.logged)

    def test_one_that_is_damaged_is_skipped(self) -> None:
        self.fill(2)
        for sequence in (1, 2):
            reading.save(self.connection, STATE, sequence, 0)
        self.connection.execute("UPDATE granja.snapshots SET state = '[]' WHERE sequence = 2")
        self.assertEqual(self.newest(), 1)
        self.assertIn("its checksum does not fit", self.logged[0])
