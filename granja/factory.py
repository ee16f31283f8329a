"""The farm itself: who is here, what they own, and the lane on which it changes hands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.accounts.passwords import IAccounts, outdated
from granja.board.board import Board
from granja.contract import errors, messages
from granja.contract.catalog import Catalog
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.interface import ILedger, LedgerRefused
from granja.ledger.lane import Lane
from granja.ledger.replay import market_of
from granja.market.facts import Fact
from granja.market.offers import Ended
from granja.people.deeds import Deeds
from granja.people.presence import Presence
from granja.people.roster import Farmer, Roster
from granja.people.visits import Journal
from granja.protocol import FarmerProtocol
from granja.settings import Settings
from granja.text import names
from granja.trade.expiry import Expiry
from granja.trade.notices import Teller

DEFAULTS = Settings()

#: Seconds in which whoever reads can take the goodbye, when the operator is impatient.
HURRY = 0.2


class GranjaFactory(ServerFactory):
    """Owns the user registry and the trade state; every connection shares it.

    :param clock: the reactor, or a ``task.Clock``.
    :param now: the time on the wall, in Unix seconds.
    :param ledger: opened here.
    :raises LedgerRefused: what opening the ledger raises.
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
        settings: Settings = DEFAULTS,
    ) -> None:
        self.clock = clock
        self.now = now
        self.catalog = catalog
        self.accounts = accounts
        self.settings = settings
        self.connections: set[FarmerProtocol] = set()
        self.closing = False
        self.board = Board(clock)
        self.journal = Journal(clock)
        self.roster = Roster()
        self.ledger = ledger
        self._said_goodbye = self._hurried = False
        self._empty: Deferred[None] | None = None
        self._open(ledger)
        self.presence = Presence(self)
        self.deeds = Deeds(self)

    def _open(self, ledger: ILedger) -> None:
        opened = ledger.open()
        try:
            self.market = market_of(opened, self.settings.limits)
            self._hold_registered()
        except LedgerRefused:
            ledger.close()
            raise
        self._verifiers = dict(opened.credentials)
        self._last_farmer = self.market.last_farmer
        self._last_offer = self.market.last_offer
        self.teller = Teller(self.market, self.roster, self.catalog)
        self.lane = Lane(self.clock, self.market, ledger, opened.sequence, self._tell)
        self.expiry = Expiry(self.clock, self.now, self.market, self.lane)

    def _hold_registered(self) -> None:
        for id, name in self.market.registered.items():
            try:
                self.roster.hold(Farmer(id, names.recall(name), registered=True))
            except ValueError:
                raise LedgerRefused(
                    f"the ledger cannot be used: the name {name} is registered twice; "
                    "see granja audit"
                ) from None

    def _tell(self, fact: Fact, ended: list[Ended]) -> None:
        self.expiry.watch(fact)
        self.teller(fact, ended)
        self.presence.news.note(fact, ended)

    def buildProtocol(self, addr: IAddress | None) -> FarmerProtocol:  # type: ignore[override]  # noqa: N802
        return FarmerProtocol(self)

    def claim(self, text: str) -> Farmer:
        """The registered farmer of this name, or a new visitor who holds it from here on.

        :raises InvalidName: when it is not a name.
        :raises NameTaken: when a visitor has it, or one that could be mistaken for it.
        """
        name = names.parse(text)
        holder = self.roster.holder(name)
        if holder is not None and not holder.registered:
            raise errors.NameTaken
        if holder is not None:
            return holder
        self._last_farmer += 1
        visitor = Farmer(FarmerId(self._last_farmer), name)
        self.roster.hold(visitor)
        return visitor

    # -- registered names ------------------------------------------------------------------------

    def check_password(self, farmer: Farmer, password: str, address: str) -> Deferred[bool]:
        """Whether it is this farmer's password."""
        verifier = self._verifiers.get(farmer.id, "")
        checked = self.accounts.login(verifier, password, farmer.name.folded, address)
        if outdated(verifier):
            checked.addCallback(self._renew, farmer, verifier, password, address)
        return checked

    def _renew(self, right: bool, farmer: Farmer, old: str, password: str, address: str) -> bool:
        """Store a right password at today's cost.  Nobody waits for it, and nobody hears of it."""

        def decide() -> list[Fact]:
            if self._verifiers.get(farmer.id) != old:
                raise errors.NotStored  # There has been a newer password meanwhile.
            return []  # To renew a verifier is no event, so there is no fact of it.

        if right:
            hashed = self.accounts.hash(password, address)
            hashed.addCallback(lambda verifier: self._store_password(farmer, verifier, decide))
            hashed.addErrback(self._not_renewed, farmer)
        return right

    def _not_renewed(self, failure: Failure, farmer: Farmer) -> None:
        """The old one is as good as before, and the next login tries again."""
        why = type(failure.value).__name__
        self.log.warn(
            "The password of {name} keeps its old cost: {why}.", name=str(farmer), why=why
        )

    def register(self, farmer: Farmer, verifier: str) -> Deferred[None]:
        """Make a visitor's name theirs.

        From here on the name is kept even if the connection goes; if it can't be stored, it is not.

        :raises NotStored: when the visitor has left meanwhile.
        """
        if self.roster.present(farmer.id) is None:
            raise errors.NotStored
        farmer.registered = True
        decide = partial(self.market.decide_registration, farmer.id, str(farmer))
        return self._store_password(farmer, verifier, decide).addErrback(self._unregister, farmer)

    def _unregister(self, failure: Failure, farmer: Farmer) -> Failure:
        farmer.registered = False
        if self.roster.present(farmer.id) is None:
            self.roster.free(farmer)
        return failure

    def change_password(self, farmer: Farmer, verifier: str) -> Deferred[None]:
        decide = partial(self.market.decide_password_change, farmer.id)
        return self._store_password(farmer, verifier, decide)

    def _store_password(
        self, farmer: Farmer, verifier: str, decide: Callable[[], list[Fact]]
    ) -> Deferred[None]:
        stored = self.lane.submit([farmer.id], decide, credentials={farmer.id: verifier})
        return stored.addCallback(lambda _: self._verifiers.update({farmer.id: verifier}))

    # -- trading -------------------------------------------------------------------------------

    def find_partner(self, name: str) -> Farmer | None:
        """Whoever a name in an offer means: those in the chat before those who are not."""
        holder = self.roster.holder(name)
        if holder is not None and holder.name.folded == names.fold(name):
            return holder
        return self.roster.find(name) or holder

    def decide_offer(
        self, maker: Farmer, taker: Farmer, gives: ArtifactId, takes: ArtifactId
    ) -> list[Fact]:
        number = OfferId(max(self._last_offer, self.market.last_offer) + 1)
        facts = self.market.decide_offer(
            number, maker.id, taker.id, str(taker), gives, takes, self.now()
        )
        self._last_offer = number
        return facts

    # -- the end -------------------------------------------------------------------------------

    def finish_begun(self) -> Deferred[None]:
        """Obey no more lines.  Fires when all that was begun is stored and told."""
        self.closing = True
        begun = [connection.stop_obeying() for connection in list(self.connections)]
        done = DeferredList(begun)
        return done.addCallback(lambda _: self.lane.when_idle())

    def say_goodbye(self) -> None:
        """To everybody, and then close their connections."""
        self.presence.reconcile()  # What a full disk has kept from the record until now.
        # Registered farmers first: what ends with the visitors is news to them.
        connections = sorted(self.connections, key=_is_a_visitors)
        for connection in connections:
            # Nothing is told after it, so nobody hears how the others' offers end.
            connection.listener.tell(messages.SHUTDOWN)
            connection.listener.close()
        for connection in connections:
            connection.finish()
        self._said_goodbye = True
        if self._hurried:
            self.hurry()

    def hurry(self) -> None:
        """The operator waits: close what is not closed a moment after the goodbye."""
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

    def forget(self, connection: FarmerProtocol) -> None:
        """The connection is closed at both ends."""
        self.connections.discard(connection)
        if not self.connections and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def hang_up(self) -> None:
        """Close what would not close by itself, told or not."""
        for connection in list(self.connections):
            connection.transport.abortConnection()

    async def close(self) -> None:
        """Let go of connections that would not end, of timers, and of the ledger."""
        self.hang_up()
        self.journal.finish()
        self.expiry.stop()
        self.presence.stop()
        await self.lane.when_idle()
        await self.accounts.close()
        await self.ledger.close()


def _is_a_visitors(connection: FarmerProtocol) -> bool:
    return connection.farmer is None or not connection.farmer.registered
