-- Version 1 kept snapshots without saying which history they belong to and without a checksum.
-- They can be computed, so they are dropped, and the next start replays the facts once.
DROP TABLE snapshots;

CREATE TABLE snapshots (
    sequence INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    state TEXT NOT NULL,
    checksum BLOB NOT NULL
) STRICT;
