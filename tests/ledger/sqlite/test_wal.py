"""SQLite's own log, as a crash leaves it beside the ledger's file."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path
from unittest import mock

from granja.contract.ids import FarmerId
from granja.ledger.interface import Kept
from granja.ledger.sqlite import wal as tail, writer
from granja.market.facts import Declared, Departed, Fact, PasswordChanged
from granja.market.market import Market
from tests.support.ledger_file_case import LedgerFileCase
from tests.support.ledgers import ANA, ledger_at, read

#: A frame of SQLite's log: a header and a page.
FRAME = 24 + 4096


def flipped(content: bytes, at: int) -> bytes:
    """Other content there, whatever it was."""
    at %= len(content)
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


class LogTests(LedgerFileCase):
    """SQLite's own log after a crash: a copy of the files while the ledger is open is one."""

    async def crash(self, transactions: int, *, facts: int = 1, rounds: int = 1) -> Path:
        """The files as ``kill -9`` leaves them after this many transactions, and the log's path.

        :param facts: in each transaction; forty take several pages.
        :param rounds: how often SQLite wrote the log from its start, each time less of it.
        """
        ledger = ledger_at(self.path)
        sequence = ledger.open().sequence
        for after in reversed(range(rounds)):
            for _ in range(transactions * (after + 1)):
                sequence = await ledger.append([PasswordChanged(ANA)] * facts, sequence, {})
            if after:
                ledger._writer._log_pages = 10**6  # type: ignore[union-attr]
                await ledger.append([], sequence, {})
        other = self.path.parent / "crashed"
        other.mkdir()
        for name in ("granja.db", "granja.db-wal"):
            shutil.copy(self.path.with_name(name), other / name)
        await ledger.close()
        self.path = other / "granja.db"
        self.logged.clear()
        return other / "granja.db-wal"

    async def test_servers_that_crash_often_leave_no_longer_log_each_time(self) -> None:
        """Each of these does too little to move the log, and a start reads all of it."""
        self.patch(writer, "MOST_LOG_PAGES", 100)
        for _ in range(8):
            await self.crash(4, facts=400)
        self.assertLess(tail.pages(self.path), 200)
        self.assertEqual(len((await read(self.path))[1]), 8 * 4 * 400)

    async def test_whatever_is_written_the_log_does_not_grow_without_end(self) -> None:
        """The pages of each kind of write are counted, and at 40 the log is moved."""
        self.patch(writer, "MOST_LOG_PAGES", 40)
        ledger, sequence, most = self.open(), 0, 0
        farmers = [FarmerId(number) for number in range(1, 1601)]
        come: list[Fact] = [Declared(farmer, f"F{farmer}", ()) for farmer in farmers]
        go: list[Fact] = [Departed(farmer, ()) for farmer in farmers]
        change: list[Fact] = [PasswordChanged(ANA)] * 400
        for facts in [*(side[n : n + 100] for side in (come, go) for n in range(0, 1600, 100)),
                      *[change] * 20]:  # fmt: skip
            sequence = await ledger.append(facts, sequence, {})
            most = max(most, tail.pages(self.path))
        for kind in range(3):
            for number in range(60):
                name = f"{kind}{number}"
                kept = [Kept("bans", name, name)] if kind == 0 else []
                verifiers = {FarmerId(number): name} if kind == 1 else {}
                if kind == 2:
                    state = {**Market().snapshot(), "names": [[1, "F" * 9000 + name]]}
                    ledger.checkpoint(state, sequence)
                await ledger.append([], sequence, verifiers, kept)
            most = max(most, tail.pages(self.path))
        self.assertLess(most, 150)

    def transactions(self, log: Path) -> list[range]:
        """Which frames of the log's present round are one transaction."""
        content, found, first = log.read_bytes(), [], 0
        for n, at in enumerate(range(32, len(content), FRAME)):
            if content[at + 8 : at + 16] != content[16:24]:
                break
            if any(content[at + 4 : at + 8]):
                found.append(range(first, n + 1))
                first = n + 1
        return found

    def overwrite(self, log: Path, frame: int, data: bytes, within: int = 0) -> None:
        """Damage a frame of the log, ``within`` bytes from its beginning."""
        with log.open("r+b") as file:
            file.seek(32 + frame * FRAME + within)
            file.write(data)

    async def test_a_whole_log_is_read_in_silence(self) -> None:
        """After ``kill -9`` between two trades there is nothing to report."""
        await self.crash(10)
        self.assertEqual((await read(self.path))[0].sequence, 10)
        self.assertEqual(self.logged, [])

    async def test_a_log_cut_short_is_trimmed_and_reported(self) -> None:
        """The transaction that was cut is gone, those before it are there."""
        log = await self.crash(10)
        os.truncate(log, log.stat().st_size - 100)
        self.assertEqual((await read(self.path))[0].sequence, 9)
        self.assertIn("ends in a write that is not whole", "".join(self.logged))

    async def test_the_log_is_kept_as_it_was_before_it_is_trimmed(self) -> None:
        """Damage may look like the end of a crash.  The operator, and nobody else, can find all of
        it there, even the second time."""
        log = await self.crash(10)
        for missing in (100, 200):
            os.truncate(log, log.stat().st_size - missing)
            torn = log.read_bytes()
            await read(self.path)
            kept = log.with_name("granja.db.torn-log" + ("" if missing == 100 else ".1"))
            self.assertIn(f"the log as it was is kept as {kept}.", self.logged.pop())
            self.assertEqual(kept.read_bytes(), torn)
            self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
            log.write_bytes(torn)
            await read(self.path)
            self.assertIn(f"is kept as {kept}.", self.logged.pop(), "the very same is kept once")
            log.write_bytes(torn)

    async def test_without_room_to_keep_the_log_nothing_is_trimmed(self) -> None:
        """The server does not start, says why, and leaves no half of a copy."""
        log = await self.crash(10)
        os.truncate(log, log.stat().st_size - 100)
        torn = log.read_bytes()

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        for owner, name in ((shutil, "copyfileobj"), (os, "fsync")):
            with mock.patch.object(owner, name, full):
                self.assertIn("no copy of it can be kept before: No space", self.refusal())
            self.assertEqual(log.read_bytes(), torn)
            self.assertEqual({p.name for p in log.parent.iterdir()}, {log.name, self.path.name})

    async def test_a_last_write_of_which_the_middle_is_missing_is_trimmed(self) -> None:
        """A power cut may keep the end of the last write and lose its beginning."""
        log = await self.crash(10)
        self.overwrite(log, -1 + log.stat().st_size // FRAME, b"?" * 1000, within=2120)
        self.assertEqual((await read(self.path))[0].sequence, 9)
        self.assertIn("ends in a write that is not whole", "".join(self.logged))

    async def test_any_part_of_the_last_write_may_be_missing(self) -> None:
        """Where it should be there is nothing, or what the log held before."""
        log = await self.crash(3, facts=80, rounds=2)
        whole, last = log.read_bytes(), self.transactions(log)[-1]
        self.assertGreater(len(last), 2)
        old = whole[-FRAME:]
        self.assertNotEqual(old[8:16], whole[16:24], "the salt")
        for missing in range(1, 2 ** len(last)):
            log.write_bytes(whole)
            for n, frame in enumerate(last):
                if missing >> n & 1:
                    self.overwrite(log, frame, old if missing % 3 else bytes(FRAME))
            self.assertEqual(tail.inspect(self.path).lost, 0, (list(last), bin(missing)))
        self.assertEqual((await read(self.path))[0].sequence, 80 * (6 + 2))

    async def test_damage_anywhere_before_the_last_write_is_refused(self) -> None:
        """SQLite would silently forget finished trades.  The ledger prevents that."""
        for facts in (1, 40):
            log = await self.crash(5, facts=facts)
            whole = log.read_bytes()
            for frame in range(self.transactions(log)[-1][0]):
                for within in (5, 10, 20, 2000):
                    log.write_bytes(flipped(whole, 32 + frame * FRAME + within))
                    self.assertIn("damaged in the middle", self.refusal(), (frame, within))
            log.write_bytes(whole)
        self.assertEqual((await read(self.path))[0].sequence, 5 * (1 + 40))

    async def test_it_says_how_many_finished_trades_stand_behind_the_damage(self) -> None:
        """So that the operator knows what moving the log away would cost."""
        log = await self.crash(20)
        log.write_bytes(flipped(log.read_bytes(), -10 * FRAME + 2000))
        self.assertIn("9 finished writes stand behind", self.refusal())
        self.assertEqual((tail.inspect(self.path).torn, tail.inspect(self.path).lost), (0, 9))

    async def test_a_block_of_the_disk_that_is_lost_is_damage(self) -> None:
        """It takes the end of one commit and the beginning of the next, with its salt."""
        log = await self.crash(10)
        self.overwrite(log, -3 + log.stat().st_size // FRAME, bytes(4096), within=2000)
        self.assertIn("damaged in the middle", self.refusal())

    async def test_a_lost_beginning_of_the_log_is_damage(self) -> None:
        """Without its header SQLite takes the log for empty."""
        log = await self.crash(10)
        whole = log.read_bytes()
        for damaged in (bytes(4096) + whole[4096:], *(flipped(whole, at) for at in (2, 17, 30))):
            log.write_bytes(damaged)
            self.assertIn("damaged in the middle", self.refusal())

    async def test_a_lost_beginning_with_a_single_trade_behind_it_is_damage(self) -> None:
        """SQLite syncs the header before the first trade: one crash does not tear both."""
        log = await self.crash(1)
        first = self.transactions(log)[0]
        log.write_bytes(flipped(log.read_bytes()[: 32 + len(first) * FRAME], 17))
        self.assertIn("and 1 finished writes", self.refusal())

    async def test_a_new_round_that_was_only_begun_is_no_damage(self) -> None:
        """The crash came while SQLite wrote the new header over the old one.  All that stands
        behind it is in the ledger's file."""
        log = await self.crash(10)
        whole = log.read_bytes()
        number = int.from_bytes(whole[12:16], "big")
        for later, lost in ((1, 0), (2, 11)):
            begun = (number + later).to_bytes(4, "big")
            log.write_bytes(whole[:12] + begun + whole[16:])
            self.assertEqual(tail.inspect(self.path).lost, lost, later)

    def test_damage_that_moves_while_somebody_looks_is_a_live_ledgers(self) -> None:
        """We look until it is over, or stays in its place."""
        moving = [tail.Tail(lost=1, good=100), tail.Tail(lost=1, good=200), tail.Tail()]
        staying = [tail.Tail(lost=1, good=100), tail.Tail(lost=1, good=100)]
        for looks in (moving, staying):
            expected, left = looks[-1], [*looks]
            self.patch(tail, "_look", lambda _, left=left: left.pop(0))
            self.assertEqual((tail.inspect(self.path), left), (expected, []))

    async def test_another_log_of_the_same_time_and_length_is_kept_too(self) -> None:
        """What is compared is the content: a clock may stand still, or go back."""
        log = await self.crash(10)
        kept = []
        for bit in (b"1", b"2"):
            log.write_bytes(bit * 100)
            os.utime(log, (1e9, 1e9))
            kept.append(tail.keep(self.path))
            os.utime(kept[-1], (1e9, 1e9))
        self.assertEqual([path.read_bytes()[:1] for path in kept], [b"1", b"2"])

    async def test_it_says_how_many_pages_a_log_has_room_for(self) -> None:
        """By that the writer decides when to move it into the ledger."""
        log = await self.crash(10)
        self.assertEqual(tail.pages(self.path), (log.stat().st_size - 32) // FRAME)
        log.unlink()
        self.assertEqual(tail.pages(self.path), 0)

    async def test_a_log_that_was_only_begun_is_no_damage(self) -> None:
        """A power cut may leave the length of a new log without its content."""
        log = await self.crash(10)
        for content in (b"", bytes(20), bytes(32), bytes(3 * FRAME)):
            log.write_bytes(content)
            self.assertEqual(tail.inspect(self.path).lost, 0)

    async def test_what_is_trimmed_does_not_come_back(self) -> None:
        """After a second crash its remains are not taken for trades behind a damaged place."""
        log = await self.crash(4, facts=80)
        for _ in range(2):
            last = self.transactions(log)[-1]
            self.overwrite(log, last[0], bytes(FRAME))
            log = await self.crash(1)
            self.assertEqual((tail.inspect(self.path).torn, tail.inspect(self.path).lost), (0, 0))

    async def test_leftovers_of_an_earlier_round_are_no_damage(self) -> None:
        """SQLite writes the log again from the start.  Nobody looks at its older content."""
        log = await self.crash(5, rounds=3)
        self.assertGreater(log.stat().st_size // FRAME, 3 * len(self.transactions(log)))
        self.assertEqual((await read(self.path))[0].sequence, 30)
        self.assertEqual(self.logged, [])
