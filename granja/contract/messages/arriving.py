"""What somebody reads between the connection and the chat."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.messages.message import SERVER, Message


@dataclass(frozen=True, slots=True)
class Prompt(Message):
    """The server waits for an answer; ``question`` says which."""

    type = "prompt"
    template = SERVER + "{sentence}"
    question: str
    sentence: str


ASK_NAME = Prompt("name", "Ingresa tu nombre:")
ASK_PASSWORD = Prompt("password", "Contraseña:")
ASK_NEW_PASSWORD = Prompt("password", "Elige una contraseña nueva:")
ASK_ARTIFACTS = Prompt("artifacts", "Cuéntame, ¿qué artefactos tienes?")
ASK_CONFIRMATION = Prompt("confirm", "¿Está Bien? (Sí/No)")


def is_secret(question: Prompt | None) -> bool:
    """Whether the answer to this question must stay unseen."""
    return question is not None and question.question == ASK_PASSWORD.question


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    type = "welcome"
    template = "¡Bienvenid@ al chat de Granjerxs!"


@dataclass(frozen=True, slots=True)
class WelcomeBack(Message):
    """Somebody comes back with a pass (PROTOCOL §5b)."""

    type = "welcome-back"
    template = SERVER + "Hola de nuevo, {name}."
    name: str


@dataclass(frozen=True, slots=True)
class Pass(Message):
    """A pass, which brings its farmer back.  It is only data, so nobody sees it as a line.

    ``seconds``: how long it works after the connection is lost.
    """

    type = "pass"
    template = ""
    silent = True
    renamed = {"secret": "pass"}
    secret: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Ready(Message):
    """The listener is in the chat now (or, later: their declaration is stored)."""

    type = "ready"
    template = SERVER + "¡OK!"
    name: str


@dataclass(frozen=True, slots=True)
class NameRegistered(Message):
    type = "registered"
    template = SERVER + "{name}, tu nombre quedó registrado."
    name: str


@dataclass(frozen=True, slots=True)
class MessageOfTheDay(Message):
    type = "motd"
    template = SERVER + "{text}"
    text: str
