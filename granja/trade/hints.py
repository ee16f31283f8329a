"""Who hears of swaps that they could close: those who have used these commands (PROTOCOL §4b)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from twisted.internet.interfaces import IReactorTime

from granja.contract import messages
from granja.contract.catalog import Catalog
from granja.contract.ids import FarmerId, OfferId
from granja.contract.messages import Message
from granja.market.market import Market
from granja.market.matching import View
from granja.people.roster import Farmer, Roster

#: How many hear of one swap, and after how many seconds somebody may hear of another.
MOST_TOLD, PAUSE = 3, 60.0

#: More are not let out of their pause at once; a swap puts fewer into it.
MOST_FORGOTTEN = 100


class Hints:
    """:param clock: says when somebody may be told again."""

    def __init__(
        self, clock: IReactorTime, market: Market, roster: Roster, catalog: Catalog
    ) -> None:
        self._clock = clock
        self._market = market
        self._roster = roster
        self._catalog = catalog
        #: Those who have used a command of swaps, whose turn it is first in front.
        self._turns: dict[FarmerId, None] = {}
        #: Who was told when, in this order; those who may be told again are taken out.
        self._told: dict[FarmerId, float] = {}

    def view(self) -> View:
        """Who seeks and gives what, of those who are still in this world."""
        return View(self._market, self._catalog, self.gone())

    def gone(self) -> Iterable[FarmerId]:
        """Visitors who have left, which is not on record yet."""
        registered = self._market.registered
        return [id for id in self._roster.leaving if id not in registered]

    # -- who has used the commands ---------------------------------------------------------------

    def note_use(self, me: Farmer) -> None:
        """``me`` has typed a command of swaps."""
        self._turns.setdefault(me.id)

    def came_in(self, farmer: Farmer) -> None:
        """They are in the chat from now on; what they typed before counts if it is on record."""
        if farmer.id in self._market.wishes.used:
            self.note_use(farmer)

    def went(self, farmer: Farmer) -> None:
        """They are no longer in the chat."""
        self._turns.pop(farmer.id, None)
        if not farmer.registered:  # nobody will have this number again
            self._told.pop(farmer.id, None)

    def greeting(self, farmer: Farmer) -> list[Message]:
        """What a registered farmer hears last of what follows ``¡OK!``."""
        if farmer.id not in self._market.wishes.used:
            return []
        count = len(self.view().chances(farmer.id))
        return [messages.Chances(count)] if count else []

    # -- who could close a swap ------------------------------------------------------------------

    def tell_soon(self, number: OfferId) -> None:
        """The same, when the chat has had its turn: it takes a search of its own."""
        self._clock.callLater(0, self.tell, number)

    def tell(self, number: OfferId) -> None:
        """Tell some of those who are here and could close this swap, in turn."""
        swap = self._market.swaps.get(number)
        if swap is None or not self._turns:
            return
        closers = self.view().closers(swap)
        self._forget_told()
        # Sets and no steps in Python: ten thousand may be in the way of three.
        able = closers.can - self._told.keys()
        for id in list(islice(filter(able.__contains__, self._turns), MOST_TOLD)):
            farmer, chance = self._roster.present(id), closers.chance(id)
            if farmer is not None and chance is not None:
                self._told[id] = self._clock.seconds()
                self._turns[id] = self._turns.pop(id)  # behind all others
                gives, takes = map(self._catalog.describe, (chance.gives, chance.takes))
                farmer.hear(messages.ChanceTold(gives, takes))

    def _forget_told(self) -> None:
        long_ago = self._clock.seconds() - PAUSE
        for id, when in list(islice(self._told.items(), MOST_FORGOTTEN)):
            if when > long_ago:
                break
            del self._told[id]
