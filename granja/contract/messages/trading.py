"""Offers and trades (PROTOCOL §4)."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.catalog import Artifact
from granja.contract.messages.message import SERVER, Message


@dataclass(frozen=True, slots=True)
class OfferReceived(Message):
    type = "offer"
    template = (
        SERVER + "{maker} quiere intercambiar su {gives} por tu {takes} "
        "(#{number}: :accept o :reject)"
    )
    renamed = {"maker": "from"}
    number: int
    maker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class OfferSent(Message):
    type = "offer-sent"
    template = SERVER + "Oferta #{number} enviada a {taker}."
    renamed = {"taker": "to"}
    number: int
    taker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class IncomingOffer(Message):
    """A row of ``:ofertas``.  ``gives`` is theirs, ``takes`` is the listener's."""

    type = "offer-in"
    template = SERVER + "#{number} de {maker}: su {gives} por tu {takes}"
    renamed = {"maker": "from"}
    number: int
    maker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class OutgoingOffer(Message):
    """A row of ``:ofertas``.  ``gives`` is the listener's, ``takes`` is theirs."""

    type = "offer-out"
    template = SERVER + "#{number} para {taker}: tu {gives} por su {takes}"
    renamed = {"taker": "to"}
    number: int
    taker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class TradeAccepted(Message):
    """For the farmer who accepted."""

    type = "trade-accepted"
    template = SERVER + "Intercambio aceptado, ahora tus artefactos son: {artifacts}"
    number: int
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class TradeDone(Message):
    """For the farmer whose offer was accepted."""

    type = "trade-done"
    template = SERVER + "Intercambio realizado, tus artefactos ahora son: {artifacts}"
    number: int
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class OfferEnded(Message):
    """An offer ended without a trade.

    ``how``: rejected, retracted, expired or void.  ``gives`` is the maker's, as in the offer.
    """

    type = "offer-ended"
    template = SERVER + "{sentence}"
    renamed = {"maker": "from", "taker": "to"}
    number: int
    how: str
    sentence: str
    maker: str
    taker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class Meanwhile(Message):
    """What happened while a registered farmer was away.

    ``how``: as in :class:`OfferEnded`, or accepted.
    """

    type = "meanwhile"
    template = SERVER + "Mientras no estabas: {sentence}"
    renamed = {"maker": "from", "taker": "to"}
    number: int
    how: str
    sentence: str
    maker: str
    taker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class AndMore(Message):
    """How many more things happened while they were away than the lines tell."""

    type = "meanwhile-more"
    template = SERVER + "Mientras no estabas: y {count} {noun} más."
    count: int

    def line(self) -> str:
        return self.template.format(count=self.count, noun="cosa" if self.count == 1 else "cosas")
