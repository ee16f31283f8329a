"""What was put on record since the start, counted."""

from __future__ import annotations

from collections import Counter

from granja.market.facts import Declared, Departed, Fact, Released, Withdrawn
from granja.market.market import Market


class Tally:
    """``facts``: by kind.  ``artifacts``: copies, by what became of them.  ``at_start``: copies
    that were held then.  So what is held is ``at_start`` and what was declared, without what was
    withdrawn or departed: if it is not, something is wrong.
    """

    def __init__(self, market: Market) -> None:
        self.facts: Counter[str] = Counter()
        self.artifacts: Counter[str] = Counter(declared=0, withdrawn=0, departed=0)
        self.at_start = sum(copies.total() for copies in market.held.values())

    def note(self, fact: Fact) -> None:
        """A fact was applied."""
        self.facts[fact.kind] += 1
        if isinstance(fact, Declared | Withdrawn | Departed):
            self.artifacts[fact.kind] += len(fact.artifacts)
        elif isinstance(fact, Released):
            self.artifacts["departed"] += len(fact.artifacts)
