"""Swaps that are not possible (PROTOCOL §4b)."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError
from granja.contract.errors.trading import TradeError


@dataclass(eq=False)
class AlreadyMine(TradeError):
    """A swap asks for something that its maker has."""

    artifact: int
    sentence = "ya tienes {artifact}."


class NoSpares(TradeError):
    """The farmer typed ``repetidos`` and has none."""

    sentence = "no tienes repetidos."


class NothingMissing(TradeError):
    """The farmer typed ``faltantes`` and lacks nothing."""

    sentence = "no te falta ninguno."


@dataclass(eq=False)
class SameSwap(TradeError):
    number: int
    sentence = "ese mismo cambio ya está puesto (#{number})."


class NoChances(GranjaError):
    """This is an answer, not a mistake, so it has no ``Error:``."""

    prefix = ""
    sentence = "No hay trueques para ti por ahora."
