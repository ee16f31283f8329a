"""Settling: finds rings of swaps, settles them, and tries again (PROTOCOL §4b)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.clockwork.timer import Timer
from granja.contract import errors
from granja.contract.ids import FarmerId, OfferId
from granja.ledger.lane import TURN, Lane
from granja.market.facts import Fact, Registered
from granja.market.market import Market
from granja.market.rings import ALL, Ring, any_ring, closed_by
from granja.market.swapping import decide_settlement
from granja.market.swaps import Swap
from granja.trade.freezing import Freezing

#: Seconds after which we try a ring again that could not be stored.
RETRY = 5.0


class Settling:
    """:param clock: for sleeping.
    :param now: the time of day, in Unix seconds.
    :param exists: whether a farmer is in the chat or registered.  The record may not know yet that
        a visitor has left.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        now: Callable[[], float],
        market: Market,
        lane: Lane,
        exists: Callable[[FarmerId], bool],
        freezing: Freezing,
    ) -> None:
        self._clock = clock
        self._now = now
        self._market = market
        self._lane = lane
        self._exists = exists
        self._freezing = freezing
        freezing.when_thawed.append(self.look_again)
        self._timer = Timer(clock, self._sweep)
        self._sweeping = False
        self._stopped = False
        if len(market.swaps):  # The last run may have ended after a swap and before its ring.
            self.look_again()

    def settle(self, number: OfferId) -> Deferred[bool]:
        """Settle all rings that a swap closes, one after the other.

        :returns: fires with whether it closed one; fails with TradeNotStored or TradingHalted, and
            then we try again.
        """
        done = Deferred.fromCoroutine(self._settle(partial(self._closed_by, number)))
        return done.addErrback(self._try_later)

    def watch(self, fact: Fact) -> None:
        """Look again when a farmer registers: they may have gone while it was being stored."""
        if isinstance(fact, Registered):
            self.turned_up(fact.farmer)

    def turned_up(self, farmer: FarmerId) -> None:
        """Look again: until now, as far as we knew, there was no such farmer."""
        if self._market.swaps.of(farmer):
            self.look_again()

    def look_again(self, after: float = 0.0) -> None:
        """Settle everything that can settle, in ``after`` seconds."""
        if not self._stopped:
            self._timer.start(after)

    def stop(self) -> None:
        """Stop trying."""
        self._stopped = True
        self._timer.stop()

    async def _settle(self, find: Callable[[], Ring | None]) -> bool:
        settled = False
        enough = self._clock.seconds() + TURN
        while (ring := find()) is not None:
            makers = {self._market.swaps[number].maker for number in ring.swaps}
            decide = partial(decide_settlement, self._market, ring, self._usable)
            if await self._lane.submit(makers, decide, trade=True):
                settled = True
            if self._clock.seconds() > enough:  # A ledger in memory never waits by itself.
                await deferLater(self._clock, 0)
                enough = self._clock.seconds() + TURN
        return settled

    def _closed_by(self, number: OfferId) -> Ring | None:
        swap = self._market.swaps.get(number)
        if swap is None or not self._usable(swap):
            return None
        return self._possible(lambda usable: closed_by(self._market.swaps, swap, usable))

    def _possible(self, find: Callable[[int], Ring | None]) -> Ring | None:
        """The ring that ``find`` finds among swaps that can settle now."""
        swaps, usable = self._market.swaps, ALL
        if self._freezing.frozen:
            return None
        while (ring := find(usable)) is not None:
            unusable = [n for n in ring.swaps if not self._usable(swaps[n])]
            if not unusable:
                return ring
            for number in unusable:
                usable &= ~swaps.table.bit(number)
        return None

    def _usable(self, swap: Swap) -> bool:
        in_time = swap.expires > self._now()
        return in_time and self._exists(swap.maker) and not self._freezing.frozen

    # -- rings that could not settle when they closed ---------------------------------------------

    def _sweep(self) -> None:
        if self._sweeping:
            return
        self._sweeping = True
        find = partial(self._possible, partial(any_ring, self._market.swaps))
        done = Deferred.fromCoroutine(self._settle(find))
        done.addErrback(self._try_later).addBoth(self._swept)

    def _swept(self, outcome: bool | Failure) -> None:
        self._sweeping = False
        if isinstance(outcome, Failure):
            not_stored = outcome.check(errors.TradeNotStored, errors.TradingHalted)
            if not not_stored:
                self.log.failure("Rings could not be settled", outcome)

    def _try_later(self, failure: Failure) -> Failure:
        if failure.check(errors.TradeNotStored):
            self.look_again(RETRY)
        return failure
