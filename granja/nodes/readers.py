"""Readers: how far people at other nodes have read, so that they miss little when a node dies.

Each node tells for each farmer with a pass the number of their last line.  The others note at which
place of the talk they hear that.  From there on both go up with each line of talk, so a node tells
a number again only when it is another than that.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable

from granja.board.board import Board
from granja.board.receipts import Receipts
from granja.contract.ids import FarmerId
from granja.nodes.tick import Entry
from granja.people.returning import MOST_LINES, unread
from granja.people.roster import Farmer, Retelling


class Readers:
    """:param board: of this node."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._counters = board.counters
        #: By farmer: how far the numbers of their lines are ahead of the place, as we have told.
        self._told: dict[FarmerId, tuple[int, int]] = {}
        #: By farmer: the writer of their node, their visit there, a line's number, and the place
        #: after it.
        self._known: dict[FarmerId, tuple[int, int, int, int]] = {}
        #: By writer: the place when that node last told what has changed.
        self._places: dict[int, int] = {}

    def entry(self, people: Collection[Farmer]) -> Entry | None:
        """The entry that tells what has changed; None if nothing has.

        :param people: everybody at this node.
        """
        now, told, place = {}, self._told, self._counters.lines
        changed = []
        for farmer in people:
            if farmer.receipts is not None:
                count = farmer.receipts.count
                now[farmer.id] = ahead = farmer.visit, count - place
                if told.get(farmer.id) != ahead:
                    changed.append((farmer.id, farmer.visit, count))
        self._told = now
        return ("read", changed) if changed else None

    def tell_all(self) -> None:
        """Tell everybody's number with the next entry: somebody new listens."""
        self._told = {}

    def note(self, writer: int, told: Iterable[object]) -> None:
        """Take what another node tells."""
        for each in told:
            match each:
                case [int(id), int(visit), int(number)]:
                    self._known[FarmerId(id)] = writer, visit, number, self._counters.lines

    def renewed(self, writer: int) -> None:
        """Another node has told everything that has changed until now."""
        self._places[writer] = self._counters.lines

    def forget(self, farmer: FarmerId) -> None:
        """They have left that node."""
        self._known.pop(farmer, None)

    def receipts(self, farmer: FarmerId, visit: int) -> Receipts | None:
        """What they have read in that visit at another node, as far as we know it."""
        known = self._known.get(farmer)
        if known is None or known[1] != visit:
            return None
        writer, _, number, place = known
        count = number + max(self._places.get(writer, place) - place, 0)
        return Receipts.of_elsewhere(self._counters, number, place, count)

    def remember(
        self, farmer: Farmer, visit: int, number: int | None, but: Container[FarmerId]
    ) -> Retelling | None:
        """What somebody has not read at a node that does not answer, as far as we know it.

        Private lines that only that node has are not among it.

        :param number: of the last line that they have read; None if they do not say it.
        :param but: leave out the lines of these farmers.
        :returns: None if we know nothing of that visit.
        """
        receipts = self.receipts(farmer.id, visit)
        if receipts is None:
            return None
        after = receipts.count if number is None else min(number, MOST_LINES)
        receipts.skip_to(after)
        found = unread(self._board, receipts, after, but)
        lines = [(line.message, None) for line in found]
        return Retelling(after, receipts.count, True, lines)
