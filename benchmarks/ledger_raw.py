"""Raw SQLite: writes the rows that a server stored, in the same transactions."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

Row = tuple[int, float, str, str, bytes]


@dataclass(frozen=True)
class Work:
    """``groups`` holds the rows of each transaction.  ``trades`` says how many trades they make."""

    groups: list[list[Row]]
    trades: int

    @property
    def rows(self) -> int:
        return sum(map(len, self.groups))

    @property
    def rows_per_write(self) -> float:
        return self.rows / len(self.groups)


def read_work(ledger: Path, after: int) -> Work:
    """What a server stored after entry ``after``.  Rows with one time are one transaction."""
    with closing(sqlite3.connect(ledger)) as connection:
        rows: list[Row] = connection.execute(
            "SELECT sequence, time, kind, body, hash FROM entries WHERE sequence > ? "
            "AND kind IN ('offered', 'traded') ORDER BY sequence",
            (after,),
        ).fetchall()
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row[1])]
    return Work(groups, sum(row[2] == "traded" for row in rows))


def replay(work: Work, folder: Path) -> float:
    """The seconds that SQLite alone takes for this work.

    It uses one thread, WAL and ``synchronous=FULL``.  There is no hashing, no JSON, and nobody
    waits for an answer.
    """
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            "CREATE TABLE entries (sequence INTEGER PRIMARY KEY, time REAL NOT NULL, "
            "kind TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT"
        )
        began = time.perf_counter()
        for group in work.groups:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", group)
            connection.execute("COMMIT")
        took = time.perf_counter() - began
    for path in folder.glob("raw.db*"):
        path.unlink()
    return took
