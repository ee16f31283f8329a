"""Order: makes it so that people cannot come in or speak for a time (PROTOCOL §7).

Moderators act by typing (:mod:`granja.moderation.moderating`), the operator from the console.
``by`` is None for the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from twisted.internet.defer import Deferred

from granja.accounts.networks import Network
from granja.board.board import Board
from granja.contract import errors, messages
from granja.ledger.interface import AllKept, Kept
from granja.moderation.acts import Act, Acts, name_of
from granja.moderation.bans import Bans
from granja.moderation.sanctions import Names, Sanction
from granja.people.roster import Connection, Farmer, Roster
from granja.text.clean import squeezed
from granja.text.names import recall
from granja.wire.addresses import Proxies

#: The ledger's subject for mutes.  Its keys are folded names.
MUTES: Final = "mutes"


class Order:
    """:param now: the time of day, in Unix seconds.
    :param seconds: the reactor's clock.
    :param connections: gives all connections, also those on which nobody has arrived.
    :param proxies: nobody can ban their networks.
    :param put_out: ends somebody's passes, and their lingering.
    :param kept: what the ledger keeps beside its chain, by subject and key.
    """

    def __init__(
        self,
        now: Callable[[], float],
        seconds: Callable[[], float],
        board: Board,
        roster: Roster,
        acts: Acts,
        connections: Callable[[], Collection[Connection]],
        proxies: Proxies,
        put_out: Callable[[Farmer], None],
        kept: AllKept,
    ) -> None:
        self.now = now
        self.seconds = seconds
        self.bans = Bans(kept)
        self._board = board
        self._roster = roster
        self._acts = acts
        self._connections = connections
        self._proxies = proxies
        self._put_out = put_out
        self._mutes = Names(MUTES, kept.get(MUTES, {}))

    # -- who comes -------------------------------------------------------------------------------

    def ban_on(self, farmer: Farmer, address: str) -> errors.Banned | None:
        """The ban that keeps them out; None if they may come in.  Moderators always may."""
        if farmer.moderator:
            return None
        now = self.now()
        ban = self.bans.on(farmer.name, address, now)
        return None if ban is None else errors.Banned(ban.said(now), ban.why)

    def turns_away(self, farmer: Farmer, connection: Connection) -> bool:
        """Turn a banned farmer away: tell them and close.

        :return: whether they are banned.
        """
        ban = self.ban_on(farmer, connection.address)
        if ban is not None:
            connection.refuse(ban)
            connection.finish()
        return ban is not None

    def welcome(self, farmer: Farmer) -> None:
        """Note that they come into the chat, perhaps from another node.  A mute belongs to the
        name."""
        if farmer.elsewhere is None:
            farmer.since = self.seconds()
        farmer.mute = None if farmer.moderator else self._mutes.find(farmer.name, self.now())

    # -- acts ------------------------------------------------------------------------------------

    def announce(self, by: Farmer | None, text: str) -> None:
        """Tell everybody in the chat."""
        said = squeezed(text)
        self._acts.note(by, Act("announced", why=said))
        self._board.announce(messages.Announced(said))

    def expel(self, by: Farmer | None, farmer: Farmer, why: str) -> None:
        """Put out a farmer in the chat, at any node."""
        self._acts.note(by, Act("expelled", str(farmer), why=why))
        if farmer.elsewhere is not None:
            farmer.elsewhere.expel(farmer, why)
        else:
            self.put_out(farmer, why)

    def put_out(self, farmer: Farmer, why: str) -> None:
        """Put out a farmer at this node, and tell them."""
        connection = farmer.connection
        if connection is not None:
            connection.tell(messages.Expelled(why))
        self._put_out(farmer)
        if connection is not None:
            connection.finish()

    def mute(self, by: Farmer | None, farmer: Farmer, seconds: int, why: str) -> Deferred[Sanction]:
        """Mute a farmer.

        :returns: fires when the mute holds and is kept; fails with NotStored or Halted.
        """
        now, name = self.now(), str(farmer)
        mute = Sanction(name, now + seconds, why, name_of(by), now)
        kept = [*self._mutes.kept_old(now), *self._mutes.kept_with(mute)]

        def done(_: None) -> Sanction:
            self._mutes.forget_old(now)
            self._mutes.add(mute)
            farmer.mute = mute
            return mute

        return self._acts.store(by, Act("muted", name, seconds, why), kept).addCallback(done)

    def follow_mute(self, item: Kept) -> None:
        """Follow a moderator at another node: a farmer is muted, or may speak again."""
        self._mutes.follow(item)
        farmer = self._roster.find(recall(item.key))
        if farmer is not None and not farmer.moderator:
            farmer.mute = self._mutes.find(farmer.name, self.now())

    def follow_ban(self, item: Kept) -> None:
        """Follow a moderator at another node: somebody is banned or pardoned."""
        ban = self.bans.follow(item)
        if ban is not None and ban.ends > self.now():
            self.enforce(ban)

    def mute_of(self, name: str) -> Sanction | None:
        """The mute of whoever has this name; None if there is none."""
        return self._mutes.find(name, self.now())

    def unmute(self, by: Farmer | None, name: str, farmer: Farmer | None) -> Deferred[None]:
        """End a mute.

        :param farmer: the farmer who has the name now, if any.
        :returns: as :meth:`mute`.
        """
        now = self.now()
        kept = [*self._mutes.kept_old(now), *self._mutes.kept_without(name)]

        def done(_: None) -> None:
            self._mutes.forget_old(now)
            self._mutes.remove(recall(name))
            if farmer is not None:
                farmer.mute = None

        return self._acts.store(by, Act("let speak", name), kept).addCallback(done)

    def bears_a_proxy(self, network: Network) -> bool:
        """Whether a ban of this network would ban everybody behind a proxy."""
        return any(network.overlaps(proxy) for proxy in self._proxies.networks)

    def ban(self, by: Farmer | None, whom: str, seconds: int, why: str) -> Deferred[Sanction]:
        """Ban a name, an address or a network.  :meth:`enforce` then puts people out.

        :param whom: as we show it.
        :returns: as :meth:`mute`.
        """
        now = self.now()
        ban = Sanction(whom, now + seconds, why, name_of(by), now)

        def done(_: None) -> Sanction:
            self.bans.add(ban)
            return ban

        act = Act("banned", whom, seconds, why)
        return self._acts.store(by, act, self.bans.kept_with(ban)).addCallback(done)

    def enforce(self, ban: Sanction) -> None:
        """Put out everybody who is banned now: inside, they are expelled; at the door, turned
        away."""
        for connection in list(self._connections()):
            farmer = connection.farmer
            if farmer is None or connection.over:
                continue
            if farmer.connection is not connection:
                self.turns_away(farmer, connection)
            elif self.ban_on(farmer, connection.address) is not None:
                self.put_out(farmer, ban.why)
        for farmer in self._roster:
            lingers = farmer.connection is None and farmer.elsewhere is None
            if lingers and self.ban_on(farmer, farmer.address) is not None:
                self._put_out(farmer)
        away = self._roster.holder(recall(ban.whom))
        if away is not None and self.ban_on(away, away.address) is not None:
            self._put_out(away)  # Otherwise their passes would work after the ban.

    def pardon(self, by: Farmer | None, ban: Sanction) -> Deferred[None]:
        """End a ban.

        :returns: as :meth:`mute`.
        """
        kept = self.bans.kept_without(ban, self.now())
        done = self._acts.store(by, Act("pardoned", ban.whom), kept)
        return done.addCallback(lambda _: self.bans.remove(ban))
