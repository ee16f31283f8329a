"""How long the answer to a password waits, when there were too many wrong ones (PROTOCOL §5)."""

from __future__ import annotations

from collections import OrderedDict, deque

from granja.accounts.networks import network_of

#: Wrong ones that a name, or an address, may have within :data:`WINDOW` seconds without waiting.
MOST_WRONG = 10
WINDOW = 60.0


class Throttle:
    """Counts wrong passwords for each name and each address.

    Time comes as an argument, in seconds on any clock that does not go back.

    :param most_kept: names, and addresses, that are remembered.  Beyond it, the one whose last
        wrong password is longest ago is forgotten, so an attack from a million addresses costs
        the attacker more than us.
    """

    def __init__(self, most_kept: int = 10_000) -> None:
        self._names = _Counter(most_kept)
        self._networks = _Counter(most_kept)

    def wrong(self, now: float, name: str, address: str) -> None:
        """Somebody at ``address`` gave a wrong password for ``name``."""
        self._names.note(now, name)
        network = network_of(address)
        if network is not None:
            self._networks.note(now, network)

    def delay(self, now: float, name: str, address: str) -> float:
        """Seconds until the answer may be given: 0, or at most :data:`WINDOW`.

        Right and wrong answers wait alike; otherwise waiting would be an answer.
        """
        network = network_of(address)
        by_network = 0.0 if network is None else self._networks.delay(now, network)
        return max(self._names.delay(now, name), by_network, 0.0)


class _Counter:
    """When the last ten wrong answers were given, or will be, by key."""

    def __init__(self, most_kept: int) -> None:
        self._most_kept = most_kept
        self._answers: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, now: float, key: str) -> None:
        answers = self._answers.setdefault(key, deque(maxlen=MOST_WRONG))
        full = len(answers) == MOST_WRONG
        # Never more than a window away: else a crowd of guessers could keep a farmer out for ever.
        answers.append(min(max(now, answers[0] + WINDOW), now + WINDOW) if full else now)
        self._answers.move_to_end(key)
        if len(self._answers) > self._most_kept:
            self._answers.popitem(last=False)

    def delay(self, now: float, key: str) -> float:
        answers = self._answers.get(key)
        return answers[-1] - now if answers else 0.0
