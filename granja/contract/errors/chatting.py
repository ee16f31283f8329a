"""Commands that we cannot obey (PROTOCOL §3)."""

from __future__ import annotations

from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError


@dataclass(eq=False)
class UnknownCommand(GranjaError):
    word: str
    sentence = "comando desconocido: {word}. Escribe :help para ver los comandos."


@dataclass(eq=False)
class Nobody(GranjaError):
    """Nobody in the chat and no registered farmer has this name."""

    name: str
    sentence = "no hay nadie con el nombre {name}."


class IgnoresOneself(GranjaError):
    sentence = "no puedes ignorarte."


@dataclass(eq=False)
class NotIgnored(GranjaError):
    name: str
    sentence = "no estabas ignorando a {name}."


class NoHistory(GranjaError):
    """The operator has set ``--history 0``."""

    prefix = ""
    sentence = "Esta granja no guarda lo que se dice."


class NothingSaid(GranjaError):
    prefix = ""
    sentence = "Todavía no se dijo nada."


@dataclass(eq=False)
class WrongArguments(GranjaError):
    """``usage``: the command's usage, from its row in the table."""

    usage: str
    prefix = "Uso: "
    sentence = "{usage}"


@dataclass(eq=False)
class NobodyCalled(GranjaError):
    name: str
    sentence = "no hay nadie conectado con el nombre {name}."


@dataclass(eq=False)
class NotDelivered(GranjaError):
    """They are at another node (PROTOCOL §8)."""

    name: str
    sentence = "no se pudo entregar a {name}; inténtalo en un momento."
