"""Names and passes that do not work (PROTOCOL §2, §5b)."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError


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
class CannotEnter(GranjaError):
    """Nobody new can come in for a while: the farm drains, or the table of names is away
    (PROTOCOL §8)."""

    prefix = ""
    sentence = "Ahora no se puede entrar; inténtalo en un momento."


class BadPass(GranjaError):
    sentence = "ese pase ya no sirve."
