"""The command line of ``granja``: where to go, and how."""

from __future__ import annotations

import getopt
from collections.abc import Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"
PORT = 5555


class UsageMistake(Exception):
    """The command line makes no sense; the text is a whole Spanish sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """``host``: a name or an IP address, IPv6 without its brackets."""

    host: str = HOST
    port: int = PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Arguments:
    """``action``: ``talk``, or ``help`` or ``version``, which need nothing else.

    ``cafile``: the PEM file of the only authorities to trust, empty for the system's.
    """

    address: Address = Address()
    tls: bool = False
    cafile: str = ""
    action: str = "talk"


def parse(argv: Sequence[str]) -> Arguments:
    """The words after the program's name.

    :raises UsageMistake: with the sentence for whoever typed them.
    """
    try:
        options, places = getopt.gnu_getopt(list(argv), "h", ["help", "version", "tls", "cafile="])
    except getopt.GetoptError as error:
        raise UsageMistake(_option_mistake(error)) from None
    given = dict(options)
    for action in ("help", "version"):
        if f"--{action}" in given or (action == "help" and "-h" in given):
            return Arguments(action=action)
    if len(places) > 1:
        raise UsageMistake(f"Sobra «{places[1]}»: solo se puede entrar en un servidor a la vez.")
    address = parse_address(places[0]) if places else Address()
    cafile = given.get("--cafile", "")
    return Arguments(address, "--tls" in given or "--cafile" in given, cafile)


def parse_address(text: str) -> Address:
    """``HOST``, ``HOST:PORT``, ``[IPV6]`` or ``[IPV6]:PORT``.

    :raises UsageMistake: for anything else.
    """
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageMistake(f"No entiendo la dirección {text}. Ejemplo: [::1]:{PORT}")
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = text.partition(":")
        if ":" in port:
            raise UsageMistake(f"Una dirección IPv6 va entre corchetes: [{text}]:{PORT}")
    if not host or any(c.isspace() or not c.isprintable() for c in host):
        raise UsageMistake(f"Falta el nombre del servidor en «{text}». Ejemplo: {HOST}:{PORT}")
    return Address(host, _port(port) if colon else PORT)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= 65535 or len(text) > 9:
        raise UsageMistake(f"El puerto debe ser un número del 1 al 65535, no «{text}».")
    return int(text)


def _option_mistake(error: getopt.GetoptError) -> str:
    option = f"--{error.opt}" if len(error.opt) > 1 else f"-{error.opt}"
    if "requires argument" in error.msg:
        return f"A {option} le falta su archivo."
    if "must not have an argument" in error.msg:
        return f"{option} no lleva ningún valor."
    return f"No conozco la opción {option}. Con --help se ven las que hay."
