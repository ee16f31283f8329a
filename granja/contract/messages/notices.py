"""Sentences without values: each is the only one of its kind."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.messages.message import SERVER, Message


@dataclass(frozen=True, slots=True)
class Notice(Message):
    """A line without fields.  In the data, ``code`` tells one notice from another."""

    type = "notice"
    template = SERVER + "{sentence}"
    code: str
    sentence: str


GOODBYE = Notice("goodbye", "¡Adiós y suerte completando tu colección!")
TIME_UP = Notice("time-up", "Tiempo agotado.")
REPLACED = Notice("replaced", "Entraste desde otro lugar.")
LEASE_LOST = Notice("lease-lost", "Se perdió la conexión con la granja; vuelve a entrar.")
ALREADY_HERE = Notice("already-here", "Ya estás aquí.")
I_AM_HERE = Notice("i-am-here", "Aquí estoy.")
STILL_UNKNOWN = Notice("still-unknown", "Todavía no se sabe si el intercambio se guardó; te aviso.")
TOO_MANY_TRIES = Notice("too-many-tries", "Hay demasiados intentos; espera un momento…")
NETWORK_FULL = Notice(
    "network-full", "Hay demasiadas conexiones desde tu red; inténtalo más tarde."
)
FARM_FULL = Notice("farm-full", "La granja está llena; inténtalo más tarde.")
SHUTDOWN = Notice("shutdown", "El servidor se apaga. ¡Hasta pronto!")
HEARS_EVERYBODY = Notice("hears-everybody", "Escuchas a todos.")
DOOR_CLOSED = Notice("door-closed", "Ya no recibes ofertas.")
DOOR_OPEN = Notice("door-open", "Recibes ofertas otra vez.")
PASSES_ENDED = Notice("passes-ended", "Tus pases ya no sirven.")
PASSWORD_CHANGED = Notice("password-changed", "Contraseña cambiada.")
NO_BANS = Notice("no-bans", "No hay vetos.")
TRADE_FROZEN = Notice("trade-frozen", "Los intercambios quedaron detenidos.")
TRADE_THAWED = Notice("trade-thawed", "Los intercambios siguen.")
