"""Lingering: a farmer whose connection is lost stays in the chat for a while (PROTOCOL §5b)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twisted.internet.interfaces import IReactorTime

from granja.accounts.networks import network_of
from granja.clockwork.timer import Timer
from granja.people.incidents import Peer
from granja.people.roster import Farmer

#: The most lingering farmers of one network.  For one more, the oldest leaves.
MOST_OF_A_NETWORK: Final = 64


@dataclass
class Place:
    """Where a farmer was connected from."""

    address: str
    port: int


#: The place of a farmer who was here before the server started: nobody knows it.
ELSEWHERE: Final = Place("", 0)


def _network(peer: Peer) -> str:
    """The network of an address.  All unix sockets are in one."""
    return network_of(peer.address) or "unix"


class Lingering:
    """:param seconds: how long a farmer lingers; a change holds for those who begin later.
    :param leave: called with a farmer who has lingered long enough, and where they were.
    :param note: called with a farmer, and whether they linger from now on.
    """

    def __init__(
        self,
        clock: IReactorTime,
        seconds: float,
        leave: Callable[[Farmer, Peer], None],
        note: Callable[[Farmer, bool], None],
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._leave = leave
        self._note = note
        self._timers: dict[Farmer, Timer] = {}
        self._peers: dict[Farmer, Peer] = {}
        self._by_network: dict[str, dict[Farmer, None]] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def __contains__(self, farmer: Farmer) -> bool:
        return farmer in self._timers

    def begin(self, farmer: Farmer, peer: Peer, *, bounded: bool = True) -> None:
        """Let them linger from now on.

        :param peer: where they were.
        :param bounded: whether they count in their network.  After a restart nobody knows it.
        """
        self._peers[farmer] = Place(peer.address, peer.port)
        self._timers[farmer] = timer = Timer(self._clock, lambda: self._over(farmer))
        timer.start(self.seconds)
        self._note(farmer, True)
        if not bounded:
            return
        theirs = self._by_network.setdefault(_network(peer), {})
        theirs[farmer] = None
        if len(theirs) > MOST_OF_A_NETWORK:
            self._over(next(iter(theirs)))

    def end(self, farmer: Farmer) -> bool:
        """Stop the lingering: they are back, or have left.

        :return: whether they lingered.
        """
        timer = self._timers.pop(farmer, None)
        if timer is None:
            return False
        timer.stop()
        self._note(farmer, False)
        network = _network(self._peers.pop(farmer))
        theirs = self._by_network.get(network, {})
        theirs.pop(farmer, None)
        if not theirs:
            self._by_network.pop(network, None)
        return True

    def leave(self, farmer: Farmer) -> None:
        """End the lingering now: they leave."""
        if farmer in self._timers:
            self._over(farmer)

    def _over(self, farmer: Farmer) -> None:
        peer = self._peers[farmer]
        self.end(farmer)
        self._leave(farmer, peer)

    def stop(self) -> None:
        """Stop all timers: the server stops, and the next one goes on."""
        for timer in self._timers.values():
            timer.stop()
