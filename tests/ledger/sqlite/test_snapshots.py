"""Starting from a snapshot."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from twisted.internet.task import Clock

from granja.accounts.passwords import PlainAccounts
from granja.catalog_file import read_catalog
from granja.contract.ids import OfferId
from granja.factory import GranjaFactory
from granja.ledger import chain
from granja.ledger.interface import Opened
from granja.ledger.sqlite import database, integrity as pages, recovery, snapshots
from granja.ledger.sqlite.ledger import FACTS_PER_SNAPSHOT, SQLiteLedger
from granja.market.facts import Fact, Left, PasswordChanged, Rejected, Returned
from granja.market.market import Market
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import (
    ANA,
    ARROW,
    SPADE,
    STORY,
    flip_bit,
    forge_snapshot,
    ledger_at,
    market_of,
    read,
    snap,
    tamper,
    warp,
    write,
)


class SnapshotTests(LedgerFileCase):
    """Starting from a snapshot."""

    async def test_a_start_reads_only_what_came_after(self) -> None:
        """It comes to the same market."""
        await write(self.path, snapshot_at=6)
        found, facts = await read(self.path)
        self.assertEqual((found.snapshot_sequence, facts), (6, STORY[6:]))
        whole = market_of(Opened(), STORY)
        self.assertEqual(market_of(found, facts).snapshot(), whole.snapshot())

    async def test_a_start_is_as_quick_with_many_trades_behind_it(self) -> None:
        """There are 50,000 facts before the snapshot and three after it.  The start looks at these
        three, and at the first one, which says where the chain begins.

        The test counts hashed, read and applied facts.  A time would say more about the machine.
        """
        many: list[Fact] = [*STORY, *[PasswordChanged(ANA)] * 49_992]
        ledger = self.open()
        await ledger.append(many, 0, {})
        ledger.checkpoint(market_of(Opened(), many).snapshot(), len(many))
        await ledger.append([Left(ANA), Returned(ANA), Rejected(OfferId(3))], len(many), {})
        await ledger.close()
        work = [
            self.counted(chain, "digest"),
            self.counted(chain, "from_body"),
            self.counted(Market, "apply"),
            self.counted(recovery, "_entry"),
        ]
        ledger = ledger_at(self.path)
        factory = GranjaFactory(
            Clock(), lambda: 1.0, read_catalog(None), ledger, PlainAccounts(), bytes
        )
        await ledger.close()
        self.assertEqual([len(calls) for calls in work], [3, 3, 3, 7])
        self.assertEqual(factory.market.inventory(ANA), [ARROW, SPADE])
        self.assertEqual(factory.market.offers, {})

    def counted(self, owner: Any, name: str) -> list[None]:
        """A list that grows with each call of something."""
        calls: list[None] = []
        really = getattr(owner, name)

        def count(*arguments: Any) -> Any:
            calls.append(None)
            return really(*arguments)

        self.patch(owner, name, count)
        return calls

    async def test_a_damaged_snapshot_is_left_aside(self) -> None:
        """Then the ledger replays everything, and the operator hears so."""
        for damage in ("state = '{}'", "hash = zeroblob(32)", "sequence = 99"):
            path = self.folder / f"{len(damage)}.db"
            await write(path, snapshot_at=6)
            tamper(path, f"UPDATE snapshots SET {damage}")
            found, facts = await read(path)
            self.assertEqual((found.snapshot, facts), (None, STORY))
            self.assertIn("is left aside", self.logged.pop())

    async def test_a_snapshot_with_one_bit_off_is_left_aside(self) -> None:
        """This includes the bit that makes a letter no letter."""
        await write(self.path, snapshot_at=6)
        flip_bit(self.path, b'"last_farm')
        found, facts = await read(self.path)
        self.assertEqual((found.snapshot, facts), (None, STORY))
        self.assertIn("is left aside: its checksum does not fit", self.logged.pop())

    async def test_a_snapshot_of_another_kind_is_left_aside(self) -> None:
        """For any damage in its columns there is a sentence, and nothing worse."""
        for n, damage in enumerate(("1.5", "NULL", "7", "'text'", "x''")):
            for column in ("hash", "state", "checksum"):
                path = self.folder / f"{column}{n}.db"
                await write(path)
                await snap(path, (3, 6))
                warp(path, f"UPDATE snapshots SET {column} = {damage} WHERE sequence = 6")
                found, facts = await read(path)
                self.assertEqual((found.snapshot_sequence, facts), (3, STORY[3:]))
                self.assertIn("The snapshot at 6 is left aside", self.logged.pop())

    async def test_a_snapshot_that_says_nothing_of_a_market_is_left_aside(self) -> None:
        """Although its checksum fits."""
        whole = json.dumps(Market().snapshot())
        states = ('{"names"', "[]", "{}", '{"names": [[1]]}', '"x"', "null", "[" * 9999, whole[1:])
        for n, state in enumerate((*states, whole.replace("[]", "[[1, 7]]"))):
            path = self.folder / f"{n}.db"
            await write(path)
            await snap(path, (3, 6))
            forge_snapshot(path, 6, state)
            found, facts = await read(path)
            self.assertEqual((found.snapshot_sequence, facts), (3, STORY[3:]))
            self.assertIn("is left aside: what it says is not the state", self.logged.pop())

    async def test_a_snapshot_on_a_damaged_page_is_left_aside(self) -> None:
        """A value too long for a page continues on others, and one of those is lost.  (In a small
        ledger we look at all pages, and refuse it.)"""
        state = {**Market().snapshot(), "names": [[n, f"Ñandú {n}"] for n in range(9999)]}
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        ledger.checkpoint(state, 8)
        await ledger.close()
        whole, small = self.path.read_bytes(), pages._SMALL
        for from_end in (1, 2):  # SQLite does not notice the last one.
            at = len(whole) - from_end * 4096
            self.path.write_bytes(whole[:at] + b"?" * 4096 + whole[at + 4096 :])
            self.patch(pages, "_SMALL", small)
            self.assertIn("is damaged: ", self.refusal())
            self.patch(pages, "_SMALL", 0)
            self.logged.clear()
            self.assertEqual((await read(self.path))[1], STORY)
            self.assertIn("The snapshot at 8 is left aside", "".join(self.logged))

    async def test_the_one_before_is_used_then(self) -> None:
        """Two are kept, the older one for such a day."""
        await write(self.path, STORY[:4], snapshot_at=2)
        await snap(self.path, (3, 4))
        with closing(sqlite3.connect(self.path)) as connection:
            kept = connection.execute("SELECT sequence FROM snapshots ORDER BY 1").fetchall()
        self.assertEqual(kept, [(3,), (4,)])
        tamper(self.path, "UPDATE snapshots SET state = '' WHERE sequence = 4")
        self.assertEqual((await read(self.path))[0].snapshot_sequence, 3)

    async def test_a_snapshot_of_an_entry_that_is_not_there_is_ignored(self) -> None:
        """It could only be wrong."""
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        ledger.checkpoint({"names": []}, 99)
        await ledger.close()
        self.assertIsNone((await read(self.path))[0].snapshot)

    async def test_damage_before_the_snapshot_is_the_audits_business(self) -> None:
        """A start is quick because it does not look there.  ``granja audit`` does."""
        await write(self.path, snapshot_at=6)
        tamper(self.path, "UPDATE entries SET kind = 'rejected' WHERE sequence = 5")
        self.assertEqual((await read(self.path))[1], STORY[6:])

    async def test_one_that_is_replaced_while_somebody_looks_is_passed_over(self) -> None:
        """An audit of a live ledger raises no alarm when the server saves a snapshot meanwhile."""
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        await self.save(ledger, 1, 2)
        with closing(database.open_to_read(self.path)) as connection:
            seen = snapshots.stored(connection)
            self.assertEqual(next(seen).sequence, 2)
            await self.save(ledger, 3, 4)
            self.assertEqual(list(seen), [])

    async def save(self, ledger: SQLiteLedger, *sequences: int) -> None:
        """Snapshots at these entries, which must be in the ledger."""
        for sequence in sequences:
            ledger.checkpoint(market_of(Opened(), STORY[:sequence]).snapshot(), sequence)
        for _ in range(2):  # The first may be answered before the snapshots that wait with it.
            await ledger.append([], len(STORY), {})

    async def test_it_is_asked_for_every_so_many_facts(self) -> None:
        """The ledger does not ask after each fact.  It asks again after a restart with a long
        replay."""
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)] * (FACTS_PER_SNAPSHOT - 1), 0, {})
        self.assertFalse(ledger.wants_checkpoint())
        await ledger.append([PasswordChanged(ANA)], FACTS_PER_SNAPSHOT - 1, {})
        self.assertTrue(ledger.wants_checkpoint())
        await ledger.close()
        ledger = self.open()
        self.assertTrue(ledger.wants_checkpoint())
        ledger.checkpoint({"names": []}, FACTS_PER_SNAPSHOT)
        self.assertFalse(ledger.wants_checkpoint())

    async def test_a_big_state_is_stored_whole(self) -> None:
        """Snapshots are written in pieces, and the pieces fit together."""
        state = Market().snapshot()
        state |= {"names": [[n, f"Ñandú {n}"] for n in range(1701)], "last_offer": 7}
        ledger = self.open()
        await ledger.append(STORY, 0, {})
        ledger.checkpoint(state, 8)
        await ledger.close()
        self.assertEqual((await read(self.path))[0].snapshot, state)
