"""A ledger that several nodes share: ``postgresql://…``.  Needs ``granja[cluster]``."""
