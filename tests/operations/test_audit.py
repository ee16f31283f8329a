"""``granja audit``, as an operator sees it."""

from __future__ import annotations

import gc
import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger import chain, open_archive
from granja.ledger.chain import BadEntry
from granja.ledger.interface import Opened
from granja.market.facts import (
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
from granja.market.market import Market
from granja.market.offers import Ended, How, Offer
from granja.operations import audit as reckoning, cli as audit
from tests.support.ledgers import (
    ANA,
    ARROW,
    BETO,
    GUS,
    SPADE,
    SPOON,
    STORY,
    VERIFIER,
    flip_bit,
    forge,
    forge_body,
    forge_snapshot,
    ledger_at,
    market_of,
    read,
    snap,
    spoil_page,
    tamper,
    verifiers,
    warp,
    write,
)
from tests.support.operator_case import LONG_STORY, OperatorCase
from tests.support.server import environment


def rejected(number: int, maker: FarmerId = ANA, gives: ArtifactId = ARROW) -> Ended:
    """The fact of a leaving that tells of a rejected offer, which the farmer missed."""
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


class AuditTests(OperatorCase):
    """``granja audit``."""

    def complaint_after(self, sql: str) -> str:
        """What the audit says about a copy of the ledger after this damage."""
        path = self.folder / "changed.db"
        shutil.copy(self.path, path)
        tamper(path, sql)
        return self.complaint("audit", path=path)

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
        await ledger.append(LONG_STORY, 0, verifiers(LONG_STORY))
        self.assertIn("15 entries", self.run_granja("audit")[1])
        self.assertEqual(await ledger.append([PasswordChanged(ANA)], 15, {}), 16)
        self.assertIn("16 entries", self.run_granja("audit")[1])

    async def test_an_edit_anywhere_is_found_and_located(self) -> None:
        """This holds for any entry, even before the snapshot.  The audit names the first bad
        one."""
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
        """This includes the bit that makes it no letter."""
        await write(self.path, LONG_STORY, snapshot_at=12)
        flip_bit(self.path, b'[13,6],"farmer":1,"name":"1 ')
        complaint = "entry 1 is damaged: it does not fit its hash"
        self.assertIn(complaint, self.complaint("audit"))
        self.assertIn(complaint, self.complaint("trace", "13"))

    async def test_a_damaged_page_is_located(self) -> None:
        """The audit names the first entry on it, even for the last page, or under a snapshot."""
        market = market_of(Opened(), [Registered(ANA, "Ana")])
        ledger = ledger_at(self.path)
        ledger.open()
        await ledger.append(
            [Registered(ANA, "Ana"), *[PasswordChanged(ANA)] * 2999], 0, {ANA: VERIFIER}
        )
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

    async def test_a_ledger_that_lost_its_end_is_refused(self) -> None:
        """It is not an empty one that is in order, nor is anything copied from it."""
        await write(self.path, [Registered(ANA, "Ana"), *[PasswordChanged(ANA)] * 99])
        os.truncate(self.path, self.path.stat().st_size - 2000)
        for words in (("audit",), ("trace", "13"), ("backup", str(self.folder / "copy.db"))):
            self.assertIn("was cut off", self.complaint(*words))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    async def test_a_page_that_holds_no_entries_is_looked_at_too(self) -> None:
        """All entries may be good while the rest of the file is not."""
        await write(self.path, LONG_STORY)
        with self.path.open("r+b") as file:
            file.seek(36)  # how many pages are free
            file.write(bytes([0, 0, 0, 7]))
        self.assertIn("the ledger's file is damaged: ", self.complaint("audit"))

    async def test_what_cannot_have_happened_is_found(self) -> None:
        """This holds even if every hash fits: a forger must obey the rules of the market."""
        ana_offers = Offered(OfferId(9), ANA, BETO, SPADE, SPOON, 2e9)
        reject = Rejected(OfferId(3))
        forgeries: dict[str, list[Fact]] = {
            "-5 is no artifact's number": [Declared(GUS, "Gus", (SPOON, ArtifactId(-5)))],
            "0 is no artifact's number": [Declared(GUS, "Gus", (ArtifactId(0),))],
            "1000000000 is no artifact's number": [
                Declared(GUS, "Gus", (ArtifactId(1_000_000_000),))
            ],
            "0 is no farmer's number": [Declared(FarmerId(0), "Gus", ())],
            "-1 is no offer's number": [Offered(OfferId(-1), ANA, BETO, SPADE, SPOON, 2e9)],
            "'Gus\\x1b[2J' was never a name": [Declared(GUS, "Gus\x1b[2J", ())],
            "'Gus\\nBeto' was never a name": [Declared(GUS, "Gus\nBeto", ())],
            "'Gus (farmer 3)' was never a name": [Declared(GUS, "Gus (farmer 3)", ())],
            "'Gus\\u202e' was never a name": [Declared(GUS, "Gus\u202e", ())],
            "'' was never a name": [Registered(BETO, "")],
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
            "offer #4 did not wait for farmer 1": [Left(ANA, unseen=(OfferId(4),))],
            "offer #3 did not wait for farmer 1": [Left(ANA, unseen=(OfferId(3),))],
            "farmer 1 was not away": [Left(ANA), Returned(ANA), Returned(ANA)],
        }
        for n, (objection, facts) in enumerate(forgeries.items()):
            path = self.folder / f"{n}.db"
            await write(path)
            forge(path, facts)
            complaint = self.complaint("audit", path=path)
            self.assertIn(f"entry {len(STORY) + len(facts)} is damaged: {objection}", complaint)

    async def test_an_unknown_kind_of_fact_is_named(self) -> None:
        """A newer granja may write such a fact."""

        @dataclass(frozen=True)
        class Eaten(Fact):
            kind = "eaten"
            farmer: int

        await write(self.path)
        self.patch(chain, "_FIELDS", {Eaten: ["farmer"]})
        forge(self.path, [Eaten(1)])
        self.assertIn("entry 9 is damaged: it cannot be read: not a fact", self.complaint("audit"))

    async def test_what_is_rare_but_happens_is_no_alarm(self) -> None:
        """There are two names that look alike, the name of somebody who left, numbers left out, and
        somebody cut off again and again before they can hear the same news."""
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
        """The audit remembers a limited number of ends of a farmer's offers, and does not guess at
        the others.  But it compares those it remembers with what the farmer is said to have
        missed."""
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
        with closing(open_archive(f"sqlite:{path}")) as archive:
            try:
                list(reckoning.Audit().run(archive))
            except BadEntry as bad:
                return bad.why
        return None

    async def test_a_body_that_no_granja_would_write_is_named(self) -> None:
        """The audit and the trace name it, even if its hash fits."""
        bodies = {
            "declared": '{"artifacts":["x"],"farmer":1,"name":"Ana"}',
            "withdrawn": '{"artifacts":[6],"farmer":{}}',
            "offered": '{"expires":2e9,"gives":6,"maker":1,"offer":"7","takes":14,"taker":2}',
            "registered": '{"farmer":9,"name":7}',
            "traded": '{"offer":[1]}',
            "rejected": '{"offer":1}{"offer":2}',
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

    async def test_the_audit_collects_seldom_and_gives_the_threshold_back(self) -> None:
        """Also when it fails.  Each collection goes through all that an audit keeps."""
        await write(self.path)
        forge_body(self.path, "left", '"x"')
        before, during, run = gc.get_threshold(), [], reckoning.Audit.run

        def watched(*arguments: Any) -> Any:
            during.append(gc.get_threshold()[0])
            return run(*arguments)

        self.patch(reckoning.Audit, "run", watched)
        self.complaint("audit")
        self.assertEqual([100_000], during)
        self.assertEqual(before, gc.get_threshold())

    async def test_a_snapshot_that_says_something_else_is_found(self) -> None:
        """The audit also finds a forger who edits the snapshot and its checksum."""
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
        """The audit finds it, even though a start would only ignore it."""
        await write(self.path, STORY, snapshot_at=8)
        tamper(self.path, "UPDATE snapshots SET state = '{}'")
        self.assertIn("snapshot at entry 8 is off: its checksum", self.complaint("audit"))

    async def test_a_snapshot_that_is_none_is_found(self) -> None:
        """This holds for anything in its place, with or without a fitting checksum."""
        await write(self.path, STORY, snapshot_at=8)
        deep = json.dumps(Market().snapshot())[:-1] + ', "x": ' + "[" * 900 + "]" * 900 + "}"
        for n, state in enumerate(("[", "[]", "{}", '{"names": [[1]]}', "[" * 9999, deep)):
            path = self.folder / f"{n}.db"
            shutil.copy(self.path, path)
            forge_snapshot(path, 8, state)
            self.assertIn("the snapshot at entry 8 ", self.complaint("audit", path=path))
        for column in ("hash", "state", "checksum"):
            path = self.folder / f"{column}.db"
            shutil.copy(self.path, path)
            warp(path, f"UPDATE snapshots SET {column} = 1.5")
            complaint = "the snapshot at entry 8 is off: its checksum does not fit"
            self.assertIn(complaint, self.complaint("audit", path=path))

    async def test_a_snapshot_beyond_the_last_entry_is_found(self) -> None:
        """Entries that were there once are missed, although the others are in order."""
        await write(self.path)
        await snap(self.path, [4, 8])
        tamper(self.path, "DELETE FROM entries WHERE sequence > 5")
        self.assertIn("snapshot at entry 8 is off: it was taken at an", self.complaint("audit"))
        tamper(self.path, "UPDATE snapshots SET sequence = -8 WHERE sequence = 8")
        self.assertIn("snapshot at entry -8 is off: it was taken at an", self.complaint("audit"))

    async def test_a_password_that_nobody_can_log_in_with_is_found(self) -> None:
        """It is missing, damaged, or not ours.  The audit never prints it."""
        await write(self.path, LONG_STORY)
        damage = {
            "DELETE FROM credentials": "farmer 1 is registered, but has no password verifier",
            "UPDATE credentials SET verifier = 'ñargon'": "verifier of farmer 1 cannot be read",
            "UPDATE credentials SET verifier = 'plain:argon'": "of farmer 1 has not argon2's form",
            "UPDATE credentials SET verifier = substr(verifier, 1, 60) || '~'": "of farmer 1 has",
            "INSERT INTO credentials VALUES (9, '')": "verifier of farmer 9 has not argon2's form",
        }
        for sql, complaint in damage.items():
            said = self.complaint_after(sql)
            self.assertIn(complaint, said)
            self.assertNotIn("argon2id", said)
            self.assertNotIn("plain", said)

    async def test_a_password_with_one_bit_off_is_found(self) -> None:
        """This includes the bit that makes a letter no letter, and a lost page."""
        await write(self.path, LONG_STORY)
        page = self.folder / "page.db"
        shutil.copy(self.path, page)
        flip_bit(self.path, VERIFIER[:20].encode())
        self.assertIn("verifier of farmer 1 cannot be read\n", self.complaint("audit"))
        with page.open("r+b") as file:
            file.seek(2 * 4096)
            file.write(b"?" * 4096)
        self.assertIn("the password verifiers cannot be read", self.complaint("audit", path=page))

    async def test_what_is_foreign_or_missing_in_the_file_is_found(self) -> None:
        """A trigger that blocks all trading, a table that somebody dropped or made differently."""
        await write(self.path, LONG_STORY)
        refuse = "BEGIN SELECT RAISE(ABORT, 'no'); END"
        changes = {
            f"CREATE TRIGGER stop BEFORE INSERT ON entries {refuse}": "the trigger 'stop' in it is",
            "DROP TABLE credentials": "it has no table credentials",
            "ALTER TABLE snapshots ADD COLUMN colour TEXT": "its table snapshots is not as",
        }
        for sql, complaint in changes.items():
            self.assertIn(complaint, self.complaint_after(sql))

    async def test_a_bar_moves_on_a_terminal_only(self) -> None:
        """On long ledgers, and not in a log file."""
        ledger = ledger_at(self.path)
        ledger.open()
        await ledger.append(
            [Registered(ANA, "Ana"), *[PasswordChanged(ANA)] * 10_000], 0, {ANA: VERIFIER}
        )
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
        """``touch`` makes such files.  It is not a ledger of an older granja."""
        self.path.touch()
        for words in (("audit",), ("trace", "13"), ("backup", str(self.folder / "copy.db"))):
            self.assertIn(f"{self.path} is empty", self.complaint(*words))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["granja.db"])

    def test_wrong_arguments_are_explained(self) -> None:
        """Like every command, it shows the usage, with status 2."""
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
            env=environment(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"All is in order.", done.stdout)
