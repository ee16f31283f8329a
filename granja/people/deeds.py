"""What the commands of the table in :mod:`granja.contract.commands` do, one method each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from granja.contract import errors, messages
from granja.contract.answers import known_artifact
from granja.contract.commands import help_entries
from granja.contract.ids import ArtifactId
from granja.contract.messages import Message
from granja.market.facts import Fact
from granja.market.offers import Offer
from granja.people.farm import Farm
from granja.people.roster import Farmer
from granja.text.clean import squeezed

_NOT_STORED = (errors.TradeNotStored, errors.TradingHalted)

Decision = Callable[[], Sequence[Fact]]


class Deeds:
    """Implements :class:`granja.contract.commands.Farm` on the factory's rooms.

    A method returns a Deferred when the next line of that farmer has to wait for it.
    """

    def __init__(self, factory: Farm) -> None:
        self._factory = factory
        self._roster = factory.roster
        self._market = factory.market
        self._lane = factory.lane
        self._teller = factory.teller
        self._catalog = factory.catalog

    def show_help(self, me: Farmer) -> None:
        _reply(me, *help_entries())

    def leave(self, me: Farmer) -> None:
        connection = me.connection
        if connection is not None:
            connection.listener.tell(messages.GOODBYE)
            connection.finish()

    def list_users(self, me: Farmer) -> None:
        _reply(me, messages.Here(self._roster.names()))

    def whisper(self, me: Farmer, name: str, text: str) -> None:
        other, mine = self._roster.find(name), me.connection
        theirs = other.connection if other is not None else None
        if theirs is None:
            raise errors.NobodyCalled(name)
        by = mine.listener if mine is not None else None
        theirs.listener.hear_whisper(me.name.spelling, squeezed(text), by)

    def say(self, me: Farmer, text: str) -> None:
        """Plain talk, and the emoticons."""
        if me.connection is not None:
            self._factory.board.say(me.connection.listener, str(me), [squeezed(text)])

    def come_back(self, me: Farmer) -> None:
        """``:volver``, which is for whoever is asked for a name."""
        _reply(me, messages.ALREADY_HERE)

    def act(self, me: Farmer, text: str) -> None:
        """``:yo``."""
        if me.connection is not None:
            self._factory.board.say_message(
                me.connection.listener, messages.Acted(str(me), squeezed(text))
            )

    def say_block(self, me: Farmer | None, lines: bytes) -> None:
        """Several clean lines of plain talk: UTF-8 with LF between them."""
        if me is not None and me.connection is not None:
            self._factory.board.say_block(me.connection.listener, str(me), lines)

    # -- artifacts ---------------------------------------------------------------------------

    def show_inventory(self, me: Farmer) -> None:
        _reply(me, self._teller.inventory(me.id))

    def show_artifact(self, me: Farmer, number: int) -> None:
        artifact = known_artifact(number, self._catalog)
        _reply(me, messages.ArtifactIs(self._catalog[artifact]))

    def show_catalog(self, me: Farmer) -> None:
        _reply(me, *(messages.CatalogEntry(artifact) for artifact in self._catalog.values()))

    def add_artifact(self, me: Farmer, number: int) -> Deferred[None]:
        if self._factory.settings.declare_once:
            raise errors.DeclaredOnce
        artifact = known_artifact(number, self._catalog)
        declare = partial(self._market.decide_declaration, me.id, str(me), [artifact])
        return self._change_inventory(me, declare)

    def remove_artifact(self, me: Farmer, number: int) -> Deferred[None]:
        artifact = known_artifact(number, self._catalog)
        return self._change_inventory(me, partial(self._market.decide_withdrawal, me.id, artifact))

    def _change_inventory(self, me: Farmer, decide: Decision) -> Deferred[None]:
        done = self._lane.submit([me.id], decide)
        return done.addCallback(lambda _: self.show_inventory(me))

    # -- offers ------------------------------------------------------------------------------

    def offer(self, me: Farmer, name: str, gives: int, takes: int) -> Deferred[None]:
        other = self._partner(name)
        mine, theirs = self._tradable(gives), self._tradable(takes)
        decide = partial(self._factory.decide_offer, me, other, mine, theirs)
        return self._lane.submit([me.id, other.id], decide, trade=True).addCallback(_no_reply)

    def _partner(self, name: str) -> Farmer:
        """Whoever is meant, also a registered farmer who is away."""
        other = self._factory.find_partner(name)
        if other is None:
            raise errors.NobodyToTradeWith(name)
        if not other.registered and self._roster.present(other.id) is None:
            raise errors.StillArriving(str(other))
        return other

    def _tradable(self, number: int) -> ArtifactId:
        if number not in self._catalog:
            raise errors.NoSuchArtifact(str(number), self._catalog.first, self._catalog.last)
        return ArtifactId(number)

    def list_offers(self, me: Farmer) -> None:
        offers = self._teller.offers(me.id)
        if not offers:
            raise errors.NoOffers
        _reply(me, *offers)

    def accept(self, me: Farmer, number: int | None) -> Deferred[None]:
        offer = self._meant(me, number, self._market.incoming(me.id), ":accept")

        def decide() -> Sequence[Fact]:
            if not self._teller.standing([offer]):  # They have left since it was typed.
                raise errors.NoSuchOffer(str(offer.number))
            return self._market.decide_acceptance(me.id, offer.number, self._factory.now())

        return self._end_offer(offer, decide).addErrback(self._tell_maker, offer)

    def _tell_maker(self, failure: Failure, offer: Offer) -> Failure:
        """A trade that could not be stored is told to both (PROTOCOL §4)."""
        maker = self._roster.present(offer.maker)
        error = failure.value
        if maker is not None and maker.connection is not None and isinstance(error, _NOT_STORED):
            maker.connection.listener.hear(messages.failure(error, self._catalog))
        return failure

    def reject(self, me: Farmer, number: int | None) -> Deferred[None]:
        offer = self._meant(me, number, self._market.incoming(me.id), ":reject")
        return self._end_offer(offer, lambda: self._market.decide_rejection(me.id, offer.number))

    def retract(self, me: Farmer, number: int | None) -> Deferred[None]:
        offer = self._meant(me, number, self._market.outgoing(me.id), ":retirar")
        return self._end_offer(offer, lambda: self._market.decide_retraction(me.id, offer.number))

    def _meant(self, me: Farmer, number: int | None, offers: list[Offer], word: str) -> Offer:
        """The offer that ``word`` with or without a number speaks of (PROTOCOL §4)."""
        offers = self._teller.standing(offers)
        if number is not None:
            for offer in offers:
                if offer.number == number:
                    return offer
            raise errors.NoSuchOffer(str(number))
        if not offers:
            raise errors.NoOffers
        if len(offers) > 1:
            rows = (self._teller.offer_row(me.id, offer) for offer in offers)
            _reply(me, *rows)
            raise errors.SeveralOffers(len(offers), word)
        return offers[0]

    def _end_offer(self, offer: Offer, decide: Decision) -> Deferred[None]:
        done = self._lane.submit([offer.maker, offer.taker], decide, trade=True)
        return done.addCallback(_no_reply)

    # -- the name ----------------------------------------------------------------------------

    def register(self, me: Farmer, password: str) -> Deferred[None]:
        if me.registered:
            raise errors.AlreadyRegistered
        hashed = self._factory.accounts.hash(password, _address(me))
        stored = hashed.addCallback(partial(self._factory.register, me))
        return stored.addCallback(self._registered, me)

    def _registered(self, _: object, me: Farmer) -> None:
        _reply(me, messages.NameRegistered(str(me)))
        self._factory.presence.ask_declaration(me)

    def change_password(self, me: Farmer, password: str) -> Deferred[None]:
        if not me.registered:
            raise errors.NotRegistered
        hashed = self._factory.accounts.hash(password, _address(me))
        stored = hashed.addCallback(partial(self._factory.change_password, me))
        return stored.addCallback(lambda _: _reply(me, messages.PASSWORD_CHANGED))


def _address(me: Farmer) -> str:
    """So that those of one address do not make the others wait for their passwords."""
    return me.connection.address if me.connection is not None else ""


def _reply(me: Farmer, *lines: Message) -> None:
    if me.connection is not None:
        me.connection.listener.tell(*lines)


def _no_reply(_: object) -> None:
    """The teller has said everything."""
