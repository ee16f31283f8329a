"""What somebody hears between the connection and the chat."""

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
    """Whether nobody should see what is typed there."""
    return question is not None and question.question == ASK_PASSWORD.question


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    type = "welcome"
    template = "¡Bienvenid@ al chat de Granjerxs!"


@dataclass(frozen=True, slots=True)
class WelcomeBack(Message):
    """Somebody has come back with a pass (PROTOCOL §5b)."""

    type = "welcome-back"
    template = SERVER + "Hola de nuevo, {name}."
    name: str


@dataclass(frozen=True, slots=True)
class Pass(Message):
    """What brings its bearer back as whom they are: data only, so that nobody reads it aloud.

    ``seconds``: for how long it serves after the connection has dropped.
    """

    type = "pass"
    template = ""
    silent = True
    renamed = {"secret": "pass"}
    secret: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Ready(Message):
    """The listener is in the chat from here on (or, later, their declaration was taken)."""

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
