"""Lines that we cannot read (PROTOCOL §1)."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError


@dataclass(eq=False)
class LineTooLong(GranjaError):
    """``limit``: the most bytes that a line may have."""

    limit: int
    sentence = "línea demasiado larga (máximo {limit} bytes); no se envió."


@dataclass(eq=False)
class NotUTF8(GranjaError):
    sentence = "texto no válido (no es UTF-8); no se envió."
