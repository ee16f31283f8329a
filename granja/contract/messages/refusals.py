"""Refusals, and the lines of the help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from granja.contract.catalog import Catalog
from granja.contract.errors import GranjaError
from granja.contract.messages.message import SERVER, Message, as_data


@dataclass(frozen=True, slots=True)
class HelpEntry(Message):
    type = "help"
    template = SERVER + "{usage} — {summary}"
    usage: str
    summary: str


@dataclass(frozen=True, slots=True)
class Failure(Message):
    """A refusal.  ``code``: the error's class name.  ``details``: its fields."""

    type = "error"
    template = SERVER + "{sentence}"
    code: str
    sentence: str
    details: tuple[tuple[str, object], ...] = ()

    def data(self) -> dict[str, Any]:
        details = {name: as_data(value) for name, value in self.details}
        return {**Message.data(self), "details": details}


def failure(error: GranjaError, catalog: Catalog) -> Failure:
    """The message for a refused line."""
    sentence = error.explain(lambda number: catalog.describe(number).name)
    details = tuple(
        (name, catalog.describe(value) if name == "artifact" else value)
        for name, value in vars(error).items()
    )
    return Failure(type(error).__name__, sentence, details)
