"""How long the answer to a password waits, when there were too many wrong ones (PROTOCOL §5).

Nothing here may let somebody who guesses delay somebody else.  So a network, and a name from one
network, are counted by themselves; and the count of a name, which anybody can fill, delays only
those who come from where its owner has not been.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from granja.accounts.networks import network_of
from granja.accounts.recent import MOST_KEPT, Recent

#: Seconds within which wrong ones are counted, and the longest that an answer waits.
WINDOW: Final = 60.0
#: Wrong ones that are answered at once: for a name from one network; from a network; for a name.
MOST_BY_PAIR: Final = 10
MOST_BY_NETWORK: Final = 30
MOST_BY_NAME: Final = 30


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries to be whom.

    ``name``: in the form in which equal names are equal; empty for a pass, which is nobody's until
    it is right.  ``address``: of the peer, without the port.  ``at_home``: the name has come in
    from the network of that address before.
    """

    name: str
    address: str
    at_home: bool = False


class Throttle:
    """Counts wrong passwords for each name, each network, and each name from each network.

    Peers of unix sockets are in no network.  Among them, those who try one name are counted as one.

    Time comes as an argument, in seconds on any clock that does not go back.

    :param most_kept: names, networks and pairs that are remembered, of each.
    """

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._pairs = Recent(MOST_BY_PAIR, WINDOW, most_kept)
        self._networks = Recent(MOST_BY_NETWORK, WINDOW, most_kept)
        self._names = Recent(MOST_BY_NAME, WINDOW, most_kept)
        self._local_names = Recent(MOST_BY_NAME, WINDOW, most_kept)

    def wait(self, now: float, attempt: Attempt) -> float:
        """Seconds until an attempt that was just checked may be answered: at most :data:`WINDOW`.

        It is asked before a wrong one is counted, so right and wrong answers wait alike; otherwise
        waiting would be an answer.
        """
        counts = self._counts(attempt)
        if attempt.at_home:
            counts = [(counter, key) for counter, key in counts if counter is not self._names]
        return max((_delay(counter, now, key) for counter, key in counts), default=0.0)

    def wrong(self, now: float, attempt: Attempt) -> None:
        """An attempt was wrong; its answer waits as :meth:`wait` said."""
        for counter, key in self._counts(attempt):
            counter.note(now + _delay(counter, now, key), key)

    def _counts(self, attempt: Attempt) -> list[tuple[Recent, str]]:
        name, network = attempt.name, network_of(attempt.address)
        counts: list[tuple[Recent, str]] = []
        if network is not None:
            counts.append((self._networks, network))
        if name:
            counts.append((self._names, name))
        if name and network is not None:
            counts.append((self._pairs, f"{network} {name}"))
        elif name:
            counts.append((self._local_names, name))
        return counts


def _delay(counter: Recent, now: float, key: str) -> float:
    """Never more than a window: else a crowd of guessers could keep a farmer out for ever."""
    return min(counter.wait(now, key), WINDOW)
