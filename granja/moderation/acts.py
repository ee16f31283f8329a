"""Acts: what moderators did.  Each act is a line in the log, and the ledger keeps it.

The ledger keeps it beside the chain.  An act may name an address, so we must be able to forget it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.contract import errors, messages
from granja.ledger.interface import AllKept, Kept
from granja.ledger.lane import Lane
from granja.ledger.owed import Owed
from granja.people.moments import in_full
from granja.people.roster import Farmer

#: The ledger's subject.  Its keys count up.
SUBJECT: Final = "acts"
#: Each of so many nodes has keys of its own: two may act at the same moment.
NODES: Final = 1000
#: Acts that we keep.  For one more, we forget the oldest.
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Act:
    """``did``: a verb in the past, for the log.  ``whom``: a name, an address or a network.

    ``seconds``: for how long; None if it has no end.  ``why`` may be empty.
    """

    did: str
    whom: str = ""
    seconds: int | None = None
    why: str = ""

    def sentence(self, by: str, now: float) -> str:
        words = [by, self.did, self.whom]
        if self.seconds is not None:
            ends = in_full(now + self.seconds)
            words.append(f"for {_length(self.seconds)}, until {ends}")
        said = " ".join(word for word in words if word)
        return f"{said}: {self.why}" if self.why else said


def _length(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds // 60}m"


class Acts:
    """:param now: the time of day, in Unix seconds.
    :param writer: the number of this node; 0 if there is no other.
    :param kept: what the ledger keeps beside its chain, by subject and key.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self, now: Callable[[], float], lane: Lane, writer: Callable[[], int], kept: AllKept
    ) -> None:
        self._now = now
        self._writer = writer
        self._owed = Owed(lane, MOST)
        self._keys = deque(
            sorted(key for key in kept.get(SUBJECT, {}) if key.isascii() and key.isdigit())
        )
        self._last = int(self._keys[-1]) if self._keys else 0

    def store(self, by: Farmer | None, act: Act, kept: Sequence[Kept] = ()) -> Deferred[None]:
        """Store an act and ``kept``.  The act must have no effect before that.

        :param by: None for the operator's console.
        :returns: fires when they are durable; fails with NotStored or Halted.
        """
        sentence = act.sentence(name_of(by), self._now())
        act_kept, *old = self._kept(by, act)
        stored = self._owed.store([] if by is None else [by.id], old, once=[act_kept, *kept])
        return stored.addCallback(lambda _: self.log.info("{act}", act=sentence))

    def note(self, by: Farmer | None, act: Act) -> None:
        """Log an act that has its effect at once.  If we cannot keep it now, the next act does."""
        self.log.info("{act}", act=act.sentence(name_of(by), self._now()))
        self._owed.store([], self._kept(by, act)).addErrback(self._is_owed)

    def follow(self, item: Kept) -> None:
        """Follow a moderator at another node: our next acts have greater numbers."""
        if item.value is not None and item.key.isascii() and item.key.isdigit():
            self._last = max(self._last, int(item.key))
            self._keys.append(item.key)

    def _kept(self, by: Farmer | None, act: Act) -> list[Kept]:
        self._last = self._next()
        key = f"{self._last:012}"
        self._keys.append(key)
        value: dict[str, object] = {"when": self._now(), "by": name_of(by), "did": act.did}
        value |= {"whom": act.whom, "seconds": act.seconds, "why": act.why}
        old = [self._keys.popleft() for _ in range(len(self._keys) - MOST)]
        return [Kept(SUBJECT, key, value), *(Kept(SUBJECT, key, None) for key in old)]

    def _next(self) -> int:
        """The next number for this node."""
        writer, number = self._writer(), self._last + 1
        return number + (writer - number) % NODES if writer else number

    def _is_owed(self, failure: Failure) -> None:
        if not failure.check(errors.NotStored, errors.Halted):
            self.log.failure("An act could not be kept", failure)


def name_of(by: Farmer | None) -> str:
    """The name that we show for a moderator, or for the operator."""
    return messages.CONSOLE if by is None else str(by)
