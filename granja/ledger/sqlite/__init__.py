"""The ledger in an SQLite file, which survives a power cut."""
