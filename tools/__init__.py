"""What keeps the repository's made files true.  Run from its top level; never installed."""
