"""The command line of ``granja``: where to connect, and how."""

from __future__ import annotations

import getopt
from collections.abc import Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"
PORT = 5555
MOST_HISTORY = 100
"""The most lines that a server shows (PROTOCOL §3)."""

_OPTIONS = ["help", "version", "tls", "cafile=", "history="]


class UsageMistake(Exception):
    """The command line makes no sense.  The text is a whole Spanish sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """``host``: a name or an IP address; IPv6 has no brackets here."""

    host: str = HOST
    port: int = PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Arguments:
    """``action``: ``talk``; or ``help`` or ``version``, which need nothing else.

    ``cafile``: a PEM file with the only authorities to trust; empty for the system's.
    ``history``: lines of earlier talk to show on joining.
    """

    address: Address = Address()
    tls: bool = False
    cafile: str = ""
    action: str = "talk"
    history: int = 0


def parse(argv: Sequence[str]) -> Arguments:
    """Read the words after the program's name.

    :raises UsageMistake: with the sentence for the person who typed them.
    """
    try:
        options, places = getopt.gnu_getopt(list(argv), "h", _OPTIONS)
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
    tls = "--tls" in given or "--cafile" in given
    return Arguments(address, tls, cafile, history=_history(given.get("--history", "0")))


def _history(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:9]) > MOST_HISTORY or len(text) > 9:
        raise UsageMistake(f"--history lleva un número del 1 al {MOST_HISTORY}, no «{text}».")
    return int(text)


def parse_address(text: str) -> Address:
    """Read ``HOST``, ``HOST:PORT``, ``[IPV6]`` or ``[IPV6]:PORT``.

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
        what = "número" if error.opt == "history" else "archivo"
        return f"A {option} le falta su {what}."
    if "must not have an argument" in error.msg:
        return f"{option} no lleva ningún valor."
    return f"No conozco la opción {option}. Con --help se ven las que hay."
