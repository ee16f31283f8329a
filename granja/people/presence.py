"""Who comes and who goes: the chat, the record and the news agree about it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import partial
from itertools import chain, islice

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.board.receipts import Receipts
from granja.contract import errors, messages
from granja.contract.ids import ArtifactId, FarmerId
from granja.contract.messages import Message
from granja.market.facts import Fact
from granja.market.offers import News
from granja.people.chatting import Chat, DeclarationInChat
from granja.people.claims import Claims
from granja.people.farm import Farm
from granja.people.incidents import Peer
from granja.people.lingering import ELSEWHERE, Lingering
from granja.people.missed import Newsroom
from granja.people.passes import Pass, Passes, Visit
from granja.people.returning import MOST_LINES, part, take_up, unread
from granja.people.roster import Connection, Farmer
from granja.reactor.clockwork import Timer
from granja.text.names import recall

#: Seconds between attempts to record what could not be recorded when it happened.
RETRY = 5.0

#: Comings and goings that are put on record at a time: the chat waits while they are submitted.
MOST_AT_ONCE = 500


class Presence:
    """Coming, taking over, leaving: in the chat at once, and on record as soon as it can be."""

    log = Logger()

    def __init__(self, factory: Farm, passes: Passes) -> None:
        self._factory = factory
        self._board = factory.board
        self._journal = factory.journal
        self._lane = factory.lane
        self._market = factory.market
        self._roster = factory.roster
        self._teller = factory.teller
        self.news = Newsroom(factory.market, factory.roster)
        self.passes = passes
        #: The table of names, where nodes share one.
        self.claims: Claims | None = None
        #: Those who were at other nodes when this one began.
        self.elsewhere: Container[FarmerId] = ()
        self.lingering = Lingering(factory.clock, factory.settings.linger, self._linger_out)
        self._retry = Timer(factory.clock, self.reconcile)
        self._owing = False  # Something could not be recorded.
        self._sweeping = False  # It is being tried again.

    # -- arriving ------------------------------------------------------------------------------

    def arrive(
        self, farmer: Farmer, connection: Connection, artifacts: Sequence[ArtifactId]
    ) -> Deferred[None]:
        """A visitor comes in with what they declared, as soon as that is on record."""
        if self.claims is not None:
            entering = self.claims.enter(farmer)
            return entering.addCallback(lambda _: self._arrive(farmer, connection, artifacts))
        return self._arrive(farmer, connection, artifacts)

    def _arrive(
        self, farmer: Farmer, connection: Connection, artifacts: Sequence[ArtifactId]
    ) -> Deferred[None]:
        declare = partial(self._market.decide_declaration, farmer.id, str(farmer), artifacts)
        return self._lane.submit([farmer.id], declare).addCallback(
            lambda _: self._enter(farmer, connection)
        )

    def come_back(self, farmer: Farmer, connection: Connection) -> Deferred[None]:
        """A registered farmer comes in and hears the news, or takes over from elsewhere."""
        if self.claims is not None:
            entering = self.claims.enter(farmer)
            return entering.addCallback(lambda _: self._come_back(farmer, connection))
        return self._come_back(farmer, connection)

    def _come_back(self, farmer: Farmer, connection: Connection) -> Deferred[None]:
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
        greeting = self._factory.hints.greeting(farmer)
        offers = self._teller.offers(farmer.id)
        self._enter(farmer, connection, [*told, *offers, *greeting])
        self.ask_declaration(farmer)

    def _enter(self, farmer: Farmer, connection: Connection, told: Sequence[Message] = ()) -> None:
        """From ``¡OK!`` on one hears the chat, is listed and is announced."""
        if connection.over:
            if farmer.connection is None:
                self._depart(farmer.id)
            return
        before, lingered = farmer.connection, self.lingering.end(farmer)
        moves = farmer.elsewhere is not None
        if self.claims is not None:
            moves = moves or self.claims.moves(farmer.id)
        stays = before is not None or lingered
        sent = take_up(self._board, farmer, connection)
        farmer.connection = connection
        connection.stop_the_clock()
        connection.enter_chat(farmer)
        if not stays:
            self.passes.begin_visit(farmer)
        connection.tell(messages.Ready(str(farmer)))
        self.give_pass(farmer)
        connection.tell(*map(messages.MessageOfTheDay, self._factory.settings.motd), *told)
        if before is not None:
            self._factory.incidents.note("taken_over", connection, farmer)
            self._replace(before)
        elif lingered:
            self._tell_whispers(farmer, sent)
        else:
            self._come_in(farmer, connection, quietly=moves)
        if not stays and farmer.receipts is not None:
            farmer.receipts.begin()
        self._board.join(connection.listener)
        if farmer.registered:
            self._factory.registration.came_in(farmer, connection.address)

    def _come_in(self, farmer: Farmer, connection: Connection, *, quietly: bool) -> None:
        """:param quietly: they only come from another node, which nobody else notices."""
        self._factory.order.welcome(farmer)
        self._roster.enter(farmer)
        self._factory.hints.came_in(farmer)
        if quietly:
            self._factory.incidents.note("taken_over", connection, farmer)
        else:
            self._board.announce(messages.Arrived(str(farmer)))
        self._journal.arrived(farmer, connection)

    def move(self, farmer: Farmer) -> None:
        """They have come in at another node: here they are no more, and nobody notices."""
        self._drop(farmer, messages.REPLACED)

    def put_all_out(self, connections: Iterable[Connection]) -> None:
        """This node has lost its lease: others have recorded already that everybody here left."""
        for farmer in list(self._roster):
            if farmer.elsewhere is None:
                self._drop(farmer, messages.LEASE_LOST)
                if not farmer.registered:
                    self._roster.free(farmer)
        for connection in list(connections):
            if not connection.over:
                connection.tell(messages.LEASE_LOST)
                connection.finish()

    def present(self, id: FarmerId) -> Farmer | None:
        """Whoever is in the chat, or lingers, at any node."""
        return self._roster.present(id)

    def absent(self, id: FarmerId) -> Deferred[list[Fact]]:
        """Record that somebody is not here, unless they are.

        :returns: fails with NotStored or Halted.
        """
        return self._lane.submit([id], partial(self._decide_departure, id))

    def _drop(self, farmer: Farmer, why: Message) -> None:
        connection, farmer.connection = farmer.connection, None
        self.lingering.end(farmer)
        self._roster.leave(farmer)
        self._factory.hints.went(farmer)
        farmer.receipts, farmer.was_at = None, ""
        if connection is not None:
            connection.farmer = None
            self._replace(connection, why)

    def _tell_whispers(self, farmer: Farmer, sent: int) -> None:
        """Whoever comes back with a password hears what was whispered while they lingered."""
        if farmer.receipts is not None and farmer.connection is not None:
            for private in farmer.receipts.after(sent)[0]:
                if private.by is not None:
                    listener = farmer.connection.listener
                    listener.tell_numbered(private.message, (private,))

    def _replace(self, before: Connection, why: Message = messages.REPLACED) -> None:
        self._board.leave(before.listener)
        before.tell(why)
        before.finish()

    # -- with a pass ---------------------------------------------------------------------------

    def give_pass(self, farmer: Farmer) -> None:
        """A connection that speaks data gets a pass as soon as its hash is stored."""
        connection = farmer.connection
        if connection is None or not self._can_have_pass(connection):
            return
        connection.chain = connection.chain or self.passes.new_chain()
        given = self.passes.give(farmer, connection.chain)
        given.addCallbacks(
            self._given, self._not_given, (farmer, connection), errbackArgs=(farmer,)
        )

    def _can_have_pass(self, connection: Connection) -> bool:
        return connection.may_linger and connection.listener.carrier.numbers

    def _given(self, secret: str, farmer: Farmer, connection: Connection) -> None:
        if farmer.connection is connection and self._can_have_pass(connection):
            connection.has_pass = True
            connection.tell(messages.Pass(secret, self._seconds(farmer)))
            return
        self.passes.revoke(secret)
        theirs = farmer.connection
        if farmer not in self.lingering and (theirs is None or not theirs.has_pass):
            self.passes.forget_visit(farmer.id)

    def _not_given(self, failure: Failure, farmer: Farmer) -> None:
        """Then they have none, and come in as before."""
        if not failure.check(errors.NotStored, errors.Halted):
            self.log.failure("{farmer} could not have a pass", failure, farmer=farmer)

    def _seconds(self, farmer: Farmer) -> int:
        """For how long a pass serves after the connection has dropped."""
        settings = self._factory.settings
        return int(max(settings.linger, settings.remember if farmer.registered else 0.0))

    def bearer(self, secret: str) -> Farmer | None:
        """Whom a pass brings back; None if it does not serve."""
        known = self.passes.find(secret)
        if known is None:
            return None
        name = self._market.registered.get(known.farmer)
        present = self._roster.present(known.farmer)
        return present or (self._roster.owner(name) if name is not None else None)

    def return_with(
        self, secret: str, number: int | None, connection: Connection
    ) -> Deferred[None]:
        """Somebody comes back with a pass.

        :param number: of the last line that they have heard, if they say so.
        :raises BadPass: when it does not serve.
        """
        farmer = self.bearer(secret)
        if farmer is None:
            raise errors.BadPass
        if self.claims is not None:
            entering = self.claims.enter(farmer)
            return entering.addCallback(lambda _: self._return(secret, number, connection))
        return self._return(secret, number, connection)

    def _return(self, secret: str, number: int | None, connection: Connection) -> Deferred[None]:
        known, farmer = self.passes.find(secret), self.bearer(secret)
        if known is None or farmer is None:
            raise errors.BadPass
        news: News | None = None

        def decide() -> list[Fact]:
            nonlocal news
            if connection.over:
                return []
            news = self.news.unread(farmer.id)
            return self._market.decide_return(farmer.id)

        used = self.passes.use(secret)
        done = self._lane.submit([farmer.id], decide, kept=used)
        done.addErrback(self._unrecorded)
        return done.addCallback(lambda _: self._returned(farmer, connection, known, number, news))

    def _returned(
        self,
        farmer: Farmer,
        connection: Connection,
        known: Pass,
        number: int | None,
        news: News | None,
    ) -> None:
        present = self._roster.present(farmer.id) is not None
        if connection.over:
            if news is not None:
                self.news.keep(farmer.id, news)
            if farmer.connection is None and farmer.registered:
                self._depart(farmer.id)
            return
        if not present and not farmer.registered:
            raise errors.BadPass
        assert news is not None
        connection.farmer, connection.chain = farmer, known.chain
        self.news.told(farmer.id)
        if present and farmer.elsewhere is None:
            self._resume(farmer, connection, known, number, news)
        else:
            receipts = connection.listener.receipts
            if receipts is not None:
                receipts.skip_to(min(number or 0, MOST_LINES))
            connection.tell(messages.WelcomeBack(str(farmer)), self._teller.inventory(farmer.id))
            told, offers = self._teller.meanwhile(farmer.id, news), self._teller.offers(farmer.id)
            greeting = self._factory.hints.greeting(farmer)
            self._enter(farmer, connection, [*told, *offers, *greeting])
        self.ask_declaration(farmer)

    def _resume(
        self,
        farmer: Farmer,
        connection: Connection,
        known: Pass,
        number: int | None,
        news: News,
    ) -> None:
        """They are in the chat, or linger: go on where they were."""
        before, same = farmer.connection, known.visit == farmer.visit
        receipts = farmer.receipts
        self.lingering.end(farmer)
        sent = take_up(self._board, farmer, connection)
        if farmer.receipts is not None:
            farmer.receipts.skip_to(min(number or 0, MOST_LINES))
        if receipts is None or not same:
            lines, place = [], self._board.counters.lines
        else:
            if number is None:
                number = known.told_after if known.told_after is not None else sent
            known.told_after = number
            place = receipts.place_after(number)
            but = {farmer.id, *self._factory.ignoring.ignored_by(farmer.id)}
            lines = unread(self._board, receipts, number, but)
            receipts.resume(number)
        farmer.connection = connection
        connection.stop_the_clock()
        connection.enter_chat(farmer)
        told = connection.listener.tell_numbered
        told(messages.WelcomeBack(str(farmer)), (), place)
        told(self._teller.inventory(farmer.id), (), place)
        told(messages.Ready(str(farmer)), (), place)
        self.give_pass(farmer)
        if receipts is None or not same or receipts.partial:
            for message in self._teller.meanwhile(farmer.id, news):
                told(message, (), place)
        for line in lines:
            told(line.message, line.privates, line.place)
        self._journal.resumed(farmer, connection)
        if before is not None:
            self._replace(before)
        self._board.join(connection.listener)
        if farmer.registered:
            self._factory.registration.came_in(farmer, connection.address)

    def forget_passes(self, me: Farmer) -> Deferred[None]:
        """``:olvidar``."""
        return self.end_passes(me).addCallback(lambda _: me.tell(messages.PASSES_ENDED))

    def end_passes(self, farmer: Farmer) -> Deferred[None]:
        """No pass of theirs serves from here on; fails with NotStored or Halted."""
        return self.passes.give_up(farmer.id).addCallback(lambda _: self._ended(farmer))

    def _ended(self, farmer: Farmer) -> None:
        if farmer.connection is not None:
            farmer.connection.may_linger = farmer.connection.has_pass = False

    def put_out(self, farmer: Farmer) -> None:
        """They are to leave: no pass of theirs serves any more, and they do not linger.

        Whoever is on a connection hears why, and has it finished, by who puts them out.
        """
        self.passes.end_all(farmer.id)
        if farmer.connection is not None:
            farmer.connection.may_linger = False
        else:
            self.lingering.leave(farmer)

    def registered(self, farmer: Farmer) -> None:
        """Their name is theirs from now on."""
        self.give_pass(farmer)
        self.ask_declaration(farmer)
        if farmer in self.lingering:
            self._depart(farmer.id)

    def away(self, farmer: Farmer) -> None:
        """They are registered, and not here."""
        self._depart(farmer.id)

    def password_changed(self, farmer: Farmer) -> None:
        chain = farmer.connection.chain if farmer.connection is not None else ""
        self.passes.end_others(farmer.id, chain)
        self.give_pass(farmer)

    def restore(self) -> None:
        """After a start: whoever was inside, or lingered, and has a pass, lingers.

        :returns: nothing; whoever can't come back is forgotten.
        """
        for visit in sorted(self.passes.visits.values(), key=lambda visit: visit.number):
            if visit.farmer in self.elsewhere:
                continue
            if self.lingering.seconds <= 0 or not self._restore(visit):
                self.passes.forget_visit(visit.farmer)

    def _restore(self, visit: Visit) -> bool:
        if visit.farmer in self._market.registered:
            farmer = self._roster.owner(self._market.registered[visit.farmer])
        else:
            farmer = self._visitor(visit)
        if farmer is None:
            return False
        present = self._roster.present(farmer.id)
        if present is not None and present.elsewhere is None:
            return False
        farmer = present or farmer
        farmer.visit = visit.number
        farmer.receipts = Receipts(self._board.counters)
        farmer.receipts.partial = farmer.registered
        self._factory.order.welcome(farmer)
        self._roster.enter(farmer)
        self._factory.hints.came_in(farmer)
        self.lingering.begin(farmer, ELSEWHERE, bounded=False)
        return True

    def adopt(self, visit: Visit) -> bool:
        """The node where they were is gone: they linger here.  False if they cannot come back."""
        return self.lingering.seconds > 0 and self._restore(visit)

    def _visitor(self, visit: Visit) -> Farmer | None:
        """A visitor who was here before the start, unless somebody else has the name now."""
        known = self._roster.present(visit.farmer)
        if known is not None:
            return known  # They were at another node.
        visitor = Farmer(visit.farmer, recall(visit.name))
        try:
            self._roster.hold(visitor)
        except ValueError:
            return None
        return visitor

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
            self.give_pass(farmer)

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
            lingers = connection.has_pass and connection.may_linger and self.lingering.seconds > 0
            (self._linger if lingers else self._leave)(farmer, connection)
        elif self._roster.present(farmer.id) is None and not farmer.registered:
            self._factory.registration.let_go(farmer)

    def _linger(self, farmer: Farmer, connection: Connection) -> None:
        """The line was lost: for a while nobody notices."""
        if not connection.cut:
            self._board.flush()  # It is closed in good order, so all of that is heard.
        part(farmer, connection)
        farmer.connection, farmer.was_at = None, connection.address
        self._board.leave(connection.listener)
        if not self._factory.closing:
            self.lingering.begin(farmer, connection)
            self._journal.paused(farmer, connection)
        if farmer.registered:
            self._depart(farmer.id)  # On record they are away, in case of a crash.

    def _linger_out(self, farmer: Farmer, peer: Peer) -> None:
        """They did not come back."""
        self._go(farmer, peer, "", goodbye=False)

    def _leave(self, farmer: Farmer, connection: Connection) -> None:
        farmer.connection = None
        self._board.leave(connection.listener)
        self._go(farmer, connection, connection.chain, goodbye=not connection.may_linger)

    def _go(self, farmer: Farmer, peer: Peer, chain: str, *, goodbye: bool) -> None:
        self._roster.leave(farmer)
        self._factory.hints.went(farmer)
        farmer.receipts, farmer.was_at = None, ""
        if not self._factory.closing:
            self._board.announce(messages.Departed(str(farmer)))
            self._journal.left(farmer, peer)
        self._depart(farmer.id)
        self.passes.left(farmer, chain, goodbye=goodbye)
        if not farmer.registered:
            self._roster.free(farmer)

    def _depart(self, id: FarmerId) -> None:
        if id in self._market.held:
            self._roster.leaving.add(id)
        self._record_departure(id).addErrback(self._unrecorded)

    def _record_departure(self, id: FarmerId) -> Deferred[list[Fact]]:
        """That somebody is no longer here, with what they take along."""
        done = self._lane.submit([id], partial(self._decide_departure, id))
        return done if self.claims is None else done.addCallback(self._recorded, id)

    def _recorded(self, facts: list[Fact], id: FarmerId) -> list[Fact]:
        """Their name may be somebody else's now, unless they are here all the same."""
        if self.claims is not None and self._roster.present(id) is None:
            self.claims.left(id)
        return facts

    def _decide_departure(self, id: FarmerId) -> list[Fact]:
        visited = self.news.has_visited(id)
        # Not left to the market: each sweep asks this of everybody, and to copy news takes a while.
        if self._is_here(id) or (id in self._market.away and not visited):
            return []
        return self._market.decide_departure(id, self.news.unread(id), visited=visited)

    def _is_here(self, id: FarmerId) -> bool:
        """As the record has it: a registered farmer who lingers is away, a visitor is not."""
        farmer = self._roster.present(id)
        if farmer is None:
            return False
        awake = farmer.connection is not None or farmer.elsewhere is not None
        return awake or not farmer.registered

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
        self.lingering.stop()
