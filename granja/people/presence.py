"""Who comes and who goes: the chat, the record and the news agree about it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain, islice

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.contract import errors, messages
from granja.contract.ids import ArtifactId, FarmerId
from granja.contract.messages import Message
from granja.market.facts import Fact
from granja.market.offers import News
from granja.people.chatting import Chat, DeclarationInChat
from granja.people.farm import Farm
from granja.people.missed import Newsroom
from granja.people.roster import Connection, Farmer
from granja.reactor.clockwork import Timer

#: Seconds between attempts to record what could not be recorded when it happened.
RETRY = 5.0

#: Comings and goings that are put on record at a time: the chat waits while they are submitted.
MOST_AT_ONCE = 500


class Presence:
    """Coming, taking over, leaving: in the chat at once, and on record as soon as it can be.

    ``motd`` may be changed: clean lines that are told after every ``¡OK!`` of an arrival.
    """

    log = Logger()

    def __init__(self, factory: Farm) -> None:
        self._factory = factory
        self._board = factory.board
        self._journal = factory.journal
        self._lane = factory.lane
        self._market = factory.market
        self._roster = factory.roster
        self.motd: Sequence[str] = factory.settings.motd
        self._teller = factory.teller
        self.news = Newsroom(factory.market, factory.roster)
        self._retry = Timer(factory.clock, self.reconcile)
        self._owing = False  # Something could not be recorded.
        self._sweeping = False  # It is being tried again.

    # -- arriving ------------------------------------------------------------------------------

    def arrive(
        self, farmer: Farmer, connection: Connection, artifacts: Sequence[ArtifactId]
    ) -> Deferred[None]:
        """A visitor comes in with what they declared, as soon as that is on record."""
        declare = partial(self._market.decide_declaration, farmer.id, str(farmer), artifacts)
        return self._lane.submit([farmer.id], declare).addCallback(
            lambda _: self._enter(farmer, connection)
        )

    def come_back(self, farmer: Farmer, connection: Connection) -> Deferred[None]:
        """A registered farmer comes in and hears the news, or takes over from elsewhere."""
        unread: News | None = None

        def decide() -> list[Fact]:
            nonlocal unread
            if connection.over:
                return []  # The news wait for somebody who can hear them.
            unread = self.news.unread(farmer.id)
            return self._market.decide_return(farmer.id)

        done = self._lane.submit([farmer.id], decide)
        done.addErrback(self._unrecorded)  # The chat goes on while the ledger can't write.
        return done.addCallback(lambda _: self._welcome_back(farmer, connection, unread))

    def _welcome_back(self, farmer: Farmer, connection: Connection, news: News | None) -> None:
        """:param news: None if the line was cut before they were asked for."""
        if connection.over:
            if news is not None:  # It was cut while the return was being recorded.
                self.news.keep(farmer.id, news)
            self._enter(farmer, connection)
            return
        assert news is not None
        self.news.told(farmer.id)
        connection.tell(messages.Welcome(), self._teller.inventory(farmer.id))
        told = self._teller.meanwhile(farmer.id, news)
        self._enter(farmer, connection, [*told, *self._teller.offers(farmer.id)])
        self.ask_declaration(farmer)

    def _enter(self, farmer: Farmer, connection: Connection, told: Sequence[Message] = ()) -> None:
        """From ``¡OK!`` on one hears the chat, is listed and is announced."""
        if connection.over:
            if farmer.connection is None:
                self._depart(farmer.id)
            return
        before, farmer.connection = farmer.connection, connection
        connection.stop_the_clock()
        connection.enter_chat(farmer)
        connection.tell(messages.Ready(str(farmer)))
        connection.tell(*map(messages.MessageOfTheDay, self.motd), *told)
        if before is None:
            self._factory.moderation.welcome(farmer)
            self._roster.enter(farmer)
            self._board.announce(messages.Arrived(str(farmer)))
            self._journal.arrived(farmer, connection)
        else:
            self._factory.incidents.note("taken_over", connection, farmer)
            self._replace(before)
        self._board.join(connection.listener)
        if farmer.registered:
            self._factory.registration.came_in(farmer, connection.address)

    def _replace(self, before: Connection) -> None:
        self._board.leave(before.listener)
        before.tell(messages.REPLACED)
        before.finish()

    # -- a declaration in the chat -------------------------------------------------------------

    def ask_declaration(self, farmer: Farmer) -> None:
        """``--declarations once``: a registered farmer is asked once, in the chat."""
        connection = farmer.connection
        if connection is None or not self._factory.settings.declare_once:
            return
        if farmer.id not in self._market.declared:
            declare = partial(self._declare_once, farmer)
            chat = Chat(self._factory, farmer)
            connection.converse(DeclarationInChat(self._factory, connection, declare, chat))

    def _declare_once(self, farmer: Farmer, artifacts: list[ArtifactId]) -> Deferred[None]:
        decide = partial(
            self._market.decide_declaration, farmer.id, str(farmer), artifacts, once=True
        )
        done = self._lane.submit([farmer.id], decide)
        return done.addCallbacks(
            self._declared, self._not_declared, (farmer,), errbackArgs=(farmer,)
        )

    def _declared(self, _: object, farmer: Farmer) -> None:
        if farmer.connection is not None:
            farmer.connection.enter_chat(farmer)
            farmer.tell(messages.Ready(str(farmer)))

    def _not_declared(self, failure: Failure, farmer: Farmer) -> Failure:
        """Declared meanwhile, on a connection that was taken over: the question is settled."""
        if farmer.connection is not None and failure.check(errors.DeclaredOnce):
            farmer.connection.enter_chat(farmer)
        return failure

    # -- leaving -------------------------------------------------------------------------------

    def gone(self, connection: Connection) -> None:
        """A connection ended: leave the chat, or let go of a name that was only claimed."""
        farmer = connection.farmer
        if farmer is None or farmer.connection not in (None, connection):
            return
        if farmer.connection is connection:
            self._leave(farmer, connection)
        if not farmer.registered:
            self._roster.free(farmer)

    def _leave(self, farmer: Farmer, connection: Connection) -> None:
        farmer.connection = None
        self._roster.leave(farmer)
        self._board.leave(connection.listener)
        if not self._factory.closing:
            self._board.announce(messages.Departed(str(farmer)))
            self._journal.left(farmer, connection)
        self._depart(farmer.id)

    def _depart(self, id: FarmerId) -> None:
        self._record_departure(id).addErrback(self._unrecorded)

    def _record_departure(self, id: FarmerId) -> Deferred[list[Fact]]:
        """That somebody is no longer here, with what they take along."""
        return self._lane.submit([id], partial(self._decide_departure, id))

    def _decide_departure(self, id: FarmerId) -> list[Fact]:
        visited = self.news.has_visited(id)
        # Not left to the market: each sweep asks this of everybody, and to copy news takes a while.
        if self._roster.present(id) or (id in self._market.away and not visited):
            return []
        return self._market.decide_departure(id, self.news.unread(id), visited=visited)

    # -- keeping the record true -----------------------------------------------------------------

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
            done.addErrback(self._unrecorded)
        more = max(len(absent), len(returned)) == MOST_AT_ONCE
        return DeferredList(waiting).addCallback(self._reconciled, more)

    def _unrecorded_absences(self) -> list[FarmerId]:
        market = self._market
        # Registered farmers first: what ends with the visitors is news to them.
        everybody = chain(
            market.registered, (id for id in market.names if id not in market.registered)
        )
        return list(islice((id for id in everybody if self._decide_departure(id)), MOST_AT_ONCE))

    def _unrecorded_returns(self) -> list[FarmerId]:
        away = self._market.away
        return list(islice((id for id in away if self._decide_return(id)), MOST_AT_ONCE))

    def _decide_return(self, id: FarmerId) -> list[Fact]:
        return self._market.decide_return(id) if self._roster.present(id) else []

    def _reconciled(self, _: object, more: bool) -> Deferred[None] | None:
        self._sweeping = False
        if more and not self._owing:
            return self.reconcile()
        self._try_later()
        return None

    def _unrecorded(self, failure: Failure) -> None:
        if not failure.check(errors.NotStored, errors.Halted):
            self.log.failure("A coming or going could not be decided", failure)
        self._owing = True
        self._try_later()

    def _try_later(self) -> None:
        """Unless it is in vain, or waits already, or is under way: then at its end."""
        in_vain = self._lane.halted or self._factory.closing
        if self._owing and not (self._sweeping or in_vain):
            self._retry.start(RETRY)

    def stop(self) -> None:
        """Try no more."""
        self._retry.stop()
