"""Artifacts that do not exist, or that a farmer has or lacks (PROTOCOL §2, §5)."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError


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


@dataclass(eq=False)
class DoesNotHave(GranjaError):
    artifact: int
    sentence = "no tienes {artifact}."


@dataclass(eq=False)
class AlreadyHas(GranjaError):
    """The farmer has it, so they cannot seek it."""

    artifact: int
    sentence = "ya tienes {artifact}."


class DeclaredOnce(GranjaError):
    sentence = "en esta granja los artefactos se declaran una sola vez."
