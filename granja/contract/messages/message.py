"""A message: one line for one listener, and the same as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from string import Formatter
from typing import Any, ClassVar

from granja.contract.catalog import Artifact

SERVER = "[SERVER] "


@dataclass(frozen=True, slots=True)
class Message:
    """One line for one listener.

    ``type``: its name in the data.  ``template``: its sentence, with its fields in braces.
    """

    type: ClassVar[str]
    template: ClassVar[str]
    #: Whether it is only data, without a line.
    silent: ClassVar[bool] = False
    #: Fields with another name in the data, because Python reserves that word.
    renamed: ClassVar[dict[str, str]] = {}
    #: Fields that only the line needs.
    unsaid: ClassVar[frozenset[str]] = frozenset()

    def line(self) -> str:
        kind = type(self)
        say = _SENTENCES.get(kind)
        if say is None:
            say = _SENTENCES[kind] = _sentence(kind)
        return say(self)

    def data(self) -> dict[str, Any]:
        names = [field.name for field in fields(self) if field.name not in self.unsaid]
        values = {self.renamed.get(name, name): as_data(getattr(self, name)) for name in names}
        line = {} if self.silent else {"line": self.line()}
        return {"type": self.type, **values, **line}


_SENTENCES: dict[type[Message], Callable[[Any], str]] = {}


def _sentence(kind: type[Message]) -> Callable[[Any], str]:
    """A function that makes the line for messages of one kind.

    It shows an artifact by its name.  A list must be the only value of its sentence.  We make the
    function once for each kind, because it is slow to look at the fields' types for each message.
    """
    types = {field.name: field.type for field in fields(kind)}
    said = [name for _, name, _, _ in Formatter().parse(kind.template) if name is not None]
    if not said:
        return lambda message: kind.template
    values = attrgetter(*(f"{n}.name" if types[n] == "Artifact" else n for n in said))
    say = kind.template.format_map(dict.fromkeys(said, "{}")).format
    if len(said) > 1:
        return lambda message: say(*values(message))
    spell = _SPELLED.get(str(types[said[0]]), str)
    return lambda message: say(spell(values(message)))


def spell_artifacts(artifacts: Iterable[Artifact]) -> str:
    """``Ancla, Disco raro``; ``(ninguno)`` for an empty list."""
    return ", ".join([artifact.name for artifact in artifacts]) or "(ninguno)"


#: How we show a list, by its field's type.
_SPELLED: dict[str, Callable[[Any], str]] = {
    "tuple[Artifact, ...]": spell_artifacts,
    "tuple[str, ...]": ", ".join,
}


def as_data(value: object) -> object:
    """A field of a message as data for JSON: an artifact becomes an object, a tuple a list."""
    if is_dataclass(value):
        return {field.name: as_data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [as_data(part) for part in value]
    return value
