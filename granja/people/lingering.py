"""Who has lost the line and is expected back: for a while they stay in the chat (PROTOCOL §5b)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twisted.internet.interfaces import IReactorTime

from granja.accounts.networks import network_of
from granja.people.incidents import Peer
from granja.people.roster import Farmer
from granja.reactor.clockwork import Timer

#: Those of one network that linger at a time; then the oldest leaves.
MOST_OF_A_NETWORK: Final = 64


@dataclass
class Place:
    """Where somebody was."""

    address: str
    port: int


#: Where somebody was before the server started.
ELSEWHERE: Final = Place("", 0)


def _network(peer: Peer) -> str:
    """Peers of unix sockets are in one, too."""
    return network_of(peer.address) or "unix"


class Lingering:
    """:param seconds: how long somebody lingers; changed, it holds for who begins.
    :param leave: called with a farmer who has lingered long enough, and where they were.
    """

    def __init__(
        self, clock: IReactorTime, seconds: float, leave: Callable[[Farmer, Peer], None]
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._leave = leave
        self._timers: dict[Farmer, Timer] = {}
        self._peers: dict[Farmer, Peer] = {}
        self._by_network: dict[str, dict[Farmer, None]] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def __contains__(self, farmer: Farmer) -> bool:
        return farmer in self._timers

    def begin(self, farmer: Farmer, peer: Peer, *, bounded: bool = True) -> None:
        """From here on they linger.

        :param peer: where they were.
        :param bounded: whether they count among those of their network; after a restart it is not
            known any more.
        """
        self._peers[farmer] = Place(peer.address, peer.port)
        self._timers[farmer] = timer = Timer(self._clock, lambda: self._over(farmer))
        timer.start(self.seconds)
        if not bounded:
            return
        theirs = self._by_network.setdefault(_network(peer), {})
        theirs[farmer] = None
        if len(theirs) > MOST_OF_A_NETWORK:
            self._over(next(iter(theirs)))

    def end(self, farmer: Farmer) -> bool:
        """They are back, or have left.  Whether they lingered."""
        timer = self._timers.pop(farmer, None)
        if timer is None:
            return False
        timer.stop()
        network = _network(self._peers.pop(farmer))
        theirs = self._by_network.get(network, {})
        theirs.pop(farmer, None)
        if not theirs:
            self._by_network.pop(network, None)
        return True

    def leave(self, farmer: Farmer) -> None:
        """They linger no more, and leave."""
        if farmer in self._timers:
            self._over(farmer)

    def _over(self, farmer: Farmer) -> None:
        peer = self._peers[farmer]
        self.end(farmer)
        self._leave(farmer, peer)

    def stop(self) -> None:
        """The server stops; the next one goes on."""
        for timer in self._timers.values():
            timer.stop()
