-- Granja's ledger, version 5.
--
-- The version is kept in PRAGMA user_version, and PRAGMA application_id (0x4752414E, "GRAN") says
-- that a file is a ledger.  granja/ledger/database.py sets both.
--
-- A change here needs a new version there and a file upgrade_<old>_to_<new>.sql beside this one.
-- A test requires the dump of an upgraded ledger to equal that of a fresh one, so comments stay
-- outside of the statements, which SQLite keeps letter for letter.

-- The facts, in their order.  Rows are only ever added.
--   sequence  1, 2, 3, … without gaps; after granja archive the first is of the kind "begun", and
--             has the number after the archive's last
--   time      when it was decided, in Unix seconds
--   kind      which fact (granja/market/facts.py)
--   body      its fields: JSON with sorted keys and without spaces, in ASCII
--   hash      SHA-256 over the hash of the entry before (32 zero bytes before the first) and
--             "sequence|time|kind|body" (granja/ledger/chain.py)
CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- Password verifiers (argon2id, PHC format) of the registered farmers.  They are here and not in
-- the facts, because a fact is for ever and a password must be replaceable without a trace.
CREATE TABLE credentials (
    farmer INTEGER PRIMARY KEY,
    verifier TEXT NOT NULL
) STRICT;

-- What is kept with the ledger and not in its chain, because it must be replaceable and forgettable:
-- passes, bans, who may not be heard.  It is written in the transaction of the facts it belongs to.
--   subject   what it is about
--   key       which one of them
--   value     JSON
CREATE TABLE kept (
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (subject, key)
) STRICT, WITHOUT ROWID;

-- Names.  The chain holds "<farmer> <hash>" in their place, so that a name can be forgotten: its row
-- is deleted.
--   hash    SHA-256 over salt and "farmer name", the first 32 hexadecimal digits
--   farmer  whose name it is
--   salt    16 random bytes
--   gone    when a visitor left, in Unix seconds; NULL for the others
CREATE TABLE names (
    hash TEXT PRIMARY KEY,
    farmer INTEGER NOT NULL,
    salt BLOB NOT NULL,
    name TEXT NOT NULL,
    gone REAL
) STRICT, WITHOUT ROWID;

-- About the ledger as a whole.
--   plain   entries of before version 5 may hold names in plain
--   closed  the chain was closed with granja archive and goes on in another file, which has the
--           names, the passwords and all else
CREATE TABLE notes (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The market's state as it was right after an entry, so that a start need not replay everything.
-- Only the last two are kept.  All of them may be deleted at any time: they can be computed.
--   sequence  the entry
--   hash      that entry's hash: a snapshot of another history is recognised
--   state     granja.market.Market.snapshot() as JSON
--   checksum  SHA-256 over hash and state
CREATE TABLE snapshots (
    sequence INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    state TEXT NOT NULL,
    checksum BLOB NOT NULL
) STRICT;
