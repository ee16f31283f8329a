"""``granja audit``, ``granja trace`` and ``granja backup``, as an operator sees them."""

from __future__ import annotations

import io
import os
import re
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from unittest import SkipTest
from unittest.mock import Mock

from twisted.trial.unittest import TestCase

from granja import audit, reckoning
from granja.events import (
    Declared,
    Departed,
    Fact,
    Left,
    Offered,
    PasswordChanged,
    Registered,
    Rejected,
    Retracted,
    Returned,
    Traded,
    Withdrawn,
)
from granja.ids import ArtifactId, FarmerId, OfferId
from granja.ledger import chain, database, tail
from granja.ledger.chain import BadEntry
from granja.ledger.interface import LedgerRefused, Opened
from granja.ledger.sqlite import SQLiteLedger
from granja.offers import Ended, How, Offer
from tests.ledgers import (
    ANA,
    ARROW,
    BETO,
    GUS,
    SPADE,
    SPOON,
    STORY,
    dump,
    flip_bit,
    folder_for,
    forge,
    forge_body,
    ledger_at,
    market_of,
    reactor,
    read,
    spoil_page,
    tamper,
    write,
)
from tests.test_ledger_stateful import AnyThread, wait_for

#: The story, and then a visitor, a gift to the museum and an answer.
LONG_STORY: list[Fact] = [
    *STORY,
    Rejected(OfferId(3)),
    Left(ANA),
    Returned(ANA),
    PasswordChanged(ANA),
    Declared(GUS, "Gus", (SPOON, SPOON)),
    Withdrawn(GUS, (SPOON,)),
    Departed(GUS, (SPOON,)),
]


def rejected(number: int, maker: FarmerId = ANA, gives: ArtifactId = ARROW) -> Ended:
    """How the rejection of an offer is told by the fact of somebody's leaving, who missed it."""
    offer = Offer(OfferId(number), maker, BETO, gives, SPOON, 2e9)
    return Ended(offer, "Ana", "Beto", How.REJECTED)


#: Fifty-one offers of Ana's that are rejected, and how she would hear of it.
MANY: list[Fact] = [
    fact
    for number in range(100, 151)
    for fact in (
        Offered(OfferId(number), ANA, BETO, ARROW, SPOON, 2e9),
        Rejected(OfferId(number)),
    )
]
MISSED = tuple(rejected(number) for number in range(100, 151))


class OperatorCase(TestCase):
    """Has a ledger's path, and a shell."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.path = self.folder / "granja.db"

    def run_granja(self, *words: str, path: Path | None = None) -> tuple[int, str, str]:
        """The exit status, what is printed, and what is said on stderr."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = audit.main([*words, "--ledger", f"sqlite:{path or self.path}"])
        self.assertNotIn("Traceback", err.getvalue())
        return status, out.getvalue(), err.getvalue()

    def complaint(self, *words: str, path: Path | None = None) -> str:
        """One sentence, and nothing else."""
        status, out, err = self.run_granja(*words, path=path)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"\Agranja: [^\n]+\n\Z")
        return err


class AuditTests(OperatorCase):
    """``granja audit``."""

    async def test_a_good_ledger_passes(self) -> None:
        """A table with a row for each artifact, and the sums below."""
        await write(self.path, LONG_STORY, snapshot_at=9)
        status, out, err = self.run_granja("audit")
        self.assertEqual((status, err), (0, ""))
        rows = {tuple(re.split(r"\s{2,}", line.strip())) for line in out.splitlines()}
        self.assertIn(("13", "Espada antigua", "1", "0", "0", "1"), rows)
        self.assertIn(("14", "Cuchara oxidada", "3", "1", "1", "1"), rows)
        self.assertIn(("in all", "5", "1", "1", "3"), rows)
        self.assertIn("15 entries; 2 trades; 1 registered farmers; 0 offers stand.", out)
        self.assertIn("All is in order.", out)

    async def test_an_empty_ledger_passes(self) -> None:
        """Before the first farmer has come."""
        await write(self.path, [])
        status, out, _ = self.run_granja("audit")
        self.assertEqual(status, 0)
        self.assertIn("0 entries; 0 trades", out)

    async def test_it_changes_nothing(self) -> None:
        """Looking at a ledger leaves it as it was."""
        await write(self.path, LONG_STORY)
        before = self.path.read_bytes()
        self.run_granja("audit")
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    async def test_a_live_ledger_may_be_audited(self) -> None:
        """While the server is writing, and the server does not notice."""
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        await ledger.append(LONG_STORY, 0, {})
        self.assertIn("15 entries", self.run_granja("audit")[1])
        self.assertEqual(await ledger.append([PasswordChanged(ANA)], 15, {}), 16)
        self.assertIn("16 entries", self.run_granja("audit")[1])

    async def test_an_edit_anywhere_is_found_and_located(self) -> None:
        """Whichever entry it is, also one before the snapshot; the first bad one is named."""
        for sequence in range(1, len(LONG_STORY) + 1):
            path = self.folder / f"{sequence}.db"
            await write(path, LONG_STORY, snapshot_at=12)
            tamper(path, "UPDATE entries SET time = time + 1 WHERE sequence = ?", sequence)
            self.assertIn(f"entry {sequence} is damaged", self.complaint("audit", path=path))

    async def test_a_missing_entry_is_found(self) -> None:
        """Deleting a trade is found like changing it."""
        await write(self.path, LONG_STORY)
        tamper(self.path, "DELETE FROM entries WHERE sequence IN (5, 9)")
        self.assertIn("entry 5 is damaged: it is missing", self.complaint("audit"))

    async def test_a_letter_with_one_bit_off_is_located(self) -> None:
        """Also the bit that makes it no letter at all."""
        await write(self.path, LONG_STORY, snapshot_at=12)
        flip_bit(self.path, b'[13,6],"farmer":1,"name":"An')
        complaint = "entry 1 is damaged: it does not fit its hash"
        self.assertIn(complaint, self.complaint("audit"))
        self.assertIn(complaint, self.complaint("trace", "13"))

    async def test_a_damaged_page_is_located(self) -> None:
        """By the first entry on it, also on the last page, also under a snapshot."""
        market = market_of(Opened(), [Registered(ANA, "Ana")])
        ledger = ledger_at(self.path)
        ledger.open()
        await ledger.append([Registered(ANA, "Ana"), *[PasswordChanged(ANA)] * 2999], 0, {})
        ledger.checkpoint(market.snapshot(), 3000)
        await ledger.close()
        for page in (20, -1):
            path = self.folder / f"{page}.db"
            shutil.copy(self.path, path)
            first = spoil_page(path, page)
            self.assertIn(
                f"entry {first} is damaged: it cannot", self.complaint("audit", path=path)
            )
            self.assertIn(
                f"entry {first} is damaged: it cannot", self.complaint("trace", "13", path=path)
            )

    async def test_what_cannot_have_happened_is_found(self) -> None:
        """Also when every hash was made to fit: a forger must obey the rules of the market."""
        ana_offers = Offered(OfferId(9), ANA, BETO, SPADE, SPOON, 2e9)
        reject = Rejected(OfferId(3))
        forgeries: dict[str, list[Fact]] = {
            "farmer 1 had no artifact 14 to withdraw": [Withdrawn(ANA, (SPADE, SPOON))],
            "farmer 1 had no artifact 14 to give": [
                Offered(OfferId(9), ANA, BETO, SPOON, SPOON, 2e9)
            ],
            "farmer 2 had no artifact 6 to give": [
                Offered(OfferId(9), ANA, BETO, SPADE, ARROW, 2e9)
            ],
            "farmer 1 cannot trade with themselves": [
                Offered(OfferId(9), ANA, ANA, SPADE, SPADE, 2e9)
            ],
            "offer #9 stood already": [ana_offers, ana_offers],
            "offer #8 did not stand": [Traded(OfferId(8))],
            "offer #2 did not stand": [Rejected(OfferId(2))],
            "farmer 1 is registered, and only visitors leave": [Departed(ANA, (ARROW, SPADE))],
            "farmer 2 did not leave with all that they held": [Departed(BETO, ())],
            "farmer 1 was registered": [Registered(ANA, "Ana")],
            "farmer 2 was not registered": [Left(BETO)],
            "offer #2 is no new number": [Offered(OfferId(2), ANA, BETO, SPADE, SPOON, 2e9)],
            "farmer 3 was not there": [Departed(GUS, ())],
            "farmer 2 had left for good": [
                Departed(BETO, (SPOON,)),
                Declared(BETO, "Beto", (SPOON,)),
            ],
            "farmer 3 had left for good": [
                Declared(GUS, "Gus", (SPOON,)),
                Departed(GUS, (SPOON,)),
                Registered(GUS, "Gus"),
            ],
            "the name ＡＮＡ was farmer 1's already": [Registered(BETO, "ＡＮＡ")],
            "farmer 1 was away already": [Left(ANA), Left(ANA)],
            "offer #3 did not end so that farmer 1 missed it": [Left(ANA, (rejected(3),))],
            "offer #-3 did not end so that farmer 1 missed it": [Left(ANA, (rejected(-3),))],
            "offer #3 did not end so that farmer 1": [reject, Left(ANA, (rejected(3, GUS),))],
            "offer #3 did not end so": [reject, Left(ANA, (rejected(3, gives=SPADE),))],
            "offer #3 did not end": [Retracted(OfferId(3)), Left(ANA, (rejected(3),))],
            "offer #3 did not": [reject, Left(ANA), Returned(ANA), Left(ANA, (rejected(3),))],
            "farmer 1 missed the end of an offer twice": [reject, Left(ANA, (rejected(3),) * 2)],
            "farmer 1 cannot have missed 1 and -1 more": [reject, Left(ANA, (rejected(3),), -1)],
            "farmer 1 cannot have missed 1 and 1 more": [reject, Left(ANA, (rejected(3),), 1)],
            "farmer 1 cannot have missed 51 and 0 more": [*MANY, Left(ANA, MISSED)],
            "farmer 1 cannot have missed 50 and 3 more": [*MANY, Left(ANA, MISSED[:50], 3)],
            "farmer 1 cannot have missed 0 and 9 more": [reject, Left(ANA, (), 9)],
            "farmer 1 was not away": [Left(ANA), Returned(ANA), Returned(ANA)],
        }
        for n, (objection, facts) in enumerate(forgeries.items()):
            path = self.folder / f"{n}.db"
            await write(path)
            forge(path, facts)
            complaint = self.complaint("audit", path=path)
            self.assertIn(f"entry {len(STORY) + len(facts)} is damaged: {objection}", complaint)

    async def test_an_unknown_kind_of_fact_is_named(self) -> None:
        """As a newer granja might write."""

        @dataclass(frozen=True)
        class Eaten(Fact):
            kind = "eaten"
            farmer: int

        await write(self.path)
        self.patch(chain, "_FIELDS", {Eaten: ["farmer"]})
        forge(self.path, [Eaten(1)])
        self.assertIn("entry 9 is damaged: it cannot be read: not a fact", self.complaint("audit"))

    async def test_what_is_rare_but_happens_is_no_alarm(self) -> None:
        """Names that look alike and are two, a name of somebody who left, numbers left out, and
        somebody who is cut off again and again before they can hear the same news."""
        await write(self.path)
        offer = Offer(OfferId(900), FarmerId(40), FarmerId(30), SPOON, SPOON, 1.0)
        sold = Ended(offer, "Beto", "Аnа", How.ACCEPTED)
        forge(
            self.path,
            [
                PasswordChanged(ANA),
                PasswordChanged(ANA),
                *MANY,
                Left(ANA, MISSED[:50], 1),
                Returned(ANA),
                Left(ANA, MISSED[:50], 1),
                Departed(BETO, (SPOON,)),
                Declared(FarmerId(40), "Beto", (SPOON,)),
                Declared(FarmerId(30), "Аnа", (SPOON, SPOON)),  # Cyrillic, but for the n
                Registered(FarmerId(30), "Аnа"),
                Registered(FarmerId(40), "Beto"),
                Offered(OfferId(900), FarmerId(40), FarmerId(30), SPOON, SPOON, 1.0),
                Left(FarmerId(40)),
                Traded(OfferId(900)),
                Returned(FarmerId(40)),
                Left(FarmerId(40), (sold,)),
                Returned(FarmerId(40)),
                Left(FarmerId(40), (sold,)),
                Declared(FarmerId(50), "Eva", ()),
                Departed(FarmerId(50), ()),
            ],
        )
        self.assertEqual(self.run_granja("audit")[::2], (0, ""))

    async def test_what_ended_too_long_ago_to_be_remembered_is_no_alarm(self) -> None:
        """The audit remembers so many ends of a farmer's offers, and does not guess at the others;
        but what it remembers it holds against what they are said to have missed."""
        self.patch(reckoning, "_MOST_ENDS", 2)
        await write(self.path)
        forge(self.path, [*MANY[:6], Left(ANA, MISSED[:3])])
        path = self.folder / "forged.db"
        await write(path)
        forge(path, [*MANY[:6], Left(ANA, (*MISSED[:2], rejected(102, gives=SPADE)))])
        self.assertIsNone(self.look_at(self.path))
        self.assertIn("offer #102 did not end so", self.look_at(path) or "")

    def look_at(self, path: Path) -> str | None:
        """What the audit objects to, in this process."""
        with closing(database.open_to_read(path)) as connection:
            try:
                list(reckoning.Audit().run(connection))
            except BadEntry as bad:
                return bad.why
        return None

    async def test_a_body_that_no_granja_would_write_is_named(self) -> None:
        """By the audit and by the trace, also when its hash fits."""
        bodies = {
            "declared": '{"artifacts":["x"],"farmer":1,"name":"Ana"}',
            "withdrawn": '{"artifacts":[6],"farmer":{}}',
            "offered": '{"expires":2e9,"gives":6,"maker":1,"offer":"7","takes":14,"taker":2}',
            "registered": '{"farmer":9,"name":7}',
            "traded": '{"offer":[1]}',
            "left": '"x"',
            "returned": "[" * 100_000,
        }
        for kind, body in bodies.items():
            path = self.folder / f"{kind}.db"
            await write(path)
            forge_body(path, kind, body)
            complaint = "entry 9 is damaged: it cannot be read: "
            self.assertIn(complaint, self.complaint("audit", path=path))
            self.assertIn(complaint, self.run_granja("trace", "13", path=path)[2])

    async def test_a_snapshot_that_says_something_else_is_found(self) -> None:
        """A forger who edits the snapshot, with a fitting checksum, is found as well."""
        await write(self.path, STORY, snapshot_at=8)
        other = self.folder / "other.db"
        richer = [Declared(ANA, "Ana", (SPADE, ARROW, ARROW)), *STORY[1:]]
        await write(other, richer, snapshot_at=8)
        found, _ = await read(other)
        ledger = ledger_at(self.path)
        ledger.open()
        assert found.snapshot is not None
        ledger.checkpoint(found.snapshot, 8)
        await ledger.close()
        self.assertIn("does not say what the entries say", self.complaint("audit"))

    async def test_a_damaged_snapshot_is_found(self) -> None:
        """Even though a start would only leave it aside."""
        await write(self.path, STORY, snapshot_at=8)
        tamper(self.path, "UPDATE snapshots SET state = '{}'")
        self.assertIn("snapshot at entry 8 is off: its checksum", self.complaint("audit"))

    async def test_a_bar_moves_on_a_terminal_only(self) -> None:
        """On long ledgers, and not in a log file."""
        ledger = ledger_at(self.path)
        ledger.open()
        await ledger.append([Registered(ANA, "Ana"), *[PasswordChanged(ANA)] * 10_000], 0, {})
        await ledger.close()
        self.assertEqual(self.run_granja("audit")[2], "")
        screen = io.StringIO()
        screen.isatty = lambda: True  # type: ignore[method-assign]
        with redirect_stdout(io.StringIO()), redirect_stderr(screen):
            self.assertEqual(audit.main(["audit", "--ledger", f"sqlite:{self.path}"]), 0)
        self.assertIn("5,000 of 10,001 entries", screen.getvalue())

    def test_what_is_not_a_ledger_is_a_sentence(self) -> None:
        """No ledger, another file, a ledger in memory, a misspelt URL."""
        self.assertIn("there is no ledger at", self.complaint("audit"))
        self.path.write_text("Querida Ana:\n" * 500)
        self.assertIn("is not a ledger", self.complaint("audit"))
        for url, sentence in (
            ("memory:", "in memory"),
            ("granja.db", "must be memory: or sqlite"),
            ("sqlite:~nobodyhere/granja.db", "nobody knows the folder ~nobodyhere"),
            ("sqlite:/", "is a folder"),
            ("sqlite:/dev/null", "is not a regular file"),
        ):
            err = io.StringIO()
            with redirect_stderr(err):
                self.assertEqual(audit.main(["audit", "--ledger", url]), 1)
            self.assertIn(sentence, err.getvalue())

    def test_an_empty_file_is_called_empty(self) -> None:
        """As ``touch`` makes them; it is not a ledger of an older granja."""
        self.path.touch()
        for words in (("audit",), ("trace", "13"), ("backup", str(self.folder / "copy.db"))):
            self.assertIn(f"{self.path} is empty", self.complaint(*words))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    def test_wrong_arguments_are_explained(self) -> None:
        """As by any other command: usage, and status 2."""
        with redirect_stderr(io.StringIO()) as err, redirect_stdout(io.StringIO()):
            self.assertEqual(audit.main(["audit", "--verbose"]), 2)
            self.assertEqual(audit.main(["trace"]), 2)
            self.assertEqual(audit.main(["audit", "--help"]), 0)
        self.assertIn("usage: granja", err.getvalue())

    async def test_it_is_a_command(self) -> None:
        """``python -m granja audit``, with the ledger of the working directory."""
        await write(self.path, LONG_STORY)
        done = subprocess.run(
            [sys.executable, "-m", "granja", "audit"],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"All is in order.", done.stdout)


class CrashedTests(OperatorCase):
    """A ledger as ``kill -9`` left it, before the next start."""

    async def crash(self) -> Path:
        """Fifteen transactions, the last ones only in SQLite's log; the log's path."""
        ledger = ledger_at(self.path)
        ledger.open()
        for n, fact in enumerate(LONG_STORY):
            await ledger.append([fact], n, {})
        crashed = self.folder / "crashed"
        crashed.mkdir()
        for name in ("granja.db", "granja.db-wal"):
            shutil.copy(self.folder / name, crashed / name)
        await ledger.close()
        self.path = crashed / "granja.db"
        return crashed / "granja.db-wal"

    async def test_what_a_server_refuses_is_refused(self) -> None:
        """In the same words by each command; nothing is copied and nothing changed."""
        log = await self.crash()
        with log.open("r+b") as file:
            file.seek(-5 * 4120 + 2000, os.SEEK_END)
            file.write(b"?" * 20)
        before = {p.name: p.read_bytes() for p in self.path.parent.iterdir()}
        for words in (("audit",), ("trace", "13"), ("backup", str(self.folder / "copy.db"))):
            self.assertIn("4 finished writes stand behind the damage", self.complaint(*words))
        self.assertEqual({p.name: p.read_bytes() for p in self.path.parent.iterdir()}, before)
        self.assertFalse((self.folder / "copy.db").exists())
        with self.assertRaisesRegex(LedgerRefused, "4 finished writes"):
            ledger_at(self.path).open()

    async def test_a_torn_end_is_in_order(self) -> None:
        """Nobody was told of it; it is left for the server to report and trim."""
        log = await self.crash()
        os.truncate(log, log.stat().st_size - 100)
        before = self.path.read_bytes(), log.read_bytes()
        self.assertIn("14 entries", self.run_granja("audit")[1])
        self.assertEqual(self.run_granja("backup", str(self.folder / "copy.db"))[0], 0)
        self.assertEqual((self.path.read_bytes(), log.read_bytes()), before)

    async def test_what_is_written_meanwhile_is_no_damage(self) -> None:
        """A live server begins its log anew while an audit looks at it; there is no alarm."""
        reactor: Any = AnyThread()
        ledger = SQLiteLedger(self.path, reactor, lambda: 1.0)
        ledger.open()
        self.addCleanup(lambda: wait_for(ledger.close()))
        for n, fact in enumerate(LONG_STORY):
            if n == len(LONG_STORY) - 1:
                ledger._writer._log_pages = 10**6  # type: ignore[union-attr]
            wait_for(ledger.append([fact], n, {}))
        frames, looks = tail._frames, []

        def while_it_is_written(log: BinaryIO) -> Iterator[Any]:
            found = frames(log)
            yield next(found)
            looks.append(log)
            for n in range(15, 20) if len(looks) == 1 else ():
                wait_for(ledger.append([PasswordChanged(ANA)], n, {}))
            yield from found

        self.patch(tail, "_frames", while_it_is_written)
        self.assertIn("20 entries", self.run_granja("audit")[1])
        self.assertEqual(len(looks), 2, "the first one saw something that the second one did not")


class ReadOnlyTests(OperatorCase):
    """A ledger on a medium that nobody can write to, such as an old backup's."""

    def run_there(self, *words: str) -> tuple[int, str]:
        """The exit status and all that is said, the ledger's folder being mounted read-only."""
        mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'
        unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
        try:
            subprocess.run([*unshare, mount, "sh", str(self.folder)], check=True)
        except (OSError, subprocess.CalledProcessError):
            raise SkipTest("there is no mounting here, not even in a namespace") from None
        granja = [sys.executable, "-m", "granja", *words, "--ledger", f"sqlite:{self.path}"]
        done = subprocess.run(
            [*unshare, f'{mount} && shift && exec "$@"', "sh", str(self.folder), *granja],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    async def test_it_can_be_looked_at_and_copied(self) -> None:
        """There is no log to make there, and none is needed; an empty one is as good as none."""
        await write(self.path, LONG_STORY)
        copies = folder_for(self)
        for name in ("1.db", "2.db"):
            status, said = self.run_there("audit")
            self.assertEqual(status, 0, said)
            self.assertIn("All is in order.", said)
            self.assertEqual(self.run_there("trace", "13")[0], 0)
            self.assertEqual(self.run_there("backup", str(copies / name))[0], 0)
            self.assertEqual(dump(copies / name), dump(self.path))
            (self.folder / "granja.db-wal").touch()

    async def test_a_log_there_is_not_passed_over(self) -> None:
        """What a server has written and not yet moved is seen, or it is said that it cannot be."""
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        await ledger.append(LONG_STORY, 0, {})
        self.assertIn("15 entries", self.run_there("audit")[1])
        copied = folder_for(self)
        for name in ("granja.db", "granja.db-wal"):
            shutil.copy(self.folder / name, copied / name)
        self.folder, self.path = copied, copied / "granja.db"
        status, said = self.run_there("audit")
        self.assertEqual((status, said.count("\n")), (1, 1), said)


class TraceTests(OperatorCase):
    """``granja trace``."""

    async def test_an_artifact_by_number_or_name(self) -> None:
        """Who handed it to whom, in order, with the hour."""
        await write(self.path, LONG_STORY)
        status, by_number, err = self.run_granja("trace", "13")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(self.run_granja("trace", "espada ANTIGUA")[1], by_number)
        hours, texts = zip(*(line.split("  ", 1) for line in by_number.splitlines()), strict=True)
        self.assertRegex(hours[0], r"^2025-11-2\d \d\d:\d\d:\d\d[+-]\d\d:\d\d$")
        self.assertEqual(
            texts,
            (
                "Ana (farmer 1) declared Punta de flecha, Espada antigua",
                "Ana (farmer 1) handed Espada antigua to Beto (farmer 2) for Cuchara oxidada "
                "(offer #1)",
                "Beto (farmer 2) handed Espada antigua to Ana (farmer 1) for Cuchara oxidada "
                "(offer #2)",
            ),
        )

    async def test_a_farmer_by_name(self) -> None:
        """By the comparison of the chat: case and accents composed or not do not matter."""
        await write(self.path, LONG_STORY)
        out = self.run_granja("trace", "GUS")[1]
        self.assertEqual(
            [line.split("  ", 1)[1] for line in out.splitlines()],
            [
                "Gus (farmer 3) declared 2 × Cuchara oxidada",
                "Gus (farmer 3) gave away for good Cuchara oxidada",
                "Gus (farmer 3) left the granja with Cuchara oxidada",
            ],
        )
        self.assertEqual(len(self.run_granja("trace", "beto")[1].splitlines()), 3)

    async def test_a_farmer_whose_name_is_a_number(self) -> None:
        """``--farmer`` says which is meant."""
        await write(self.path, [Declared(FarmerId(1), "13", (ArtifactId(1),))])
        self.assertIn("nothing is on record about 13", self.complaint("trace", "13"))
        self.assertIn("declared", self.run_granja("trace", "13", "--farmer")[1])

    async def test_a_number_without_end_is_no_artifact(self) -> None:
        """A key that got stuck is answered like any other number that nobody knows."""
        await write(self.path, LONG_STORY)
        for stuck in ("9" * 5000, "0" * 5000):
            self.assertIn("nothing is on record about", self.complaint("trace", stuck))
        self.assertIn("Espada antigua", self.run_granja("trace", "0013")[1])

    async def test_an_hour_that_no_calendar_has(self) -> None:
        """As a clock gone wild may have written it: the deed is shown all the same."""
        ledger = SQLiteLedger(self.path, reactor, lambda: 1e300)
        ledger.open()
        await ledger.append([Declared(ANA, "Ana", (SPADE,))], 0, {})
        await ledger.close()
        status, out, err = self.run_granja("trace", "13")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, "1e+300  Ana (farmer 1) declared Espada antigua\n")

    async def test_a_screen_without_the_letters(self) -> None:
        """cron often has none beyond ASCII: what it lacks is spelt, and nothing is left out."""
        await write(self.path, [Registered(ANA, "Ñandú"), Declared(ANA, "Ñandú", (SPADE,))])
        for words in (("trace", "13"), ("trace", "ñandú"), ("audit",), ("backup", "copia-ñ.db")):
            done = subprocess.run(
                [sys.executable, "-m", "granja", *words],
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(Path(__file__).parent.parent),
                    "PYTHONIOENCODING": "ascii",
                },
                capture_output=True,
                timeout=60,
                check=False,
            )
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            if words[0] == "trace":
                self.assertIn(rb"  \xd1and\xfa (farmer 1) declared Espada antigua", done.stdout)

    async def test_nobody_by_that_name(self) -> None:
        """A misspelt name is a sentence."""
        await write(self.path, LONG_STORY)
        self.assertIn("nothing is on record about Zoe", self.complaint("trace", "Zoe"))

    async def test_a_damaged_ledger_is_not_trusted(self) -> None:
        """What the trace would say could be a forger's word."""
        await write(self.path, LONG_STORY)
        tamper(self.path, "UPDATE entries SET time = 0 WHERE sequence = 1")
        self.assertIn("entry 1 is damaged", self.complaint("trace", "13"))
        path = self.folder / "forged.db"
        await write(path)
        forge(path, [Traded(OfferId(77))])
        status, _, err = self.run_granja("trace", "13", path=path)
        self.assertEqual(status, 1)
        self.assertIn("entry 9 is damaged: it cannot have happened", err)


class BackupTests(OperatorCase):
    """``granja backup``."""

    async def test_a_copy_of_a_live_ledger_is_consistent(self) -> None:
        """Taken while the server writes; it passes the audit and opens."""
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        await ledger.append(LONG_STORY, 0, {ANA: "verifier"})
        copy = self.folder / "copy.db"
        waiting = [ledger.append([PasswordChanged(ANA)], 15 + n, {}) for n in range(50)]
        status, out, err = self.run_granja("backup", str(copy))
        self.assertEqual((status, err), (0, ""))
        for answer in waiting:
            await answer
        held = int(re.search(r"holds ([\d,]+) entries", out)[1])  # type: ignore[index]
        self.assertTrue(15 <= held <= 65, out)
        self.assertIn(f"{held} entries", self.run_granja("audit", path=copy)[1])
        found, facts = await read(copy)
        self.assertEqual((facts[:15], dict(found.credentials)), (LONG_STORY, {ANA: "verifier"}))

    async def test_it_is_the_whole_ledger_in_one_private_file(self) -> None:
        """Nothing beside it, and nobody else may read it."""
        await write(self.path, LONG_STORY, snapshot_at=9)
        copy = self.folder / "copies" / "copy.db"
        copy.parent.mkdir()
        self.run_granja("backup", str(copy))
        self.assertEqual(dump(copy), dump(self.path))
        self.assertEqual(stat.S_IMODE(copy.stat().st_mode), 0o600)
        self.assertEqual([p.name for p in copy.parent.iterdir()], ["copy.db"])

    async def test_the_ledger_may_be_named_by_a_link(self) -> None:
        """Then the operator reads of the link, and what is read is the log beside the file."""
        ledger = ledger_at(self.path)
        ledger.open()
        self.addCleanup(ledger.close)
        await ledger.append(LONG_STORY, 0, {})
        link = self.folder / "links" / "link.db"
        link.parent.mkdir()
        link.symlink_to(self.path)
        _, out, _ = self.run_granja("backup", str(self.folder / "copy.db"), path=link)
        self.assertIn(f"holds 15 entries of {link}.", out)
        self.assertEqual([p.name for p in link.parent.iterdir()], ["link.db"])

    async def test_it_overwrites_nothing(self) -> None:
        """Neither another file nor the ledger itself."""
        await write(self.path, LONG_STORY)
        other = self.folder / "letter.txt"
        other.write_text("Querida Ana")
        for target in (other, self.path):
            before = target.read_bytes()
            self.assertIn("a backup overwrites nothing", self.complaint("backup", str(target)))
            self.assertEqual(target.read_bytes(), before)

    async def test_one_that_fails_leaves_nothing_behind(self) -> None:
        """What is not a backup does not look like one."""
        await write(self.path, LONG_STORY)
        tamper(self.path, "DROP TABLE entries")
        self.assertIn("no such table", self.complaint("backup", str(self.folder / "copy.db")))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    async def test_a_disk_without_room_for_it(self) -> None:
        """It is the copy's fault, and not the ledger's."""
        await write(self.path, LONG_STORY)
        for farmer in range(100, 200):
            tamper(self.path, "INSERT INTO credentials VALUES (?, ?)", farmer, "x" * 1000)
        target = self.folder / "copy.db"
        room, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, most))  # the log's index takes 32,768
        try:
            complaint = self.complaint("backup", str(target))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
        self.assertIn(f"{target} cannot be written: ", complaint)
        self.assertFalse(target.exists())

    async def test_a_ledger_that_cannot_be_read(self) -> None:
        """Whichever disk it is that fails, the operator looks at that one."""
        await write(self.path, LONG_STORY)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_READ"
        self.patch(database, "copy", Mock(side_effect=error))
        copy = str(self.folder / "copy.db")
        self.assertIn("the ledger cannot be read: disk I/O error", self.complaint("backup", copy))

    async def test_a_folder_that_is_not_there(self) -> None:
        """A sentence with the path in it."""
        await write(self.path, LONG_STORY)
        target = self.folder / "nowhere" / "copy.db"
        self.assertIn(f"{target}: No such file or directory", self.complaint("backup", str(target)))
