"""Names can be forgotten: no byte of them is left, and the chain still fits."""

from __future__ import annotations

import sqlite3
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.interface import CannotForget, Halted, Kept, Opened
from granja.ledger.pseudonyms import Pseudonyms
from granja.ledger.sqlite import database
from granja.market.facts import Declared, Departed, Fact, Left, Returned, Rewritten
from granja.market.offers import Ended, How, Offer, SwapNews
from granja.operations import cli
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import (
    ANA,
    SPADE,
    SPOON,
    STORY,
    forge,
    ledger_at,
    market_of,
    read,
    tamper,
    verifiers,
    write,
)

#: A visitor whose name stands in no other word.
ZOE, NAME = FarmerId(7), "Zoë-Ñandú"

#: What Ana may have missed, with names in it.
MISSED = (
    Ended(Offer(OfferId(9), ZOE, ANA, SPOON, SPADE, 2e9), NAME, "Ana", How.EXPIRED),
    SwapNews(OfferId(8), ANA, How.SETTLED, SPOON, SPADE, NAME, "Beto"),
)


def crowd(first: int, count: int) -> list[Fact]:
    """Visitors who declare something, so that the table of names has many pages."""
    return [
        Declared(FarmerId(number), f"visita{number:05}", (SPOON,))
        for number in range(first, first + count)
    ]


class ForgettingTests(LedgerFileCase):
    async def begin(self, *facts: Fact, kept: tuple[Kept, ...] = ()) -> Opened:
        """Open the ledger, and append."""
        self.ledger = ledger_at(self.path)
        self.addCleanup(lambda: self.ledger.close())
        found = self.ledger.open()
        self.last = found.sequence
        if facts or kept:
            await self.append(*facts, kept=kept)
        return found

    async def append(self, *facts: Fact, kept: tuple[Kept, ...] = ()) -> None:
        self.last = await self.ledger.append(facts, self.last, verifiers(facts), kept)

    def bytes_of(self, name: str) -> int:
        """How often a name stands in the ledger's files, in whichever writing."""
        content = b"".join(path.read_bytes() for path in self.folder.iterdir())
        escaped = "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in name)
        return content.count(name.encode()) + content.count(escaped.encode())

    def run_granja(self, *words: str) -> tuple[int, str]:
        """Run the command.  Returns its exit status and its output."""
        out = StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            status = cli.main([*words, "--ledger", f"sqlite:{self.path}"])
        return status, out.getvalue()

    async def test_the_chain_holds_no_name(self) -> None:
        """The chain holds only hashes.  Its readers get the names."""
        facts = [*STORY, Declared(ZOE, NAME, ()), Left(ANA, MISSED)]
        await write(self.path, facts)
        with closing(sqlite3.connect(self.path)) as connection:
            bodies = "".join(body for (body,) in connection.execute("SELECT body FROM entries"))
        for name in ("Ana", "Beto", NAME):
            self.assertNotIn(name, bodies)
        self.assertEqual((await read(self.path))[1], facts)

    async def test_no_byte_is_left(self) -> None:
        """The name is among many and has been in every table.  The server still runs."""
        zoe = [Declared(ZOE, NAME, (SPOON,)), Declared(ZOE, NAME, (SPADE,))]
        kept = (Kept("visits", "7", [1, NAME]), Kept("acts", "1", {"why": f"insultó a {NAME}."}))
        facts = [*STORY, *crowd(100, 300), *zoe, *crowd(1000, 300)]
        await self.begin(*facts, kept=kept)
        market = market_of(Opened(), facts)
        self.ledger.checkpoint(market.snapshot(), self.last)
        await self.append(Left(ANA), Returned(ANA), Departed(ZOE, (SPOON, SPADE)))
        self.assertGreater(self.bytes_of(NAME), 0)
        self.assertEqual(await self.ledger.forget([ZOE]), 1)
        self.assertEqual(self.bytes_of(NAME), 0)
        # What the server still has in its memory does not come back into the file.
        await self.append(Left(ANA, ()), *crowd(3000, 1))
        self.ledger.checkpoint(market.snapshot(), self.last)
        await self.append(*crowd(3001, 1))
        self.assertEqual(self.bytes_of(NAME), 0)
        await self.ledger.close()
        self.assertEqual(self.bytes_of(NAME), 0)
        tamper(self.path, "DELETE FROM snapshots")  # That last one was of another moment.
        found = await self.begin()
        self.assertEqual(found.kept["visits"], {"7": [1, "granjero 7"]})
        self.assertEqual(found.kept["acts"], {"1": {"why": "insultó a granjero 7."}})
        self.assertEqual(list(found.facts)[len(STORY) + 300], Declared(ZOE, "granjero 7", (SPOON,)))
        status, said = self.run_granja("audit")
        self.assertEqual(status, 0, said)
        status, said = self.run_granja("trace", str(SPOON))
        self.assertIn("  farmer 7 left the granja with ", said)

    async def test_others_keep_theirs(self) -> None:
        """This includes people with the same name now.  Later ones get a row as before."""
        again = FarmerId(8)
        await self.begin(Declared(ZOE, NAME, ()), Departed(ZOE, ()), Declared(again, NAME, ()))
        self.assertEqual(await self.ledger.forget([ZOE]), 1)
        self.assertEqual(await self.ledger.forget([ZOE]), 0)
        await self.append(Declared(again, NAME, (SPOON,)), Declared(ANA, "Ana", ()))
        await self.ledger.close()
        names = [fact.name for fact in (await read(self.path))[1] if isinstance(fact, Declared)]
        self.assertEqual(names, ["granjero 7", NAME, NAME, "Ana"])

    async def test_a_snapshot_holds_no_name(self) -> None:
        """It holds neither names of people here, nor names in news that wait."""
        facts = [*STORY, Declared(ZOE, NAME, (SPOON,)), Left(ANA, MISSED)]
        await self.begin(*facts)
        market = market_of(Opened(), facts)
        self.ledger.checkpoint(market.snapshot(), self.last)
        await self.ledger.close()
        with closing(sqlite3.connect(self.path)) as connection:
            (state,) = connection.execute("SELECT state FROM snapshots").fetchone()
        self.assertNotIn("Ana", state)
        found = await self.begin()
        self.assertEqual(market_of(found, []).snapshot(), market.snapshot())

    async def test_visitors_go_after_a_while(self) -> None:
        """It forgets those who left before that time, and nobody else."""
        now = 1763848000.5
        await self.begin(Declared(ZOE, NAME, ()), Declared(ANA, "Ana", ()), Departed(ZOE, ()))
        self.assertEqual(await self.ledger.forget_visitors(now - 1), 0)
        self.assertEqual(await self.ledger.forget_visitors(now + 1), 1)
        self.assertEqual(self.bytes_of(NAME), 0)

    async def test_a_reader_is_waited_for(self) -> None:
        """SQLite can't empty its log while somebody reads.  A later write empties it."""
        await self.begin(Declared(ZOE, NAME, ()))
        with closing(database.open_to_read(self.path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM entries").fetchone()
            forgotten = self.ledger.forget([ZOE])
            await self.append(Departed(ZOE, ()))
            self.assertNoResult(forgotten)
        await self.append(Declared(ANA, "Ana", ()))
        self.assertEqual(await forgotten, 1)
        self.assertEqual(self.bytes_of(NAME), 0)

    async def test_a_reader_at_the_end(self) -> None:
        """Nobody is told that a name is gone whose bytes are still there."""
        await self.begin(Declared(ZOE, NAME, ()))
        with closing(database.open_to_read(self.path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM entries").fetchone()
            forgotten = self.ledger.forget([ZOE])
            await self.ledger.close()
            self.failureResultOf(forgotten, Halted)
            self.assertIn("SQLite's log still has them", "".join(self.logged))
        await self.begin()
        await self.ledger.close()
        self.assertEqual(self.bytes_of(NAME), 0)

    def test_what_was_not_stored_has_no_row(self) -> None:
        """The table has no name of a refused write.  The next try writes the name."""
        pseudonyms = Pseudonyms()
        first = pseudonyms.body(Declared(ZOE, NAME, ()))
        pseudonyms.drop(pseudonyms.take_fresh())
        again = pseudonyms.body(Declared(ZOE, NAME, ()))
        self.assertNotEqual(first, again)
        self.assertEqual(len(pseudonyms.take_fresh()), 1)

    async def test_a_ledger_with_names_in_plain_says_what_to_do(self) -> None:
        """It is a ledger of an older version.  It goes on, and its older entries stay unchanged."""
        await write(self.path, [])
        forge(self.path, STORY)
        tamper(self.path, "DROP TABLE names")
        tamper(self.path, "DROP TABLE notes")
        tamper(self.path, "PRAGMA user_version = 4")
        found = await self.begin(Declared(ZOE, NAME, (ArtifactId(1),)))
        self.assertEqual(list(found.facts), STORY)
        failed = self.failureResultOf(self.ledger.forget([ANA]), CannotForget)
        self.assertIn("granja rewrite OLD NEW", failed.getErrorMessage())
        status, said = self.run_granja("audit")
        self.assertEqual(status, 0, said)

    async def test_a_name_that_is_not_what_was_hashed(self) -> None:
        """Somebody gave Ana's deeds to another name: the audit names the entry."""
        await write(self.path)
        tamper(self.path, "UPDATE names SET name = 'Eva' WHERE name = 'Ana'")
        status, said = self.run_granja("audit")
        self.assertEqual(status, 1)
        self.assertIn("entry 1 is damaged", said)
        self.assertIn("does not fit its hash", said)

    async def test_an_older_ledger_is_rewritten(self) -> None:
        """Into a chain that begins with the end of the old one, and can forget."""
        await write(self.path, [])
        gone = [Declared(ZOE, NAME, (SPOON,)), Departed(ZOE, (SPOON,))]
        forge(self.path, [*STORY, *gone])
        tamper(self.path, "INSERT INTO notes VALUES ('plain', '')")
        with closing(sqlite3.connect(self.path)) as connection:
            (head,) = connection.execute("SELECT hash FROM entries WHERE sequence = 10").fetchone()
        new = self.folder / "new" / "granja.db"
        new.parent.mkdir()
        out = StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            status = cli.main(["rewrite", f"sqlite:{self.path}", f"sqlite:{new}"])
        self.assertEqual(status, 0, out.getvalue())
        self.path, self.folder = new, new.parent
        status, said = self.run_granja("audit")
        self.assertEqual(status, 0, said)
        found = await self.begin()
        facts = list(found.facts)
        self.assertEqual(facts, [Rewritten(head.hex(), 10), *STORY, *gone])
        self.assertEqual(await self.ledger.forget_visitors(1763848002.0), 1)
        self.assertEqual(self.bytes_of(NAME), 0)
        self.assertEqual(await self.ledger.forget_name("ANA"), 1)
