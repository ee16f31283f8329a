"""Missed: the news of registered farmers that the record does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from granja.contract.ids import FarmerId
from granja.market.facts import Departed, Fact, Left, Offered, Released, Returned
from granja.market.market import Market
from granja.market.offers import Happened, News
from granja.people.roster import Roster


class Newsroom:
    """Knows what farmers have not heard.  The market keeps the news of those who are away.

    The record is later than the chat.  So there are two more cases:

    - Between the end of a connection and its record, news are *unheard*.  The record of the leaving
      takes them along (``Left.missed``), so they survive this process.
    - Somebody who comes back while the ledger cannot record it *visits* (a full disk).  They have
      heard the news of the record.  What happens after they go again is unheard as well.

    A leaving or a coming is recorded before everything that others do in that moment
    (``Fact.foremost``).  So no news is lost between the two.

    :param concerns: whether this node has to say that a farmer is absent.  If another node has to,
        it knows what they have heard there.
    """

    def __init__(
        self, market: Market, roster: Roster, concerns: Callable[[FarmerId], bool]
    ) -> None:
        self._market = market
        self._roster = roster
        self._concerns = concerns
        self._unheard: dict[FarmerId, News] = {}
        self._visitors: set[FarmerId] = set()

    def note(self, fact: Fact, ended: Iterable[Happened]) -> None:
        """Take a fact that was applied.  Those in the chat have heard of the offers it ended."""
        if isinstance(fact, Offered) and self._is_unheard(fact.taker):
            self._unheard_by(fact.taker).offered(fact.offer)
        for end in ended:
            for party in end.parties:
                if self._is_unheard(party) and not end.is_deed_of(party):
                    self._unheard_by(party).add(end)
        if isinstance(fact, Left | Departed | Released):  # The record has their news, or they left.
            self._unheard.pop(fact.farmer, None)
        elif isinstance(fact, Returned):
            self._visitors.discard(fact.farmer)

    def _is_unheard(self, party: FarmerId) -> bool:
        """Whether they are not here, and the record keeps nothing for them."""
        present = self._roster.present(party)
        if present is not None and (
            present.connection is not None or present.elsewhere is not None
        ):
            return False
        if not self._concerns(party):
            return False
        # This is also so for a farmer who is just being registered and has lost the connection.
        return party not in self._market.away or party in self._visitors

    def _unheard_by(self, party: FarmerId) -> News:
        return self._unheard.setdefault(party, News(unseen=set()))

    def unread(self, farmer: FarmerId) -> News:
        """A copy of everything that they have not heard."""
        news = News(unseen=set())
        if farmer in self._market.away and farmer not in self._visitors:
            news.extend(self._market.away[farmer])
        news.extend(self._unheard.get(farmer, News()))
        return news

    def told(self, farmer: FarmerId) -> None:
        """Note that they are here and have heard everything."""
        self._unheard.pop(farmer, None)
        if farmer in self._market.away:
            self._visitors.add(farmer)

    def keep(self, farmer: FarmerId, news: News) -> None:
        """Keep news that they could not hear: the connection ended first."""
        if farmer not in self._market.away:
            self._unheard[farmer] = news

    def has_visited(self, farmer: FarmerId) -> bool:
        """Whether they have been here since the record has them away."""
        return farmer in self._visitors
