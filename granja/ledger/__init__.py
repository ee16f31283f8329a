"""Ledgers: where facts become durable."""

from granja.ledger.url import open_archive, open_ledger

__all__ = ["open_archive", "open_ledger"]
