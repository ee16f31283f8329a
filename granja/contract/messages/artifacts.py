"""What a farmer holds, and the names in the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from granja.contract.catalog import Artifact, Catalog
from granja.contract.messages.message import SERVER, Message


@dataclass(frozen=True, slots=True)
class Inventory(Message):
    type = "inventory"
    template = SERVER + "Tus artefactos son: {artifacts}"
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class ArtifactIs(Message):
    type = "artifact"
    template = SERVER + "El artefacto es: {artifact}"
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class CatalogEntry(Message):
    type = "catalog"
    template = SERVER + "{number}: {artifact}"
    artifact: Artifact

    def line(self) -> str:
        return self.template.format(number=self.artifact.id, artifact=self.artifact.name)


def inventory(numbers: Sequence[int], catalog: Catalog) -> tuple[Artifact, ...]:
    """The artifacts of these numbers, sorted; two copies give two entries."""
    return tuple(catalog.describe(number) for number in sorted(numbers))
