"""Attendance: puts on record who is here and who is not, as soon as the ledger can store it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.clockwork.timer import Timer
from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.market import holding
from granja.market.facts import Departed, Fact, Left
from granja.market.market import Market
from granja.market.offers import News
from granja.people.claims import Claims
from granja.people.missed import Newsroom
from granja.people.roster import Connection, Farmer, Roster

#: Seconds until we try again to record what the ledger could not store.
RETRY = 5.0

#: Seconds after which we have heard of somebody who left one node and came in at another, even if a
#: message was lost.
ON_THE_WAY = 5.0

#: Comings and goings that we record at a time: the chat waits while we submit them.
MOST_AT_ONCE = 500


class Attendance:
    """Records comings and goings.  The chat shows them at once; the record follows when it can.

    :param closing: whether the server stops.

    ``visit_over``: we call it with the number of a visitor who has left.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        lane: Lane,
        market: Market,
        roster: Roster,
        news: Newsroom,
        closing: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._lane = lane
        self._market = market
        self._roster = roster
        self._news = news
        self._closing = closing
        self.visit_over: Callable[[FarmerId], None] = lambda _: None
        #: The table of names, if several nodes share one.
        self.claims: Claims | None = None
        self._retry = Timer(clock, self.reconcile)
        self._owing = False  # Something is not recorded yet.
        self._sweeping = False  # We try again now.

    def depart(self, id: FarmerId) -> None:
        """Record that somebody is no longer here, unless they are.

        A visitor's artifacts go too.
        """
        if id in self._market.held and self._roster.present(id) is None:
            self._roster.leaving.add(id)
        self._record_departure(id).addErrback(self.unrecorded)

    def come_back(
        self, id: FarmerId, connection: Connection, kept: Sequence[Kept] = ()
    ) -> Deferred[News | None]:
        """Record that a registered farmer is here again.

        :param kept: what the ledger keeps beside, in the same moment.
        :returns: what they have not heard.  None if the connection ended before we looked: the news
            then wait for the next time.
        """
        unread: News | None = None

        def look() -> None:
            nonlocal unread
            if unread is None and not connection.over:
                unread = self._news.unread(id)

        def decide() -> list[Fact]:
            look()
            return [] if unread is None else holding.decide_return(self._market, id)

        def looked(_: object) -> News | None:
            look()  # A lane that is unsure refuses before it decides.
            return unread

        done = self._lane.submit([id], decide, kept=kept)
        # The chat goes on while the ledger cannot write.
        return done.addErrback(self.unrecorded).addCallback(looked)

    def was_elsewhere(self, farmer: Farmer) -> bool:
        """Whether they come from another node, where they were in the chat."""
        moves = self.claims is not None and self.claims.moves(farmer.id)
        return farmer.elsewhere is not None or moves

    def absent(self, id: FarmerId) -> Deferred[list[Fact]]:
        """Record that somebody is not here, unless they are.

        :returns: fails with NotStored or Halted.
        """
        return self._lane.submit([id], partial(self._decide_departure, id))

    def _record_departure(self, id: FarmerId) -> Deferred[None]:
        """Record that somebody is no longer here, with the news that they have missed."""
        return self.absent(id).addCallback(self._recorded, id)

    def _recorded(self, _: object, id: FarmerId) -> None:
        """Free their name for others, unless they are here again."""
        present = self._roster.present(id)
        if present is None:
            if self.claims is not None:
                self.claims.left(id)
            if id not in self._market.registered:
                self.visit_over(id)
        elif present.elsewhere is not None and self.claims is not None:
            self.claims.watch(id)

    def went(self, id: FarmerId) -> None:
        """Somebody has left another node: see that the record says so, and free their name, if this
        node has a part in that."""
        if self.claims is not None and self.claims.watches(id):
            self._clock.callLater(ON_THE_WAY, self._gone, id)

    def _gone(self, id: FarmerId) -> None:
        """They have not come in at another node meanwhile, or this one would have heard it."""
        watched = self.claims is not None and self.claims.watches(id)
        if watched and self._roster.present(id) is None and not self._closing():
            self.depart(id)

    def _decide_departure(self, id: FarmerId) -> list[Fact]:
        visited = self._news.has_visited(id)
        # The market could check this too.  But each sweep asks it of everybody, and copying news is
        # slow.
        if self._is_here(id) or (id in self._market.away and not visited):
            return []
        return holding.decide_departure(self._market, id, self._news.unread(id), visited=visited)

    def _is_here(self, id: FarmerId) -> bool:
        """Whether the record should have them here.  A registered farmer who lingers is away."""
        farmer = self._roster.present(id)
        if farmer is None:
            return False
        awake = farmer.connection is not None or farmer.elsewhere is not None
        return awake or not farmer.registered

    def object_to(self, fact: Departed | Left) -> None:
        """Record that somebody is here, after another node has recorded that they left: it did not
        know that they had come in at this one."""
        farmer = self._roster.present(fact.farmer)
        if isinstance(fact, Left) and farmer is not None and farmer.connection is not None:
            self._record_return(farmer.id)
            if self.claims is not None:  # Perhaps they went on, and we have not heard that yet.
                self.claims.watch(farmer.id)

    def entered(self, farmer: Farmer) -> None:
        """Record that somebody is here, if another node has recorded that they left while they were
        coming in: :meth:`object_to` could not know yet that they would."""
        if farmer.id in self._market.away and not self._owing:
            self._record_return(farmer.id)

    def _record_return(self, id: FarmerId) -> None:
        done = self._lane.submit([id], partial(self._decide_return, id))
        done.addErrback(self.unrecorded)

    def reconcile(self) -> Deferred[None]:
        """Put on record who is here and who is not.

        After a crash, the record still has everybody inside.  After a full disk, it misses what
        happened in that time.  Fires when all is recorded, or when we must try again later.
        """
        self._owing, self._sweeping = False, True
        absent, returned = self._unrecorded_absences(), self._unrecorded_returns()
        waiting: list[Deferred[Any]] = [self._record_departure(id) for id in absent]
        waiting += [self._lane.submit([i], partial(self._decide_return, i)) for i in returned]
        for done in waiting:
            done.addErrback(self.unrecorded)
        more = max(len(absent), len(returned)) == MOST_AT_ONCE
        return DeferredList(waiting).addCallback(self._reconciled, more)

    def _unrecorded_absences(self) -> list[FarmerId]:
        market = self._market
        # Registered farmers first: the end of a visitor's offers is news to them.
        everybody = chain(
            market.registered, (id for id in market.held if id not in market.registered)
        )
        return list(islice((id for id in everybody if self._is_absent(id)), MOST_AT_ONCE))

    def _is_absent(self, id: FarmerId) -> bool:
        """Whether they are absent and the record does not say so."""
        concerns = self.claims is None or self.claims.concerns(id)
        return concerns and bool(self._decide_departure(id))

    def _unrecorded_returns(self) -> list[FarmerId]:
        away = self._market.away
        return list(islice((id for id in away if self._decide_return(id)), MOST_AT_ONCE))

    def _decide_return(self, id: FarmerId) -> list[Fact]:
        farmer = self._roster.present(id)
        elsewhere = farmer is not None and farmer.elsewhere is not None
        return (
            holding.decide_return(self._market, id) if self._is_here(id) and not elsewhere else []
        )

    def _reconciled(self, _: object, more: bool) -> Deferred[None] | None:
        self._sweeping = False
        if more and not self._owing:
            return self.reconcile()
        self._try_later()
        return None

    def unrecorded(self, failure: Failure) -> None:
        """Try again later."""
        if not failure.check(errors.NotStored, errors.Halted):
            self.log.failure("A coming or going could not be decided", failure)
        self._owing = True
        self._try_later()

    def _try_later(self) -> None:
        """Start the timer, unless there is no hope, or nothing to do, or a sweep is going on."""
        in_vain = self._lane.halted or self._closing()
        if self._owing and not (self._sweeping or in_vain):
            self._retry.start(RETRY)

    def stop(self) -> None:
        """Stop trying."""
        self._retry.stop()
