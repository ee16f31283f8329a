"""What registered farmers have still to hear, where the record does not say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from granja.ids import FarmerId
from granja.market import Market
from granja.offers import Ended, News
from granja.roster import Roster


class Newsroom:
    """The market keeps the news of those who are away on record.  Between that and who is here:

    - what happens after a line was cut and before that is on record is *unheard*; the record of
      the leaving says it (``Left.missed``), so that it outlives this process;
    - who has come back while that could not be recorded (a full disk) has *heard* so many of the
      news that the record keeps for them.
    """

    def __init__(self, market: Market, roster: Roster) -> None:
        self._market = market
        self._roster = roster
        self._unheard: dict[FarmerId, News] = {}
        self._heard: dict[FarmerId, int] = {}

    def note(self, ended: Iterable[Ended]) -> None:
        """Offers ended, and whoever of their parties is in the chat has been told."""
        for end in ended:
            for party in end.parties:
                if party in self._market.registered:
                    self._note(end, party)

    def _note(self, end: Ended, party: FarmerId) -> None:
        if self._roster.present(party) is not None:
            self.told(party)
        elif party not in self._market.away and not end.is_deed_of(party):
            self._unheard.setdefault(party, News()).add(end)

    def missed(self, farmer: FarmerId) -> News:
        """A copy of what they have not heard, which their leaving has to say."""
        return self.open(farmer)()

    def has_visited(self, farmer: FarmerId) -> bool:
        """Whether they have been here since they went away on record."""
        return farmer in self._heard

    def left(self, farmer: FarmerId) -> None:
        """Their leaving is on record, with what they missed."""
        self._unheard.pop(farmer, None)

    def returned(self, farmer: FarmerId) -> None:
        """Their coming is on record: nothing is kept for them any more."""
        self._heard.pop(farmer, None)

    def open(self, farmer: FarmerId) -> Callable[[], News]:
        """Returns what gives a copy of all that they have to hear, also when the record has stopped
        keeping it: who leaves together with that may still add to it."""
        kept, heard = self._market.away.get(farmer, News()), self._heard.get(farmer, 0)

        def collect() -> News:
            news = kept.after(heard)
            news.extend(self._unheard.get(farmer, News()))
            return news

        return collect

    def told(self, farmer: FarmerId) -> None:
        """They have heard everything."""
        self._unheard.pop(farmer, None)
        if farmer in self._market.away:
            self._heard[farmer] = len(self._market.away[farmer])

    def keep(self, farmer: FarmerId, news: News) -> None:
        """Their line was cut before they could hear it; the record keeps it no more."""
        if farmer not in self._market.away:
            self._unheard[farmer] = news
