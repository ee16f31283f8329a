"""Every Spanish sentence that the terminal client says by itself."""

from __future__ import annotations

import socket
import ssl

from granja.client.arguments import Address

HELP = """\
Uso: granja [SERVIDOR[:PUERTO]] [opciones]

Conversa e intercambia artefactos en una granja. Sin SERVIDOR, entra en 127.0.0.1:5555.
Una dirección IPv6 va entre corchetes: granja [::1]:5555

Opciones:
  --tls             cifra la conexión
  --cafile ARCHIVO  confía solo en los certificados de ARCHIVO (PEM); implica --tls
  --history N       al entrar muestra las últimas N líneas de la charla (1 a 100)
  -h, --help        muestra esta ayuda
  --version         muestra la versión

Adentro, :help muestra los comandos, Tab completa comandos, personas y artefactos,
y :q o Ctrl-D salen. Con la entrada o la salida redirigida es un filtro:
  printf 'Ana\\n6\\nsi\\n:u\\n' | granja
"""

HOW_TO_LIST = "Escribe sus números, o el comienzo de un nombre y Tab para que se vuelva número."
HOW_TO_TALK = "Escribe y te leerán. Con :help ves los comandos, con Tab se completan, con :q sales."
HOW_TO_SWAP = "Con Tab en una línea vacía se escribe ese comando; con Enter se envía."
YOUR_TURN = "Para volver a entrar necesito que contestes tú."
NOT_SENT = "Todavía no hay conexión; tu línea sigue aquí y no se envió."
ENDED = "El servidor cerró la conexión."
NONE_SENT = "No se envió nada de lo que pegaste."
SILENT = "El servidor todavía no dice nada. Tal vez ahí se entra con --tls, o no es una granja."
NO_GRANJA = "El servidor cerró la conexión sin decir nada. Tal vez ahí se entra con --tls."
BROKEN = "Se cortó la conexión antes de terminar."
UNFINISHED = "La última línea no terminaba en un salto de línea, así que no se envió."
INTERRUPTED = "Interrumpido."

QUESTIONS = {
    "name": "nombre",
    "password": "contraseña",
    "artifacts": "artefactos",
    "confirm": "sí o no",
}
NO_CONNECTION = "sin conexión"
END_OF_MISSED = "── hasta aquí lo que te perdiste ──"


def missed(count: int) -> str:
    """The rule above what was said while the person was away."""
    return f"── mientras no estabas: {count} {'línea' if count == 1 else 'líneas'} ──"


def back(name: str) -> str:
    return f"Conexión recuperada; vuelvo a entrar como {name}." if name else "Conexión recuperada."


def dropped(seconds: float) -> str:
    """The connection dropped; the next attempt is ``seconds`` away."""
    return f"Se cortó la conexión. Vuelvo a intentarlo en {_whole(seconds)}."


def still_away(why: str, seconds: float) -> str:
    return f"{why} Vuelvo a intentarlo en {_whole(seconds)}."


def no_history(path: str, error: OSError) -> str:
    return f"No puedo guardar el historial en {path}: {_reason(error)}."


def no_output(error: BaseException | None) -> str:
    return f"No puedo escribir la salida: {_reason(error)}."


def explain(error: Exception, address: Address) -> str:
    """One sentence about why we could not reach ``address``."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"No confío en el certificado de {address}: {_distrust(error, address)}."
    if isinstance(error, ssl.SSLError):
        return f"{address} no habla TLS como se espera; tal vez ahí se entra sin --tls."
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"No encuentro el servidor {address.host}. ¿Está bien escrito y hay red?"
    if isinstance(error, TimeoutError):
        return f"{address} no responde."
    if isinstance(error, ConnectionRefusedError):
        return f"No hay ninguna granja en {address}. ¿Está encendido el servidor?"
    if isinstance(error, ConnectionError | EOFError):
        return f"{address} cerró la conexión."
    if isinstance(error, OSError) and error.errno is None:  # asyncio tried several addresses
        return f"No pude conectarme a {address} por ninguna de sus direcciones."
    return f"No pude conectarme a {address}: {_reason(error)}."


def unreadable(path: str, error: Exception) -> str:
    """The file of ``--cafile`` cannot be used."""
    if isinstance(error, ssl.SSLError):
        return f"{path} no tiene certificados en formato PEM."
    return f"No puedo leer {path}: {_reason(error)}."


_DISTRUST = {
    9: "todavía no es válido",
    10: "está vencido",
    18: "está firmado por sí mismo; si es el de tu granja, indícalo con --cafile",
    19: "lo firmó una autoridad desconocida; si es la de tu granja, indícala con --cafile",
    20: "lo firmó una autoridad desconocida; si es la de tu granja, indícala con --cafile",
    21: "lo firmó una autoridad desconocida; si es la de tu granja, indícala con --cafile",
}
_OTHER_NAME = (62, 64)


def many_lines(count: int) -> str:
    """The question before we send a paste of ``count`` lines."""
    return f"Pegaste {count} líneas. ¿Las envío todas? (Sí/No)"


def _distrust(error: ssl.SSLCertVerificationError, address: Address) -> str:
    if error.verify_code in _OTHER_NAME:
        return f"es de otro servidor, no de {address.host}"
    return _DISTRUST.get(error.verify_code, error.verify_message)


def _reason(error: BaseException | None) -> str:
    reasons: dict[type[BaseException | None], str] = {
        FileNotFoundError: "no existe",
        PermissionError: "no tengo permiso",
        IsADirectoryError: "es una carpeta",
        NotADirectoryError: "no es una carpeta",
    }
    strerror = getattr(error, "strerror", None)
    return reasons.get(type(error)) or strerror or str(error) or type(error).__name__


def _whole(seconds: float) -> str:
    count = max(1, round(seconds))
    return "1 segundo" if count == 1 else f"{count} segundos"
