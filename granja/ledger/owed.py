"""What is to be kept beside the chain, and is tried again when the disk was full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from operator import itemgetter

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from granja.contract.ids import FarmerId
from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.market.facts import Fact

#: Something to keep, and which one it is in the order in which they came.
_Numbered = tuple[int, Kept]


class Owed:
    """Things to keep or to forget that could not be stored when they came: they go with the next
    that is stored.  Of two for the same key the later one counts.

    :param most: how many are owed; beyond it, what has been owed longest is given up.
    """

    def __init__(self, lane: Lane, most: int = 1_000_000) -> None:
        self._lane = lane
        self._most = most
        self._numbers = count()
        self._items: dict[tuple[str, str], _Numbered] = {}

    def owe(self, *items: Kept) -> None:
        """Store these with the next."""
        self._put(zip(self._numbers, items, strict=False))

    def store(
        self, farmers: Iterable[FarmerId], items: Sequence[Kept] = (), *, once: Sequence[Kept] = ()
    ) -> Deferred[None]:
        """Store what is owed, and more.

        :param farmers: whose turn it is in the lane.
        :param items: they are owed if they cannot be stored now.
        :param once: they are not: whoever asked is refused.
        :returns: fires when all is stored; fails with NotStored or Halted.
        """
        mine = [(next(self._numbers), item) for item in items]
        taken: list[_Numbered] = []
        kept: list[Kept] = []

        def decide() -> list[Fact]:
            # In its turn, so that what the one before it could not store is there.
            self._put(taken)
            taken[:] = self._take()
            kept[:] = [*(item for _, item in taken), *items, *once]
            return []

        def refused(failure: Failure) -> Failure:
            self._put([*taken, *mine])
            return failure

        return self._lane.submit(farmers, decide, kept=kept).addCallbacks(_done, refused)

    def _put(self, numbered: Iterable[_Numbered]) -> None:
        for number, item in numbered:
            known = self._items.get((item.subject, item.key))
            if known is None or known[0] < number:
                self._items[item.subject, item.key] = number, item
        if len(self._items) > self._most:
            for number, item in self._take()[-self._most :]:
                self._items[item.subject, item.key] = number, item

    def _take(self) -> list[_Numbered]:
        """All that is owed, in the order in which it came; then nothing is."""
        taken = sorted(self._items.values(), key=itemgetter(0))
        self._items.clear()
        return taken


def _done(stored: object) -> None:
    """Nobody asks what was stored."""
