-- Since version 5 the chain holds salted hashes of names.  Entries of before stay as they are, with
-- names in plain, and so such a ledger cannot forget anybody: `granja rewrite` makes one that can.
CREATE TABLE names (
    hash TEXT PRIMARY KEY,
    farmer INTEGER NOT NULL,
    salt BLOB NOT NULL,
    name TEXT NOT NULL,
    gone REAL
) STRICT, WITHOUT ROWID;

CREATE TABLE notes (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO notes SELECT 'plain', '' WHERE EXISTS (SELECT 1 FROM entries);
