"""Sanctions: what a moderator forbids somebody for a time, and to whom it applies.

This is pure code: the time of day is an argument, in Unix seconds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from granja.accounts.networks import Network, address_of, network_of, unmapped
from granja.ledger.interface import Kept, Value
from granja.people.moments import until
from granja.text.names import Name, NameIndex, recall


@dataclass(frozen=True, slots=True)
class Sanction:
    """``whom``: as we show it.  ``ends`` and ``made``: Unix seconds.  ``why`` may be empty.

    ``by``: a moderator's name.
    """

    whom: str
    ends: float
    why: str
    by: str
    made: float

    def said(self, now: float) -> str:
        """The sentence for its end."""
        return until(self.ends, now)

    def value(self) -> Value:
        """What the ledger keeps of it."""
        return [self.whom, self.ends, self.why, self.by, self.made]


def _recalled(kept: Mapping[str, Value]) -> list[Sanction]:
    """The sanctions, oldest first, without damaged ones."""
    found = []
    for value in kept.values():
        match value:
            case [str(whom), int() | float() as ends, str(why), str(by), int() | float() as made]:
                found.append(Sanction(whom, float(ends), why, by, float(made)))
    return sorted(found, key=lambda sanction: sanction.made)


class Names:
    """Sanctions by name, in any spelling.

    :param subject: the ledger's subject; a key is a folded name.
    :param kept: what the ledger keeps under it.
    """

    def __init__(self, subject: str, kept: Mapping[str, Value]) -> None:
        self._subject = subject
        self._index: NameIndex[Sanction] = NameIndex()
        for sanction in _recalled(kept):
            self.add(sanction)

    def find(self, name: str | Name, now: float) -> Sanction | None:
        """The longest sanction that stands against this name, or against one that looks like it."""
        alike = [sanction for sanction in self._index.matches(name) if sanction.ends > now]
        return max(alike, key=lambda sanction: sanction.ends, default=None)

    def add(self, sanction: Sanction) -> None:
        """Add a sanction at the end, in the place of an older one against that name."""
        name = recall(sanction.whom)
        self.remove(name)
        self._index.add(name, sanction)

    def remove(self, name: Name) -> None:
        for sanction in self._index.matches(name):
            self._index.remove(recall(sanction.whom))

    def follow(self, item: Kept) -> Sanction | None:
        """Follow another node, which has changed a sanction.

        :return: the sanction that stands there now, or None.
        """
        for old in [s for s in self._index if recall(s.whom).folded == item.key]:
            self._index.remove(recall(old.whom))
        found = _recalled({} if item.value is None else {item.key: item.value})
        for sanction in found:
            self._index.add(recall(sanction.whom), sanction)
        return found[0] if found else None

    def all(self, now: float) -> list[Sanction]:
        """The sanctions that stand, oldest first."""
        return [sanction for sanction in self._index if sanction.ends > now]

    # -- what the ledger keeps --------------------------------------------------------------------

    def kept_with(self, sanction: Sanction) -> list[Kept]:
        """What the ledger must keep after this sanction is added."""
        key = recall(sanction.whom).folded
        return [*self.kept_without(sanction.whom), Kept(self._subject, key, sanction.value())]

    def kept_without(self, name: str | Name) -> list[Kept]:
        """What the ledger must forget when nothing stands against this name."""
        return self._forgotten(self._index.matches(name))

    def kept_old(self, now: float) -> list[Kept]:
        """What the ledger must forget because it is over."""
        return self._forgotten(sanction for sanction in self._index if sanction.ends <= now)

    def _forgotten(self, sanctions: Iterable[Sanction]) -> list[Kept]:
        return [Kept(self._subject, recall(s.whom).folded, None) for s in sanctions]

    def forget_old(self, now: float) -> None:
        for sanction in list(self._index):
            if sanction.ends <= now:
                self._index.remove(recall(sanction.whom))


class Networks:
    """Sanctions by network.  The arguments are those of :class:`Names`."""

    def __init__(self, subject: str, kept: Mapping[str, Value]) -> None:
        self._subject = subject
        self._found: dict[Network, Sanction] = {}
        for sanction in _recalled(kept):
            network = network_named(sanction.whom)
            if network is not None:
                self._found[network] = sanction

    def find(self, address: str, now: float) -> Sanction | None:
        """The longest sanction that stands against a network of this address."""
        found = address_of(address)
        if found is None or not self._found:
            return None
        over_it = [s for network, s in self._found.items() if found in network and s.ends > now]
        return max(over_it, key=lambda sanction: sanction.ends, default=None)

    def get(self, network: Network, now: float) -> Sanction | None:
        """The sanction that stands against exactly this network."""
        found = self._found.get(network)
        return found if found is not None and found.ends > now else None

    def add(self, network: Network, sanction: Sanction) -> None:
        """Add a sanction in the place of an older one against that network."""
        self._found[network] = sanction

    def remove(self, network: Network) -> None:
        self._found.pop(network, None)

    def follow(self, item: Kept) -> Sanction | None:
        """Follow another node; see :meth:`Names.follow`."""
        network = network_named(item.key)
        if network is None:
            return None
        self._found.pop(network, None)
        for sanction in _recalled({} if item.value is None else {item.key: item.value}):
            self._found[network] = sanction
        return self._found.get(network)

    def all(self, now: float) -> list[Sanction]:
        return [sanction for sanction in self._found.values() if sanction.ends > now]

    def kept_old(self, now: float) -> list[Kept]:
        """What the ledger must forget because it is over."""
        old = (network for network, sanction in self._found.items() if sanction.ends <= now)
        return [Kept(self._subject, str(network), None) for network in old]

    def forget_old(self, now: float) -> None:
        for network, sanction in list(self._found.items()):
            if sanction.ends <= now:
                del self._found[network]


def network_named(text: str) -> Network | None:
    """The network that somebody typed; None if it is neither an address nor a network.

    An address means everything that one stranger can have for free: for IPv6 its /64 (PROTOCOL §5).
    """
    address, slash, _ = text.partition("/")
    if slash:
        try:
            return unmapped(ip_network(text, strict=False))
        except ValueError:
            return None
    network = network_of(address)
    return None if network is None else ip_network(f"{network}/{64 if ':' in network else 32}")


def label(text: str) -> str:
    """How we show a network that somebody typed."""
    network = network_named(text)
    if "/" in text or network is None:
        return str(network or unicodedata.normalize("NFC", text))
    return str(address_of(text))
