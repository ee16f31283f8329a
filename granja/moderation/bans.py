"""Bans: which names, addresses and networks may not come in, and until when.

This is pure code: the time of day is an argument, in Unix seconds.
"""

from __future__ import annotations

from typing import Final

from granja.ledger.interface import AllKept, Kept
from granja.moderation.sanctions import Names, Networks, Sanction, network_named
from granja.text.names import Name, recall

#: The ledger's subjects.  The keys are the folded name, or the network.
NAMES: Final = "bans"
NETWORKS: Final = "banned-networks"


class Bans:
    """All bans.  A ban's ``whom`` shows its kind: a name, or an address or network.

    :param kept: what the ledger keeps beside its chain, by subject and key.
    """

    def __init__(self, kept: AllKept) -> None:
        self._names = Names(NAMES, kept.get(NAMES, {}))
        self._networks = Networks(NETWORKS, kept.get(NETWORKS, {}))

    def on(self, name: Name, address: str, now: float) -> Sanction | None:
        """The longest ban of whoever comes under this name from this address; None if none."""
        found = (self._names.find(name, now), self._networks.find(address, now))
        bans = [ban for ban in found if ban is not None]
        return max(bans, key=lambda ban: ban.ends, default=None)

    def against(self, whom: str, now: float) -> Sanction | None:
        """The ban of this name, in any spelling, or of exactly this address or network."""
        network = network_named(whom)
        return self._names.find(whom, now) if network is None else self._networks.get(network, now)

    def all(self, now: float) -> list[Sanction]:
        """The bans that stand, oldest first."""
        bans = [*self._names.all(now), *self._networks.all(now)]
        return sorted(bans, key=lambda ban: ban.made)

    def add(self, ban: Sanction) -> None:
        """Add a ban in the place of an older one of the same, and forget bans that are over."""
        network = network_named(ban.whom)
        self._names.forget_old(ban.made)
        self._networks.forget_old(ban.made)
        if network is None:
            self._names.add(ban)
        else:
            self._networks.add(network, ban)

    def follow(self, item: Kept) -> Sanction | None:
        """Follow another node, which has changed a ban.

        :return: a new ban, or None.
        """
        return (self._names if item.subject == NAMES else self._networks).follow(item)

    def remove(self, ban: Sanction) -> None:
        network = network_named(ban.whom)
        if network is None:
            self._names.remove(recall(ban.whom))
        else:
            self._networks.remove(network)

    # -- what the ledger keeps --------------------------------------------------------------------

    def kept_with(self, ban: Sanction) -> list[Kept]:
        """What the ledger must keep after this ban is added."""
        new = Kept(NAMES, recall(ban.whom).folded, ban.value())
        network = network_named(ban.whom)
        if network is not None:
            new = Kept(NETWORKS, str(network), ban.value())
        return [*self.kept_without(ban, ban.made), new]

    def kept_without(self, ban: Sanction, now: float) -> list[Kept]:
        """What the ledger must forget after this ban is removed, with the bans that are over."""
        network = network_named(ban.whom)
        items = [*self._names.kept_old(now), *self._networks.kept_old(now)]
        if network is None:
            return [*items, *self._names.kept_without(ban.whom)]
        return [*items, Kept(NETWORKS, str(network), None)]
