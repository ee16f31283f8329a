-- Granja's ledger in PostgreSQL, version 2: all of it is in the schema "granja".
--
-- granja/ledger/postgresql/schema.py runs this in one transaction, in an empty database, and notes
-- the version.  A change here needs a new version there, and statements that lead to it.
CREATE SCHEMA granja;

-- Which farm this is: nodes find out when a failover has led them to another one.
--   plain  the chain may hold names in plain, from before version 2
CREATE TABLE granja.granja (
    farm uuid NOT NULL,
    version integer NOT NULL,
    plain boolean NOT NULL DEFAULT false
);

-- The facts, as in SQLite; rows are only ever added.
--   writer  whose lease it was written under; not in the hash, and NULL after a copy
CREATE TABLE granja.entries (
    sequence bigint PRIMARY KEY,
    time double precision NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    hash bytea NOT NULL,
    writer bigint
);

-- The last entry, in one row: whoever has it locked has the turn.
--   kept  counts the changes beside the chain
CREATE TABLE granja.head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    kept bigint NOT NULL
);
INSERT INTO granja.head (sequence, hash, kept) VALUES (0, decode(repeat('00', 32), 'hex'), 0);

-- Password verifiers of the registered farmers, as in SQLite.
CREATE TABLE granja.credentials (
    farmer bigint PRIMARY KEY,
    verifier text NOT NULL
);

-- What is kept beside the chain, as in SQLite.
--   value    JSON; NULL for what is forgotten, for a while, so that all nodes hear of it
--   changed  the change that it was, counted in head
--   at       when, by the database's clock
CREATE TABLE granja.kept (
    subject text NOT NULL,
    key text NOT NULL,
    value text,
    changed bigint NOT NULL,
    writer bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (subject, key)
);
CREATE INDEX kept_changed ON granja.kept (changed);

-- Names for which the chain has hashes, as in SQLite.
--   added  in which order they came: a row is added while the head is locked
CREATE SEQUENCE granja.pseudonyms_added;
CREATE TABLE granja.pseudonyms (
    hash text PRIMARY KEY,
    farmer bigint NOT NULL,
    salt bytea NOT NULL,
    name text NOT NULL,
    gone double precision,
    added bigint NOT NULL DEFAULT nextval('granja.pseudonyms_added')
);
CREATE INDEX pseudonyms_farmer ON granja.pseudonyms (farmer);
CREATE INDEX pseudonyms_new ON granja.pseudonyms (added);

-- The market's state as it was right after an entry, as in SQLite.
CREATE TABLE granja.snapshots (
    sequence bigint PRIMARY KEY,
    hash bytea NOT NULL,
    state text NOT NULL,
    checksum bytea NOT NULL
);

-- Who may write: nodes, by the number of their lease.
--   node     as the operator calls it
--   session  counts the connections that write: of a lost one nothing more is stored
--   until    when the lease is over, by the database's clock
--   version  which facts the node knows
CREATE SEQUENCE granja.writers;
CREATE TABLE granja.leases (
    writer bigint PRIMARY KEY,
    node text NOT NULL UNIQUE,
    session bigint NOT NULL,
    until timestamptz NOT NULL,
    version integer NOT NULL
);

-- Names: of the registered farmers, and of the visitors who are here or coming in.
--   key1, key2, key3  what a name is compared by (granja/text/names.py)
--   writer            the node where they are, NULL while they are away
--   arrived           the place in the order of arrival
CREATE SEQUENCE granja.farmers;
CREATE SEQUENCE granja.arrivals;
CREATE TABLE granja.names (
    farmer bigint PRIMARY KEY,
    spelling text NOT NULL,
    key1 text NOT NULL UNIQUE,
    key2 text NOT NULL UNIQUE,
    key3 text NOT NULL UNIQUE,
    registered boolean NOT NULL,
    writer bigint,
    arrived bigint
);
CREATE INDEX names_writer ON granja.names (writer) WHERE writer IS NOT NULL;

-- Append, if the lease stands and nobody else has appended since "_after".  Answers stored, stale
-- or fenced, and the count of changes beside the chain.
CREATE FUNCTION granja.append(
    _writer bigint, _session bigint, _after bigint, _before bytea,
    _times double precision[], _kinds text[], _bodies text[], _hashes bytea[],
    _farmers bigint[], _verifiers text[],
    _subjects text[], _keys text[], _values text[], _registered bigint[],
    _hidden text[], _owners bigint[], _salts bytea[], _names text[],
    _gone bigint[], _gone_at double precision[], _released bigint[],
    OUT answer text, OUT changes bigint
) LANGUAGE plpgsql AS $$
DECLARE
    _count integer := cardinality(_hashes);
    _beside integer := cardinality(_keys);
BEGIN
    PERFORM 1 FROM granja.leases
        WHERE writer = _writer AND session = _session AND until > clock_timestamp()
        FOR KEY SHARE;
    IF NOT FOUND THEN
        answer := 'fenced';
        RETURN;
    END IF;
    UPDATE granja.head
        SET sequence = sequence + _count, kept = kept + _beside,
            hash = CASE WHEN _count = 0 THEN hash ELSE _hashes[_count] END
        WHERE sequence = _after AND hash = _before
        RETURNING kept INTO changes;
    IF NOT FOUND THEN
        answer := 'stale';
        RETURN;
    END IF;
    INSERT INTO granja.entries (sequence, time, kind, body, hash, writer)
        SELECT _after + n, t, k, b, h, _writer
        FROM unnest(_times, _kinds, _bodies, _hashes) WITH ORDINALITY AS e (t, k, b, h, n);
    INSERT INTO granja.credentials (farmer, verifier)
        SELECT * FROM unnest(_farmers, _verifiers)
        ON CONFLICT (farmer) DO UPDATE SET verifier = excluded.verifier;
    INSERT INTO granja.kept (subject, key, value, changed, writer)
        SELECT s, k, v, changes - _beside + n, _writer
        FROM unnest(_subjects, _keys, _values) WITH ORDINALITY AS e (s, k, v, n)
        ON CONFLICT (subject, key) DO UPDATE
        SET value = excluded.value, changed = excluded.changed, writer = excluded.writer,
            at = excluded.at;
    UPDATE granja.names SET registered = true WHERE farmer = ANY (_registered);
    INSERT INTO granja.pseudonyms (hash, farmer, salt, name)
        SELECT * FROM unnest(_hidden, _owners, _salts, _names);
    UPDATE granja.pseudonyms SET gone = t
        FROM unnest(_gone, _gone_at) AS e (f, t) WHERE farmer = f;
    DELETE FROM granja.credentials WHERE farmer = ANY (_released);
    DELETE FROM granja.names WHERE farmer = ANY (_released);
    PERFORM pg_notify('granja', _writer::text);
    answer := 'stored';
END
$$;
