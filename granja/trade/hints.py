"""Hints: who hears of swaps that they could close.  Only users of these commands do (PROTOCOL
§4b)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import filterfalse, islice

from twisted.internet.interfaces import IReactorTime

from granja.contract import messages
from granja.contract.catalog import Catalog
from granja.contract.ids import FarmerId, OfferId
from granja.contract.messages import Message
from granja.market.market import Market
from granja.market.matching import Closers, View
from granja.people.roster import Farmer, Roster

#: How many farmers hear of one swap, and how many seconds a farmer has no other hint.
MOST_TOLD, PAUSE = 3, 60.0

#: Pauses that we end at once.  A swap begins fewer.
MOST_FORGOTTEN = 100


class Hints:
    """:param clock: says when a farmer may have another hint.

    ``elsewhere``: we call it with a swap, and with how many at other nodes may hear of it.
    """

    def __init__(
        self, clock: IReactorTime, market: Market, roster: Roster, catalog: Catalog
    ) -> None:
        self._clock = clock
        self._market = market
        self._roster = roster
        self._catalog = catalog
        #: Farmers who have used a command for swaps.  The first is next in turn.
        self._turns: dict[FarmerId, None] = {}
        #: When each farmer had a hint, oldest first.  We drop those whose pause is over.
        self._told: dict[FarmerId, float] = {}
        self.elsewhere: Callable[[OfferId, int], None] = lambda *_: None

    def view(self) -> View:
        """Who seeks and gives what, among the farmers who still exist."""
        return View(self._market, self._catalog, self.gone())

    def gone(self) -> Iterable[FarmerId]:
        """Visitors who have left; the record does not say so yet."""
        registered = self._market.registered
        return [id for id in self._roster.leaving if id not in registered]

    # -- who has used the commands ---------------------------------------------------------------

    def note_use(self, me: Farmer) -> None:
        """Note that ``me`` has typed a command for swaps."""
        self._turns.setdefault(me.id)

    def came_in(self, farmer: Farmer) -> None:
        """Note that they are in the chat.  Earlier use of the commands counts if it is on
        record."""
        if farmer.id in self._market.wishes.used:
            self.note_use(farmer)

    def went(self, farmer: Farmer) -> None:
        """Note that they are no longer in the chat."""
        self._turns.pop(farmer.id, None)

    def greeting(self, farmer: Farmer) -> list[Message]:
        """The last lines that a registered farmer hears after ``¡OK!``."""
        if farmer.id not in self._market.wishes.used:
            return []
        count = len(self.view().chances(farmer.id))
        return [messages.Chances(count)] if count else []

    # -- who could close a swap ------------------------------------------------------------------

    def tell_soon(self, number: OfferId) -> None:
        """Tell after the chat has had its turn, because this needs a search."""
        self._clock.callLater(0, self.tell, number, MOST_TOLD, partial(self.elsewhere, number))

    def tell(self, number: OfferId, most: int, rest: Callable[[int], None]) -> None:
        """Find the farmers who could close this swap; tell some of them in a step of its own.

        :param most: how many may hear of it.
        :param rest: called with how many more may hear of it, unless it ends before.
        """
        swap = self._market.swaps.get(number)
        if swap is None:
            return
        if self._turns:
            closers = self.view().closers(swap)
            self._clock.callLater(0, self._tell_some, number, closers, most, rest)
        else:
            rest(most)

    def _tell_some(
        self, number: OfferId, closers: Closers, most: int, rest: Callable[[int], None]
    ) -> None:
        """Tell some of the farmers here, in turn."""
        if number not in self._market.swaps:
            return  # It has ended since the search.
        self._forget_told()
        # No loop in Python, and no copy: there may be ten thousand to find three.
        able = filter(closers.can.__contains__, self._turns)
        for id in list(islice(filterfalse(self._told.__contains__, able), most)):
            farmer, chance = self._roster.present(id), closers.chance(id)
            if farmer is not None and chance is not None:
                self._told[id] = self._clock.seconds()
                self._turns[id] = self._turns.pop(id)  # Now last in turn.
                gives, takes = map(self._catalog.describe, (chance.gives, chance.takes))
                farmer.hear(messages.ChanceTold(gives, takes))
                most -= 1
        rest(most)

    def _forget_told(self) -> None:
        long_ago = self._clock.seconds() - PAUSE
        for id, when in list(islice(self._told.items(), MOST_FORGOTTEN)):
            if when > long_ago:
                break
            del self._told[id]
