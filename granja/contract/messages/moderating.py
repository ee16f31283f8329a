"""What moderators read, and what the people affected read (PROTOCOL §7)."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.messages.message import SERVER, Message


@dataclass(frozen=True, slots=True)
class PersonHere(Message):
    """A row of ``:gente``.  ``seconds``: since they came in.  ``lingers``: whether they linger."""

    type = "person"
    template = SERVER + "{name} ({standing}) desde {address}, hace {time}{pause}"
    name: str
    registered: bool
    address: str
    seconds: int
    lingers: bool

    def line(self) -> str:
        return self.template.format(
            name=self.name,
            standing="registrada" if self.registered else "visitante",
            address=self.address or "un lugar desconocido",
            time=_ago(self.seconds),
            pause=", en pausa" if self.lingers else "",
        )


def _ago(seconds: int) -> str:
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h"
    days = minutes // (24 * 60)
    return f"{days} día" if days == 1 else f"{days} días"


@dataclass(frozen=True, slots=True)
class Expelled(Message):
    """After this line the connection is closed.  ``why`` may be empty."""

    type = "expelled"
    template = SERVER + "Te expulsaron{reason}."
    why: str

    def line(self) -> str:
        return self.template.format(reason=f": {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class HasExpelled(Message):
    type = "has-expelled"
    template = SERVER + "Expulsaste a {name}."
    name: str


@dataclass(frozen=True, slots=True)
class HasMuted(Message):
    type = "has-muted"
    template = SERVER + "Callaste a {name} hasta las {until}."
    name: str
    until: str


@dataclass(frozen=True, slots=True)
class MaySpeak(Message):
    type = "may-speak"
    template = SERVER + "{name} puede hablar."
    name: str


@dataclass(frozen=True, slots=True)
class HasBanned(Message):
    """``whom``: a name, an address or a network."""

    type = "has-banned"
    template = SERVER + "Vetaste a {whom} hasta las {until}."
    whom: str
    until: str


@dataclass(frozen=True, slots=True)
class BanRow(Message):
    """A row of ``:vetos``.  ``why`` may be empty."""

    type = "ban"
    template = SERVER + "{whom}: hasta las {until}{reason}, por {by}"
    whom: str
    until: str
    why: str
    by: str

    def line(self) -> str:
        reason = f" ({self.why})" if self.why else ""
        return self.template.format(whom=self.whom, until=self.until, reason=reason, by=self.by)


def somebody(farmer: int) -> str:
    """What stands for a forgotten name.  A name itself never has a space in it.

    :param farmer: the farmer's number.
    """
    return f"granjero {farmer}"


#: Stands in the place of a moderator's name for the operator's console.
CONSOLE = "la consola"


@dataclass(frozen=True, slots=True)
class HasPardoned(Message):
    type = "has-pardoned"
    template = SERVER + "Perdonaste a {whom}."
    whom: str
