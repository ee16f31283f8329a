-- The ledger's schema as version 4 had it: what tests/ledger/sqlite/test_files.py upgrades from.

CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE credentials (
    farmer INTEGER PRIMARY KEY,
    verifier TEXT NOT NULL
) STRICT;

CREATE TABLE kept (
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (subject, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
    sequence INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    state TEXT NOT NULL,
    checksum BLOB NOT NULL
) STRICT;

PRAGMA application_id = 0x4752414E;
PRAGMA user_version = 4;
PRAGMA journal_mode = WAL;
