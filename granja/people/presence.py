"""Presence: who comes and who goes.  The chat, the record and the news agree about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from twisted.internet.defer import Deferred

from granja.board.receipts import Receipts
from granja.contract import messages
from granja.contract.ids import ArtifactId, FarmerId
from granja.contract.messages import Message
from granja.market import holding
from granja.market.offers import News
from granja.people.attendance import Attendance
from granja.people.comeback import Comeback
from granja.people.declaring import Declaring
from granja.people.farm import Farm
from granja.people.incidents import Peer
from granja.people.issuing import Issuing
from granja.people.lingering import Lingering
from granja.people.missed import Newsroom
from granja.people.passes import Passes, Visit
from granja.people.restoring import let_linger
from granja.people.returning import part, retell, take_up
from granja.people.roster import Connection, Farmer, Retelling


class Presence:
    """Coming, taking over, leaving: the chat shows it at once, the record follows when it can."""

    def __init__(self, factory: Farm, passes: Passes) -> None:
        self._factory = factory
        self._board = factory.board
        self._journal = factory.journal
        self._lane = factory.lane
        self._market = factory.market
        self._roster = factory.roster
        self._teller = factory.teller
        self.news = Newsroom(factory.market, factory.roster, self._concerns)
        self.passes = passes
        self.lingering = Lingering(
            factory.clock, factory.settings.linger, self._linger_out, factory.roster.pause
        )
        self.attendance = Attendance(
            factory.clock,
            factory.lane,
            factory.market,
            factory.roster,
            self.news,
            lambda: factory.closing,
        )
        self.issuing = Issuing(passes, self.lingering)
        comeback = Comeback(factory, self)
        self.bearer, self.return_with = comeback.bearer, comeback.return_with
        self.is_unheard = comeback.is_unheard
        self.declaring = Declaring(factory, self.issuing.give)

    def _concerns(self, farmer: FarmerId) -> bool:
        """Whether this node has to say that they are absent."""
        claims = self.attendance.claims
        return claims is None or claims.concerns(farmer)

    # -- arriving ------------------------------------------------------------------------------

    def arrive(
        self, farmer: Farmer, connection: Connection, artifacts: Sequence[ArtifactId]
    ) -> Deferred[None]:
        """Let a visitor in, as soon as their declaration is on record."""
        return self.once_held(farmer, partial(self._arrive, farmer, connection, artifacts))

    def once_held(self, farmer: Farmer, then: Callable[[], Deferred[None]]) -> Deferred[None]:
        """Call ``then`` as soon as this node holds the name."""
        claims = self.attendance.claims
        return then() if claims is None else claims.enter(farmer).addCallback(lambda _: then())

    def _arrive(
        self, farmer: Farmer, connection: Connection, artifacts: Sequence[ArtifactId]
    ) -> Deferred[None]:
        declare = partial(
            holding.decide_declaration, self._market, farmer.id, str(farmer), artifacts
        )
        return self._lane.submit([farmer.id], declare).addCallback(
            lambda _: self.enter(farmer, connection)
        )

    def come_back(self, farmer: Farmer, connection: Connection) -> Deferred[None]:
        """Let a registered farmer in: they hear the news, or take over from another connection."""
        return self.once_held(farmer, partial(self._come_back, farmer, connection))

    def _come_back(self, farmer: Farmer, connection: Connection) -> Deferred[None]:
        news = self.attendance.come_back(farmer.id, connection)
        return news.addCallback(self._came_back, farmer, connection)

    def _came_back(
        self, news: News | None, farmer: Farmer, connection: Connection
    ) -> Deferred[None] | None:
        """:param news: None if the connection ended before we looked for them."""
        elsewhere, visit = farmer.elsewhere, self.passes.visits.get(farmer.id)
        if elsewhere is None or visit is None or not farmer.paused or connection.over:
            self._welcome_back(None, news, farmer, connection)
            return None
        # They linger at another node, which keeps the whispers to them.
        but = self._factory.ignoring.not_told_again(farmer.id)
        asked = elsewhere.unread(farmer, visit.number, None, but)
        return asked.addCallback(self._welcome_back, news, farmer, connection)

    def _welcome_back(
        self,
        retelling: Retelling | None,
        news: News | None,
        farmer: Farmer,
        connection: Connection,
    ) -> None:
        """:param retelling: what they have not read at another node, if they lingered there."""
        if connection.over:
            if news is not None:  # The connection ended while the return was being recorded.
                self.news.keep(farmer.id, news)
            self.enter(farmer, connection)
            return
        assert news is not None
        self.news.told(farmer.id)
        connection.tell(messages.Welcome(), self._teller.inventory(farmer.id))
        self.enter(farmer, connection, self.greeting(farmer, news))
        if retelling is not None:
            retell(retelling, farmer, connection, only_whispers=True)
        self.declaring.ask(farmer)

    def greeting(self, farmer: Farmer, news: News) -> list[Message]:
        """What somebody who was away reads after ``¡OK!`` (PROTOCOL §5, §4b)."""
        told, offers = self._teller.meanwhile(farmer.id, news), self._teller.offers(farmer.id)
        return [*told, *offers, *self._factory.hints.greeting(farmer)]

    def enter(self, farmer: Farmer, connection: Connection, told: Sequence[Message] = ()) -> None:
        """Let them into the chat: from ``¡OK!`` on they hear it, are listed and announced."""
        if connection.over:
            if farmer.connection is None:
                self.attendance.depart(farmer.id)
            return
        before, lingered = farmer.connection, self.lingering.end(farmer)
        moves = self.attendance.was_elsewhere(farmer)
        stays = before is not None or lingered
        take_up(self._board, farmer, connection)
        farmer.connection = connection
        connection.stop_the_clock()
        connection.enter_chat(farmer)
        if stays:
            self._roster.comes_again(farmer)
        else:
            self.passes.begin_visit(farmer)
        connection.tell(messages.Ready(str(farmer)))
        self.issuing.give(farmer)
        connection.tell(*map(messages.MessageOfTheDay, self._factory.settings.motd), *told)
        if before is not None:
            self._factory.incidents.note("taken_over", connection, farmer)
            self.replace(before)
        elif lingered:
            self._tell_whispers(farmer, connection)
        else:
            self._come_in(farmer, connection, quietly=moves)
        if not stays and farmer.receipts is not None:
            farmer.receipts.begin()
        self.join(farmer, connection)

    def _come_in(self, farmer: Farmer, connection: Connection, *, quietly: bool) -> None:
        """:param quietly: they only come from another node, and nobody else notices."""
        self._factory.order.welcome(farmer)
        self._roster.enter(farmer)
        self._factory.hints.came_in(farmer)
        if quietly:
            self._factory.incidents.note("taken_over", connection, farmer)
        else:
            self._board.announce(messages.Arrived(str(farmer)))
        self._journal.arrived(farmer, connection)

    def join(self, farmer: Farmer, connection: Connection) -> None:
        """Let them hear the talk from now on."""
        self._board.join(connection.listener)
        if farmer.registered:
            self._factory.registration.came_in(farmer, connection.address)
            self.attendance.entered(farmer)

    def _tell_whispers(self, farmer: Farmer, connection: Connection) -> None:
        """Tell the whispers of the lingering to somebody who comes back with a password."""
        if farmer.receipts is not None:
            for private in farmer.receipts.after(farmer.receipts.sent)[0]:
                if private.by is not None:
                    connection.listener.tell_numbered(private.message, (private,))

    def replace(self, before: Connection, why: Message = messages.REPLACED) -> None:
        """Close the old connection: the farmer is on another one now."""
        before.tell(why)
        before.finish()

    # -- other nodes ---------------------------------------------------------------------------

    def move(self, farmer: Farmer) -> None:
        """Remove them here: they have come in at another node.  Nobody notices."""
        self._drop(farmer, messages.REPLACED)

    def put_all_out(self, connections: Iterable[Connection]) -> None:
        """Put everybody out: this node has lost its lease, and other nodes have recorded that."""
        for farmer in list(self._roster):
            if farmer.elsewhere is None:
                self.put_out(farmer)
        for connection in list(connections):
            if not connection.over:
                connection.tell(messages.LEASE_LOST)
                connection.finish()

    def put_out(self, farmer: Farmer) -> None:
        """Put somebody out whom the nodes' common table no longer has here."""
        self._drop(farmer, messages.LEASE_LOST)
        if not farmer.registered:
            self._roster.free(farmer)

    def _drop(self, farmer: Farmer, why: Message) -> None:
        connection, farmer.connection = farmer.connection, None
        self.lingering.end(farmer)
        self._roster.leave(farmer)
        self._factory.hints.went(farmer)
        farmer.receipts, farmer.was_at = None, ""
        if connection is not None:
            connection.farmer = None
            self.replace(connection, why)

    def adopt(self, visit: Visit, receipts: Receipts | None) -> bool:
        """Let them linger here: their node is gone.

        :param receipts: of that visit there, as far as they are known.
        :return: False if they cannot come back.
        """
        return let_linger(self._factory, self.lingering, visit, receipts)

    # -- passes --------------------------------------------------------------------------------

    def forget_passes(self, me: Farmer) -> Deferred[None]:
        """``:olvidar``."""
        return self.end_passes(me).addCallback(lambda _: me.tell(messages.PASSES_ENDED))

    def end_passes(self, farmer: Farmer) -> Deferred[None]:
        """End all their passes; fails with NotStored or Halted."""
        return self.issuing.end(farmer)

    def registered(self, farmer: Farmer) -> None:
        """Their name is registered now: give a pass, and ask for their artifacts."""
        self.issuing.give(farmer)
        self.declaring.ask(farmer)
        if farmer in self.lingering:
            self.attendance.depart(farmer.id)

    def away(self, farmer: Farmer) -> None:
        """Record a registered farmer who is not here."""
        self.attendance.depart(farmer.id)

    def password_changed(self, farmer: Farmer) -> None:
        """End all passes except those of their connection."""
        self.issuing.password_changed(farmer)

    # -- leaving -------------------------------------------------------------------------------

    def gone(self, connection: Connection) -> None:
        """Leave the chat, or free a name that was only claimed: a connection ended."""
        farmer = connection.farmer
        if farmer is None or farmer.connection not in (None, connection):
            return
        if farmer.connection is connection:
            lingers = connection.has_pass and connection.may_linger and self.lingering.seconds > 0
            (self._linger if lingers else self._leave)(farmer, connection)
        elif self._roster.present(farmer.id) is None and not farmer.registered:
            self._factory.registration.let_go(farmer)

    def _linger(self, farmer: Farmer, connection: Connection) -> None:
        """Let them linger: the connection is lost, and nobody notices for a while."""
        if not connection.cut:
            self._board.flush()  # The connection closes properly, so they hear all of it.
        part(farmer, connection)
        farmer.connection, farmer.was_at = None, connection.address
        self._board.leave(connection.listener)
        if not self._factory.closing:
            self.lingering.begin(farmer, connection)
            self._journal.paused(farmer, connection)
        if farmer.registered:
            self.attendance.depart(farmer.id)  # The record has them away, in case of a crash.

    def _linger_out(self, farmer: Farmer, peer: Peer) -> None:
        """End the lingering: they did not come back."""
        self._go(farmer, peer, "", goodbye=False)

    def _leave(self, farmer: Farmer, connection: Connection) -> None:
        farmer.connection = None
        self._board.leave(connection.listener)
        self._go(farmer, connection, connection.chain, goodbye=not connection.may_linger)

    def _go(self, farmer: Farmer, peer: Peer, chain: str, *, goodbye: bool) -> None:
        if self.passes.has_moved(farmer):  # We have not heard it, or we would not have them here.
            self._drop(farmer, messages.REPLACED)
            if not farmer.registered:
                self._roster.free(farmer)
            if self.attendance.claims is not None:
                self.attendance.claims.left(farmer.id)
            return
        self._roster.leave(farmer)
        self._factory.hints.went(farmer)
        farmer.receipts, farmer.was_at = None, ""
        if not self._factory.closing:
            self._board.announce(messages.Departed(str(farmer)))
            self._journal.left(farmer, peer)
        self.attendance.depart(farmer.id)
        self.passes.left(farmer, chain, goodbye=goodbye)
        if not farmer.registered:
            self._roster.free(farmer)

    def stop(self) -> None:
        """Stop the timers."""
        self.attendance.stop()
        self.lingering.stop()
