"""A refusal: what a farmer reads after a mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar


class GranjaError(Exception):
    """A refusal.  ``prefix`` and ``sentence`` are what the farmer reads."""

    prefix: ClassVar[str] = "Error: "
    sentence: ClassVar[str] = "algo falló de nuestro lado; ya quedó anotado."

    def explain(self, name_of: Callable[[int], str] = str) -> str:
        """The sentence with its values.  ``name_of`` gives the name for an artifact's number."""
        values = dict(vars(self))
        if "artifact" in values:
            values["artifact"] = name_of(values["artifact"])
        return self.prefix + self.sentence.format_map(values)

    def __str__(self) -> str:
        return self.explain()


class ConfigurationError(Exception):
    """The operator asks for something impossible.  The text is the whole explanation."""
