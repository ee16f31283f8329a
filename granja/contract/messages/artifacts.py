"""What one holds, and what the catalog says of an artifact."""

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
    """Numbers as artifacts, in the catalog's order; two copies are there twice."""
    return tuple(catalog.describe(number) for number in sorted(numbers))
