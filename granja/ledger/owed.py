"""Owed: what the ledger must still keep beside the chain, because the disk was full."""

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

#: Something to keep, with its position in the order in which things came.
_Numbered = tuple[int, Kept]


class Owed:
    """Things to keep or forget that could not be stored.  They are stored together with the next.

    If two have the same key, the later one counts.

    :param most: how many can be owed.  Above that number, the oldest are given up.
    """

    def __init__(self, lane: Lane, most: int = 1_000_000) -> None:
        self._lane = lane
        self._most = most
        self._numbers = count()
        self._items: dict[tuple[str, str], _Numbered] = {}

    def owe(self, *items: Kept) -> None:
        """Store these together with the next."""
        self._put(zip(self._numbers, items, strict=False))

    def store(
        self, farmers: Iterable[FarmerId], items: Sequence[Kept] = (), *, once: Sequence[Kept] = ()
    ) -> Deferred[None]:
        """Store what is owed, and more.

        :param farmers: whose turn it is in the lane.
        :param items: owed, if they cannot be stored now.
        :param once: not owed, if they cannot be stored now.
        :returns: fires when all is stored; fails with NotStored or Halted.
        """
        mine = [(next(self._numbers), item) for item in items]
        taken: list[_Numbered] = []
        kept: list[Kept] = []

        def decide() -> list[Fact]:
            # We look when our turn comes: by then the request before us may have left something.
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
        """Everything that is owed, in the order in which it came.  Then nothing is owed."""
        taken = sorted(self._items.values(), key=itemgetter(0))
        self._items.clear()
        return taken


def _done(stored: object) -> None:
    """Ignore the facts: nobody asks for them."""
