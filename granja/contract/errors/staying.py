"""Passwords, registration, and things that could not be stored (PROTOCOL §5)."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError
from granja.contract.errors.trading import TradingHalted


class NotStored(GranjaError):
    """Something other than a trade could not be stored."""

    sentence = "no se pudo guardar; nada cambió."


class Halted(GranjaError):
    """The ledger is halted, for something other than a trade."""

    sentence = TradingHalted.sentence


class WrongPassword(GranjaError):
    sentence = "contraseña incorrecta."


class TooManyRegistrations(GranjaError):
    sentence = "hay demasiados registros desde tu red; inténtalo más tarde."


@dataclass(eq=False)
class TooManyWaiting(GranjaError):
    """So many passwords wait to be checked that one more would wait too long."""

    sentence = "hay demasiadas personas entrando; inténtalo de nuevo en un momento."


#: The fewest and the most characters of a password, in NFC.
PASSWORD_CHARACTERS = (8, 128)


class BadPassword(GranjaError):
    sentence = "la contraseña debe tener entre {} y {} caracteres.".format(*PASSWORD_CHARACTERS)


class AlreadyRegistered(GranjaError):
    sentence = "tu nombre ya está registrado; usa :clave para cambiar la contraseña."


class NotRegistered(GranjaError):
    sentence = "primero registra tu nombre con :registrar <contraseña>."
