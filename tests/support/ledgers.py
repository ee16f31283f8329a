"""Ledgers for tests, and functions that damage a ledger's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.chain import GENESIS, digest, extend
from granja.ledger.interface import Opened
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.market.facts import Declared, Fact, Offered, Registered, Traded
from granja.market.market import Market, replay

T = TypeVar("T")

reactor: Any = _reactor

ANA, BETO, GUS = FarmerId(1), FarmerId(2), FarmerId(3)
SPADE, SPOON, ARROW = ArtifactId(13), ArtifactId(14), ArtifactId(6)

#: Two farmers swap a spade for a spoon and back.
STORY: list[Fact] = [
    Declared(ANA, "Ana", (SPADE, ARROW)),
    Registered(ANA, "Ana"),
    Declared(BETO, "Beto", (SPOON,)),
    Offered(OfferId(1), ANA, BETO, SPADE, SPOON, 2e9),
    Traded(OfferId(1)),
    Offered(OfferId(2), BETO, ANA, SPADE, SPOON, 2e9),
    Traded(OfferId(2)),
    Offered(OfferId(3), ANA, BETO, ARROW, SPOON, 2e9),
]


#: It has the form that argon2 gives, but fits no password.
VERIFIER = "$argon2id$v=19$m=19456,t=2,p=1$Zml2ZSBzYWx0$c29tZXRoaW5nIGhhc2hlZA"


def verifiers(facts: Iterable[Fact]) -> dict[FarmerId, str]:
    """The verifiers that the ledger stores with these facts, one for each Registered."""
    return {fact.farmer: VERIFIER for fact in facts if isinstance(fact, Registered)}


def ledger_at(path: Path) -> SQLiteLedger:
    return SQLiteLedger(path, reactor, lambda: 1763848000.5)


async def write(path: Path, facts: Sequence[Fact] = STORY, snapshot_at: int = 0) -> None:
    """Put facts into the ledger there, each in its own transaction, and close it."""
    ledger = ledger_at(path)
    sequence = ledger.open().sequence
    market = Market()
    for fact in facts:
        sequence = await ledger.append([fact], sequence, verifiers([fact]))
        market.apply(fact)
        if sequence == snapshot_at:
            ledger.checkpoint(market.snapshot(), sequence)
    await ledger.close()


async def snap(path: Path, sequences: Iterable[int]) -> None:
    """Take a snapshot of the story after each of these sequence numbers."""
    ledger = ledger_at(path)
    ledger.open()
    for sequence in sequences:
        ledger.checkpoint(market_of(Opened(), STORY[:sequence]).snapshot(), sequence)
    await ledger.close()


async def read(path: Path) -> tuple[Opened, list[Fact]]:
    """Open the ledger there, read all facts, and close it."""
    ledger = ledger_at(path)
    found = ledger.open()
    facts = list(found.facts)
    await ledger.close()
    return found, facts


def market_of(found: Opened, facts: Iterable[Fact]) -> Market:
    market = Market.restore(found.snapshot) if found.snapshot else Market()
    replay(market, facts)
    return market


def tamper(path: Path, sql: str, *values: object) -> None:
    """Change the ledger's file without the ledger."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def forge(path: Path, facts: Sequence[Fact]) -> None:
    """Put facts that never happened into a ledger, with hashes that match."""
    with closing(sqlite3.connect(path)) as connection, connection:
        last = connection.execute("SELECT sequence, hash FROM entries ORDER BY 1 DESC").fetchone()
        sequence, before = last or (0, GENESIS)
        connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
            extend(before, sequence, 1763848001.0, facts),
        )
        connection.executemany("REPLACE INTO credentials VALUES (?, ?)", verifiers(facts).items())


def forge_body(path: Path, kind: str, body: str) -> None:
    """Put a body that granja never writes into a ledger, with a hash that matches."""
    with closing(sqlite3.connect(path)) as connection, connection:
        last, before = connection.execute(
            "SELECT sequence, hash FROM entries ORDER BY 1 DESC"
        ).fetchone()
        entry = (last + 1, 1763848001.0, kind, body)
        connection.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (*entry, digest(before, *entry))
        )


def forge_snapshot(path: Path, sequence: int, state: str) -> None:
    """Change what a snapshot says, with a checksum that matches."""
    with closing(sqlite3.connect(path)) as connection, connection:
        sought = "SELECT hash FROM entries WHERE sequence = ?"
        (entry_hash,) = connection.execute(sought, (sequence,)).fetchone()
        connection.execute(
            "UPDATE snapshots SET state = ?, checksum = ? WHERE sequence = ?",
            (state, sha256(entry_hash + state.encode()).digest(), sequence),
        )


def warp(path: Path, sql: str) -> None:
    """Change the file so that its tables hold values that SQLite normally refuses."""
    with closing(sqlite3.connect(path)) as connection, connection:
        sealed = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(replace(sql, 'STRICT', ''), 'NOT NULL', '')"
        )
        connection.commit()
        with closing(sqlite3.connect(path)) as open_to_all, open_to_all:
            open_to_all.execute(sql)
        connection.executemany("UPDATE sqlite_master SET sql = ?2 WHERE name = ?1", sealed)


def flip_bit(path: Path, letters: bytes) -> None:
    """Flip the top bit of the last of these letters.  The file must hold the letters once."""
    content = bytearray(path.read_bytes())
    assert content.count(letters) == 1, content.count(letters)
    content[content.index(letters) + len(letters) - 1] ^= 0x80
    path.write_bytes(content)


def spoil_page(path: Path, number: int) -> int:
    """Overwrite a page of entries.  Returns the first sequence number that is unreadable now."""
    content = bytearray(path.read_bytes())
    at = number * 4096 % len(content)
    content[at : at + 4096] = b"?" * 4096
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        for sequence in count(1):
            try:
                connection.execute("SELECT * FROM entries WHERE sequence = ?", (sequence,))
            except sqlite3.DatabaseError:
                return sequence
    raise AssertionError("every entry can still be read")


def dump(path: Path) -> str:
    """The whole database as SQL, and the pragmas that a dump leaves out."""
    with closing(sqlite3.connect(path)) as connection:
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "journal_mode")
        ]
        return "\n".join([*connection.iterdump(), repr(pragmas)])


class AnyThread:
    """A reactor for code that blocks: it calls at once, in the writer's own thread."""

    def callFromThread(self, call: Callable[..., Any], *arguments: object) -> None:  # noqa: N802
        call(*arguments)


def wait_for(answer: Deferred[T]) -> T:
    """Block until ``answer`` fires.

    :raises Exception: the failure that it fires with.
    """
    done: list[T | Failure] = []
    fired = Event()
    answer.addBoth(done.append).addBoth(lambda _: fired.set())
    if not fired.wait(30):
        raise AssertionError("the ledger does not answer")
    if isinstance(done[0], Failure):
        done[0].raiseException()
    return done[0]
