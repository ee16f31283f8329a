"""Every mistake a farmer can make, each a class with the sentence that the farmer reads.

A sentence may name the fields of its class in braces.  ``{artifact}`` is special: the field
holds a catalog number, and whoever renders the sentence puts the artifact's name there
(see :func:`granja.contract.messages.failure`), because the rules below know numbers only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar


class GranjaError(Exception):
    """A refusal.  ``prefix`` and ``sentence`` are what the farmer reads."""

    prefix: ClassVar[str] = "Error: "
    sentence: ClassVar[str] = "algo falló de nuestro lado; ya quedó anotado."

    def explain(self, name_of: Callable[[int], str] = str) -> str:
        """The sentence, filled in.  ``name_of`` turns an artifact's number into its name."""
        values = dict(vars(self))
        if "artifact" in values:
            values["artifact"] = name_of(values["artifact"])
        return self.prefix + self.sentence.format_map(values)

    def __str__(self) -> str:
        return self.explain()


class ConfigurationError(Exception):
    """The operator asked for something that cannot be; the text is the whole explanation."""


# -- lines (PROTOCOL §1) ---------------------------------------------------------------------


@dataclass(eq=False)
class LineTooLong(GranjaError):
    """``limit``: the most bytes that a line may have."""

    limit: int
    sentence = "línea demasiado larga (máximo {limit} bytes); no se envió."


@dataclass(eq=False)
class NotUTF8(GranjaError):
    sentence = "texto no válido (no es UTF-8); no se envió."


# -- arriving (PROTOCOL §2) ------------------------------------------------------------------


@dataclass(eq=False)
class InvalidName(GranjaError):
    """``why``: a reason in Spanish, without the final full stop."""

    why: str
    prefix = ""
    sentence = "Nombre no válido: {why}."


@dataclass(eq=False)
class NameTaken(GranjaError):
    prefix = ""
    sentence = "Nombre ya en uso."


@dataclass(eq=False)
class NotNow(GranjaError):
    """Nobody can come in for a while; who is inside stays."""

    prefix = ""
    sentence = "Ahora no se puede entrar; inténtalo en un momento."


@dataclass(eq=False)
class CannotEnter(GranjaError):
    """The table of names that nodes share is away (PROTOCOL §8)."""

    prefix = ""
    sentence = "Ahora no se puede entrar; inténtalo en un momento."


@dataclass(eq=False)
class UnknownArtifact(GranjaError):
    """``number``: what was typed; ``first`` and ``last``: the catalog's bounds."""

    number: str
    first: int
    last: int
    sentence = "el artefacto {number} no existe. Elige números del {first} al {last}."


@dataclass(eq=False)
class NotAList(GranjaError):
    sentence = (
        "no entendí la lista. Escribe los números separados por comas, por ejemplo: 6, 13, 14"
    )


@dataclass(eq=False)
class TooManyArtifacts(GranjaError):
    limit: int
    sentence = "son demasiados artefactos (máximo {limit})."


# -- commands (PROTOCOL §3) ------------------------------------------------------------------


@dataclass(eq=False)
class UnknownCommand(GranjaError):
    word: str
    sentence = "comando desconocido: {word}. Escribe :help para ver los comandos."


@dataclass(eq=False)
class Nobody(GranjaError):
    """Neither in the chat nor registered."""

    name: str
    sentence = "no hay nadie con el nombre {name}."


class IgnoresOneself(GranjaError):
    sentence = "no puedes ignorarte."


@dataclass(eq=False)
class NotIgnored(GranjaError):
    name: str
    sentence = "no estabas ignorando a {name}."


class NoHistory(GranjaError):
    """``--history 0``."""

    prefix = ""
    sentence = "Esta granja no guarda lo que se dice."


class NothingSaid(GranjaError):
    prefix = ""
    sentence = "Todavía no se dijo nada."


class BadPass(GranjaError):
    sentence = "ese pase ya no sirve."


@dataclass(eq=False)
class WrongArguments(GranjaError):
    """``usage``: the command's usage, as its row in the table has it."""

    usage: str
    prefix = "Uso: "
    sentence = "{usage}"


@dataclass(eq=False)
class NobodyCalled(GranjaError):
    name: str
    sentence = "no hay nadie conectado con el nombre {name}."


@dataclass(eq=False)
class NotDelivered(GranjaError):
    """They are at another node (PROTOCOL §8)."""

    name: str
    sentence = "no se pudo entregar a {name}; inténtalo en un momento."


# -- trading (PROTOCOL §4) -------------------------------------------------------------------


class TradeError(GranjaError):
    """An offer or a trade that is refused; nothing has changed."""

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
    """They take no offers, or none of one whom they ignore: which of both is not told."""

    name: str
    sentence = "{name} no recibe ofertas por ahora."


@dataclass(eq=False)
class TheyHaveTooManyOffers(TradeError):
    name: str
    limit: int
    sentence = "{name} llegó al máximo de ofertas por responder ({limit})."


@dataclass(eq=False)
class AlreadyMine(TradeError):
    """A swap asks for what its maker has."""

    artifact: int
    sentence = "ya tienes {artifact}."


class NoSpares(TradeError):
    """``repetidos``."""

    sentence = "no tienes repetidos."


class NothingMissing(TradeError):
    """``faltantes``."""

    sentence = "no te falta ninguno."


@dataclass(eq=False)
class SameSwap(TradeError):
    number: int
    sentence = "ese mismo cambio ya está puesto (#{number})."


@dataclass(eq=False)
class TradeNotStored(TradeError):
    """The ledger refused the record; the decision was dropped whole."""

    sentence = "no se pudo guardar; nada cambió."


@dataclass(eq=False)
class TradingHalted(TradeError):
    """A write was begun and its outcome is not known; nothing is decided until a restart."""

    sentence = "el libro está detenido; avisa a quien administra la granja."


class TradingFrozen(TradeError):
    """A moderator has stopped trading; what stands can still be taken back or refused."""

    sentence = "los intercambios están detenidos por ahora."


class NoChances(GranjaError):
    """Not a mistake, only an answer, so it has no ``Error:``."""

    prefix = ""
    sentence = "No hay trueques para ti por ahora."


class NoOffers(GranjaError):
    """Not a mistake, only an answer, so it has no ``Error:``."""

    prefix = ""
    sentence = "No tienes ofertas pendientes."


@dataclass(eq=False)
class SeveralOffers(GranjaError):
    """``count`` offers could be meant; they are listed before the sentence."""

    count: int
    word: str
    sentence = "tienes {count} ofertas pendientes; escribe {word} <n>."


@dataclass(eq=False)
class NoSuchOffer(GranjaError):
    number: str
    sentence = "no hay una oferta #{number} para ti."


# -- staying someone (PROTOCOL §5) -----------------------------------------------------------


@dataclass(eq=False)
class DoesNotHave(GranjaError):
    artifact: int
    sentence = "no tienes {artifact}."


@dataclass(eq=False)
class AlreadyHas(GranjaError):
    """Who has it does not seek it."""

    artifact: int
    sentence = "ya tienes {artifact}."


class NotStored(GranjaError):
    """What is not a trade could not be stored."""

    sentence = "no se pudo guardar; nada cambió."


class Halted(GranjaError):
    """What is not a trade met a halted ledger."""

    sentence = TradingHalted.sentence


class WrongPassword(GranjaError):
    sentence = "contraseña incorrecta."


class TooManyRegistrations(GranjaError):
    sentence = "hay demasiados registros desde tu red; inténtalo más tarde."


@dataclass(eq=False)
class TooManyWaiting(GranjaError):
    """So many wait for a password to be checked that one more would only wait in vain."""

    sentence = "hay demasiadas personas entrando; inténtalo de nuevo en un momento."


#: The fewest and the most characters of a password, in NFC.
PASSWORD_CHARACTERS = (8, 128)


class BadPassword(GranjaError):
    sentence = "la contraseña debe tener entre {} y {} caracteres.".format(*PASSWORD_CHARACTERS)


class AlreadyRegistered(GranjaError):
    sentence = "tu nombre ya está registrado; usa :clave para cambiar la contraseña."


class NotRegistered(GranjaError):
    sentence = "primero registra tu nombre con :registrar <contraseña>."


class DeclaredOnce(GranjaError):
    sentence = "en esta granja los artefactos se declaran una sola vez."


# -- who looks after the farm (PROTOCOL §7) --------------------------------------------------


@dataclass(eq=False)
class Limited(GranjaError):
    """Something is refused for a time.

    ``until``: as a moment is said; ``why``: a moderator's reason, which may be empty.
    """

    until: str
    why: str

    def explain(self, name_of: Callable[[int], str] = str) -> str:
        reason = f" ({self.why})" if self.why else ""
        return self.prefix + self.sentence.format(until=self.until, reason=reason)


class Muted(Limited):
    sentence = "no puedes hablar hasta las {until}{reason}."


class Banned(Limited):
    """The connection is closed after it."""

    prefix = ""
    sentence = "No puedes entrar hasta las {until}{reason}."


@dataclass(eq=False)
class LooksAfterTheFarm(GranjaError):
    """Moderators are not expelled, muted or banned by moderators."""

    name: str
    sentence = "{name} también cuida la granja."


class OwnNetwork(GranjaError):
    sentence = "esa red es también la tuya."


class NetworkOfProxy(GranjaError):
    """Everybody who comes through that proxy would be banned with it."""

    sentence = "esa red es de un proxy."


class NoSuchBan(GranjaError):
    sentence = "no hay ningún veto así."
