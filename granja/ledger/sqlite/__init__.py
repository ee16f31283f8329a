"""The ledger in an SQLite file, which survives a power cut.

Words of this room:

- The *log* is SQLite's write-ahead log, the file ``<ledger>-wal``.  A *checkpoint* moves it into
  the ledger's file.
- A *torn* write is one that a crash cut short.  To *trim* is to remove it.
- A *frame* is one page in the log.  A *round* of the log begins when SQLite writes it again from
  its start; each round has its own *salt*.
"""
