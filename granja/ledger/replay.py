"""Replay: makes the market from what a ledger remembers."""

from __future__ import annotations

from collections.abc import Iterator

from granja.ledger.chain import BadEntry
from granja.ledger.interface import LedgerRefused, Opened
from granja.market.facts import Fact
from granja.market.market import Limits, Market, replay


def market_of(opened: Opened, limits: Limits) -> Market:
    """The market after the newest snapshot and the facts after it.

    This does not judge the facts as the audit does: that would make every start slow, and only
    forgers need it.  But it names a fact that the market cannot follow.

    :raises LedgerRefused: with the entry of a fact that cannot have happened.
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
    except KeyError:  # There is no such farmer or offer.
        bad = BadEntry(reached, "it cannot have happened; see granja audit")
        raise LedgerRefused(f"the ledger cannot be replayed: {bad}") from None
    return market
