"""The farm itself: who is here, what they own, and the lane on which artifacts change hands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger

from granja.accounts.doorkeeper import Doorkeeper
from granja.accounts.passwords import IAccounts
from granja.board.board import Board
from granja.board.history import History
from granja.clockwork.complaints import Complaints
from granja.clockwork.timer import after
from granja.contract import messages
from granja.contract.catalog import Catalog
from granja.contract.ids import FarmerId
from granja.contract.messages import Notice
from granja.ledger.forgetting import Forgetting
from granja.ledger.interface import ILedger, Kept, LedgerRefused, Opened
from granja.ledger.lane import Lane
from granja.ledger.replay import market_of
from granja.ledger.shared import Holder, ISharedLedger
from granja.market.facts import Departed, Fact, Left, Registered, Released
from granja.market.offers import Happened
from granja.market.tally import Tally
from granja.moderation.acts import Acts
from granja.moderation.moderating import Moderating
from granja.moderation.moderators import Moderators
from granja.moderation.order import Order
from granja.nodes.beside import Follower
from granja.nodes.nodes import Nodes
from granja.people import one_use
from granja.people.homes import Homes
from granja.people.ignoring import Ignoring
from granja.people.incidents import Incidents
from granja.people.one_use import OneUse
from granja.people.passes import Passes
from granja.people.presence import Presence
from granja.people.registration import NameTwice, Registration
from granja.people.restoring import restore
from granja.people.roster import Connection, Roster
from granja.people.talking import Talking
from granja.people.turned_away import TurnedAway
from granja.people.visits import Journal
from granja.protocol import FarmerProtocol
from granja.reactor.seeing_off import SeeingOff
from granja.settings import Settings
from granja.text.names import Name, Reserved
from granja.trade import doors, freezing
from granja.trade.collecting import Collecting
from granja.trade.doors import Doors
from granja.trade.expiry import Expiry
from granja.trade.freezing import Freezing
from granja.trade.hints import Hints
from granja.trade.notices import Teller
from granja.trade.offering import Offering, OfferNumbers
from granja.trade.settling import Settling
from granja.trade.swapping import Swapping
from granja.trade.wishing import Wishing
from granja.wire.addresses import UNIX, address_of

#: Seconds that a shared ledger has to finish when the server ends.
PATIENCE = 5.0

#: Seconds that readers have for the goodbye when the operator is impatient.
HURRY = 0.2


class GranjaFactory(ServerFactory):
    """Owns the user registry and the trade state.  Every connection shares it.

    :param clock: the reactor, or a ``task.Clock``.
    :param now: the time of day, in Unix seconds.
    :param ledger: the farm opens it here.
    :param chance: gives a number of bytes that nobody can guess, like :func:`secrets.token_bytes`.
    :param nodes: the other nodes of the same farm, if there may be some.
    :raises LedgerRefused: from opening the ledger.
    """

    log = Logger()
    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        now: Callable[[], float],
        catalog: Catalog,
        ledger: ILedger,
        accounts: IAccounts,
        chance: Callable[[int], bytes],
        settings: Settings | None = None,
        nodes: Nodes | None = None,
    ) -> None:
        self.nodes = nodes
        self.clock = clock
        self.now = now
        self.catalog = catalog
        self.accounts = accounts
        self.chance = chance
        self.settings = settings = (settings or Settings()).copy()
        self.connections: set[Connection] = set()
        self.closing = self.draining = False
        history = History(settings.history) if nodes is None else nodes.history
        self.board = Board(clock, history=history)
        self.journal = Journal(clock)
        self.incidents = Incidents(clock)
        self.complaints = Complaints(clock)
        self.doorkeeper = Doorkeeper(clock, settings.doors)
        self._seeing_off = SeeingOff(clock)
        self.roster: Roster = Roster() if nodes is None else nodes.roster
        self._reserved = Reserved(settings.reserved)
        #: Refused lines, counted by error.
        self.refusals: Counter[str] = Counter()
        self.ledger = ledger
        self._said_goodbye = self._hurried = False
        self._empty: Deferred[None] | None = None
        self._open(ledger)

    def _open(self, ledger: ILedger) -> None:
        opened = ledger.open()
        try:
            self._move_in(opened)
        except LedgerRefused:
            ledger.close()
            raise

    def _move_in(self, opened: Opened) -> None:
        """Make the rooms from what the ledger remembers.

        :raises LedgerRefused: when that cannot have happened.
        """
        self.began_at = opened.sequence
        self.market = market = market_of(opened, self.settings.limits)
        self.recorded = Tally(market)
        self.teller = teller = Teller(market, self.roster, self.catalog)
        self.lane = lane = Lane(self.clock, market, self.ledger, opened.sequence, self._tell)
        self.expiry = Expiry(self.clock, self._trading_time, market, lane, self._politeness)
        self.forgetting = Forgetting(self.clock, self.now, self.ledger, self.settings)
        self.forgetting.start()
        kept = opened.kept
        self.ignoring = Ignoring(lane, self.roster, market, kept)
        self.doors = Doors(lane, self.ignoring, kept)
        self.acts = Acts(self.now, lane, self._writer, kept)
        self.freezing = Freezing(self.acts, kept)
        self.moderators = Moderators(self.roster)
        self.order = self._order(opened)
        self.moderation = Moderating(self.roster, self.moderators, self.order)
        self.talk = Talking(self.now, self.board, self.roster, self.ignoring)
        self.hints = Hints(self.clock, market, self.roster, self.catalog)
        # The record will soon say that those who were inside have left.
        here: Mapping[FarmerId, Holder] = getattr(self.ledger, "here", {})
        self.roster.leaving |= market.held.keys() - market.registered.keys() - here.keys()
        self.presence = Presence(self, self._passes(opened))
        self.registration = self._registration(opened)
        for farmer in self.presence.passes.bearers():
            self.registration.seen(farmer)
        restore(self, self.presence.passes, self.presence.lingering, here)
        self.presence.attendance.visit_over = self._forget
        if self.nodes is None:
            self._forget_strangers()
        self.collection = Collecting(self.settings, self.catalog, market, lane, teller)
        self.moderators.appoint(self.settings.moderators)
        numbers = OfferNumbers(market)
        self.trade = Offering(
            self._trading_time,
            self.catalog,
            self.roster,
            market,
            lane,
            teller,
            numbers,
            self.doors,
            self.freezing,
        )
        self._swap(teller, numbers)
        if self.nodes is not None:
            self.nodes.begin(self, here)

    def _trading_time(self) -> float:
        """Return the time by which offers end, in Unix seconds.  All nodes of a farm share it."""
        ahead: float = getattr(self.ledger, "clock_ahead", 0.0)
        return self.now() + ahead

    def _politeness(self) -> float:
        """Return the seconds that this node leaves to older ones: one for each of them."""
        older: int = getattr(self.ledger, "older_nodes", 0)
        return float(older)

    def _writer(self) -> int:
        """Return the number of this node; 0 if there is no other."""
        writer: int = getattr(self.ledger, "writer", 0)
        return writer

    def _swap(self, teller: Teller, numbers: OfferNumbers) -> None:
        market, lane, hints, freezing = self.market, self.lane, self.hints, self.freezing
        self.wishes = Wishing(self.settings, self.catalog, self.roster, market, lane, hints)
        self.settling = settling = Settling(
            self.clock, self._trading_time, market, lane, teller.exists, freezing
        )
        self.swaps = Swapping(
            self._trading_time, self.catalog, market, lane, numbers, settling, hints, freezing
        )

    def _order(self, opened: Opened) -> Order:
        return Order(
            self.now,
            self.clock.seconds,
            self.board,
            self.roster,
            self.acts,
            lambda: self.connections,
            self.settings.proxies,
            lambda farmer: self.presence.issuing.put_out(farmer),
            opened.kept,
        )

    def _registration(self, opened: Opened) -> Registration:
        try:
            return Registration(
                self.accounts,
                self.lane,
                self.market,
                self.roster,
                opened.credentials,
                Homes(self.now, self.chance, self.lane, opened.kept),
                self.doorkeeper.let_register,
                self.presence,
                self.incidents,
                lambda visitor: [*self.ignoring.carried(visitor), *self.doors.carried(visitor)],
                self._is_reserved,
                OneUse(self.now, self.chance, self.lane, opened.kept),
            )
        except NameTwice as error:
            raise LedgerRefused(
                f"the ledger cannot be used: the name {error} is registered twice; see granja audit"
            ) from None

    def _is_reserved(self, name: Name) -> bool:
        return self.moderators.reserves(name) or self._reserved.keeps(name)

    def _passes(self, opened: Opened) -> Passes:
        registered, remember = self.market.registered, self.settings.remember
        return Passes(self.now, self.chance, self.lane, registered, remember, opened.kept)

    def _tell(self, fact: Fact, ended: list[Happened]) -> None:
        self.recorded.note(fact)
        self.expiry.watch(fact)
        self.teller(fact, ended)
        self.presence.news.note(fact, ended)
        self.settling.watch(fact)
        if isinstance(fact, Registered):
            self.registration.follow(fact)
            if self.moderators.is_one(fact.name):
                self.moderators.appoint_again()
        if isinstance(fact, Departed | Left):
            self.roster.leaving.discard(fact.farmer)
            self.presence.attendance.object_to(fact)
        if isinstance(fact, Released):
            self.registration.released(fact.farmer)
        if isinstance(fact, Departed | Released):
            self._forget(fact.farmer)

    def _forget(self, visitor: FarmerId) -> None:
        """Forget what a visitor set, and who ignored them: the visit is over."""
        self.ignoring.forget(visitor)
        self.doors.forget(visitor)

    def _forget_strangers(self) -> None:
        """Forget visitors of the last run who do not linger: it may have crashed."""
        known = self.ignoring.farmers() | self.doors.farmers()
        for id in sorted(known - self.market.registered.keys()):
            if self.roster.present(id) is None:
                self._forget(id)

    @property
    def followers(self) -> dict[str, Follower]:
        """The followers of further subjects beside the chain."""
        return {
            doors.SUBJECT: self.doors,
            freezing.SUBJECT: self.freezing,
            one_use.SUBJECT: self.registration.one_use,
        }

    @property
    def logins(self) -> Counter[str]:
        """Counts the answers to passwords."""
        return self.registration.logins

    def adopt(self, settings: Settings) -> Iterator[str]:
        """Let these settings hold from now on, also for people inside.

        :returns: what has changed and is no option.
        """
        old_motd = self.settings.motd
        if settings.rate != self.settings.rate:
            for connection in self.connections:
                connection.allow(settings.rate)
        self.settings.become(settings)
        self._reserved = Reserved(settings.reserved)
        self.market.limits = settings.limits
        self.doorkeeper.limits = settings.doors
        self.board.history.most = settings.history
        self.presence.lingering.seconds = settings.linger
        self.presence.passes.remember = settings.remember
        self.moderators.appoint(settings.moderators)
        lines = len(settings.motd)
        if settings.motd != old_motd:
            yield f"the message of the day: {lines} {'line' if lines == 1 else 'lines'}"

    def buildProtocol(self, addr: IAddress | None) -> FarmerProtocol | TurnedAway:  # type: ignore[override]  # noqa: N802
        address = UNIX if addr is None else address_of(addr)
        refusal = self.doorkeeper.refusal(address)
        return FarmerProtocol(self) if refusal is None else self.turn_away(address, refusal)

    def turn_away(self, address: str, refusal: Notice) -> TurnedAway:
        """The protocol for a connection that may not come in."""
        self.complaints.note(f"Turned away a connection from {address}: {refusal.code}")
        return TurnedAway(refusal, self._seeing_off)

    def try_to_store(self) -> Deferred[list[Fact]]:
        """Store something without consequence, to see whether that works."""
        return self.lane.submit((), list, kept=[Kept("health", "tried", self.now())])

    # -- the end -------------------------------------------------------------------------------

    def finish_begun(self) -> Deferred[None]:
        """Obey no more lines.  Fires when everything that has begun is stored and told."""
        self.closing = True
        begun = [connection.stop_obeying() for connection in list(self.connections)]
        done = DeferredList(begun)
        return done.addCallback(lambda _: self.lane.when_idle())

    def say_goodbye(self) -> None:
        """Say goodbye to everybody, and then close their connections."""
        self.presence.attendance.reconcile()  # Now record what a full disk has prevented.
        # Registered farmers first: the end of a visitor's offers is news to them.
        if self.nodes is not None:
            self.nodes.stop()
        connections = sorted(self.connections, key=_is_a_visitors)
        for connection in connections:
            # We tell nothing after it, so nobody hears how the others' offers end.
            connection.tell(messages.SHUTDOWN)
            connection.listener.close()
        for connection in connections:
            connection.finish()
        self._said_goodbye = True
        if self._hurried:
            self.hurry()

    def hurry(self) -> None:
        """Close everything shortly after the goodbye: the operator does not want to wait."""
        self._hurried = True
        if self._said_goodbye:
            self.clock.callLater(HURRY, self.hang_up)

    def when_empty(self) -> Deferred[None]:
        """Fires as soon as no connection is left."""
        if not self.connections:
            return succeed(None)
        if self._empty is None:
            self._empty = Deferred()
        return self._empty

    def welcome(self, connection: Connection) -> None:
        """Count a new connection."""
        self.connections.add(connection)

    def forget(self, connection: Connection) -> None:
        """Forget a connection that is closed at both ends."""
        self.connections.discard(connection)
        if not self.connections and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def hang_up(self) -> None:
        """Close what does not close by itself, even if something was not told."""
        self._seeing_off.close()
        for connection in list(self.connections):
            connection.abort()

    async def close(self) -> None:
        """Close connections that do not end, stop timers, and close the ledger."""
        self.hang_up()
        self.journal.finish()
        self.incidents.finish()
        self.complaints.finish()
        self.forgetting.stop()
        self.expiry.stop()
        self.settling.stop()
        self.presence.stop()
        if self.nodes is not None:
            await self.nodes.bus.close()
        # A database may be away for hours.
        hurrying = after(self.clock, PATIENCE, self._hurry_ledger)
        await self.lane.when_idle()
        await self.accounts.close()
        await self.ledger.close()
        hurrying.stop()

    def _hurry_ledger(self) -> None:
        if ISharedLedger.providedBy(self.ledger):
            self.ledger.hurry()


def _is_a_visitors(connection: Connection) -> bool:
    return connection.farmer is None or not connection.farmer.registered
