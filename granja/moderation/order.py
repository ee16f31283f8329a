"""Order: who may not come in or speak until when, and to make it so (PROTOCOL §7).

Moderators act by typing (:mod:`granja.moderation.moderating`), the operator from the console;
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

#: What mutes are kept under, by the folded name.
MUTES: Final = "mutes"


class Order:
    """:param now: the time on the wall, in Unix seconds.
    :param seconds: the reactor's clock.
    :param connections: all that there are, whether anybody has arrived on them or not.
    :param proxies: whose networks cannot be banned.
    :param put_out: ends the passes of somebody, and their lingering.
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
        """Why they cannot come in; None if they can, as moderators always can."""
        if farmer.moderator:
            return None
        now = self.now()
        ban = self.bans.on(farmer.name, address, now)
        return None if ban is None else errors.Banned(ban.said(now), ban.why)

    def turns_away(self, farmer: Farmer, connection: Connection) -> bool:
        """Whether they are banned; then they are told, and the connection is closed."""
        ban = self.ban_on(farmer, connection.address)
        if ban is not None:
            connection.refuse(ban)
            connection.finish()
        return ban is not None

    def welcome(self, farmer: Farmer) -> None:
        """They come into the chat: a mute goes with the name."""
        farmer.since = self.seconds()
        farmer.mute = None if farmer.moderator else self._mutes.find(farmer.name, self.now())

    # -- acts ------------------------------------------------------------------------------------

    def announce(self, by: Farmer | None, text: str) -> None:
        """Everybody in the chat hears it."""
        said = squeezed(text)
        self._acts.note(by, Act("announced", why=said))
        self._board.announce(messages.Announced(said))

    def expel(self, by: Farmer | None, farmer: Farmer, why: str) -> None:
        """Put out somebody who is in the chat."""
        self._acts.note(by, Act("expelled", str(farmer), why=why))
        if farmer.elsewhere is not None:
            farmer.elsewhere.expel(farmer, why)
        else:
            self.put_out(farmer, why)

    def put_out(self, farmer: Farmer, why: str) -> None:
        """Put out somebody who is at this node, and tell them."""
        connection = farmer.connection
        if connection is not None:
            connection.tell(messages.Expelled(why))
        self._put_out(farmer)
        if connection is not None:
            connection.finish()

    def mute(self, by: Farmer | None, farmer: Farmer, seconds: int, why: str) -> Deferred[Sanction]:
        """:returns: fires when it holds and is kept; fails with NotStored or Halted."""
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
        """A moderator at another node has muted somebody, or lets them speak."""
        self._mutes.follow(item)
        for farmer in self._roster:
            if farmer.name.folded == item.key and not farmer.moderator:
                farmer.mute = self._mutes.find(farmer.name, self.now())

    def follow_ban(self, item: Kept) -> None:
        """A moderator at another node has banned somebody, or pardons them."""
        ban = self.bans.follow(item)
        if ban is not None and ban.ends > self.now():
            self.enforce(ban)

    def mute_of(self, name: str) -> Sanction | None:
        """What keeps whoever has this name from speaking."""
        return self._mutes.find(name, self.now())

    def unmute(self, by: Farmer | None, name: str, farmer: Farmer | None) -> Deferred[None]:
        """:param farmer: who has the name now.
        :returns: as :meth:`mute` does.
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
        """Whether to ban this network would ban all that come through a proxy."""
        return any(network.overlaps(proxy) for proxy in self._proxies.networks)

    def ban(self, by: Farmer | None, whom: str, seconds: int, why: str) -> Deferred[Sanction]:
        """:param whom: a name, an address or a network, as it is to be said.
        :returns: as :meth:`mute` does; whoever is banned is not put out yet (:meth:`enforce`).
        """
        now = self.now()
        ban = Sanction(whom, now + seconds, why, name_of(by), now)

        def done(_: None) -> Sanction:
            self.bans.add(ban)
            return ban

        act = Act("banned", whom, seconds, why)
        return self._acts.store(by, act, self.bans.kept_with(ban)).addCallback(done)

    def enforce(self, ban: Sanction) -> None:
        """Put out whoever is banned now: those inside are expelled, those at the door sent away."""
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
            self._put_out(away)  # Their passes would serve when the ban is over.

    def pardon(self, by: Farmer | None, ban: Sanction) -> Deferred[None]:
        """:returns: as :meth:`mute` does."""
        kept = self.bans.kept_without(ban, self.now())
        done = self._acts.store(by, Act("pardoned", ban.whom), kept)
        return done.addCallback(lambda _: self.bans.remove(ban))
