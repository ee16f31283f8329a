"""What moderators do with people: expel, mute, ban, announce (PROTOCOL §7)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from twisted.internet.defer import Deferred

from granja.accounts.networks import address_of
from granja.board.board import Board
from granja.contract import errors, messages
from granja.ledger.interface import Value
from granja.people.acts import Act, Acts
from granja.people.bans import Bans
from granja.people.moderators import Moderators
from granja.people.roster import Connection, Farmer, Roster
from granja.people.sanctions import Names, Network, Sanction, label, network_named
from granja.text import names
from granja.text.clean import squeezed

#: What mutes are kept under, by the folded name.
MUTES: Final = "mutes"


class Moderating:
    """The commands of moderators; ``me`` is whoever typed the line.

    :param now: the time on the wall, in Unix seconds.
    :param seconds: the reactor's clock.
    :param connections: all that there are, whether anybody has arrived on them or not.
    :param proxies: the networks of proxies, which cannot be banned.
    :param put_out: ends the passes of somebody, and their lingering.
    :param kept: what the ledger keeps beside its chain, by subject and key.
    """

    def __init__(
        self,
        now: Callable[[], float],
        seconds: Callable[[], float],
        board: Board,
        roster: Roster,
        moderators: Moderators,
        acts: Acts,
        connections: Callable[[], Collection[Connection]],
        proxies: Sequence[Network],
        put_out: Callable[[Farmer], None],
        kept: Mapping[str, Mapping[str, Value]],
    ) -> None:
        self._now = now
        self._seconds = seconds
        self._board = board
        self._roster = roster
        self._moderators = moderators
        self._acts = acts
        self._connections = connections
        self._proxies = proxies
        self._put_out = put_out
        self._mutes = Names(MUTES, kept.get(MUTES, {}))
        self._bans = Bans(kept)

    # -- who comes -------------------------------------------------------------------------------

    def ban_on(self, farmer: Farmer, address: str) -> errors.Banned | None:
        """Why they cannot come in; None if they can, as moderators always can."""
        if farmer.moderator:
            return None
        now = self._now()
        ban = self._bans.on(farmer.name, address, now)
        if ban is None:
            return None
        return errors.Banned(ban.said(now), ban.why)

    def turns_away(self, farmer: Farmer, connection: Connection) -> bool:
        """Whether they are banned; then they are told, and the connection is closed."""
        ban = self.ban_on(farmer, connection.address)
        if ban is not None:
            connection.refuse(ban)
            connection.finish()
        return ban is not None

    def welcome(self, farmer: Farmer) -> None:
        """They come into the chat: a mute goes with the name."""
        farmer.since = self._seconds()
        farmer.mute = None if farmer.moderator else self._mutes.find(farmer.name, self._now())

    # -- looking ---------------------------------------------------------------------------------

    def list_people(self, me: Farmer) -> None:
        """``:gente``."""
        now = self._seconds()
        me.tell(*(_row(farmer, now) for farmer in self._roster))

    def list_bans(self, me: Farmer) -> None:
        """``:vetos``."""
        now = self._now()
        bans = self._bans.all(now)
        if not bans:
            me.tell(messages.NO_BANS)
        me.tell(*(messages.BanRow(b.whom, b.said(now), b.why, b.by) for b in bans))

    # -- acting ----------------------------------------------------------------------------------

    def announce(self, me: Farmer, text: str) -> None:
        """``:anunciar``."""
        said = squeezed(text)
        self._acts.note(me, Act("announced", why=said))
        self._board.announce(messages.Announced(said))

    def expel(self, me: Farmer, name: str, why: str | None) -> None:
        """``:expulsar``."""
        other = self._roster.find(name)
        if other is None:
            raise errors.NobodyCalled(name)
        self._refuse_for_moderators(other)
        reason = squeezed(why or "")
        self._acts.note(me, Act("expelled", str(other), why=reason))
        me.tell(messages.HasExpelled(str(other)))
        self._expel(other, reason)

    def mute(self, me: Farmer, name: str, seconds: int, why: str | None) -> Deferred[None]:
        """``:callar``; for 0 seconds they may speak again."""
        other = self._roster.person(name)
        now = self._now()
        if not seconds:
            return self._unmute(me, other, name)
        if other is None:
            raise errors.Nobody(name)
        self._refuse_for_moderators(other)
        act = Act("muted", str(other), seconds, squeezed(why or ""))
        mute = Sanction(str(other), now + seconds, act.why, str(me), now)

        kept = [*self._mutes.kept_old(now), *self._mutes.kept_with(mute)]

        def done(_: None) -> None:
            self._mutes.forget_old(now)
            self._mutes.add(mute)
            other.mute = mute
            me.tell(messages.HasMuted(mute.whom, mute.said(self._now())))

        return self._acts.store(me, act, kept).addCallback(done)

    def _unmute(self, me: Farmer, other: Farmer | None, name: str) -> Deferred[None]:
        """:param other: None for a visitor who has left, whose name may still be muted."""
        now = self._now()
        mute = self._mutes.find(name, now) if other is None else None
        if other is None and mute is None:
            raise errors.Nobody(name)
        whom = str(other) if mute is None else mute.whom

        def done(_: None) -> None:
            self._mutes.forget_old(now)
            self._mutes.remove(names.recall(whom))
            if other is not None:
                other.mute = None
            me.tell(messages.MaySpeak(whom))

        kept = [*self._mutes.kept_old(now), *self._mutes.kept_without(whom)]
        return self._acts.store(me, Act("let speak", whom), kept).addCallback(done)

    def ban(self, me: Farmer, whom: str, seconds: int, why: str | None) -> Deferred[None]:
        """``:vetar``, of a name, an address or a network."""
        network = network_named(whom)
        if network is not None:
            self._refuse_for_networks(me, network)
        said = self._bannable_name(whom) if network is None else label(whom)
        act = Act("banned", said, seconds, squeezed(why or ""))
        now = self._now()
        ban = Sanction(said, now + seconds, act.why, str(me), now)

        def done(_: None) -> None:
            self._bans.add(ban)
            me.tell(messages.HasBanned(said, ban.said(self._now())))
            self._enforce(act.why)

        return self._acts.store(me, act, self._bans.kept_with(ban)).addCallback(done)

    def _bannable_name(self, text: str) -> str:
        """As its owner spells it; nobody need have it now.

        :raises InvalidName: when nobody can have it.
        """
        owner = self._roster.meant(text)
        if owner is not None:
            self._refuse_for_moderators(owner)
        if self._moderators.is_one(text):
            raise errors.LooksAfterTheFarm(text)
        return str(names.parse(text) if owner is None else owner)

    def _refuse_for_networks(self, me: Farmer, network: Network) -> None:
        own = address_of(me.address)
        if own is not None and own in network:
            raise errors.OwnNetwork
        if any(network.overlaps(proxy) for proxy in self._proxies):
            raise errors.NetworkOfProxy

    def _refuse_for_moderators(self, other: Farmer) -> None:
        if other.moderator:
            raise errors.LooksAfterTheFarm(str(other))

    def _enforce(self, why: str) -> None:
        """Put out whoever is banned now: those inside are expelled, those at the door sent away."""
        for connection in list(self._connections()):
            farmer = connection.farmer
            if farmer is None or connection.over:
                continue
            if farmer.connection is not connection:
                self.turns_away(farmer, connection)
            elif self.ban_on(farmer, connection.address) is not None:
                self._expel(farmer, why)
        for farmer in self._roster:
            if farmer.connection is None and self.ban_on(farmer, farmer.address) is not None:
                self._put_out(farmer)

    def _expel(self, farmer: Farmer, why: str) -> None:
        connection = farmer.connection
        if connection is not None:
            connection.tell(messages.Expelled(why))
        self._put_out(farmer)
        if connection is not None:
            connection.finish()

    def pardon(self, me: Farmer, whom: str) -> Deferred[None]:
        """``:perdonar``."""
        now = self._now()
        ban = self._bans.against(whom, now)
        if ban is None:
            raise errors.NoSuchBan

        def done(_: None) -> None:
            self._bans.remove(ban)
            me.tell(messages.HasPardoned(ban.whom))

        kept = self._bans.kept_without(ban, now)
        return self._acts.store(me, Act("pardoned", ban.whom), kept).addCallback(done)


def _row(farmer: Farmer, now: float) -> messages.PersonHere:
    here = max(0, int(now - farmer.since))
    paused = farmer.connection is None
    return messages.PersonHere(str(farmer), farmer.registered, farmer.address, here, paused)
