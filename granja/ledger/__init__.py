"""Ledgers: where facts become durable."""
