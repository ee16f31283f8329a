"""Registration: who may use a name, and the passwords that keep it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.accounts.passwords import IAccounts, outdated
from granja.accounts.throttle import Attempt
from granja.contract import errors, messages
from granja.contract.ids import FarmerId
from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.market import holding
from granja.market.facts import Fact, Registered
from granja.market.market import Market
from granja.people.claims import Claims
from granja.people.homes import Homes
from granja.people.incidents import Incidents
from granja.people.one_use import OneUse
from granja.people.roster import Connection, Farmer, Roster
from granja.text import names


class NameTwice(ValueError):
    """Two farmers have registered one name.  ``args[0]`` is that name."""


class Keys(Protocol):
    """Hears when the key to a name changes (:class:`granja.people.presence.Presence`)."""

    def registered(self, farmer: Farmer) -> None: ...
    def password_changed(self, farmer: Farmer) -> None: ...
    def forget_passes(self, me: Farmer) -> Deferred[None]: ...
    def end_passes(self, farmer: Farmer) -> Deferred[None]: ...
    def away(self, farmer: Farmer) -> None: ...


class Registration:
    """The names, and the passwords that keep them.

    :param verifiers: the passwords' verifiers by farmer, as the ledger has them.
    :param homes: the networks that registered names have come in from.
    :param let_register: called with the address of a farmer who registers; returns a call that
        takes this back.
    :param keys: hears of new registrations and passwords, and of passes.
    :param incidents: reports registrations and new passwords.
    :param carried: what the ledger must keep about a visitor who registers.
    :param reserves: whether a name is reserved for somebody who has not registered it yet.
    :param one_use: the passwords from the operator.
    :raises NameTwice: when two registered farmers have one name.
    """

    log = Logger()

    def __init__(
        self,
        accounts: IAccounts,
        lane: Lane,
        market: Market,
        roster: Roster,
        verifiers: Mapping[FarmerId, str],
        homes: Homes,
        let_register: Callable[[str], Callable[[], None]],
        keys: Keys,
        incidents: Incidents,
        carried: Callable[[Farmer], Sequence[Kept]],
        reserves: Callable[[names.Name], bool],
        one_use: OneUse,
    ) -> None:
        self.accounts = accounts
        self._lane = lane
        self._market = market
        self._roster = roster
        self._verifiers = dict(verifiers)
        self.homes = homes
        self._let_register = let_register
        self._keys = keys
        self._incidents = incidents
        self._carried = carried
        #: The table of names, if several nodes share one.
        self.claims: Claims | None = None
        #: Counts the answers to passwords.
        self.logins = Counter(right=0, wrong=0)
        self._reserves = reserves
        self.one_use = one_use
        self._last_farmer = market.last_farmer
        self._hold_registered()

    def _hold_registered(self) -> None:
        for id, name in self._market.registered.items():
            try:
                self._roster.hold(Farmer(id, names.recall(name), registered=True))
            except ValueError:
                raise NameTwice(name) from None

    def claim(self, text: str) -> Farmer | Deferred[Farmer]:
        """The registered farmer of this name, or a new visitor who holds it from now on.

        A Deferred fails with the same errors, and with CannotEnter.

        :raises InvalidName: when it is not a name.
        :raises NameTaken: when a visitor holds it, or a name that looks like it.
        """
        try:
            name = names.parse(text)
        except errors.InvalidName:
            owner = self._roster.owner(text)
            if owner is None:
                raise
            return owner  # The name breaks a rule that is newer than the name.
        holder = self._roster.holder(name)
        if holder is not None and not holder.registered:
            raise errors.NameTaken
        if holder is not None:
            return holder
        self._refuse_reserved(name)
        return self._hold(name)

    def _hold(self, name: names.Name) -> Farmer | Deferred[Farmer]:
        """Hold a free name for somebody new."""
        if self.claims is not None:
            return self.claims.claim(name)
        self._last_farmer += 1
        visitor = Farmer(FarmerId(self._last_farmer), name)
        self._roster.hold(visitor)
        return visitor

    def _refuse_reserved(self, name: names.Name) -> None:
        if self._reserves(name):
            raise errors.InvalidName("está reservado")

    def let_go(self, farmer: Farmer) -> None:
        """Free a name: its visitor has gone before coming in."""
        self._roster.free(farmer)
        if self.claims is not None:
            self.claims.left(farmer.id)

    def follow(self, fact: Registered) -> None:
        """Take a registration, made here or at another node."""
        name = names.recall(fact.name)
        known = self._roster.present(fact.farmer) or self._roster.holder(name)
        if known is not None and known.id == fact.farmer:
            known.registered = True
        elif known is None:
            self._roster.hold(Farmer(fact.farmer, name, registered=True))

    # -- commands --------------------------------------------------------------------------------

    def register(self, me: Farmer, password: str) -> Deferred[None]:
        """``:registrar`` (PROTOCOL §5).

        :param password: as it was typed.
        :raises AlreadyRegistered: when the name has a password.
        :raises InvalidName: when the operator keeps the name for somebody.
        :raises TooManyRegistrations: when this network has registered enough in an hour.
        """
        if me.registered:
            raise errors.AlreadyRegistered
        self._refuse_reserved(me.name)  # The operator may have named a moderator since they came.
        address, peer = me.address, me.connection
        take_back = self._let_register(address)
        kept = self.accounts.hash(password, address).addCallback(partial(self.keep, me))
        return kept.addCallbacks(
            self._registered, _failed, (me, address, peer), errbackArgs=(take_back,)
        )

    def _registered(self, _: object, me: Farmer, address: str, peer: Connection | None) -> None:
        if peer is not None:
            self._incidents.note("registered", peer, me)
        self.homes.came_in(me.id, address)
        me.tell(messages.NameRegistered(str(me)))
        self._keys.registered(me)

    def change_password(self, me: Farmer, password: str) -> Deferred[None]:
        """``:clave`` (PROTOCOL §5).

        :param password: the new one, as it was typed.
        :raises NotRegistered: when the name has none.
        """
        if not me.registered:
            raise errors.NotRegistered
        hashed = self.accounts.hash(password, me.address)
        stored = hashed.addCallback(partial(self.replace, me))
        return stored.addCallback(self._password_changed, me, me.connection)

    def _password_changed(self, _: object, me: Farmer, peer: Connection | None) -> None:
        if peer is not None:
            self._incidents.note("password_changed", peer, me)
        me.tell(messages.PASSWORD_CHANGED)
        self._keys.password_changed(me)

    def forget_passes(self, me: Farmer) -> Deferred[None]:
        """``:olvidar``."""
        return self._keys.forget_passes(me)

    def come_back(self, me: Farmer) -> None:
        """``:volver`` works only as an answer to the question for the name."""
        me.tell(messages.ALREADY_HERE)

    # -- the operator's -------------------------------------------------------------------------

    def spend(self, farmer: Farmer, password: str) -> Deferred[None]:
        """Use up an operator's password.  All passes of the farmer end.

        :returns: fires when that is stored; fails with WrongPassword when it was used before.
        """
        ended = self._keys.end_passes(farmer)
        return ended.addCallback(lambda _: self.one_use.spend(farmer.id, password))

    def renew(self, farmer: Farmer, password: str, connection: Connection) -> Deferred[None]:
        """Set a new password for a farmer who comes in on this connection.

        :raises BadPassword: when it is too short or too long.
        """
        hashed = self.accounts.hash(password, connection.address)
        return hashed.addCallback(partial(self.replace, farmer)).addCallback(
            self._renewed, farmer, connection
        )

    def _renewed(self, _: object, farmer: Farmer, connection: Connection) -> None:
        self._incidents.note("password_changed", connection, farmer)
        connection.tell(messages.PASSWORD_CHANGED)

    def register_for(self, name: names.Name, secret: str) -> Deferred[Farmer]:
        """Register a free name for the operator, with a password that nobody knows.

        :param secret: that password.
        :returns: fires with the farmer, who is away; fails with NotStored or Halted, and with
            NameTaken or CannotEnter if the table of names says so.
        :raises NameTaken: when somebody holds it, or a name that looks like it.
        """
        if self._roster.holder(name) is not None:
            raise errors.NameTaken
        held = self._hold(name)
        asked = held if isinstance(held, Deferred) else succeed(held)
        return asked.addCallback(self._register_away, secret)

    def _register_away(self, farmer: Farmer, secret: str) -> Deferred[Farmer]:
        if farmer.registered:  # At another node, and this one has not read it yet.
            return succeed(farmer)
        decide = partial(holding.decide_registration, self._market, farmer.id, str(farmer))
        stored = self.accounts.hash(secret, "").addCallback(
            lambda verifier: self._store(farmer, verifier, decide)
        )
        return stored.addCallbacks(
            self._registered_away, self._not_registered, (farmer,), errbackArgs=(farmer,)
        )

    def _registered_away(self, _: object, farmer: Farmer) -> Farmer:
        self._keys.away(farmer)
        return farmer

    def _not_registered(self, failure: Failure, farmer: Farmer) -> Failure:
        self.let_go(farmer)
        return failure

    def release(self, farmer: Farmer) -> Deferred[None]:
        """Free a registered name for good.  Its farmer leaves.

        :returns: fires when that is stored; fails with NotStored, Halted or NotRegistered.
        """
        decide = partial(holding.decide_release, self._market, farmer.id)
        return self._lane.submit([farmer.id], decide).addCallback(lambda _: None)

    def released(self, farmer: FarmerId) -> None:
        """Forget a registered farmer who has left for good."""
        self._verifiers.pop(farmer, None)
        for holder in [held for held in self._roster.held() if held.id == farmer]:
            self._roster.free(holder)

    # -- passes --------------------------------------------------------------------------------

    def judge(self, right: bool, address: str, waits: Callable[[], object]) -> Deferred[bool]:
        """Whether a pass was right; the answer may have to wait.

        :param waits: called when the answer must wait after too many wrong ones.
        """
        return self.accounts.judge(right, Attempt("", address), waits)

    def seen(self, farmer: FarmerId) -> None:
        """Give this number to nobody else: somebody had it before the start."""
        self._last_farmer = max(self._last_farmer, farmer)

    # -- passwords -------------------------------------------------------------------------------

    def check(
        self, farmer: Farmer, password: str, address: str, waits: Callable[[], object]
    ) -> Deferred[bool]:
        """Whether this is the farmer's password.

        :param waits: called when the answer must wait after too many wrong ones.
        """
        if self.claims is None:
            verifier = self._verifiers.get(farmer.id, "")
            return self._check(verifier, farmer, password, address, waits)
        asked = self.claims.verifier(farmer.id)
        asked.addCallback(self._learn, farmer.id)
        return asked.addCallback(self._check, farmer, password, address, waits)

    def _learn(self, verifier: str, farmer: FarmerId) -> str:
        """Keep the verifier.  Another node may have changed it."""
        self._verifiers[farmer] = verifier
        return verifier

    def _check(
        self,
        verifier: str,
        farmer: Farmer,
        password: str,
        address: str,
        waits: Callable[[], object],
    ) -> Deferred[bool]:
        at_home = self.homes.is_home(farmer.id, address)
        attempt = Attempt(farmer.name.folded, address, at_home)
        if self.one_use.fits(farmer.id, password):
            return self.accounts.judge(True, attempt, waits).addCallback(self._count)
        checked = self.accounts.login(verifier, password, attempt, waits)
        checked.addCallback(self._count)
        if outdated(verifier):
            checked.addCallback(self._renew, farmer, verifier, password, address)
        return checked

    def _count(self, right: bool) -> bool:
        self.logins["right" if right else "wrong"] += 1
        return right

    def _renew(self, right: bool, farmer: Farmer, old: str, password: str, address: str) -> bool:
        """Store a right password at today's cost.  The farmer neither waits nor hears of it."""

        def decide() -> list[Fact]:
            if self._verifiers.get(farmer.id) != old:
                raise errors.NotStored  # There is a newer password now.
            return []  # A new verifier for the same password is no event, so there is no fact.

        if right:
            hashed = self.accounts.hash(password, address)
            hashed.addCallback(lambda verifier: self._store(farmer, verifier, decide))
            hashed.addErrback(self._not_renewed, farmer)
        return right

    def _not_renewed(self, failure: Failure, farmer: Farmer) -> None:
        """Log it.  The old verifier still works, and the next login tries again."""
        why = type(failure.value).__name__
        self.log.warn(
            "The password of {name} keeps its old cost: {why}.", name=str(farmer), why=why
        )

    def came_in(self, farmer: Farmer, address: str) -> None:
        """Note that a registered farmer is in the chat: this address is one of their homes."""
        self.homes.came_in(farmer.id, address)

    def keep(self, farmer: Farmer, verifier: str) -> Deferred[None]:
        """Register a visitor's name.

        From now on the name is theirs even if the connection ends.  If the ledger cannot store it,
        the name is not theirs.

        :raises NotStored: when the visitor has left by now.
        """
        if self._roster.present(farmer.id) is None:
            raise errors.NotStored
        farmer.registered = True
        decide = partial(holding.decide_registration, self._market, farmer.id, str(farmer))
        carried = self._carried(farmer)
        return self._store(farmer, verifier, decide, carried).addErrback(self._not_kept, farmer)

    def _not_kept(self, failure: Failure, farmer: Farmer) -> Failure:
        farmer.registered = False
        if self._roster.present(farmer.id) is None:
            self._roster.free(farmer)
        return failure

    def replace(self, farmer: Farmer, verifier: str) -> Deferred[None]:
        """Store a new password."""
        decide = partial(holding.decide_password_change, self._market, farmer.id)
        return self._store(farmer, verifier, decide)

    def _store(
        self,
        farmer: Farmer,
        verifier: str,
        decide: Callable[[], list[Fact]],
        kept: Sequence[Kept] = (),
    ) -> Deferred[None]:
        stored = self._lane.submit(
            [farmer.id], decide, credentials={farmer.id: verifier}, kept=kept
        )
        return stored.addCallback(lambda _: self._verifiers.update({farmer.id: verifier}))


def _failed(failure: Failure, take_back: Callable[[], None]) -> Failure:
    """Take the count back: nobody was registered."""
    take_back()
    return failure
