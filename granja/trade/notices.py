"""Who hears of what the market did: from an applied fact to the lines of those concerned."""

from __future__ import annotations

from collections.abc import Iterable

from granja.contract import messages
from granja.contract.catalog import Artifact, Catalog
from granja.contract.ids import FarmerId
from granja.contract.messages import Message
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import Ended, How, News, Offer
from granja.people.roster import Roster
from granja.trade import wording


class Teller:
    """Tells those of the concerned farmers who are in the chat."""

    def __init__(self, market: Market, roster: Roster, catalog: Catalog) -> None:
        self._market = market
        self._roster = roster
        self._catalog = catalog

    def __call__(self, fact: Fact, ended: list[Ended]) -> None:
        """Say what an applied fact means to the farmers of it, then which offers it ended."""
        if isinstance(fact, events.Offered):
            self._offered(fact)
        for end in ended:
            for farmer in (end.offer.taker, end.offer.maker):
                self._say(farmer, self._ending(end, farmer), reply=end.is_deed_of(farmer))

    def inventory(self, farmer: FarmerId) -> messages.Inventory:
        return messages.Inventory(self._artifacts(farmer))

    def offers(self, farmer: FarmerId) -> list[Message]:
        """The rows of ``:ofertas``."""
        return [self.offer_row(farmer, o) for o in self.standing(self._market.pending(farmer))]

    def standing(self, offers: Iterable[Offer]) -> list[Offer]:
        """Those of which both farmers are still in this world: in the chat, or registered.

        That a visitor has left may not be on record yet, when the disk was full.
        """
        return [offer for offer in offers if all(map(self._exists, (offer.maker, offer.taker)))]

    def _exists(self, id: FarmerId) -> bool:
        return id in self._market.registered or self._roster.present(id) is not None

    def offer_row(self, farmer: FarmerId, offer: Offer) -> Message:
        return wording.offer_row(offer, farmer, self._market.names, self._catalog)

    def meanwhile(self, farmer: FarmerId, news: News) -> list[Message]:
        """What a farmer who comes back has still to hear."""
        return wording.meanwhile(news, farmer, self._catalog)

    def _artifacts(self, farmer: FarmerId) -> tuple[Artifact, ...]:
        return messages.inventory(self._market.inventory(farmer), self._catalog)

    def _say(self, id: FarmerId, line: Message, *, reply: bool) -> None:
        """``reply``: the line answers their own command, so it is never dropped."""
        farmer = self._roster.present(id)
        if farmer is not None:
            (farmer.tell_kept if reply else farmer.hear)(line)

    def _offered(self, fact: events.Offered) -> None:
        names = self._market.names
        gives, takes = self._catalog.describe(fact.gives), self._catalog.describe(fact.takes)
        received = messages.OfferReceived(fact.offer, names[fact.maker], gives, takes)
        self._say(fact.taker, received, reply=False)
        sent = messages.OfferSent(fact.offer, names[fact.taker], gives, takes)
        self._say(fact.maker, sent, reply=True)

    def _ending(self, end: Ended, farmer: FarmerId) -> Message:
        if end.how is not How.ACCEPTED:
            return wording.offer_ended(end, farmer, self._catalog)
        heard = messages.TradeAccepted if farmer == end.offer.taker else messages.TradeDone
        return heard(end.offer.number, self._artifacts(farmer))
