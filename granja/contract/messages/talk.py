"""What people say, who hears it, and whom a farmer ignores."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.messages.message import SERVER, Message


@dataclass(frozen=True, slots=True)
class Said(Message):
    type = "said"
    template = "{speaker}: {text}"
    renamed = {"speaker": "from"}
    speaker: str
    text: str

    def line(self) -> str:
        return f"{self.speaker}: {self.text}"  # The same as the template, but faster.


@dataclass(frozen=True, slots=True)
class Whispered(Message):
    type = "whispered"
    template = "{speaker} te susurra: {text}"
    renamed = {"speaker": "from"}
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Acted(Message):
    """``:yo``.  Nothing else that people hear begins with ``* `` (PROTOCOL §3)."""

    type = "action"
    template = "* {speaker} {text}"
    renamed = {"speaker": "from"}
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class LastLines(Message):
    """``:historial``: how many lines follow."""

    type = "history"
    template = SERVER + "{sentence}"
    count: int

    def line(self) -> str:
        one = self.count == 1
        sentence = "La última línea:" if one else f"Las últimas {self.count} líneas:"
        return self.template.format(sentence=sentence)


@dataclass(frozen=True, slots=True)
class SaidBefore(Message):
    """A line of ``:historial``.  ``when``: the time as we show it."""

    type = "said-before"
    template = "[{when}] {speaker}: {text}"
    renamed = {"speaker": "from"}
    when: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class ActedBefore(Message):
    """A line of ``:historial`` that was said with ``:yo``."""

    type = "action-before"
    template = "[{when}] * {speaker} {text}"
    renamed = {"speaker": "from"}
    when: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Arrived(Message):
    type = "arrived"
    template = SERVER + "Cliente {name} conectado."
    name: str


@dataclass(frozen=True, slots=True)
class Departed(Message):
    type = "left"
    template = SERVER + "{name} desconectado."
    name: str


@dataclass(frozen=True, slots=True)
class Missed(Message):
    """A slow reader has missed lines."""

    type = "missed"
    template = SERVER + "Te perdiste {count} {noun}."
    count: int

    def line(self) -> str:
        noun = "línea" if self.count == 1 else "líneas"
        return self.template.format(count=self.count, noun=noun)


@dataclass(frozen=True, slots=True)
class Here(Message):
    type = "here"
    template = SERVER + "Usuarios conectados: {names}"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ignored(Message):
    type = "ignored"
    template = SERVER + "Ya no escuchas a {name}."
    name: str


@dataclass(frozen=True, slots=True)
class HeardAgain(Message):
    type = "heard-again"
    template = SERVER + "Escuchas a {name} otra vez."
    name: str


@dataclass(frozen=True, slots=True)
class Ignoring(Message):
    """``:ignorar`` without a name."""

    type = "ignoring"
    template = SERVER + "No escuchas a: {names}"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Announced(Message):
    """``:anunciar``: everybody hears it."""

    type = "announcement"
    template = SERVER + "Aviso: {text}"
    text: str
