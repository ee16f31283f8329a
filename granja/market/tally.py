"""Tally: counts what was put on record since the start."""

from __future__ import annotations

from collections import Counter

from granja.market.facts import Declared, Departed, Fact, Released, Withdrawn
from granja.market.market import Market


class Tally:
    """``facts``: by kind.  ``artifacts``: copies, by what happened to them.  ``at_start``: copies
    that farmers held at the start.  So farmers now hold ``at_start`` plus the declared copies,
    minus those that were withdrawn or departed.  If not, something is wrong.
    """

    def __init__(self, market: Market) -> None:
        self.facts: Counter[str] = Counter()
        self.artifacts: Counter[str] = Counter(declared=0, withdrawn=0, departed=0)
        self.at_start = sum(copies.total() for copies in market.held.values())

    def note(self, fact: Fact) -> None:
        """Count a fact that was applied."""
        self.facts[fact.kind] += 1
        if isinstance(fact, Declared | Withdrawn | Departed):
            self.artifacts[fact.kind] += len(fact.artifacts)
        elif isinstance(fact, Released):
            self.artifacts["departed"] += len(fact.artifacts)
