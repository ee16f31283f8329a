"""Moderating: what moderators type, to expel, mute, ban and announce (PROTOCOL §7)."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from granja.accounts.networks import Network, address_of
from granja.contract import errors, messages
from granja.moderation.moderators import Moderators
from granja.moderation.order import Order
from granja.moderation.sanctions import Sanction, label, network_named
from granja.people.roster import Farmer, Roster
from granja.text import names
from granja.text.clean import squeezed


class Moderating:
    """The moderators' commands.  ``me`` is the moderator who typed the line."""

    def __init__(self, roster: Roster, moderators: Moderators, order: Order) -> None:
        self._roster = roster
        self._moderators = moderators
        self._order = order

    # -- looking ---------------------------------------------------------------------------------

    def list_people(self, me: Farmer) -> None:
        """``:gente``."""
        now = self._order.seconds()
        me.tell(*(_row(farmer, now) for farmer in self._roster))

    def list_bans(self, me: Farmer) -> None:
        """``:vetos``."""
        now = self._order.now()
        bans = self._order.bans.all(now)
        if not bans:
            me.tell(messages.NO_BANS)
        me.tell(*(messages.BanRow(b.whom, b.said(now), b.why, b.by) for b in bans))

    # -- acting ----------------------------------------------------------------------------------

    def announce(self, me: Farmer, text: str) -> None:
        """``:anunciar``."""
        self._order.announce(me, text)

    def expel(self, me: Farmer, name: str, why: str | None) -> None:
        """``:expulsar`` (PROTOCOL §7).

        :raises NobodyCalled: when nobody in the chat has this name.
        :raises LooksAfterTheFarm: when it is a moderator's.
        """
        other = self._roster.find(name)
        if other is None:
            raise errors.NobodyCalled(name)
        _refuse_for_moderators(other)
        me.tell(messages.HasExpelled(str(other)))
        self._order.expel(me, other, _reason(why))

    def mute(self, me: Farmer, name: str, seconds: int, why: str | None) -> Deferred[None]:
        """``:callar`` (PROTOCOL §7).

        :param seconds: how long, from now; 0 ends the mute.
        :raises Nobody: when nobody has this name, nor is anybody of this name muted.
        :raises LooksAfterTheFarm: when it is a moderator's.
        """
        other = self._roster.person(name)
        if not seconds:
            return self._unmute(me, other, name)
        if other is None:
            raise errors.Nobody(name)
        _refuse_for_moderators(other)

        def done(mute: Sanction) -> None:
            me.tell(messages.HasMuted(mute.whom, mute.said(self._order.now())))

        return self._order.mute(me, other, seconds, _reason(why)).addCallback(done)

    def _unmute(self, me: Farmer, other: Farmer | None, name: str) -> Deferred[None]:
        """:param other: None for a visitor who has left; the name may still be muted."""
        mute = self._order.mute_of(name) if other is None else None
        if other is None and mute is None:
            raise errors.Nobody(name)
        whom = str(other) if mute is None else mute.whom
        done = self._order.unmute(me, whom, other)
        return done.addCallback(lambda _: me.tell(messages.MaySpeak(whom)))

    def ban(self, me: Farmer, whom: str, seconds: int, why: str | None) -> Deferred[None]:
        """``:vetar``, of a name, an address or a network (PROTOCOL §7).

        :param seconds: how long, from now.
        :raises InvalidName: when ``whom`` is none of the three.
        :raises LooksAfterTheFarm: when it is a moderator's name.
        :raises OwnNetwork: when it is where ``me`` comes from.
        :raises NetworkOfProxy: when a proxy of ours is in it, and with it everybody behind.
        """
        network = network_named(whom)
        if network is not None:
            self._refuse_for_networks(me, network)
        said = self._bannable_name(whom) if network is None else label(whom)

        def done(ban: Sanction) -> None:
            me.tell(messages.HasBanned(said, ban.said(self._order.now())))
            self._order.enforce(ban)

        return self._order.ban(me, said, seconds, _reason(why)).addCallback(done)

    def _bannable_name(self, text: str) -> str:
        """The name as its owner spells it; perhaps nobody has it now.

        :raises InvalidName: when nobody can have it.
        :raises LooksAfterTheFarm: when it is a moderator's.
        """
        owner = self._roster.meant(text)
        if owner is not None:
            _refuse_for_moderators(owner)
        if self._moderators.is_one(text):
            raise errors.LooksAfterTheFarm(text)
        return str(names.parse(text) if owner is None else owner)

    def _refuse_for_networks(self, me: Farmer, network: Network) -> None:
        own = address_of(me.address)
        if own is not None and own in network:
            raise errors.OwnNetwork
        if self._order.bears_a_proxy(network):
            raise errors.NetworkOfProxy

    def pardon(self, me: Farmer, whom: str) -> Deferred[None]:
        """``:perdonar`` (PROTOCOL §7).

        :raises NoSuchBan: when nothing is banned under these words.
        """
        ban = self._order.bans.against(whom, self._order.now())
        if ban is None:
            raise errors.NoSuchBan
        done = self._order.pardon(me, ban)
        return done.addCallback(lambda _: me.tell(messages.HasPardoned(ban.whom)))


def _reason(why: str | None) -> str:
    """The reason, as farmers may read it; empty if there is none."""
    return squeezed(why or "").strip()


def _refuse_for_moderators(other: Farmer) -> None:
    if other.moderator:
        raise errors.LooksAfterTheFarm(str(other))


def _row(farmer: Farmer, now: float) -> messages.PersonHere:
    here = max(0, int(now - farmer.since))
    return messages.PersonHere(str(farmer), farmer.registered, farmer.address, here, farmer.paused)
