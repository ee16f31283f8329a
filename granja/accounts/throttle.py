"""How long the answer to a password waits, when there were too many wrong ones (PROTOCOL §5).

Nothing here may let somebody who guesses delay somebody else.  So a network, and a name from one
network, are counted by themselves; and the count of a name, which anybody can fill, delays only
those who come from where its owner has not been.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from granja.accounts.networks import network_of

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

    :param most_kept: names, networks and pairs that are remembered, of each.  Beyond it, the one
        whose last wrong password is longest ago is forgotten, so an attack from a million networks
        costs the attacker more than us.
    """

    def __init__(self, most_kept: int = 10_000) -> None:
        self._pairs = _Counter(MOST_BY_PAIR, most_kept)
        self._networks = _Counter(MOST_BY_NETWORK, most_kept)
        self._names = _Counter(MOST_BY_NAME, most_kept)
        self._local_names = _Counter(MOST_BY_NAME, most_kept)

    def wait(self, now: float, attempt: Attempt) -> float:
        """Seconds until an attempt that was just checked may be answered: at most :data:`WINDOW`.

        It is asked before a wrong one is counted, so right and wrong answers wait alike; otherwise
        waiting would be an answer.
        """
        counts = self._counts(attempt)
        if attempt.at_home:
            counts = [(counter, key) for counter, key in counts if counter is not self._names]
        return max((counter.wait(now, key) for counter, key in counts), default=0.0)

    def wrong(self, now: float, attempt: Attempt) -> None:
        """An attempt was wrong; its answer waits as :meth:`wait` said."""
        for counter, key in self._counts(attempt):
            counter.note(now, key)

    def _counts(self, attempt: Attempt) -> list[tuple[_Counter, str]]:
        name, network = attempt.name, network_of(attempt.address)
        counts: list[tuple[_Counter, str]] = []
        if network is not None:
            counts.append((self._networks, network))
        if name:
            counts.append((self._names, name))
        if name and network is not None:
            counts.append((self._pairs, f"{network} {name}"))
        elif name:
            counts.append((self._local_names, name))
        return counts


class _Counter:
    """When the last wrong answers were given, or will be, by key.

    :param most: wrong answers within :data:`WINDOW` seconds after which the next one waits.
    """

    def __init__(self, most: int, most_kept: int) -> None:
        self._most = most
        self._most_kept = most_kept
        self._answers: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, now: float, key: str) -> float:
        """Seconds until the next answer may be given.

        Never more than a window: else a crowd of guessers could keep a farmer out for ever.
        """
        answers = self._answers.get(key)
        if answers is None or len(answers) < self._most:
            return 0.0
        return min(max(answers[0] + WINDOW - now, 0.0), WINDOW)

    def note(self, now: float, key: str) -> None:
        at = now + self.wait(now, key)
        self._answers.setdefault(key, deque(maxlen=self._most)).append(at)
        self._answers.move_to_end(key)
        if len(self._answers) > self._most_kept:
            self._answers.popitem(last=False)
