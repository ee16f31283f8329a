"""Ledgers: where facts become durable."""

from granja.ledger.url import open_ledger

__all__ = ["open_ledger"]
