-- Version 4 keeps beside the chain what must be replaceable and forgettable.
CREATE TABLE kept (
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (subject, key)
) STRICT, WITHOUT ROWID;
