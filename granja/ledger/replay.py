"""The market that a ledger remembers."""

from __future__ import annotations

from collections.abc import Iterator

from granja.ledger.chain import BadEntry
from granja.ledger.interface import LedgerRefused, Opened
from granja.market.facts import Fact
from granja.market.market import Limits, Market, replay


def market_of(opened: Opened, limits: Limits) -> Market:
    """The newest snapshot, and what came after it.

    The deeds are not judged here as the audit judges them: that would make every start slow, for
    the sake of forgers.  But what the market cannot even follow is named.

    :raises LedgerRefused: naming the entry of a deed that cannot have happened.
    """
    market = Market.restore(opened.snapshot, limits) if opened.snapshot else Market(limits)
    reached = opened.snapshot_sequence

    def counted() -> Iterator[Fact]:
        nonlocal reached
        for fact in opened.facts:
            reached += 1
            yield fact

    try:
        replay(market, counted())
    except KeyError:  # of a farmer or an offer that is not there
        bad = BadEntry(reached, "it cannot have happened; see granja audit")
        raise LedgerRefused(f"the ledger cannot be replayed: {bad}") from None
    return market
