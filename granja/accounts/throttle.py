"""The throttle: how long an answer waits after too many wrong passwords (PROTOCOL §5).

A guesser must not be able to delay anybody else.  So we count each network separately, and each
name from one network.  Anybody can fill the count of a name.  So that count delays only people who
come from a network where the name's owner has not been.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from granja.accounts.networks import network_of
from granja.accounts.recent import MOST_KEPT, Recent

#: Seconds in which we count wrong answers.  An answer never waits longer than this.
WINDOW: Final = 60.0
#: Wrong ones that we answer at once: for a name from one network; from a network; for a name.
MOST_BY_PAIR: Final = 10
MOST_BY_NETWORK: Final = 30
MOST_BY_NAME: Final = 30


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to log in.

    ``name``: folded, so that equal names are equal; empty for a pass, because we know its owner
    only if it is right.  ``address``: the peer's address, without the port.  ``at_home``: whether
    the name has come in from the network of that address before.
    """

    name: str
    address: str
    at_home: bool = False


class Throttle:
    """Counts wrong passwords for each name, each network, and each name from each network.

    Unix sockets are in no network.  For one name, all of them count as one.

    The time is an argument, in seconds on any clock that does not go back.

    :param most_kept: how many names, networks and pairs we remember, of each.
    """

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._pairs = Recent(MOST_BY_PAIR, WINDOW, most_kept)
        self._networks = Recent(MOST_BY_NETWORK, WINDOW, most_kept)
        self._names = Recent(MOST_BY_NAME, WINDOW, most_kept)
        self._local_names = Recent(MOST_BY_NAME, WINDOW, most_kept)

    def wait(self, now: float, attempt: Attempt) -> float:
        """Seconds that the answer to a checked attempt must wait: at most :data:`WINDOW`.

        Ask this before you count a wrong attempt.  So right and wrong answers wait the same time;
        otherwise the wait itself would be an answer.
        """
        counts = self._counts(attempt)
        if attempt.at_home:
            counts = [(counter, key) for counter, key in counts if counter is not self._names]
        return max((_delay(counter, now, key) for counter, key in counts), default=0.0)

    def wrong(self, now: float, attempt: Attempt) -> None:
        """Count a wrong attempt, at the time of its answer (:meth:`wait`)."""
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
    """At most a window: else a crowd of guessers could keep a farmer out for ever."""
    return min(counter.wait(now, key), WINDOW)
