"""Freezing: a moderator can stop all trading for a while (PROTOCOL §7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred

from granja.contract import errors, messages
from granja.ledger.interface import AllKept, Kept
from granja.moderation.acts import Act, Acts
from granja.people.roster import Farmer

#: The ledger's subject and its only key.
SUBJECT: Final = "frozen"
KEY: Final = "trading"


class Freezing:
    """``frozen``: the farm refuses offers, swaps and acceptances.

    ``when_thawed``: we call these without arguments when trading goes on.

    :param kept: what the ledger keeps beside its chain, by subject and key.
    """

    def __init__(self, acts: Acts, kept: AllKept) -> None:
        self._acts = acts
        self.frozen = bool(kept.get(SUBJECT, {}).get(KEY))
        self.when_thawed: list[Callable[[], object]] = []

    def check(self) -> None:
        """Refuse to trade while trading is frozen.

        :raises TradingFrozen: while it is.
        """
        if self.frozen:
            raise errors.TradingFrozen

    def freeze(self, me: Farmer) -> Deferred[None]:
        """``:congelar``."""
        return self.set(me, True).addCallback(lambda _: me.tell(messages.TRADE_FROZEN))

    def thaw(self, me: Farmer) -> Deferred[None]:
        """``:descongelar``."""
        return self.set(me, False).addCallback(lambda _: me.tell(messages.TRADE_THAWED))

    def set(self, by: Farmer | None, frozen: bool) -> Deferred[None]:
        """Stop or resume trading.

        :param by: None for the operator's console.
        :returns: fires when it is so and the ledger keeps it; fails with NotStored or Halted.
        """
        act = Act("froze trading" if frozen else "thawed trading")
        kept = [Kept(SUBJECT, KEY, True if frozen else None)]
        return self._acts.store(by, act, kept).addCallback(self._is, frozen)

    def follow(self, item: Kept) -> None:
        """Follow a moderator at another node."""
        if item.key == KEY and bool(item.value) != self.frozen:
            self._is(None, bool(item.value))

    def _is(self, _: None, frozen: bool) -> None:
        self.frozen = frozen
        if not frozen:
            for call in self.when_thawed:
                call()
