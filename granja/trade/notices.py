"""Notices: who hears what the market did.  An applied fact becomes lines for those concerned."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from granja.contract import messages
from granja.contract.catalog import Artifact, Catalog
from granja.contract.ids import FarmerId
from granja.contract.messages import Message
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import Ended, Happened, How, News, Offer, SwapNews
from granja.market.swaps import Swap
from granja.people.roster import Roster
from granja.trade import wording


class Teller:
    """Tells the concerned farmers who are in the chat."""

    def __init__(self, market: Market, roster: Roster, catalog: Catalog) -> None:
        self._market = market
        self._roster = roster
        self._catalog = catalog

    def __call__(self, fact: Fact, ended: list[Happened]) -> None:
        """Tell an applied fact to its farmers, then what it ended."""
        if isinstance(fact, events.Offered):
            self._offered(fact)
        for end in ended:
            if isinstance(end, SwapNews):
                # The maker who closes a ring reads this as the answer to their command.
                closing = isinstance(fact, events.Settled) and end.swap == fact.offers[0]
                reply = closing or end.is_deed_of(end.maker)
                self._say(end.maker, self._swap_news(end), reply=reply)
                continue
            for farmer in (end.offer.taker, end.offer.maker):
                self._say(farmer, self._ending(end, farmer), reply=end.is_deed_of(farmer))

    def inventory(self, farmer: FarmerId) -> messages.Inventory:
        return messages.Inventory(self._artifacts(farmer))

    def offers(self, farmer: FarmerId) -> list[Message]:
        """The rows of ``:ofertas``: offers and swaps, by number."""
        standing = self.standing(self._market.pending(farmer))
        return self.rows(farmer, [*standing, *self._market.swaps.of(farmer)])

    def rows(self, farmer: FarmerId, pending: Iterable[Offer | Swap]) -> list[Message]:
        return [self.row(farmer, one) for one in sorted(pending, key=attrgetter("number"))]

    def row(self, farmer: FarmerId, one: Offer | Swap) -> Message:
        if isinstance(one, Swap):
            return wording.swap_row(one, self._catalog)
        return wording.offer_row(one, farmer, self._market.names, self._catalog)

    def standing(self, offers: Iterable[Offer]) -> list[Offer]:
        """The offers whose two farmers still exist: in the chat, or registered.

        The record may not know yet that a visitor has left, if the disk was full.
        """
        return [offer for offer in offers if all(map(self.exists, (offer.maker, offer.taker)))]

    def exists(self, id: FarmerId) -> bool:
        """Whether somebody is in the chat or registered."""
        return id in self._market.registered or self._roster.present(id) is not None

    def meanwhile(self, farmer: FarmerId, news: News) -> list[Message]:
        """What a farmer who comes back has not heard yet."""
        return wording.meanwhile(news, farmer, self._catalog)

    def _artifacts(self, farmer: FarmerId) -> tuple[Artifact, ...]:
        return messages.inventory(self._market.inventory(farmer), self._catalog)

    def _say(self, id: FarmerId, line: Message, *, reply: bool) -> None:
        """Say a line to a farmer.

        :param reply: whether it answers their own command: then we never drop it.
        """
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

    def _swap_news(self, end: SwapNews) -> Message:
        if end.how is not How.SETTLED:
            return wording.swap_ended(end, self._catalog)
        assert end.gave is not None
        assert end.got is not None
        gave, got = self._catalog.describe(end.gave), self._catalog.describe(end.got)
        artifacts = self._artifacts(end.maker)
        return messages.SwapDone(end.swap, gave, end.to, got, end.source, artifacts)

    def _ending(self, end: Ended, farmer: FarmerId) -> Message:
        if end.how is not How.ACCEPTED:
            return wording.offer_ended(end, farmer, self._catalog)
        heard = messages.TradeAccepted if farmer == end.offer.taker else messages.TradeDone
        return heard(end.offer.number, self._artifacts(farmer))
