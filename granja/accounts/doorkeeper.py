"""The doorkeeper: how many may come from one network, how fast, and how many in all (PROTOCOL §6).

Every limit is for a network, because a stranger cannot choose it: an IPv4 address, or an IPv6 /64.
Loopback and the operator's own networks have only the total limit.  So have unix sockets, which are
in no network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from twisted.internet.interfaces import IReactorTime

from granja.accounts.networks import Network, is_among, network_of
from granja.accounts.recent import Recent
from granja.contract import messages
from granja.contract.errors import TooManyRegistrations
from granja.contract.messages import Notice
from granja.reactor.descriptors import Descriptors

#: New connections of a network in a minute that hear the first question at once; and the longest,
#: in seconds, that a further one waits for it.
MOST_NEW: Final = 60
MINUTE: Final = 60.0
LONGEST_WAIT: Final = 20.0
#: Connections of browsers that may come above the total.
MOST_PAGES_BEYOND: Final = 8
#: Registrations from a network in an hour.
MOST_REGISTRATIONS: Final = 10
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """``per_network``: connections at a time.  ``trusted``: networks without that limit."""

    per_network: int = 64
    trusted: tuple[Network, ...] = ()


class Doorkeeper:
    """:param clock: in seconds; it does not go back.
    :param limits: may change; people inside stay.
    :param descriptors: counts the descriptors of all connections.
    """

    def __init__(
        self, clock: IReactorTime, limits: DoorLimits, descriptors: Descriptors | None = None
    ) -> None:
        self._clock = clock
        self.limits = limits
        self.descriptors = descriptors or Descriptors()
        self._inside: Counter[str] = Counter()
        self._pages: Counter[str] = Counter()
        self._new = Recent(MOST_NEW, MINUTE)
        self._registrations = Recent(MOST_REGISTRATIONS, HOUR)

    def refusal(self, address: str) -> Notice | None:
        """Why nobody else may come in from this address; None if they may."""
        network = self._counted(address)
        if network is not None and self._inside[network] >= self.limits.per_network:
            return messages.NETWORK_FULL
        return messages.FARM_FULL if self.descriptors.exceeded() else None

    def enter(self, address: str) -> float:
        """Count somebody who comes in, until :meth:`leave`.

        :returns: the seconds that they must wait for the first question.
        """
        network = self._counted(address)
        if network is None:
            return 0.0
        self._inside[network] += 1
        now = self._clock.seconds()
        wait = min(self._new.wait(now, network), LONGEST_WAIT)
        self._new.note(now, network)
        return wait

    def leave(self, address: str) -> None:
        """Stop counting them: they are gone."""
        network = self._counted(address)
        if network is not None:
            _count_out(self._inside, network)

    # -- browsers --------------------------------------------------------------------------------

    def page_refusal(self, address: str) -> Notice | None:
        """The same as :meth:`refusal`, for a browser.  It may only want to see the page.

        We count browsers separately: people in the chat and people who look at the page do not take
        each other's places.  A few more browsers may come than there is room for.  So a person who
        goes on to the chat hears the refusal there.
        """
        network = self._counted(address)
        if network is not None and self._pages[network] >= self.limits.per_network:
            return messages.NETWORK_FULL
        return messages.FARM_FULL if self.descriptors.exceeded(MOST_PAGES_BEYOND) else None

    def enter_page(self, address: str) -> None:
        """Count a browser, until :meth:`leave_page`."""
        network = self._counted(address)
        if network is not None:
            self._pages[network] += 1

    def leave_page(self, address: str) -> None:
        """Stop counting it: it is gone, or in the chat."""
        network = self._counted(address)
        if network is not None:
            _count_out(self._pages, network)

    # -- registering -----------------------------------------------------------------------------

    def let_register(self, address: str) -> Callable[[], None]:
        """Count somebody who registers a name.

        :returns: call this if they do not register in the end.
        :raises TooManyRegistrations: when there would be too many.
        """
        network = self._counted(address)
        if network is None:
            return _nothing
        now = self._clock.seconds()
        if self._registrations.wait(now, network):
            raise TooManyRegistrations
        self._registrations.note(now, network)
        return partial(self._registrations.take_back, now, network)

    def _counted(self, address: str) -> str | None:
        """The network that an address counts for; None if it has no limits."""
        return None if is_among(address, self.limits.trusted) else network_of(address)


def _count_out(counter: Counter[str], network: str) -> None:
    counter[network] -= 1
    if not counter[network]:
        del counter[network]


def _nothing() -> None:
    """Do nothing: nothing was counted."""
