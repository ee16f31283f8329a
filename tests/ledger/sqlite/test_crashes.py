"""Every moment at which the machine may die, and every way in which the disk may fail."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import TestCase

from granja.contract.ids import FarmerId, OfferId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import Halted, LedgerRefused, NotStored
from granja.ledger.memory import MemoryLedger
from granja.ledger.sqlite import names, wal, writer
from granja.market.facts import Declared, Fact, Offered, PasswordChanged, Registered, Traded
from granja.market.market import Market
from tests.support.faulty_disk import (
    FULL,
    IOERR_FSYNC,
    IOERR_SHMMAP,
    IOERR_WRITE,
    FaultyDisk,
    Operation,
    after_kill,
    after_power_cut,
    lay_out,
    sqlite_library,
)
from tests.support.folders import folder_for
from tests.support.ledgers import (
    ANA,
    ARROW,
    BETO,
    SPADE,
    SPOON,
    STORY,
    ledger_at,
    market_of,
    read,
)

#: Batches as the lane makes them, trades among them, and two facts in one.
BATCHES: list[list[Fact]] = [
    [Declared(ANA, "Ana", (SPADE,)), Registered(ANA, "Ana")],
    [Declared(BETO, "Beto", (SPOON,))],
    [Offered(OfferId(1), ANA, BETO, SPADE, SPOON, 2e9)],
    [Traded(OfferId(1)), PasswordChanged(ANA)],
    [Offered(OfferId(2), BETO, ANA, SPADE, SPOON, 2e9)],
    [Traded(OfferId(2))],
]


class DiskCase(TestCase):
    """Has a ledger's path, on a disk that can fail."""

    def setUp(self) -> None:
        try:
            sqlite_library()
        except (AttributeError, OSError):
            raise SkipTest("this interpreter's SQLite cannot be reached from outside") from None
        self.folder = folder_for(self)
        self.path = self.folder / "granja.db"
        self.disk = FaultyDisk()
        mounted = self.disk.mounted()
        mounted.__enter__()
        self.addCleanup(mounted.__exit__, None, None, None)


class CrashPointTests(DiskCase):
    """A crash before and after each step that SQLite takes, and in the middle of each write."""

    async def live(self) -> None:
        """Record a server's life.  A note in the record is an answer that farmers have heard."""
        self.patch(writer, "MOST_LOG_PAGES", 6)  # so that the log is moved meanwhile
        ledger = ledger_at(self.path)
        ledger.open()
        sequence, market = 0, Market()
        for batch in BATCHES:
            credentials = {ANA: f"verifier {sequence}"}
            sequence = await ledger.append(batch, sequence, credentials)
            self.disk.note((sequence, credentials[ANA]))
            for fact in batch:
                market.apply(fact)
            if sequence == 4:
                ledger.checkpoint(market.snapshot(), sequence)
        await ledger.close()

    async def check(self, files: dict[str, bytes], record: Sequence[Operation]) -> int:
        """Everything told is in force; the rest is whole or missing.  Returns the sequence."""
        told, verifier = max(
            (operation.about for operation in record if operation.kind == "note"),
            default=(0, None),
        )
        folder = self.folder / "after"
        lay_out(files, folder)
        found, facts = await read(folder / "granja.db")
        shutil.rmtree(folder)
        ends = [sum(map(len, BATCHES[:n])) for n in range(len(BATCHES) + 1)]
        self.assertIn(found.sequence, [end for end in ends if end >= told][:2])
        whole = [fact for batch in BATCHES for fact in batch][: found.sequence]
        self.assertEqual(facts, whole[found.snapshot_sequence :])
        self.assertEqual(market_of(found, facts).snapshot(), replayed(whole).snapshot())
        if found.sequence == told:
            self.assertEqual(found.credentials.get(ANA), verifier)
        return found.sequence

    async def test_kill_9_at_every_step(self) -> None:
        """Between any two operations, and half-way through each write."""
        await self.live()
        record, seen = list(self.disk.record), set()
        for at, operation in enumerate(record):
            seen.add(await self.check(after_kill(record[:at]), record[:at]))
            if operation.kind == "write" and len(operation.data) > 1:
                half = operation.data[: len(operation.data) // 2]
                torn = [*record[:at], Operation("write", operation.path, operation.offset, half)]
                await self.check(after_kill(torn), torn)
        self.assertEqual(seen, {0, 2, 3, 4, 6, 7, 8})

    async def test_a_power_cut_at_every_step(self) -> None:
        """Whether all that was not synced is lost, or some of it, or torn pieces of it."""
        await self.live()
        record = list(self.disk.record)
        chance = random.Random(6)
        for at in range(len(record)):
            for survives in (lambda _: False, lambda _: chance.random() < 0.5):
                await self.check(after_power_cut(record[:at], survives), record[:at])

    async def test_the_test_would_notice_a_missing_sync(self) -> None:
        """Without its syncs, the ledger must fail this test.  Otherwise the test would prove
        nothing."""
        await self.live()
        lazy = [o for o in self.disk.record if not (o.kind == "sync" and o.path.endswith("-wal"))]
        told = max(at for at, operation in enumerate(lazy) if operation.kind == "note")
        with self.assertRaises(self.failureException):
            await self.check(after_power_cut(lazy[: told + 1], lambda _: False), lazy[: told + 1])


def replayed(facts: Sequence[Fact]) -> Market:
    market = Market()
    for fact in facts:
        market.apply(fact)
    return market


def full_index(operation: Operation) -> tuple[int, int] | None:
    """The index of SQLite's log cannot grow."""
    return (0, IOERR_SHMMAP) if operation.kind == "map" and operation.offset else None


class FailingDiskTests(DiskCase):
    """What people hear when the disk fails, and what follows."""

    async def open(self) -> Any:
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        self.assertEqual(await ledger.append(STORY[:4], 0, {ANA: "before"}), 4)
        return ledger

    async def found(self, ledger: Any) -> tuple[list[Fact], dict[FarmerId, str]]:
        await ledger.close()
        found, facts = await read(self.path)
        return facts, dict(found.credentials)

    async def test_a_full_disk_stores_nothing_and_trading_resumes_by_itself(self) -> None:
        """This holds wherever the write stopped.  The next trade is stored when there is room
        again."""
        ledger, sequence = await self.open(), 4
        for code in (FULL, IOERR_WRITE):
            for written in (0, 1, 24, 4096):
                self.disk.fail_once("write", "-wal", code, written=written)
                with self.assertRaises(NotStored):
                    await ledger.append([STORY[4]], sequence, {ANA: "never"})
                sequence = await ledger.append([PasswordChanged(ANA)], sequence, {})
        facts, credentials = await self.found(ledger)
        self.assertEqual(facts, STORY[:4] + [PasswordChanged(ANA)] * 8)
        self.assertEqual(credentials, {ANA: "before"})

    async def test_a_disk_that_stays_full_is_no_end(self) -> None:
        """A hundred refusals later it is the same ledger."""
        ledger = await self.open()
        self.disk.fail_always("write", FULL)
        for _ in range(100):
            with self.assertRaises(NotStored):
                await ledger.append([STORY[4]], 4, {})
        self.disk.mend()
        self.assertEqual(await ledger.append([STORY[4]], 4, {}), 5)

    async def test_kill_9_after_a_refused_write_does_not_bring_it_back(self) -> None:
        """Farmers were told that nothing changed, so nothing may have changed after a crash."""
        ledger = await self.open()
        for written in (0, 24, 4096):
            self.disk.fail_once("write", "-wal", FULL, written=written)
            with self.assertRaises(NotStored):
                await ledger.append([STORY[4]], 4, {})
            crashed = self.folder / f"crashed-{written}"
            crashed.mkdir()
            for name in ("granja.db", "granja.db-wal"):
                shutil.copy(self.folder / name, crashed / name)
            self.assertEqual((await read(crashed / "granja.db"))[1], STORY[:4])

    async def test_a_failed_sync_halts_for_good(self) -> None:
        """The ledger does not simply try again.  The next start finds out what is stored."""
        ledger = await self.open()
        self.disk.fail_once("sync", "-wal", IOERR_FSYNC)
        for _ in range(3):
            with self.assertRaises(Halted):
                await ledger.append([STORY[4]], 4, {})
        facts, _ = await self.found(ledger)
        self.assertIn(facts, [STORY[:4], STORY[:5]])

    async def test_an_outcome_that_sqlite_itself_does_not_know_halts(self) -> None:
        """The write is whole and synced, but the log's index cannot grow."""
        self.patch(writer, "MOST_LOG_PAGES", 10**9)
        ledger, sequence = await self.open(), 4

        self.disk.fault = full_index
        big = Declared(ANA, "Ana", (SPADE,) * 200_000)  # a hundred pages; the index holds 4,000
        with self.assertRaises(Halted):
            for _ in range(60):
                sequence = await ledger.append([big], sequence, {})
        self.assertGreater(sequence, 30)
        self.disk.mend()
        with self.assertRaises(Halted):
            await ledger.append([STORY[4]], sequence, {})

    async def test_so_does_one_of_a_snapshot(self) -> None:
        """It is a transaction too."""
        self.patch(writer, "MOST_LOG_PAGES", 10**9)
        ledger, sequence = await self.open(), 4
        sequence = await self.fill_index(ledger, sequence, 3900)
        state = {**replayed(STORY[:4]).snapshot(), "names": [[7, "F" * 1_200_000]]}
        ledger.checkpoint(state, sequence)
        for _ in range(2):  # It is over when the second one is answered.
            answer = ledger.append([], sequence, {})
            await answer.addErrback(lambda failure: failure.trap(Halted))
        self.disk.mend()
        with self.assertRaises(Halted):
            await ledger.append([STORY[4]], sequence, {})

    async def test_and_one_of_a_forgotten_name(self) -> None:
        """Nobody is told that the name is gone, nor that it is not."""
        self.patch(writer, "MOST_LOG_PAGES", 10**9)
        ledger = await self.open()
        sequence = await self.fill_index(ledger, 4, 4061)
        with self.assertRaisesRegex(Halted, "is not known"):
            await ledger.forget([ANA])
        self.disk.mend()
        with self.assertRaises(Halted):
            await ledger.append([STORY[4]], sequence, {})

    async def fill_index(self, ledger: Any, sequence: int, pages: int) -> int:
        """Fill the log's index, which cannot grow then.  Its first part holds 4,062 pages.

        :returns: the number of the last entry.
        """
        while wal.pages(self.path) < pages:
            much = 200_000 if wal.pages(self.path) < 3800 else 1
            big = Declared(ANA, "Ana", (SPADE,) * much)
            sequence = await ledger.append([big], sequence, {})
        self.disk.fault = full_index
        return sequence

    async def test_a_failed_sync_behind_the_scenes_halts_too(self) -> None:
        """Moving SQLite's log into its file syncs as well, while nobody waits for it."""
        self.patch(writer, "MOST_LOG_PAGES", 1)
        ledger = await self.open()
        self.disk.fail_once("sync", "granja.db", IOERR_FSYNC, after="-wal")
        self.assertEqual(await ledger.append([STORY[4]], 4, {}), 5)
        with self.assertRaises(Halted):
            await ledger.append([STORY[5]], 5, {})
        self.assertEqual((await self.found(ledger))[0], STORY[:5])

    async def test_a_full_disk_behind_the_scenes_is_no_matter(self) -> None:
        """SQLite moves the log at another time.  Trading goes on meanwhile."""
        self.patch(writer, "MOST_LOG_PAGES", 1)
        ledger = await self.open()
        self.disk.fail_once("write", "granja.db", FULL, after="-wal")
        self.assertEqual(await ledger.append([STORY[4]], 4, {}), 5)
        self.assertEqual(await ledger.append([STORY[5]], 5, {}), 6)
        self.assertEqual((await self.found(ledger))[0], STORY[:6])

    async def test_all_that_waited_together_fail_together(self) -> None:
        """Decisions in one transaction are all refused, and none of them is there."""
        ledger = await self.open()
        self.disk.fail_always("write", FULL)
        waiting = [ledger.append([fact], 4 + n, {}) for n, fact in enumerate(STORY[4:])]
        for answer in waiting:
            with self.assertRaises(Exception) as caught:
                await answer
            self.assertIn(type(caught.exception).__name__, {"NotStored", "Stale"})
        self.disk.mend()
        self.assertEqual((await self.found(ledger))[0], STORY[:4])

    async def test_a_snapshot_that_finds_no_room_is_no_matter(self) -> None:
        """It is only for speed."""
        ledger = await self.open()
        self.disk.fail_once("write", "-wal", FULL)
        ledger.checkpoint(replayed(STORY[:4]).snapshot(), 4)
        await ledger.append([], 4, {})
        self.assertEqual(await ledger.append([STORY[4]], 4, {}), 5)
        await ledger.close()
        found, facts = await read(self.path)
        self.assertEqual((found.snapshot, facts), (None, STORY[:5]))

    async def test_a_start_that_cannot_empty_a_torn_log(self) -> None:
        """Without room the log stays for another time, and the server starts.  After a failed sync
        it does not: the disk may have lost what was in the log."""
        ledger = await self.open()
        await ledger.append([STORY[4]], 4, {})
        crashed = self.folder / "crashed"
        crashed.mkdir()
        for name in ("granja.db", "granja.db-wal"):
            shutil.copy(self.folder / name, crashed / name)
        log = crashed / "granja.db-wal"
        os.truncate(log, log.stat().st_size - 100)
        torn = log.read_bytes()
        self.disk.fail_once("sync", "crashed/granja.db", IOERR_FSYNC)
        with self.assertRaises(LedgerRefused) as caught:
            ledger_at(crashed / "granja.db").open()
        self.assertIn("cannot be read: disk I/O error", str(caught.exception))
        log.write_bytes(torn)
        self.disk.fail_once("write", "crashed/granja.db", FULL)
        self.assertEqual((await read(crashed / "granja.db"))[1], STORY[:4])

    async def test_a_full_disk_brings_no_name_into_a_snapshot(self) -> None:
        """What was stored before is known, also after a write that failed."""
        ledger = await self.open()
        self.disk.fail_once("write", "-wal", FULL)
        with self.assertRaises(NotStored):
            await ledger.append([STORY[4]], 4, {})
        ledger.checkpoint(replayed(STORY[:4]).snapshot(), 4)
        await ledger.close()
        with closing(sqlite3.connect(self.path)) as connection:
            [(state,)] = connection.execute("SELECT state FROM snapshots").fetchall()
        self.assertNotIn("Ana", state)
        found, facts = await read(self.path)
        self.assertEqual(market_of(found, facts).names, {ANA: "Ana", BETO: "Beto"})

    async def test_who_comes_in_at_the_second_try_keeps_their_name(self) -> None:
        """The first time there was no room for it."""
        ledger = await self.open()
        beth = Declared(FarmerId(3), "Beth", (SPOON,))
        self.disk.fail_once("write", "-wal", FULL)
        with self.assertRaises(NotStored):
            await ledger.append([beth], 4, {})
        self.assertEqual(await ledger.append([beth], 4, {}), 5)
        self.assertEqual((await self.found(ledger))[0], [*STORY[:4], beth])

    async def test_a_sync_that_fails_before_the_end_of_a_write_halts_too(self) -> None:
        """SQLite begins to write before everything is there, if it is much.  Nobody blames another
        program for that."""
        self.patch(writer, "MOST_LOG_PAGES", 1)
        ledger = await self.open()
        await ledger.append([], 4, {})  # By now the log was moved.
        self.disk.fail_once("sync", "-wal", IOERR_FSYNC)
        with self.assertRaisesRegex(Halted, "whether the last write is stored is not known"):
            await ledger.append([Declared(ANA, "Ana", (SPADE,) * 200_000)] * 20, 4, {})
        self.assertEqual((await self.found(ledger))[0], STORY[:4])

    async def test_a_name_that_finds_no_room_to_be_forgotten_in(self) -> None:
        """It is there as before, and goes when there is room.  A failed sync halts."""
        ledger = await self.open()
        self.disk.fail_once("write", "-wal", FULL)
        with self.assertRaisesRegex(NotStored, "SQLITE_FULL"):
            await ledger.forget([ANA])
        self.assertEqual(await ledger.forget([ANA]), 1)
        self.disk.fail_once("sync", "-wal", IOERR_FSYNC)
        with self.assertRaisesRegex(Halted, "SQLITE_IOERR_FSYNC"):
            await ledger.forget([BETO])
        with self.assertRaises(Halted):
            await ledger.forget([BETO])
        facts, _ = await self.found(ledger)
        self.assertEqual(facts[0], Declared(ANA, "granjero 1", (SPADE, ARROW)))

    async def test_a_log_that_cannot_be_emptied_keeps_who_forgets_waiting(self) -> None:
        """The name is in it.  It is tried again after whatever comes next."""
        ledger = await self.open()
        self.disk.fail_once("write", "granja.db", FULL)
        forgetting = ledger.forget([ANA])
        self.assertEqual(await ledger.append([STORY[4]], 4, {}), 5)
        self.assertEqual(await ledger.append([STORY[5]], 5, {}), 6)
        self.assertEqual(await forgetting, 1)
        self.disk.fail_once("sync", "granja.db", IOERR_FSYNC)
        forgetting = ledger.forget([BETO])
        with self.assertRaises(Halted):
            for sequence in (6, 7):
                await ledger.append([PasswordChanged(ANA)], sequence, {})
        self.assertNoResult(forgetting)
        await ledger.close()
        self.assertEqual(await forgetting, 1)

    async def test_after_a_mistake_of_ours_nothing_more_is_stored(self) -> None:
        """Here it is a state that is none.  People hear so, and do not wait for ever."""
        ledger = await self.open()
        ledger.checkpoint({"names": 5}, 4)
        await ledger.append([], 4, {}).addErrback(lambda failure: failure.trap(Halted))
        for _ in range(2):
            with self.assertRaisesRegex(Halted, "TypeError"):
                await ledger.append([STORY[4]], 4, {})
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual((await self.found(ledger))[0], STORY[:4])

    async def test_a_mistake_of_ours_in_forgetting(self) -> None:
        """Whoever forgets a name hears that it is not forgotten."""
        ledger = await self.open()
        mistake = self.patch(names, "forget", lambda connection: None)
        with self.assertRaisesRegex(NotStored, "TypeError"):
            await ledger.forget([ANA])
        mistake.restore()
        self.assertEqual(await ledger.forget([ANA]), 1)

    async def test_a_fact_that_cannot_be_written_down_is_refused_alone(self) -> None:
        """A mistake of ours is no reason to stop the others."""
        ledger = await self.open()
        odd: Any = Registered(ANA, object())  # type: ignore[arg-type]
        with self.assertRaises(NotStored):
            await ledger.append([odd], 4, {})
        self.assertEqual(await ledger.append([STORY[4]], 4, {}), 5)


class RealLimitTests(TestCase):
    """The kernel says no, not a test."""

    def test_a_file_that_may_not_grow(self) -> None:
        """Under a file size limit trades are refused.  When the limit goes, they are stored."""
        path = folder_for(self) / "granja.db"
        program = """
            import resource, sys
            from pathlib import Path
            from twisted.internet import reactor
            from twisted.internet.task import react
            from granja.market.facts import PasswordChanged
            from granja.ledger.interface import NotStored
            from granja.ledger.sqlite.ledger import SQLiteLedger

            async def main(reactor):
                ledger = SQLiteLedger(Path(sys.argv[1]), reactor, lambda: 1.0)
                sequence, refused = ledger.open().sequence, 0
                hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
                resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
                while refused < 10:
                    try:
                        sequence = await ledger.append([PasswordChanged(1)] * 20, sequence, {})
                    except NotStored as error:
                        refused += 1
                resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
                print(sequence, await ledger.append([PasswordChanged(1)], sequence, {}))
                await ledger.close()

            react(main)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(path)],
            capture_output=True,
            timeout=60,
            check=False,
            cwd=Path(__file__).parents[3],
        )
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        before, after = map(int, done.stdout.split())
        self.assertGreater(before, 20)
        self.assertEqual(after, before + 1)
        self.assertEqual(resource.getrlimit(resource.RLIMIT_FSIZE)[0], resource.RLIM_INFINITY)


class FaultyLedgerTests(TestCase):
    """The double fails as the real one does."""

    async def test_full_and_not_full_again(self) -> None:
        """No room, then room."""
        ledger = FaultyLedger(MemoryLedger())
        ledger.fill()
        with self.assertRaises(NotStored):
            await ledger.append(STORY, 0, {})
        ledger.empty()
        self.assertEqual(await ledger.append(STORY, 0, {}), len(STORY))

    async def test_an_unknown_outcome_may_be_either(self) -> None:
        """Stored or not, the answer is the same, and so is every later one."""
        for stored in (True, False):
            inner = MemoryLedger()
            ledger = FaultyLedger(inner)
            ledger.halt(stored=stored)
            for _ in range(2):
                with self.assertRaises(Halted):
                    await ledger.append(STORY, 0, {})
            self.assertEqual(inner.facts, STORY if stored else [])

    async def test_a_slow_disk(self) -> None:
        """The write is stored, but nobody knows it yet."""
        inner = MemoryLedger()
        ledger = FaultyLedger(inner)
        ledger.hold()
        answer = ledger.append(STORY, 0, {})
        self.assertNoResult(answer)
        self.assertEqual(inner.facts, STORY)
        ledger.release()
        self.assertEqual(self.successResultOf(answer), len(STORY))

    async def test_answers_come_one_by_one(self) -> None:
        """The one that has waited longest comes first."""
        ledger = FaultyLedger(MemoryLedger())
        ledger.hold()
        answers = [ledger.append([fact], n, {}) for n, fact in enumerate(STORY[:3])]
        ledger.release_first()
        self.assertEqual(self.successResultOf(answers[0]), 1)
        self.assertNoResult(answers[1])
        ledger.release()
        ledger.release_first()
        self.assertEqual([self.successResultOf(answer) for answer in answers[1:]], [2, 3])

    async def test_it_wants_and_refuses_what_the_other_ledger_does(self) -> None:
        """It passes on a snapshot, unless nothing can be stored."""
        saved: list[int] = []

        class Wishful(MemoryLedger):
            def objection(self) -> str | None:
                return "it holds names in plain"

            def wants_checkpoint(self) -> bool:
                return True

            def checkpoint(self, snapshot: dict[str, Any], sequence: int) -> None:
                saved.append(sequence)

        ledger = FaultyLedger(Wishful())
        self.assertEqual(ledger.objection(), "it holds names in plain")
        self.assertIs(ledger.wants_checkpoint(), True)
        ledger.checkpoint({}, 1)
        ledger.fill()
        ledger.checkpoint({}, 2)
        ledger.empty()
        ledger.halt(stored=False)
        with self.assertRaises(Halted):
            await ledger.append(STORY, 0, {})
        ledger.checkpoint({}, 3)
        self.assertEqual(saved, [1])
