"""A new file with everything that another ledger holds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from granja.contract.ids import FarmerId
from granja.ledger.archive import NotCopied, contents
from granja.ledger.chain import Head
from granja.ledger.interface import Opened
from granja.ledger.sqlite.archive import SQLiteArchive
from granja.ledger.sqlite.target import SQLiteTarget
from granja.market.facts import Declared, Fact
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import STORY, forge, ledger_at, market_of, read, tamper, write


class TargetTests(LedgerFileCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.folder / "target.db"

    def fill(self, facts: list[Fact], target: Path) -> None:
        """Copy the ledger, whose facts are these."""
        with closing(SQLiteArchive(self.path)) as archive:
            *_, last = [Head(), *(Head(e.sequence, e.hash) for e in archive.entries(0))]
            market = market_of(Opened(), facts)
            SQLiteTarget(target).fill(contents(archive, market, last))

    async def test_it_starts_from_a_state_of_its_own(self) -> None:
        """Nothing is replayed at its first start."""
        await write(self.path)
        self.fill(STORY, self.target)
        found, facts = await read(self.target)
        self.assertEqual((found.sequence, found.snapshot_sequence, facts), (8, 8, []))
        whole = market_of(Opened(), STORY)
        self.assertEqual(market_of(found, []).snapshot(), whole.snapshot())

    async def test_an_empty_ledger_stays_one(self) -> None:
        await write(self.path, [])
        self.fill([], self.target)
        self.assertEqual((await read(self.target))[0].sequence, 0)

    async def test_one_with_names_in_plain_says_so_too(self) -> None:
        """Otherwise it would promise to forget names, and leave them in the chain."""
        await write(self.path, [])
        forge(self.path, STORY)
        for plain in (False, True):
            if plain:
                tamper(self.path, "INSERT INTO notes VALUES ('plain', '')")
            target = self.folder / f"{plain}.db"
            self.fill(STORY, target)
            ledger = ledger_at(target)
            ledger.open()
            self.addCleanup(ledger.close)
            self.assertEqual(ledger.objection() is not None, plain)

    async def test_a_copy_of_many_entries_is_whole(self) -> None:
        """More than are written at once."""
        many: list[Fact] = [Declared(FarmerId(n), f"F{n}", ()) for n in range(1, 5003)]
        ledger = self.open()
        await ledger.append(many, 0, {})
        self.fill(many, self.target)
        with closing(SQLiteArchive(self.target)) as archive:
            self.assertEqual([archive.fact(entry) for entry in archive.entries(0)], many)

    async def test_it_overwrites_nothing(self) -> None:
        """Not even a link that leads nowhere, and it says why it cannot write."""
        await write(self.path)
        self.target.symlink_to("nowhere")
        with self.assertRaisesRegex(NotCopied, "there is something already"):
            SQLiteTarget(self.target).check()
        with self.assertRaisesRegex(NotCopied, "there is something already"):
            self.fill(STORY, self.path)
        with self.assertRaisesRegex(NotCopied, "No such file or directory"):
            self.fill(STORY, self.folder / "nowhere" / "target.db")
        self.assertEqual((await read(self.path))[1], STORY)
