"""The catalog: which artifacts there are, with their numbers and names."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from granja.contract.errors import ConfigurationError
from granja.contract.ids import ArtifactId

#: The highest number that an artifact may have.
LAST: Final = 999_999_999


@dataclass(frozen=True, slots=True)
class Artifact:
    """One thing that the museum collects."""

    id: ArtifactId
    name: str


class Catalog(Mapping[int, Artifact]):
    """The artifacts by number, in the order of their numbers.

    ``edition`` counts how often :meth:`become` has changed it.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        self._artifacts = {n: Artifact(ArtifactId(n), names[n]) for n in sorted(names)}
        self.edition = 0

    @property
    def first(self) -> int:
        """The lowest number."""
        return next(iter(self._artifacts))

    @property
    def last(self) -> int:
        """The highest number."""
        return next(reversed(self._artifacts))

    def become(self, other: Catalog) -> None:
        """Take the artifacts of another catalog, for everybody who has this one."""
        if other._artifacts != self._artifacts:
            self._artifacts = other._artifacts
            self.edition += 1

    @classmethod
    def parse(cls, text: str, source: str = "catalog") -> Catalog:
        """Read the JSON object ``{"1": "Rollo enano I", …}``.

        :raises ConfigurationError: with one sentence that names ``source`` and what is wrong.
        """
        try:
            entries = json.loads(text, object_pairs_hook=_no_repeats)
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{source} is not a catalog: {error}") from None
        if not isinstance(entries, dict) or not entries:
            raise ConfigurationError(f"{source} is not a catalog: it must be a non-empty object")
        return cls({_number(k, source): _name(k, v, source) for k, v in entries.items()})

    def describe(self, number: int) -> Artifact:
        """The artifact; also for a number that the operator has taken out of the catalog."""
        known = self._artifacts.get(number)
        return known or Artifact(ArtifactId(number), f"artefacto n.º {number}")

    def __getitem__(self, number: int) -> Artifact:
        return self._artifacts[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._artifacts)

    def __len__(self) -> int:
        return len(self._artifacts)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a number stands in it twice")
    return entries


def _number(key: str, source: str) -> int:
    if not (key.isascii() and key.isdigit()) or key.startswith("0") or len(key) > 9:
        raise ConfigurationError(
            f"{source} is not a catalog: {key!r} is not a whole number from 1 to 999999999"
        )
    return int(key)


def _name(key: str, value: object, source: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ConfigurationError(
            f"{source} is not a catalog: artifact {key} must have a name of printable characters"
        )
    return unicodedata.normalize("NFC", value.strip())
