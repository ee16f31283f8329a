"""What registered farmers have still to hear, where the record does not say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from granja.contract.ids import FarmerId
from granja.market.facts import Departed, Fact, Left, Offered, Released, Returned
from granja.market.market import Market
from granja.market.offers import Happened, News
from granja.people.roster import Roster


class Newsroom:
    """The market keeps the news of those who are away on record.  Between that and who is here:

    - what happens after a line was cut and before that is on record is *unheard*; the record of
      the leaving says it (``Left.missed``), so that it outlives this process;
    - who comes back while that can't be recorded (a full disk) *visits*: they have heard what the
      record keeps for them, and what happens after they have gone again is unheard as well.

    A leaving or a coming is recorded before all that others do in that instant (``Fact.foremost``),
    so none of it falls between the two.

    :param concerns: whether it is this node that says of somebody that they are absent; another one
        knows what they have heard there.
    """

    def __init__(
        self, market: Market, roster: Roster, concerns: Callable[[FarmerId], bool] = lambda _: True
    ) -> None:
        self._market = market
        self._roster = roster
        self._concerns = concerns
        self._unheard: dict[FarmerId, News] = {}
        self._visitors: set[FarmerId] = set()

    def note(self, fact: Fact, ended: Iterable[Happened]) -> None:
        """A fact was applied, and whoever is in the chat has been told of the offers it ended."""
        if isinstance(fact, Offered) and self._is_unheard(fact.taker):
            self._unheard_by(fact.taker).offered(fact.offer)
        for end in ended:
            for party in end.parties:
                if self._is_unheard(party) and not end.is_deed_of(party):
                    self._unheard_by(party).add(end)
        if isinstance(fact, Left | Departed | Released):  # With what they missed, or for good.
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
        # Also somebody whose registration is just being written, with their line cut already.
        return party not in self._market.away or party in self._visitors

    def _unheard_by(self, party: FarmerId) -> News:
        return self._unheard.setdefault(party, News(unseen=set()))

    def unread(self, farmer: FarmerId) -> News:
        """A copy of all that they have not heard."""
        news = News(unseen=set())
        if farmer in self._market.away and farmer not in self._visitors:
            news.extend(self._market.away[farmer])
        news.extend(self._unheard.get(farmer, News()))
        return news

    def told(self, farmer: FarmerId) -> None:
        """They are here and have heard everything."""
        self._unheard.pop(farmer, None)
        if farmer in self._market.away:
            self._visitors.add(farmer)

    def keep(self, farmer: FarmerId, news: News) -> None:
        """Their line was cut before they could hear it, and the record may keep it no more."""
        if farmer not in self._market.away:
            self._unheard[farmer] = news

    def has_visited(self, farmer: FarmerId) -> bool:
        """Whether they have been here since they went away on record."""
        return farmer in self._visitors
