"""Edits, torn writes and losses in the ledger's file."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from unittest.mock import Mock

from granja.ledger.chain import BadEntry
from granja.ledger.sqlite import database, integrity as pages, recovery
from granja.ledger.sqlite.verifiers import UNREADABLE
from granja.market.facts import Fact, PasswordChanged
from granja.market.market import Market
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import (
    ANA,
    BETO,
    GUS,
    STORY,
    dump,
    flip_bit,
    ledger_at,
    read,
    snap,
    spoil_page,
    tamper,
    write,
)


class DamageTests(LedgerFileCase):
    """The file was edited, torn, or lost a part."""

    async def test_damage_in_the_middle_names_the_entry(self) -> None:
        """A trade that somebody edited keeps the server from starting, and is named."""
        for column, value in (
            ("body", '{"offer":9}'),
            ("kind", "rejected"),
            ("time", 1.0),
            ("hash", bytes(32)),
        ):
            path = self.folder / f"{column}.db"
            await write(path)
            tamper(path, f"UPDATE entries SET {column} = ? WHERE sequence = 5", value)
            self.assertIn("entry 5 is damaged", self.refusal(path))

    async def test_so_does_damage_right_before_the_last_entry(self) -> None:
        """The last trade was told and is whole.  It stays, although its neighbour is damaged."""
        for damage in ("hash = zeroblob(32)", "time = 1.0", "body = '{}'"):
            path = self.folder / f"{len(damage)}.db"
            await write(path)
            tamper(path, f"UPDATE entries SET {damage} WHERE sequence = 7")
            before = dump(path)
            self.assertIn("entry 7 is damaged", self.refusal(path))
            self.assertEqual(dump(path), before)
        await write(self.path, STORY[:2])
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32) WHERE sequence = 1")
        self.assertIn("entry 1 is damaged", self.refusal())

    async def test_a_missing_entry_is_named(self) -> None:
        """So is one that somebody deleted."""
        await write(self.path)
        tamper(self.path, "DELETE FROM entries WHERE sequence = 4")
        self.assertIn("entry 4 is damaged: it is missing", self.refusal())

    async def test_a_lost_beginning_is_missed_by_a_start_that_does_not_read_it(self) -> None:
        """A start from a saved state looks for the first entry: without it, the table may have lost
        more."""
        await write(self.path, STORY, snapshot_at=6)
        tamper(self.path, "DELETE FROM entries WHERE sequence = 1")
        self.assertIn("entry 1 is damaged: it is missing", self.refusal())
        short = self.folder / "short.db"
        await write(short, STORY[:1], snapshot_at=1)
        self.assertEqual((await read(short))[0].snapshot_sequence, 1)

    async def test_an_edit_with_a_fitting_hash_is_found_at_the_next(self) -> None:
        """A forger who computes the new hash is found one entry later."""
        await write(self.path, STORY[:4])
        other = self.folder / "other.db"
        shutil.copy(self.path, other)
        for path, facts in ((self.path, STORY[4:]), (other, [PasswordChanged(ANA)])):
            ledger = ledger_at(path)
            await ledger.append(facts, ledger.open().sequence, {})
            await ledger.close()
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("ATTACH ? AS other", (str(other),))
            connection.execute(
                "REPLACE INTO entries SELECT * FROM other.entries WHERE sequence = 5"
            )
        self.assertIn("entry 6 is damaged", self.refusal())

    async def test_a_torn_tail_is_trimmed_and_reported(self) -> None:
        """The torn last entry goes.  The server starts, says so, and keeps a copy."""
        await write(self.path)
        tamper(self.path, "UPDATE entries SET body = '{\"off' WHERE sequence = 8")
        found, facts = await read(self.path)
        self.assertEqual((found.sequence, facts), (7, STORY[:7]))
        self.assertIn("1 entries from 8 on are trimmed", "".join(self.logged))
        self.assertIn('{"off', dump(self.folder / "granja.db.torn"))
        await write(self.path, [STORY[7]])
        self.assertEqual((await read(self.path))[1], STORY)

    async def test_a_torn_tail_of_several_entries_is_trimmed_too(self) -> None:
        """All entries of one write go together."""
        await write(self.path)
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32) WHERE sequence >= 6")
        self.assertEqual((await read(self.path))[1], STORY[:5])

    async def test_the_very_first_write_may_be_torn_as_well(self) -> None:
        """An empty ledger is left then, and a copy of what was there."""
        await write(self.path, STORY[:1])
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32)")
        self.assertEqual((await read(self.path))[0].sequence, 0)
        self.assertTrue((self.folder / "granja.db.torn").exists())

    async def test_a_snapshot_shows_what_is_missing(self) -> None:
        """Trades that were told of and are gone keep the server from trading on without them;
        also if an older snapshot could be started from."""
        for snapshots in ([8], [4, 8]):
            path = self.folder / f"{len(snapshots)}.db"
            await write(path)
            await snap(path, snapshots)
            tamper(path, "DELETE FROM entries WHERE sequence > 5")
            before = dump(path)
            sentence = "entry 6 is damaged: it is missing, although a snapshot shows that entry 8"
            self.assertIn(sentence, self.refusal(path))
            self.assertEqual(dump(path), before)

    async def test_a_tail_that_a_snapshot_shows_to_have_been_whole_is_not_trimmed(self) -> None:
        """It was durable once, so no crash has torn it."""
        await write(self.path)
        await snap(self.path, [8])
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32) WHERE sequence >= 7")
        sentence = "entry 7 is damaged: it does not fit its hash, although a snapshot shows"
        self.assertIn(sentence, self.refusal())
        self.assertEqual(list(self.folder.glob("*.torn")), [])

    async def test_a_ledger_whose_every_entry_is_bad_is_not_trimmed_away(self) -> None:
        """More bad entries than one write can tear are another accident, and nothing is deleted."""
        facts: list[Fact] = [PasswordChanged(ANA)] * 1500
        ledger = self.open()
        await ledger.append(facts, 0, {})
        await ledger.close()
        tamper(self.path, "UPDATE entries SET hash = zeroblob(32)")
        self.assertIn("entry 1 is damaged", self.refusal())

    async def test_a_file_that_was_cut_off_is_refused(self) -> None:
        """Half a ledger is not taken for a whole one."""
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)] * 1500, 0, {})
        await ledger.close()
        os.truncate(self.path, 3 * 4096)
        self.assertIn("cannot be read", self.refusal())

    async def test_a_file_that_lost_a_part_of_a_page_is_refused(self) -> None:
        """A ledger of a few pages is not taken for an empty one, and nothing is changed."""
        await write(self.path, [PasswordChanged(ANA)] * 100)
        whole = self.path.read_bytes()
        for missing in (1, 1472, 4032, 4095, 4097, 9000):
            self.path.write_bytes(whole[:-missing])
            self.assertIn("was cut off", self.refusal())
            self.assertEqual(self.path.read_bytes(), whole[:-missing])

    async def test_tables_that_cannot_be_read_are_a_sentence(self) -> None:
        """This includes the case that SQLite's own message is not text."""
        await write(self.path)
        whole = self.path.read_bytes()
        for damaged in (b"\xe9OT NULL", b"NOT NUL\xe9", b"NOT NUL?"):
            self.path.write_bytes(whole.replace(b"NOT NULL", damaged, 1))
            self.assertRegex(self.refusal(), "tables cannot be read|malformed database schema")

    async def test_a_page_that_reads_as_nothing_is_refused(self) -> None:
        """This includes a log beside the file that could hold the missing part, but does not."""
        await write(self.path, [PasswordChanged(ANA)] * 100)
        os.truncate(self.path, self.path.stat().st_size - 2000)
        (self.folder / "granja.db-wal").write_bytes(bytes(32))
        self.assertIn("is damaged: ", self.refusal())

    async def test_entries_that_end_too_early_are_missed(self) -> None:
        """If a reader knows of a last entry, the earlier entries are not enough."""
        await write(self.path)
        with closing(database.open_to_read(self.path)) as connection:
            self.assertEqual(len(list(recovery.read(connection, 0))), len(STORY))
            with self.assertRaisesRegex(BadEntry, "entry 9 is damaged: it is missing"):
                list(recovery.read(connection, 0, len(STORY) + 3))
            with self.assertRaisesRegex(BadEntry, "entry 9 is damaged: it is missing"):
                list(recovery.read(connection, len(STORY) + 3))

    async def test_a_password_that_cannot_be_read_is_nobodys(self) -> None:
        """The server starts without it and says whose it was.  Others log in as before.  The log
        shows nothing of the password's verifier."""
        ledger = self.open()
        verifiers = {farmer: f"$argon2id$v=19$of{farmer}" for farmer in (ANA, BETO, GUS)}
        await ledger.append(STORY, 0, verifiers)
        await ledger.close()
        flip_bit(self.path, f"$of{ANA}".encode())
        tamper(self.path, "UPDATE credentials SET verifier = '$ñargon2id$' WHERE farmer = ?", GUS)
        found, _ = await read(self.path)
        expected = {ANA: UNREADABLE, BETO: verifiers[BETO], GUS: UNREADABLE}
        self.assertEqual(found.credentials, expected)
        whose = [line for line in self.logged if "password verifier of farmer" in line]
        self.assertEqual(len(whose), 2)
        self.assertNotIn("argon2", "".join(self.logged))

    async def test_a_letter_with_one_bit_off_names_the_entry(self) -> None:
        """This includes the bit that makes it no letter.  At the very end it counts as a torn
        write."""
        await write(self.path)
        flip_bit(self.path, b'"name":"2 ')
        self.assertIn("entry 3 is damaged: it does not fit its hash", self.refusal())
        end = self.folder / "end.db"
        await write(end)
        flip_bit(end, b'"offer":3')
        self.assertEqual((await read(end))[1], STORY[:7])

    async def test_a_table_with_another_beginning_is_refused(self) -> None:
        """A page with some of the entries, in the place of the one that leads to all of them, or of
        the one with the last."""
        for small in (pages._SMALL, 0):
            self.patch(pages, "_SMALL", small)
            ledger = self.open()
            if small:
                await ledger.append([PasswordChanged(ANA)] * 300, 0, {})
            else:
                ledger.checkpoint(Market().snapshot(), 300)
            await ledger.close()
            whole = self.path.read_bytes()
            for at in range(4 * 4096, len(whole), 4096):
                self.path.write_bytes(whole[:4096] + whole[at : at + 4096] + whole[8192:])
                self.assertIn("is damaged: ", self.refusal())
                last = whole[:-4096] + whole[at : at + 4096]
                if last != whole:
                    self.path.write_bytes(last)
                    self.assertIn("is damaged: ", self.refusal())
            self.path.write_bytes(whole)

    def test_going_round_in_circles_ends(self) -> None:
        """Pages that lead back to one another are damage like any other."""
        found = [(1, 0.0, b"", b"", b""), (2, 0.0, b"", b"", b"")]
        circle = Mock(**{"execute.return_value.fetchall.return_value": found})
        with self.assertRaisesRegex(BadEntry, "entry 3 is damaged: it is missing"):
            list(recovery.read(circle, 0, 9))

    async def test_a_damaged_page_names_the_first_entry_on_it(self) -> None:
        """In the middle, at the very end, and with another bad entry before it."""
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)] * 3000, 0, {})
        await ledger.close()
        for n, (page, before) in enumerate(((20, 0), (-1, 0), (20, 7))):
            path = self.folder / f"{n}.db"
            shutil.copy(self.path, path)
            if before:
                tamper(path, "UPDATE entries SET time = 0 WHERE sequence = ?", before)
            first = spoil_page(path, page)
            self.assertIn(f"entry {before or first} is damaged", self.refusal(path))

    async def test_a_damaged_page_under_the_snapshot_names_the_entry_too(self) -> None:
        """The snapshot is of no use then, and from the first entry on the damage is found."""
        ledger = self.open()
        await ledger.append([PasswordChanged(ANA)] * 3000, 0, {})
        ledger.checkpoint({"names": []}, 3000)
        await ledger.close()
        first = spoil_page(self.path, -1)
        self.assertIn(f"entry {first} is damaged: it cannot be read", self.refusal())
        self.assertIn("left aside: its entry cannot be read", "".join(self.logged))
