"""``/contract.json``: what the page knows about the contract, made from the command table.

The page does not repeat any command's word, emoticon or limit.  It asks for a command by what it
does in the farm (``talk.whisper``), and finds the word here.
"""

from __future__ import annotations

from typing import Any, Protocol

from granja.contract.commands import FOR_ALL, Command
from granja.contract.errors import PASSWORD_CHARACTERS
from granja.text.names import MAX_BYTES, MAX_CHARACTERS


class Limits(Protocol):
    """``artifacts``: the most that one farmer may declare.  ``lifetime``: seconds of an offer."""

    @property
    def artifacts(self) -> int: ...
    @property
    def lifetime(self) -> float: ...


class Settings(Protocol):
    """``max_line``: bytes of a line without its end.  ``declare_once``: see PROTOCOL §5,
    ``once``."""

    @property
    def max_line(self) -> int: ...
    @property
    def declare_once(self) -> bool: ...
    @property
    def limits(self) -> Limits: ...


class _Witness:
    """Takes the place of the farm, and notes which room's method a row calls, with which values."""

    def __init__(self, name: str = "") -> None:
        self._name = name
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> _Witness:
        room = _Witness(f"{self._name}.{name}".lstrip("."))
        room.asked = self.asked
        return room

    def __call__(self, *values: Any) -> None:
        self.asked.append((self._name, values))


def deed_of(command: Command) -> tuple[str, tuple[Any, ...]]:
    """What a row does, such as ``talk.whisper``, and the values after the farmer.

    :raises ValueError: when the row does more than one thing, or nothing.
    """
    farm, me = _Witness(), object()
    command.run(farm, me, *command.arguments)
    if len(farm.asked) != 1:
        raise ValueError(f"{command.word} does not do one thing")
    [(deed, (_, *values))] = farm.asked
    return deed, tuple(values)


def language(settings: Settings) -> dict[str, Any]:
    """The content of ``contract.json``.

    ``commands``: the rows of the table.  ``deeds``: what they do, with the word for it.
    ``emoticons``: the words that say a face.  ``secrets``: the words before a secret.  ``limits``:
    in characters (NFC), in bytes (``line``, ``name_bytes``) and in pieces (``artifacts``).
    ``offer_lifetime``: in seconds.
    """
    deeds = {row.word: deed_of(row) for row in FOR_ALL}
    faces = [
        {"word": word, "face": values[0]}
        for word, (deed, values) in deeds.items()
        if values and isinstance(values[0], str)
    ]
    said = {face["word"] for face in faces}
    return {
        "commands": [_row(row) for row in FOR_ALL],
        "deeds": {deed: word for word, (deed, _) in deeds.items() if word not in said},
        "emoticons": faces,
        "secrets": [row.word for row in FOR_ALL if any(a.kind == "secret" for a in row.arguments)],
        "limits": {
            "line": settings.max_line,
            "name": MAX_CHARACTERS,
            "name_bytes": MAX_BYTES,
            "password": list(PASSWORD_CHARACTERS),
            "artifacts": settings.limits.artifacts,
        },
        "declare_once": settings.declare_once,
        "offer_lifetime": settings.limits.lifetime,
    }


def _row(command: Command) -> dict[str, Any]:
    return {
        "word": command.word,
        "aliases": list(command.aliases),
        "usage": command.usage,
        "summary": command.summary,
        "arguments": [argument.kind for argument in command.arguments],
    }
