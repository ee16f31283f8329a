"""On record: who is here and who is not, as soon as that can be stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, islice

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import News
from granja.people.claims import Claims
from granja.people.missed import Newsroom
from granja.people.roster import Connection, Farmer, Roster
from granja.reactor.clockwork import Timer

#: Seconds between attempts to record what could not be recorded when it happened.
RETRY = 5.0

#: Comings and goings that are put on record at a time: the chat waits while they are submitted.
MOST_AT_ONCE = 500


class Attendance:
    """Comings and goings are in the chat at once, and on record as soon as they can be.

    :param closing: whether the server stops.
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
        self._lane = lane
        self._market = market
        self._roster = roster
        self._news = news
        self._closing = closing
        #: The table of names, where nodes have one in common.
        self.claims: Claims | None = None
        self._retry = Timer(clock, self.reconcile)
        self._owing = False  # Something could not be recorded.
        self._sweeping = False  # It is being tried again.

    def depart(self, id: FarmerId) -> None:
        """They are no longer here; a visitor takes along what they hold."""
        if id in self._market.held:
            self._roster.leaving.add(id)
        self._record_departure(id).addErrback(self.unrecorded)

    def come_back(
        self, id: FarmerId, connection: Connection, kept: Sequence[Kept] = ()
    ) -> Deferred[News | None]:
        """A registered farmer is here again.

        :param kept: what the ledger keeps beside, in the same moment.
        :returns: what they have not heard; None if the line was cut before that was asked for, and
            then the news wait for somebody who can hear them.
        """
        unread: News | None = None

        def decide() -> list[Fact]:
            nonlocal unread
            if connection.over:
                return []
            unread = self._news.unread(id)
            return self._market.decide_return(id)

        done = self._lane.submit([id], decide, kept=kept)
        # The chat goes on while the ledger can't write.
        return done.addErrback(self.unrecorded).addCallback(lambda _: unread)

    def was_elsewhere(self, farmer: Farmer) -> bool:
        """Whether they come in from another node, where they were in the chat."""
        moves = self.claims is not None and self.claims.moves(farmer.id)
        return farmer.elsewhere is not None or moves

    def absent(self, id: FarmerId) -> Deferred[list[Fact]]:
        """Record that somebody is not here, unless they are.

        :returns: fails with NotStored or Halted.
        """
        return self._lane.submit([id], partial(self._decide_departure, id))

    def _record_departure(self, id: FarmerId) -> Deferred[list[Fact]]:
        """That somebody is no longer here, with what they take along."""
        done = self.absent(id)
        return done if self.claims is None else done.addCallback(self._recorded, id)

    def _recorded(self, facts: list[Fact], id: FarmerId) -> list[Fact]:
        """Their name may be somebody else's now, unless they are here all the same."""
        if self.claims is not None and self._roster.present(id) is None:
            self.claims.left(id)
        return facts

    def _decide_departure(self, id: FarmerId) -> list[Fact]:
        visited = self._news.has_visited(id)
        # Not left to the market: each sweep asks this of everybody, and to copy news takes a while.
        if self._is_here(id) or (id in self._market.away and not visited):
            return []
        return self._market.decide_departure(id, self._news.unread(id), visited=visited)

    def _is_here(self, id: FarmerId) -> bool:
        """As the record has it: a registered farmer who lingers is away, a visitor is not."""
        farmer = self._roster.present(id)
        if farmer is None:
            return False
        awake = farmer.connection is not None or farmer.elsewhere is not None
        return awake or not farmer.registered

    def reconcile(self) -> Deferred[None]:
        """Put on record who is here and who is not.

        After a crash those who were inside are not; after a full disk, what happened meanwhile
        is not on record.  Fires when it is, or when it is clear that it has to be tried again.
        """
        self._owing, self._sweeping = False, True
        absent, returned = self._unrecorded_absences(), self._unrecorded_returns()
        waiting = [self._record_departure(id) for id in absent]
        waiting += [self._lane.submit([i], partial(self._decide_return, i)) for i in returned]
        for done in waiting:
            done.addErrback(self.unrecorded)
        more = max(len(absent), len(returned)) == MOST_AT_ONCE
        return DeferredList(waiting).addCallback(self._reconciled, more)

    def _unrecorded_absences(self) -> list[FarmerId]:
        market = self._market
        # Registered farmers first: what ends with the visitors is news to them.
        everybody = chain(
            market.registered, (id for id in market.held if id not in market.registered)
        )
        return list(islice((id for id in everybody if self._is_absent(id)), MOST_AT_ONCE))

    def _is_absent(self, id: FarmerId) -> bool:
        """As the record does not have it yet."""
        concerns = self.claims is None or self.claims.concerns(id)
        return concerns and bool(self._decide_departure(id))

    def _unrecorded_returns(self) -> list[FarmerId]:
        away = self._market.away
        return list(islice((id for id in away if self._decide_return(id)), MOST_AT_ONCE))

    def _decide_return(self, id: FarmerId) -> list[Fact]:
        farmer = self._roster.present(id)
        elsewhere = farmer is not None and farmer.elsewhere is not None
        return self._market.decide_return(id) if self._is_here(id) and not elsewhere else []

    def _reconciled(self, _: object, more: bool) -> Deferred[None] | None:
        self._sweeping = False
        if more and not self._owing:
            return self.reconcile()
        self._try_later()
        return None

    def unrecorded(self, failure: Failure) -> None:
        """It is tried again."""
        if not failure.check(errors.NotStored, errors.Halted):
            self.log.failure("A coming or going could not be decided", failure)
        self._owing = True
        self._try_later()

    def _try_later(self) -> None:
        """Unless it is in vain, or waits already, or is under way: then at its end."""
        in_vain = self._lane.halted or self._closing()
        if self._owing and not (self._sweeping or in_vain):
            self._retry.start(RETRY)

    def stop(self) -> None:
        """Try no more."""
        self._retry.stop()
