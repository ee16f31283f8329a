"""Offers and trades that are not possible (PROTOCOL §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError


class TradeError(GranjaError):
    """We refuse an offer or a trade.  Nothing has changed."""

    prefix = "Error de Intercambio: "


@dataclass(eq=False)
class NobodyToTradeWith(TradeError):
    name: str
    sentence = "no hay nadie con el nombre {name}."


@dataclass(eq=False)
class StillArriving(TradeError):
    name: str
    sentence = "{name} todavía está llegando; espera un momento."


@dataclass(eq=False)
class WithOneself(TradeError):
    sentence = "no puedes intercambiar contigo."


@dataclass(eq=False)
class NoSuchArtifact(TradeError):
    number: str
    first: int
    last: int
    sentence = "el artefacto {number} no existe; elige números del {first} al {last}."


@dataclass(eq=False)
class NotMine(TradeError):
    artifact: int
    sentence = "no tienes {artifact}."


@dataclass(eq=False)
class NotTheirs(TradeError):
    name: str
    artifact: int
    sentence = "{name} no tiene {artifact}."


@dataclass(eq=False)
class SameOffer(TradeError):
    number: int
    sentence = "esa misma oferta ya está pendiente (#{number})."


@dataclass(eq=False)
class TooManyOffers(TradeError):
    limit: int
    sentence = (
        "llegaste al máximo de ofertas sin respuesta ({limit}); retira alguna con :retirar <n>."
    )


@dataclass(eq=False)
class TooManyOffersToOne(TradeError):
    name: str
    count: int
    sentence = "ya le hiciste {count} {noun} a {name}; espera su respuesta."

    def explain(self, name_of: Callable[[int], str] = str) -> str:
        noun = "oferta" if self.count == 1 else "ofertas"
        return self.prefix + self.sentence.format(count=self.count, noun=noun, name=self.name)


@dataclass(eq=False)
class DoorClosed(TradeError):
    """They take no offers, or none from this farmer.  We do not tell which."""

    name: str
    sentence = "{name} no recibe ofertas por ahora."


@dataclass(eq=False)
class TheyHaveTooManyOffers(TradeError):
    name: str
    limit: int
    sentence = "{name} llegó al máximo de ofertas por responder ({limit})."


@dataclass(eq=False)
class TradeNotStored(TradeError):
    """The ledger could not store the record.  Nothing has changed."""

    sentence = "no se pudo guardar; nada cambió."


@dataclass(eq=False)
class TradingHalted(TradeError):
    """Nobody knows the outcome of a write.  Nothing is decided until a restart."""

    sentence = "el libro está detenido; avisa a quien administra la granja."


class TradingFrozen(TradeError):
    """A moderator has stopped trading.  A farmer can still retract or reject what stands."""

    sentence = "los intercambios están detenidos por ahora."


class NoOffers(GranjaError):
    """This is an answer, not a mistake, so it has no ``Error:``."""

    prefix = ""
    sentence = "No tienes ofertas pendientes."


@dataclass(eq=False)
class SeveralOffers(GranjaError):
    """The farmer could mean ``count`` offers.  They are listed before the sentence."""

    count: int
    word: str
    sentence = "tienes {count} ofertas pendientes; escribe {word} <n>."


@dataclass(eq=False)
class NoSuchOffer(GranjaError):
    number: str
    sentence = "no hay una oferta #{number} para ti."
